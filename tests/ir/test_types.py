"""FixedType: parsing, ranges, and casts against the definition of each mode in rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hlsgen.errors import InputError, TypeSpecError
from hlsgen.ir.types import FixedType, Overflow, Rounding, bit_length, integers, to_float, wrap


@st.composite
def types(draw: st.DrawFn, widest: int = 80) -> FixedType:
    width = draw(st.integers(1, widest))
    signed = draw(st.booleans())
    modes = [o for o in Overflow if signed or o is not Overflow.WRAP_SM]
    overflow = draw(st.sampled_from(modes))
    bits = draw(st.integers(0, width)) if overflow in (Overflow.WRAP, Overflow.WRAP_SM) else 0
    return FixedType(width, draw(st.integers(-9, width + 9)), signed, draw(st.sampled_from(Rounding)), overflow, bits)


def rounded(value: Fraction, mode: Rounding) -> int:
    """Round to an integer by the words of the vendor's manual."""
    floor, ceiling = math.floor(value), math.ceil(value)
    if mode is Rounding.TRN:
        return floor
    if mode is Rounding.TRN_ZERO:
        return math.trunc(value)
    if value - floor != Fraction(1, 2):
        return round(value)
    ties = {
        Rounding.RND: ceiling,
        Rounding.RND_ZERO: math.trunc(value),
        Rounding.RND_INF: ceiling if value > 0 else floor,
        Rounding.RND_MIN_INF: floor,
        Rounding.RND_CONV: round(value),
    }
    return ties[mode]


def one(t: FixedType, mantissa: int, frac: int) -> int:
    return int(t.cast(np.array([mantissa], dtype=object), frac)[0])


@given(types(), st.integers(-(2**70), 2**70), st.integers(-9, 70))
def test_cast_rounds_then_fits(t: FixedType, mantissa: int, frac: int) -> None:
    exact = rounded(mantissa * Fraction(2) ** (t.frac - frac), t.rounding)
    result = one(t, mantissa, frac)
    assert t.plain().min_mantissa <= result <= t.max_mantissa
    if t.min_mantissa <= exact <= t.max_mantissa:
        assert result == exact
    elif t.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        assert result == (t.max_mantissa if exact > 0 else t.min_mantissa)
    elif t.overflow is Overflow.SAT_ZERO:
        assert result == 0
    elif t.overflow is Overflow.WRAP and t.saturation_bits == 0:
        assert (result - exact) % 2**t.width == 0


@given(types(), st.lists(st.integers(-(2**60), 2**60), max_size=20), st.integers(-9, 70))
def test_cast_of_many_is_the_cast_of_each(t: FixedType, mantissas: list[int], frac: int) -> None:
    together = t.cast(np.array(mantissas, dtype=object), frac)
    assert [int(v) for v in together] == [one(t, m, frac) for m in mantissas]
    as_int64 = t.cast(np.array(mantissas, dtype=np.int64), frac)
    assert [int(v) for v in as_int64] == [int(v) for v in together]


