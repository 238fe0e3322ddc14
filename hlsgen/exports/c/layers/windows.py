"""Pooling: sums and largest cells of windows, of whole images, and along one axis."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.exports.c.function import Function, Table, function_of, made
from hlsgen.exports.c.numbers import Range, of_type
from hlsgen.exports.c.shapes import Axis, Places
from hlsgen.ir.op import Op
from hlsgen.layers.axis_windows import LargestAlongAxis, SumsAlongAxis
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.sums import GlobalSum, WindowSum


@function_of(MaxPooling2D)
def max_pooling(layer: MaxPooling2D, op: Op) -> Function:
    """Padding never counts."""
    least = op.input.type.min_mantissa
    options = {"places": Places.of(layer.window, op), "least": least}
    return made("max_pooling", op, op.input.type.frac, options)


@function_of(AveragePooling2D, WindowSum)
def average_pooling(layer: AveragePooling2D, op: Op) -> Function:
    reciprocals, frac = layer.reciprocal.fixed
    counts = layer.window.distinct_counts(op.input.shape)
    sums = _sums(op, layer.window.taps)
    factor = int(reciprocals[counts[0]]) if len(counts) == 1 else None
    tables = [] if factor is not None else [Table("reciprocals", reciprocals, f"{layer.reciprocal.type}, by the count")]
    ranges = [sums, *(sums.times(int(reciprocals[count])) for count in counts)]
    options = {"places": Places.of(layer.window, op), "factor": factor}
    products = 0 if factor == 1 else op.output.size
    return made(
        "average_pooling", op, op.input.type.frac + frac, options, ranges=ranges, tables=tables, products=products
    )


@function_of(GlobalMaxPooling)
def global_max_pooling(layer: GlobalMaxPooling, op: Op) -> Function:
    channels = op.input.shape[-1]
    options = {"positions": op.input.size // channels, "channels": channels}
    return made("global_max_pooling", op, op.input.type.frac, options)


@function_of(GlobalAveragePooling, GlobalSum)
def global_average_pooling(layer: GlobalAveragePooling, op: Op) -> Function:
    reciprocals, frac = layer.reciprocal.fixed
    channels = op.input.shape[-1]
    positions, factor = op.input.size // channels, int(reciprocals[0])
    sums = _sums(op, positions)
    options = {"positions": positions, "channels": channels, "factor": factor}
    products = 0 if factor == 1 else channels
    ranges = sums, sums.times(factor)
    return made("global_average_pooling", op, op.input.type.frac + frac, options, ranges=ranges, products=products)


@function_of(LargestAlongAxis)
def largest_along_axis(layer: LargestAlongAxis, op: Op) -> Function:
    axis, tables = Axis.of(op.input.shape, layer.axis), _spans(layer)
    options = {"axis": axis, "count": len(layer.spans.first)}
    return made("largest_along_axis", op, op.input.type.frac, options, tables=tables)


@function_of(SumsAlongAxis)
def sums_along_axis(layer: SumsAlongAxis, op: Op) -> Function:
    weight, frac = layer.weight.fixed
    axis = Axis.of(op.input.shape, layer.axis)
    largest = max(int(v) for v in np.abs(weight.astype(object)).sum(axis=1))
    reach = of_type(op.input.type).magnitude * largest
    tables = [*_spans(layer), Table("weight", weight, f"{layer.weight.type}")]
    products = prod(op.output.shape) // len(layer.spans.first) * sum(layer.spans.sizes)
    options = {"axis": axis, "count": len(layer.spans.first)}
    ranges = [Range(-reach, reach)]
    return made(
        "sums_along_axis", op, op.input.type.frac + frac, options, ranges=ranges, tables=tables, products=products
    )


def _spans(layer: LargestAlongAxis | SumsAlongAxis) -> list[Table]:
    return [
        Table("first", np.array(layer.spans.first), "the first cell of each window"),
        Table("end", np.array(layer.spans.end), "the cell behind its last"),
    ]


def _sums(op: Op, most: int) -> Range:
    """Sums of up to so many cells."""
    one = of_type(op.input.type)
    return Range(min(one.low, 0), max(one.high, 0)).times(most)
