"""Intervals: every exact result lies inside, and where it can be said, both ends occur."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil, floor, trunc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hlsgen.ir.interval import Interval, aligned, hull
from hlsgen.ir.types import FixedType, Overflow, Rounding, wrap

many = settings(max_examples=150, deadline=None)
BIG = 2**70


def ints(shape, low: int = -60, high: int = 60):
    return hnp.arrays(np.int64, shape, elements=st.integers(low, high))


@st.composite
def intervals(draw, channels: int | None = None, big: bool = False) -> Interval:
    n = channels or draw(st.integers(1, 4))
    limit = BIG if big else 100
    ends = [sorted(draw(st.tuples(*[st.integers(-limit, limit)] * 2))) for _ in range(n)]
    dtype = object if big else np.int64
    low, high = (np.array([e[i] for e in ends], dtype=dtype) for i in (0, 1))
    return Interval(low, high, draw(st.integers(-3, 6)))


def corners(interval: Interval):
    """Every combination of ends, (samples, channels)."""
    return np.array(list(product(*zip(interval.low.tolist(), interval.high.tolist(), strict=True))), dtype=object)


def ends(interval: Interval) -> tuple[list[int], list[int]]:
    return interval.low.tolist(), interval.high.tolist()


def extremes(values) -> tuple[list[int], list[int]]:
    return values.min(axis=0).tolist(), values.max(axis=0).tolist()


fixed_types = st.builds(
    lambda w, i, s, r, o: FixedType(w, i, s if o is not Overflow.WRAP_SM else True, r, o),
    st.integers(1, 9),
    st.integers(-3, 9),
    st.booleans(),
    st.sampled_from(Rounding),
    st.sampled_from(Overflow),
)


@many
@given(st.data())
def test_matmul_is_tight(data):
    x = data.draw(intervals(big=data.draw(st.booleans())))
    w = data.draw(ints((x.channels, data.draw(st.integers(1, 3))), -9, 9))
    result = x.matmul(w, 2)
    assert result.frac == x.frac + 2
    assert ends(result) == extremes(corners(x) @ w.astype(object))


@many
@given(st.data())
def test_add_and_negate_are_tight(data):
    n = data.draw(st.integers(1, 3))
    big = data.draw(st.booleans())
    x, y = data.draw(intervals(n, big)), data.draw(intervals(n, big))
    total = x.add(y)
    frac = max(x.frac, y.frac)
    assert total.frac == frac
    for c in range(n):
        sums = [
            a * 2 ** (frac - x.frac) + b * 2 ** (frac - y.frac)
            for a in (int(x.low[c]), int(x.high[c]))
            for b in (int(y.low[c]), int(y.high[c]))
        ]
        assert (total.low[c], total.high[c]) == (min(sums), max(sums))
    assert ends(x.negate()) == ((-x.high).tolist(), (-x.low).tolist())


@many
@given(st.data())
def test_multiply_is_tight(data):
    n = data.draw(st.integers(1, 3))
    big = data.draw(st.booleans())
    x, y = data.draw(intervals(n, big)), data.draw(intervals(n, big))
    result = x.multiply(y)
    for c in range(n):
        products = [int(a) * int(b) for a in (x.low[c], x.high[c]) for b in (y.low[c], y.high[c])]
        assert (int(result.low[c]), int(result.high[c])) == (min(products), max(products))


@many
@given(x=intervals(), fixed=fixed_types)
def test_cast_holds_every_value(x, fixed):
    """Rounding and saturation are monotone; what wraps may land anywhere in the type."""
    result = x.cast(fixed)
    assert result.frac == fixed.frac
    for c in range(x.channels):
        every = np.arange(x.low[c], x.high[c] + 1)
        cast = fixed.cast(every, x.frac)
        assert result.low[c] <= cast.min() and cast.max() <= result.high[c]
        assert fixed.min_mantissa <= result.low[c] and result.high[c] <= fixed.max_mantissa


@many
@given(x=intervals(), width=st.integers(2, 9), integer=st.integers(-3, 9), rounding=st.sampled_from(Rounding))
def test_cast_is_tight_where_it_is_monotone(x, width, integer, rounding):
    fixed = FixedType(width, integer, True, rounding, Overflow.SAT)
    result = x.cast(fixed)
    for c in range(x.channels):
        cast = fixed.cast(np.arange(x.low[c], x.high[c] + 1), x.frac)
        assert (result.low[c], result.high[c]) == (cast.min(), cast.max())


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("signed", [True, False])
def test_cast_at_the_edge_of_every_overflow_mode(overflow, signed):
    """One step beyond the end, and rounding that carries over it."""
    if overflow is Overflow.WRAP_SM and not signed:
        pytest.skip("there is no such type")
    fixed = FixedType(4, 4, signed, Rounding.RND, overflow)
    for low, high, frac in (
        (fixed.min_mantissa, fixed.max_mantissa + 1, 0),
        (0, 2 * fixed.max_mantissa + 1, 1),
        (-40, 40, 1),
    ):
        x = Interval(np.array([low]), np.array([high]), frac)
        cast = fixed.cast(np.arange(low, high + 1), frac)
        result = x.cast(fixed)
        assert result.low[0] <= cast.min() and cast.max() <= result.high[0]


def test_wrapping_gives_the_whole_type_and_fitting_does_not():
    fixed = FixedType(4, 4)
    assert ends(Interval(np.array([-3]), np.array([5]), 0).cast(fixed)) == ([-3], [5])
    assert ends(Interval(np.array([-3]), np.array([8]), 0).cast(fixed)) == ([-8], [7])
    assert wrap(np.array([8]), 4, True)[0] == -8


HALF = Fraction(1, 2)
ROUNDED = {
    Rounding.TRN: floor,
    Rounding.TRN_ZERO: trunc,
    Rounding.RND: lambda x: floor(x + HALF),
    Rounding.RND_MIN_INF: lambda x: ceil(x - HALF),
    Rounding.RND_ZERO: lambda x: ceil(x - HALF) if x > 0 else floor(x + HALF),
    Rounding.RND_INF: lambda x: floor(x + HALF) if x > 0 else ceil(x - HALF),
    Rounding.RND_CONV: round,
}
"""UG1399's quantisation modes in exact numbers."""


