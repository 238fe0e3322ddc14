"""Layers that compute each element by itself: rectifiers, tables of functions, steps, scales, casts."""

from __future__ import annotations

from functools import partial

from hlsgen.backends.verilog.casts import Number, aligned, cast
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import elementwise, pipeline
from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.layers.cast_each import CastEach, Steps
from hlsgen.layers.convert import Convert
from hlsgen.layers.gate import Gate
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.table import Table
from hlsgen.layers.thresholds import Thresholds


@core_of(Convert)
def convert(layer: Convert, op: Op, place: Place) -> Core:
    return elementwise(op, place, lambda logic, x: x)


@core_of(CastEach)
def cast_each(layer: CastEach, op: Op, place: Place) -> Core:
    """A lane with one type is a cast to it; of others, the numbers of each element come from a memory."""
    steps = layer.steps(place.x.type)
    kinds = layer.kinds[1].reshape(-1, place.x.elements)
    numbers = steps.columns()
    numbers[:, 1] &= (1 << steps.type.width) - 1  # masks as bits
    rows = numbers.reshape(len(kinds), -1)

    def cast_all(logic: Logic, number: Signal, x: list[Number]) -> list[Number]:
        found, columns = [], iter(logic.row(rows.tolist(), number, "number"))
        for value, lane in zip(x, kinds.T, strict=True):
            own = [next(columns) for _ in range(numbers.shape[1])]
            if (lane == lane[0]).all():
                found.append(_cast_alone(logic, value, layer, int(lane[0])))
            else:
                found.append(_cast_by_steps(logic, value, layer, steps, own))
        return found

    return pipeline(op, place, cast_all, turn=len(rows))


def _cast_alone(logic: Logic, x: Number, layer: CastEach, kind: int) -> Number:
    fixed = layer.kinds[0][kind]
    if fixed is None:
        return Number(constant(0), layer.finest)
    return Number(logic.shift_left(cast(logic, x, fixed).signal, layer.finest - fixed.frac), layer.finest)


def _cast_by_steps(logic: Logic, x: Number, layer: CastEach, steps: Steps, numbers: list[Signal]) -> Number:
    """See :class:`hlsgen.layers.cast_each.Steps`; its bits below the finest grid are zero by then."""
    grid, width = steps.type.frac, steps.type.width
    value = logic.shift_left(x.signal, grid - x.frac)
    add, mask, low, *more = numbers
    high = more.pop(0) if steps.high is not None else None
    if steps.odd is not None:
        odd = logic.both(logic.bits(value, 0, width), more[1], "odd")
        add = logic.choose(logic.at_least(odd, constant(1)), more[0], add, "added")
    elif steps.other is not None and value.is_signed:
        add = logic.choose(logic.bits(value, value.width - 1, 1, "negative"), more[0], add, "added")
    kept = logic.both(logic.bits(logic.add(value, add), 0, width), mask, "kept")
    result = logic.as_signed(kept, width)
    result = logic.subtract(result, low) if high is None else logic.larger(logic.smaller(result, high), low)
    common = layer.common
    result = logic.floor(result, grid - common.frac) if grid > common.frac else result
    return Number(logic.bounded(result, common.min_mantissa, common.max_mantissa), common.frac)


@core_of(Relu)
def relu(layer: Relu, op: Op, place: Place) -> Core:
    return elementwise(op, place, partial(_relu, layer))


def _relu(layer: Relu, logic: Logic, x: Number) -> Number:
    result = Number(logic.larger(x.signal, constant(0), "positive"), x.frac)
    if layer.slope is not None:
        slope, frac = _scalar(layer.slope)
        below = logic.multiply(logic.smaller(x.signal, constant(0), "below"), constant(slope), "slanted")
        a, b, frac = aligned(logic, result, Number(below, x.frac + frac))
        result = Number(logic.add(a, b, "rectified"), frac)
    if layer.ceiling is not None:
        mantissa, frac = _scalar(layer.ceiling)
        a, b, frac = aligned(logic, result, Number(constant(mantissa), frac))
        result = Number(logic.smaller(a, b, "capped"), frac)
    return result


def _scalar(number: Constant) -> tuple[int, int]:
    mantissas, frac = number.fixed
    return int(mantissas.reshape(-1)[0]), frac


