"""Layers that compute each element by itself, or two tensors element by element."""

from __future__ import annotations

import numpy as np

from hlsgen.exports.c.curves import curve_of
from hlsgen.exports.c.function import Function, Table, function_of, made
from hlsgen.exports.c.numbers import (
    Range,
    cast_to,
    of_type,
    of_values,
    on_common_grid,
    within,
)
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.convert import Convert
from hlsgen.layers.gate import Gate
from hlsgen.layers.loops import Carry, KeepLast, State, TakeStep
from hlsgen.layers.merge import Merge
from hlsgen.layers.piecewise import Direct
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.table import Table as TableLayer
from hlsgen.layers.thresholds import Thresholds

Cast = Convert | Saturate | Reshape | Carry | State | TakeStep | KeepLast


@function_of(Convert, Saturate, Reshape, Carry, State, TakeStep, KeepLast)
def convert(layer: Cast, op: Op) -> Function:
    return made("convert", op, op.input.type.frac, {}, in_place=True)


@function_of(CastEach)
def cast_each(layer: CastEach, op: Op) -> Function:
    """Numbers of each element's own, with which all casts are one computation on the finest grid."""
    x, steps = op.input.type, layer.steps(op.input.type)
    columns = {name: column for name, column in steps._asdict().items() if name != "type" and column is not None}
    tables = [Table(name, column.reshape(-1), "") for name, column in columns.items()]
    options = {"lift": 1 << (steps.type.frac - x.frac), "columns": tuple(columns)}
    return made("cast_each", op, steps.type.frac, options, ranges=[of_type(steps.type)], tables=tables, in_place=True)


@function_of(Relu)
def relu(layer: Relu, op: Op) -> Function:
    x = op.input.type
    slope, slope_frac = (np.array(0), 0) if layer.slope is None else layer.slope.fixed
    top, top_frac = (None, x.frac) if layer.ceiling is None else layer.ceiling.fixed
    product_frac = x.frac if layer.slope is None else x.frac + slope_frac
    (lift, below, at_top), frac = on_common_grid(x.frac, product_frac, top_frac)
    factor, ceiling = int(slope) * below, None if top is None else int(top) * at_top
    ranges = [of_type(x).times(lift), of_type(x).times(factor), within(abs(ceiling or 0))]
    products = op.output.size if layer.slope is not None else 0
    options = {"lift": lift, "slope": factor, "ceiling": ceiling}
    return made("relu", op, frac, options, ranges=ranges, in_place=True, products=products)


@function_of(PRelu)
def prelu(layer: PRelu, op: Op) -> Function:
    x, (slopes, slope_frac) = op.input.type, layer.slopes.fixed
    (lift, below), frac = on_common_grid(x.frac, x.frac + slope_frac)
    factors = slopes.astype(object) * below
    ranges = of_type(x).times(lift), of_type(x).by(of_values(factors))
    tables = [Table("slopes", factors.reshape(-1), f"{layer.slopes.type}")]
    options = {"lift": lift}
    return made("prelu", op, frac, options, ranges=ranges, tables=tables, in_place=True, products=op.output.size)


@function_of(Gate)
def gate(layer: Gate, op: Op) -> Function:
    x = op.input.type
    level, level_frac = (np.array(0), x.frac) if layer.level is None else layer.level.fixed
    (lift, at_level), frac = on_common_grid(x.frac, level_frac)
    (first, last), inside = layer.ends(x), int(level) * at_level
    ranges = of_type(x).times(lift), Range(min(inside, first), max(inside, last))
    options = {"lift": lift, "first": None if layer.low is None else first, "last": last, "level": inside}
    return made("gate", op, frac, options, ranges=ranges, in_place=True)


@function_of(Merge)
def merge(layer: Merge, op: Op) -> Function:
    a, b = (tensor.type for tensor in op.inputs)
    period = op.inputs[1].size if op.inputs[1].shape != op.inputs[0].shape else None
    if layer.op == "multiply":
        options = {"lifts": [1, 1], "period": period, "merge": layer.op}
        ranges, size = [of_type(a).by(of_type(b))], op.output.size
        return made("merge", op, a.frac + b.frac, options, ranges=ranges, in_place=True, products=size)
    lifts, frac = on_common_grid(a.frac, b.frac)
    first, second = of_type(a).times(lifts[0]), of_type(b).times(lifts[1])
    found = {"add": first.plus(second), "subtract": first.minus(second)}.get(layer.op, first)
    options = {"lifts": lifts, "period": period, "merge": layer.op}
    return made("merge", op, frac, options, ranges=(first, second, found), in_place=True)


@function_of(Thresholds)
def thresholds(layer: Thresholds, op: Op) -> Function:
    """On the grid of the input, the least value that reaches a threshold stands for it."""
    cuts, cut_frac = layer.thresholds.fixed
    levels, frac = layer.levels.fixed
    places = _at_least(cuts, op.input.type.frac - cut_frac)
    kept = np.clip(places, op.input.type.min_mantissa, op.input.type.max_mantissa + 1)
    tables = [
        Table("thresholds", kept, "the least inputs that reach them"),
        Table("levels", levels, f"{layer.levels.type}"),
    ]
    rows, steps = cuts.shape
    return made("thresholds", op, frac, {"steps": steps, "rows": rows}, tables=tables, in_place=True)


def _at_least(values: Ints, places: int) -> Ints:
    """Rounded up to a grid with so many more places behind the point."""
    exact = values.astype(object)
    raised: Ints = exact << places if places >= 0 else -(-exact >> -places)
    return raised


@function_of(QuantizedFunction)
def quantized_function(layer: QuantizedFunction, op: Op) -> Function:
    assert layer.table is not None
    x = op.input.type
    words = _by_value(layer.table, x)
    tables = [Table("table", words, f"the results of {x}, from its least value on")]
    options = {"index": cast_to(of_type(x), x.frac), "least": x.min_mantissa}
    return made("table", op, layer.function.type.frac, options, tables=tables, in_place=True)


def _by_value(words: Ints, index: FixedType) -> Ints:
    """A table by raw bits of a type, in the order of its numbers."""
    numbers = np.arange(index.min_mantissa, index.max_mantissa + 1)
    found: Ints = words[numbers & (len(words) - 1)]
    return found


@function_of(TableLayer)
def table(layer: TableLayer, op: Op) -> Function:
    form, words = layer.filled
    x = op.input.type
    if isinstance(form, Direct):
        index = cast_to(of_type(x), x.frac, form.index)
        about = f"{layer.unary} of {form.index}, from its least value on"
        tables = [Table("table", _by_value(words, form.index), about)]
        options: dict[str, object] = {"index": index, "least": form.index.min_mantissa}
        return made("table", op, form.result.frac, options, ranges=index.ranges, tables=tables, in_place=True)
    curve = curve_of(form, words, of_type(x), x.frac)
    tables, options = [curve.table], {"curve": curve}
    products = op.output.size * curve.products
    return made("curve", op, curve.frac, options, ranges=curve.ranges, tables=tables, in_place=True, products=products)
