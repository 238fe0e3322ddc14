"""Layers that look at all channels of a position: softmax and its relatives, standardisation, the largest channels."""

from __future__ import annotations

import numpy as np

from hlsgen.exports.c.curves import curve_of
from hlsgen.exports.c.function import Function, Scratch, Table, function_of, made
from hlsgen.exports.c.numbers import Cast, Range, cast_to, of_type, on_common_grid, storage
from hlsgen.ir.op import Op
from hlsgen.layers.exponentials import Exponentials
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure
from hlsgen.layers.top import TopIndices, TopValues


class _Exponentials:
    """What softmax and log-softmax share."""

    def __init__(self, plan: Exponentials, op: Op) -> None:
        x = of_type(op.input.type)
        one = of_type(plan.exponential)
        self.sums = of_type(plan.sum)
        self.index = cast_to(of_type(plan.distance), op.input.type.frac, plan.index)
        self.product = cast_to(one.by(one), 2 * plan.exponential.frac, plan.exponential)
        products = self.product.ranges if plan.tables > 1 else ()
        self.ranges = (x, *self.index.ranges, *products, self.sums)
        self.table = Table("exponentials", plan.words(), f"{plan.exponential}, of each part of an index")
        self.rows = op.input.size // op.input.shape[-1]
        self.options = {
            "rows": self.rows,
            "channels": op.input.shape[-1],
            "index": self.index,
            "product": self.product,
            "parts": plan.tables,
            "part_bits": plan.share.width,
        }


@function_of(Softmax)
def softmax(layer: Softmax, op: Op) -> Function:
    assert layer.plan is not None
    plan, shared = layer.plan, _Exponentials(layer.plan, op)
    curve = curve_of(*plan.reciprocal, shared.sums, plan.sum.frac)
    inverse = cast_to(curve.ranges[-1], curve.frac, plan.inverse)
    exponential = of_type(plan.exponential)
    ranges = (*shared.ranges, *curve.ranges, *inverse.ranges, exponential.by(inverse.result))
    tables = [shared.table, curve.table]
    mask_rows = 0
    if layer.mask is not None:
        mask_rows = layer.mask.size // layer.mask.shape[-1]
        flat = layer.mask.astype(np.int64).reshape(mask_rows, -1)
        tables.append(Table("mask", flat, "which channels count"))
    options = {**shared.options, "curve": curve, "inverse": inverse, "mask_rows": mask_rows}
    options["least"] = op.input.type.min_mantissa
    scratch = [Scratch("exponentials", storage(exponential), op.input.shape[-1])]
    products = op.input.size * plan.tables + shared.rows * curve.products
    frac = plan.exponential.frac + plan.inverse.frac
    return made("softmax", op, frac, options, ranges=ranges, tables=tables, scratch=scratch, products=products)


@function_of(LogSoftmax)
def log_softmax(layer: LogSoftmax, op: Op) -> Function:
    plan, shared = layer.planned, _Exponentials(layer.planned, op)
    curve = curve_of(*plan.of_sum, shared.sums, plan.sum.frac)
    logarithm = cast_to(curve.ranges[-1], curve.frac, plan.logarithm)
    lifts, frac = on_common_grid(op.input.type.frac, plan.logarithm.frac)
    taken = of_type(plan.distance).times(lifts[0]).plus(logarithm.result.times(lifts[1]))
    ranges = (*shared.ranges, *curve.ranges, *logarithm.ranges, taken, taken.times(-1))
    options = {**shared.options, "curve": curve, "logarithm": logarithm, "lifts": lifts}
    products = op.input.size * (plan.tables - 1) + shared.rows * curve.products
    tables = [shared.table, curve.table]
    return made("log_softmax", op, frac, options, ranges=ranges, tables=tables, products=products)