@given(types(40), st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_quantize_is_the_cast_of_the_exact_value(t: FixedType, x: float) -> None:
    assume(abs(x) < 2.0**200)
    numerator, denominator = x.as_integer_ratio()
    assert int(t.quantize(x)) == one(t, numerator, denominator.bit_length() - 1)


@given(types(64))
def test_values_of_the_type_stay(t: FixedType) -> None:
    for mantissa in (t.min_mantissa, t.max_mantissa, 0):
        assert one(t, mantissa, t.frac) == mantissa
        assert t.holds(mantissa, mantissa, t.frac)


@given(st.integers(-(2**90), 2**90), st.integers(-(2**90), 2**90), st.integers(-9, 90))
def test_covering_is_the_narrowest(a: int, b: int, frac: int) -> None:
    low, high = min(a, b), max(a, b)
    t = FixedType.covering(low, high, frac)
    assert t.holds(low, high, frac)
    assert t.signed == (low < 0)
    if t.width > 1:
        assert not FixedType(t.width - 1, t.integer - 1, t.signed).holds(low, high, frac)


@given(types(1024))
def test_spellings_are_read_back(t: FixedType) -> None:
    assert FixedType.parse(str(t)) == t
    assert FixedType.parse(t.cpp) == t


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        # +-2.5 and +-1.5 to integers: the table of UG1399 for every rounding mode.
        ("fixed<8,8,TRN,SAT>", "2.5 -2.5 1.5 -1.5", "2 -3 1 -2"),
        ("fixed<8,8,TRN_ZERO,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 1 -1"),
        ("fixed<8,8,RND,SAT>", "2.5 -2.5 1.5 -1.5", "3 -2 2 -1"),
        ("fixed<8,8,RND_ZERO,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 1 -1"),
        ("fixed<8,8,RND_INF,SAT>", "2.5 -2.5 1.5 -1.5", "3 -3 2 -2"),
        ("fixed<8,8,RND_MIN_INF,SAT>", "2.5 -2.5 1.5 -1.5", "2 -3 1 -2"),
        ("fixed<8,8,RND_CONV,SAT>", "2.5 -2.5 1.5 -1.5", "2 -2 2 -2"),
        # Overflow of four bits.
        ("fixed<4,4,TRN,SAT>", "7 8 -8 -9", "7 7 -8 -8"),
        ("fixed<4,4,TRN,SAT_SYM>", "7 8 -8 -9", "7 7 -7 -7"),
        ("ufixed<4,4,TRN,SAT_SYM>", "15 16 -1", "15 15 0"),
        ("fixed<4,4,TRN,SAT_ZERO>", "7 8 -8 -9", "7 0 -8 0"),
        ("fixed<4,4>", "7 8 -8 -9 23", "7 -8 -8 7 7"),
        ("ufixed<4,4>", "15 16 -1", "15 0 15"),
        # Saturation bits keep the sign and saturate the upper bits, the others wrap.
        ("fixed<4,4,TRN,WRAP,1>", "8 9 15 -9 -16", "0 1 7 -1 -8"),
        ("fixed<4,4,TRN,WRAP,2>", "8 11 -9 -16", "4 7 -5 -8"),
        ("fixed<4,4,TRN,WRAP,4>", "8 100 -9 -100", "7 7 -8 -8"),
        ("ufixed<4,4,TRN,WRAP,2>", "16 19 -1 -16", "12 15 15 12"),
        # Sign-magnitude wrap: mirrored, not cyclic.
        ("fixed<4,4,TRN,WRAP_SM>", "7 8 9 15 16 17", "7 7 6 0 -1 -2"),
        ("fixed<4,4,TRN,WRAP_SM,1>", "8 9 16 -9 -17", "7 6 0 -8 -1"),
        ("fixed<1,1,TRN,SAT_SYM>", "1 -1", "0 -1"),
    ],
)
def test_known_casts(target: str, value: str, expected: str) -> None:
    t = FixedType.parse(target)
    assert [int(v) for v in t.quantize([float(v) for v in value.split()])] == [int(v) for v in expected.split()]


def test_quantize_of_infinities_saturates_whatever_the_mode() -> None:
    for text in ("fixed<8,3>", "ufixed<8,3>", "fixed<8,3,TRN,SAT_ZERO>", "fixed<70,3>"):
        t = FixedType.parse(text)
        assert [int(v) for v in t.quantize([np.inf, -np.inf])] == [t.max_mantissa, t.min_mantissa]


def test_quantize_refuses_nan() -> None:
    with pytest.raises(InputError, match="NaN"):
        FixedType(8, 3).quantize([0.0, np.nan])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("float", "not a fixed-point type"),
        ("fixed<8>", "takes 2 to 5"),
        ("int<8,2>", "takes 1 to 1"),
        ("fixed<0,0>", "width 0"),
        ("fixed<8,x>", "not a whole number"),
        ("fixed<8,3,ROUND>", "did you mean|valid"),
        ("fixed<8,3,RND,SAT,2>", "saturation bits need WRAP"),
        ("fixed<8,3,RND,WRAP,9>", "do not fit width 8"),
        ("ufixed<8,3,RND,WRAP_SM>", "signed types only"),
        ("fixed<8,5000>", "integer bits"),
    ],
)
def test_misspelt_types_are_refused(text: str, reason: str) -> None:
    with pytest.raises(TypeSpecError, match=reason):
        FixedType.parse(text)


def test_ranges() -> None:
    t = FixedType.parse("ap_fixed<8,3,AP_RND,AP_SAT>")
    assert (t.frac, t.min, t.max, t.step) == (5, Fraction(-4), Fraction(127, 32), Fraction(1, 32))
    assert FixedType.parse("ufixed<4,6>").max == 60
    assert FixedType.parse("fixed<8,3,TRN,SAT_SYM>").min_mantissa == -127
    assert t.plain() == FixedType(8, 3)
    assert t.with_modes(Rounding.TRN, Overflow.WRAP) == FixedType(8, 3)


def test_integers_choose_their_storage() -> None:
    assert integers([1, 2]).dtype == np.int64
    assert integers(np.array([2**63], dtype=np.uint64)).dtype == object
    assert integers(np.array([2**80, 1], dtype=object)).dtype == object
    assert bit_length(integers([])) == 0
    assert wrap(integers([200, -1]), 8, signed=True).tolist() == [-56, -1]
    assert to_float([3, -5], 1).tolist() == [1.5, -2.5]
