"""Layers that compute each element by itself: rectifiers, tables of functions, steps, scales, casts."""

from __future__ import annotations

from functools import partial

from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import elementwise, pipeline
from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.layers.convert import Convert
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
