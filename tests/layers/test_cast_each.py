"""CastEach: the steps by which all elements are cast alike, ranges, the types of what is around it."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import GraphError
from hlsgen.ir.arithmetic import shifted
from hlsgen.ir.demand import EVERYTHING
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Exact
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.layers.cast_each import BY_SIGN, OVERFLOWS, CastEach
from hlsgen.layers.dense import Dense
from hlsgen.layers.relu import Relu
from tests.circuits import check_circuit
from tests.ladder.by_hand import Hand
from tests.ladder.test_kernels import exactly, own_types

MODES = [(rounding, overflow) for rounding in Rounding for overflow in sorted(OVERFLOWS, key=str)]
SOURCES = ["fixed<9,3>", "ufixed<8,5>", "fixed<6,9>", "fixed<7,-2>", "fixed<1,1>", "ufixed<1,0>"]


def by_steps(layer: CastEach, x: Ints, source: FixedType) -> Exact:
    """What kernels and circuits compute."""
    steps = layer.steps(source)
    v = shifted(x.astype(object), steps.type.frac - source.frac)
    add = steps.add
    if steps.odd is not None:
        add = np.where(v & steps.odd > 0, steps.other, add)
    elif layer.rounding in BY_SIGN:
        add = np.where(v < 0, steps.other, add)
    kept = (v + add) & steps.mask
    found = kept - steps.low if steps.high is None else np.clip(kept, steps.low, steps.high)
    for numbers in (v, v + add, kept, found):
        assert steps.type.holds(int(numbers.min()), int(numbers.max()), steps.type.frac)
    return Exact(found, steps.type.frac)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("rounding", "overflow"), MODES, ids=str)
def test_steps_are_the_cast_of_each(source: str, rounding: Rounding, overflow: Overflow) -> None:
    """Every value of a type, in 60 types of elements; and each result is in the range that is proved."""
    layer, fixed = own_types(Hand(), (60,), rounding, overflow), FixedType.parse(source)
    every = np.arange(fixed.min_mantissa, fixed.max_mantissa + 1)
    x = np.repeat(every[:, None], 60, axis=1)
    right, frac = layer.exact([Exact(x, fixed.frac)])
    for channel, (width, bits, sign) in enumerate(zip(layer.widths, layer.fracs, layer.signs, strict=True)):
        expected = np.zeros(len(every), dtype=object)
        if width and not (overflow is Overflow.SAT_SYM and width == sign == 1):
            own = FixedType(int(width), int(width - bits), bool(sign), rounding, overflow)
            expected = shifted(own.cast(every, fixed.frac).astype(object), frac - own.frac)
        np.testing.assert_array_equal(right[:, channel], expected)
    found = by_steps(layer, x, fixed)
    finest = max(frac, found.frac)
    np.testing.assert_array_equal(shifted(found.mantissas, finest - found.frac), shifted(right, finest - frac))
    reached = layer.interval([Interval.of_type(fixed, 60)], [(60,)])
    assert (reached.low <= right.min(axis=0)).all() and (right.max(axis=0) <= reached.high).all()
    assert (reached.low == right.min(axis=0)).all() or overflow is Overflow.WRAP, "both ends are reached"


@pytest.mark.parametrize(("rounding", "below"), [(Rounding.TRN, 0), (Rounding.RND, 1)])
@pytest.mark.parametrize("overflow", sorted(OVERFLOWS, key=str))
def test_what_it_can_tell_apart(rounding: Rounding, below: int, overflow: Overflow) -> None:
    """Values that are the same by what is wanted of them have the same results."""
    layer, fixed = own_types(Hand(), (60,), rounding, overflow), FixedType.parse("fixed<16,6>")
    demand = layer.wanted(Casts(None, None), EVERYTHING)
    assert demand.frac == layer.finest + below
    x = np.random.default_rng(0).integers(fixed.min_mantissa, fixed.max_mantissa, (500, 60))
    same = x >> (fixed.frac - demand.frac) << (fixed.frac - demand.frac)
    if demand.low is not None and demand.high is not None:
        same = np.clip(same, int(demand.low * 2**fixed.frac), int(demand.high * 2**fixed.frac))
    results = [layer.exact([Exact(v, fixed.frac)]).mantissas for v in (x, same)]
    np.testing.assert_array_equal(*results)


def test_a_sum_behind_it_is_as_wide_as_its_elements_need() -> None:
    """The range of each element counts: of the common type's, the sum would have four bits more."""
    widths, fracs = np.array([8, 2, 2, 2, 2, 2, 2, 2]), np.array([4, 4, 4, 4, 4, 4, 4, 4])
    h = Hand()
    y = h.add(CastEach(widths, fracs, np.ones(8, dtype=int)), h.input((8,), "fixed<12,6>"), inner=True)
    h.add(Dense(h.constant("ufixed<1,1>", 8, 1), h.constant("ufixed<1,1>", 1)), y)
    assert h.project().design.outputs[0].type.width <= 9


def test_circuits_read_numbers_from_memories() -> None:
    h = Hand()
    h.add(own_types(h, (4, 3), Rounding.RND, Overflow.WRAP), h.input((4, 3), "fixed<9,4>"))
    h.add(own_types(h, (4, 3), Rounding.RND_CONV, Overflow.SAT), h.input((4, 3), "ufixed<7,3>"))
    check_circuit(h.project(backend="verilog"), h.data(), ((0.4, 0.6, 1),))


def test_other_modes_and_shapes_are_refused() -> None:
    ones = np.ones(3, dtype=int)
    with pytest.raises(ValueError, match="elements with types of their own cannot have SAT_ZERO"):
        CastEach(ones, ones, ones, Rounding.RND, Overflow.SAT_ZERO)
    with pytest.raises(ValueError, match="widths from -1 to -1 bits"):
        CastEach(-ones, ones, ones)
    with pytest.raises(ValueError, match="1000 fraction bits, expected at most 256"):
        CastEach(ones, 1000 * ones, ones)
    h = Hand()
    with pytest.raises(GraphError, match=r"'fracs' has shape \(2,\), expected \(3,\)"):
        h.add(CastEach(ones, ones[:2], ones), h.input((3,), "fixed<8,4>"))


@pytest.mark.parametrize("overflow", sorted(OVERFLOWS, key=str))
@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_overflows_are_counted_by_element(shape: tuple[int, ...], overflow: Overflow) -> None:
    h = Hand()
    layer = own_types(h, shape, Rounding.RND, overflow)
    x = h.input((4, 3), "fixed<9,4>")
    h.add(layer, h.add(Relu(exactly(-0.5)), x, inner=True))
    project, data = h.project(), h.data(60)
    values = np.where(data < 0, -data / 2, data)
    count = 0
    tables = (np.broadcast_to(table, (4, 3)) for table in (layer.widths, layer.fracs, layer.signs))
    for place, (width, frac, sign) in zip(np.ndindex(4, 3), zip(*(t.flat for t in tables), strict=True), strict=True):
        if width and not (overflow is Overflow.SAT_SYM and width == sign == 1):
            own = FixedType(int(width), int(width - frac), bool(sign), Rounding.RND, overflow)
            rounded = np.floor(values[:, *place] * 2.0**frac + 0.5)
            count += int(((rounded < own.min_mantissa) | (rounded > own.max_mantissa)).sum())
    assert count > 20, "a test that could not fail"
    project.predict(data, count_overflows=True)
    assert project.overflows.total == count
    assert "each its own" in str(project.overflows)