@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT_SYM])
@pytest.mark.parametrize("rounding", Rounding)
def test_fits_is_what_every_value_says(rounding, overflow):
    """Each value of each interval is rounded as a fraction, and must be one of the type: no carry is overlooked."""
    found = set()
    for width, integer, signed, finer in product((1, 2, 3), (-1, 2), (True, False), (-1, 0, 1, 2)):
        fixed = FixedType(width, integer, signed, rounding, overflow)
        step, reach = Fraction(2) ** -finer, int(Fraction(2) ** (width + finer)) + 2  # beyond both ends
        inside = {
            m: fixed.min_mantissa <= ROUNDED[rounding](m * step) <= fixed.max_mantissa for m in range(-reach, reach + 1)
        }
        for m in inside:
            for low, high in ((m, m), (min(m, 0), max(m, 0)), (-m, m) if m > 0 else (m, -m)):
                x = Interval(np.array([low]), np.array([high]), fixed.frac + finer)
                expected = all(inside[v] for v in range(low, high + 1))
                assert x.fits(fixed) == expected, (fixed, low, high, finer)
                found.add(expected)
    assert found == {True, False}


def test_fits_beyond_any_word():
    wide = FixedType(100, 20, True, Rounding.RND)
    edge = Interval(np.array([wide.min_mantissa], object), np.array([wide.max_mantissa], object), wide.frac)
    assert edge.fits(wide)
    assert not edge.add(Interval(np.array([0]), np.array([1]), wide.frac)).fits(wide)
    assert not edge.add(Interval(np.array([0]), np.array([1]), wide.frac + 1)).fits(wide), "the carry of half a step"
    assert not Interval(np.array([0]), np.array([2**2000], object), 0).fits(wide)


@many
@given(intervals(big=True))
def test_type_is_the_narrowest(x):
    fixed = x.type()
    assert fixed.holds(x.lowest, x.highest, x.frac)
    assert fixed.frac == x.frac
    assert fixed.signed == (x.lowest < 0)
    if fixed.width > 1:
        narrower = FixedType(fixed.width - 1, fixed.integer - 1, fixed.signed)
        assert not narrower.holds(x.lowest, x.highest, x.frac)


@many
@given(st.data())
def test_hull_and_alignment(data):
    n = data.draw(st.integers(1, 3))
    several = data.draw(st.lists(intervals(n), min_size=1, max_size=4))
    same = aligned(several)
    assert len({i.frac for i in same}) == 1
    for before, after in zip(several, same, strict=True):
        shift = after.frac - before.frac
        assert ends(after) == ((before.low * 2**shift).tolist(), (before.high * 2**shift).tolist())
    whole = hull(several)
    assert whole.low.tolist() == np.min([i.low for i in same], axis=0).tolist()
    assert whole.high.tolist() == np.max([i.high for i in same], axis=0).tolist()


@many
@given(ints((3, 2, 4)), st.integers(-2, 8))
def test_of_values_is_tight(values, frac):
    found = Interval.of_values(values, frac)
    assert ends(found) == extremes(values.reshape(-1, 4))


@pytest.mark.parametrize("text", ["fixed<8,3>", "ufixed<8,3>", "fixed<8,3,RND,SAT_SYM>", "ufixed<1,1>", "fixed<80,3>"])
def test_of_type_is_all_of_it(text):
    fixed = FixedType.parse(text)
    found = Interval.of_type(fixed, 3)
    assert ends(found) == ([fixed.min_mantissa] * 3, [fixed.max_mantissa] * 3)
    assert found.type().width == fixed.width if fixed.signed or fixed.width > 1 else True
    assert found.cast(fixed).whole() == found.whole()


def test_uniform_tiled_with_zero():
    x = Interval(np.array([1, -3]), np.array([5, -2]), 2)
    assert ends(x.uniform(3)) == ([-3] * 3, [5] * 3)
    assert ends(x.tiled(2)) == ([1, -3, 1, -3], [5, -2, 5, -2])
    assert ends(x.with_zero()) == ([0, -3], [5, 0])
    assert (x.channels, x.lowest, x.highest, x.whole()) == (2, -3, 5, (-3, 5))


def test_nothing_overflows_beyond_64_bits():
    x = Interval(np.array([-(2**62)]), np.array([2**62 - 1]), 0)
    assert ends(x.add(x)) == ([-(2**63)], [2**63 - 2])
    assert ends(x.multiply(x)) == ([-(2**62) * (2**62 - 1)], [2**124])
    assert ends(x.at(70)) == ([-(2**132)], [(2**62 - 1) << 70])
    assert ends(x.matmul(np.array([[2**40, -(2**40)]]), 0)) == (
        [-(2**102), -(2**40) * (2**62 - 1)],
        [2**40 * (2**62 - 1), 2**102],
    )