@core_of(PRelu)
def prelu(layer: PRelu, op: Op, place: Place) -> Core:
    """Slopes of each channel are constants; those of each element come from a memory, a row with each word."""
    slopes, frac = layer.slopes.fixed
    rows = slopes.reshape(-1, place.x.elements).tolist()

    def rectified(logic: Logic, number: Signal, x: list[Number]) -> list[Number]:
        found = []
        for value, slope in zip(x, logic.row(rows, number, "slope"), strict=True):
            below = logic.multiply(logic.smaller(value.signal, constant(0), "below"), slope, "slanted")
            positive = Number(logic.larger(value.signal, constant(0), "positive"), value.frac)
            a, b, common = aligned(logic, positive, Number(below, value.frac + frac))
            found.append(Number(logic.add(a, b, "rectified"), common))
        return found

    return pipeline(op, place, rectified, turn=len(rows))


@core_of(Gate)
def gate(layer: Gate, op: Op, place: Place) -> Core:
    """Two comparisons; ends of the interval belong to it."""
    first, last = layer.ends(place.x.type)
    level, level_frac = (0, 0) if layer.level is None else _scalar(layer.level)

    def gated(logic: Logic, x: Number) -> Number:
        a, b, frac = aligned(logic, x, Number(constant(level), level_frac))
        inside = logic.choose(logic.at_least(x.signal, constant(last + 1), "above"), a, b, "gated")
        return Number(logic.choose(logic.at_least(x.signal, constant(first), "from_first"), inside, a, "gated"), frac)

    return elementwise(op, place, gated)


@core_of(Saturate)
def saturate(layer: Saturate, op: Op, place: Place) -> Core:
    """The cast does it."""
    return elementwise(op, place, lambda logic, x: x)


@core_of(QuantizedFunction)
def quantized_function(layer: QuantizedFunction, op: Op, place: Place) -> Core:
    """A table over every bit pattern."""
    assert layer.table is not None
    words, width, frac = [int(word) for word in layer.table], place.x.type.width, layer.function.type.frac
    return elementwise(op, place, lambda logic, x: Number(logic.lookup(words, logic.bits(x.signal, 0, width)), frac))


@core_of(Table)
def table(layer: Table, op: Op, place: Place) -> Core:
    form, words = layer.filled
    return elementwise(op, place, lambda logic, x: function_of(logic, form, words, x))


@core_of(Scale)
def scale(layer: Scale, op: Op, place: Place) -> Core:
    """``y = x s + b``, a scale for each channel."""
    (s, s_frac), (b, b_frac) = layer.weight.fixed, layer.bias.fixed

    def scaled(logic: Logic, x: list[Number]) -> list[Number]:
        found = []
        for c, number in enumerate(x):
            product = logic.multiply(number.signal, constant(int(s[c])), "product")
            p, q, frac = aligned(logic, Number(product, number.frac + s_frac), Number(constant(int(b[c])), b_frac))
            found.append(Number(logic.add(p, q), frac))
        return found

    return pipeline(op, place, scaled)


@core_of(Thresholds)
def thresholds(layer: Thresholds, op: Op, place: Place) -> Core:
    """Counts the thresholds that the input reaches: each adds the rise to its level."""
    (cuts, cut_frac), (levels, frac) = layer.thresholds.fixed, layer.levels.fixed

    def risen(logic: Logic, x: Number, row: int) -> Number:
        steps = [int(v) for v in levels[row]]
        terms = [constant(steps[0])]
        for cut, low, high in zip(cuts[row], steps, steps[1:], strict=False):
            a, b, _ = aligned(logic, x, Number(constant(int(cut)), cut_frac))
            terms.append(logic.choose(logic.at_least(a, b), constant(high - low), constant(0), "rise"))
        total = logic.total([term for term in terms if not (term.is_constant and not term.low)], "level")
        return Number(logic.bounded(total, min(steps), max(steps)), frac)

    if len(cuts) == 1:
        return elementwise(op, place, lambda logic, x: risen(logic, x, 0))
    return pipeline(op, place, lambda logic, x: [risen(logic, number, c) for c, number in enumerate(x)])
