"""Layers that compute each element by itself: rectifiers, tables of functions, steps, scales, casts."""

from __future__ import annotations

from functools import partial

from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import elementwise, pipeline
from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
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