@function_of(Sparsemax)
def sparsemax(layer: Sparsemax, op: Op) -> Function:
    plan, channels = layer.planned, op.input.shape[-1]
    x = of_type(op.input.type)
    exact = x.minus(x)
    compared = cast_to(Range(0, exact.high), op.input.type.frac, plan.compared)
    distance = cast_to(Range(0, exact.high), op.input.type.frac, plan.distance)
    counted = compared.result.times(channels)
    totals = of_type(plan.sum)
    inverses = plan.reciprocals(layer.classes)
    factor = totals.by(of_type(plan.inverse))
    threshold = cast_to(factor, plan.sum.frac + plan.inverse.frac, plan.threshold)
    fracs = [plan.threshold.frac, plan.distance.frac, *([plan.offset.frac] if layer.of_partial_sums else [])]
    lifts, frac = on_common_grid(*fracs)
    offset = x.by(Range(0, channels - 1)) if layer.of_partial_sums else Range(0, 0)
    left = threshold.result.times(lifts[0]).minus(distance.result.times(lifts[1])).minus(offset.times(lifts[-1]))
    ranges = (*compared.ranges, *distance.ranges, counted, totals, factor, *threshold.ranges, offset, left)
    rows = op.input.size // channels
    options = {
        "rows": rows,
        "channels": channels,
        "compared": compared,
        "distance": distance,
        "threshold": threshold,
        "one": 1 << plan.sum.frac,
        "lifts": lifts,
        "of_partial_sums": layer.of_partial_sums,
    }
    tables = [Table("inverses", inverses, f"{plan.inverse}, 1 / k")]
    scratch = [Scratch("ordered", storage(compared.result), channels)]
    products = rows * (channels + 1)
    return made("sparsemax", op, frac, options, ranges=ranges, tables=tables, scratch=scratch, products=products)


@function_of(Standardise)
def standardise(layer: Standardise, op: Op) -> Function:
    plan, n = layer.known_plan, op.input.shape[-1]
    curve = curve_of(*plan.root, Range(0, plan.mantissa.max_mantissa), plan.power.width)
    inverse = cast_to(curve.ranges[-1], curve.frac, plan.inverse)
    aligned, scaled = _scaled(layer, op)
    total, squares, power = (of_type(fixed) for fixed in (plan.total, plan.squares, plan.power))
    finer = 1 << (plan.power.frac - plan.squares.frac)
    lifted = squares.times(n if plan.centred else 1).times(finer)
    ranges = [total, squares, lifted, power, aligned, *scaled.ranges, *curve.ranges, *inverse.ranges]
    ranges += [scaled.result.by(inverse.result)]
    if plan.centred:
        ranges += [total.by(total).times(finer), of_type(op.input.type).times(n).minus(total)]
    rows = op.input.size // n
    options = {
        "rows": rows,
        "channels": n,
        "centred": plan.centred,
        "largest": plan.measure is Measure.LENGTH,
        "finer": finer,
        "epsilon": plan.epsilon,
        "stages": [(1 << stage, 1 << (stage - 1)) for stage in range(plan.stages, 0, -1)],
        "power_bits": plan.power.width,
        "curve": curve,
        "inverse": inverse,
        "scaled": scaled,
    }
    products = op.input.size * 3 + rows * (curve.products + 2 * plan.centred)
    frac = plan.scaled.frac + plan.inverse.frac
    return made("standardise", op, frac, options, ranges=ranges, tables=[curve.table], products=products)


def _scaled(layer: Standardise, op: Op) -> tuple[Range, Cast]:
    """What values, shifted with the power, lie between by the plan, and their cast."""
    plan = layer.known_plan
    aligned = of_type(plan.aligned)
    return aligned, cast_to(aligned, plan.aligned.frac, plan.scaled)


@function_of(TopValues, TopIndices)
def top(layer: TopValues | TopIndices, op: Op) -> Function:
    channels = op.input.shape[-1]
    options = {
        "rows": op.input.size // channels,
        "channels": channels,
        "count": layer.count,
        "before": "<" if layer.least else ">",
        "indices": isinstance(layer, TopIndices),
    }
    frac = 0 if isinstance(layer, TopIndices) else op.input.type.frac
    return made("top", op, frac, options, ranges=[Range(0, channels)])
