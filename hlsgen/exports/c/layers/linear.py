"""Layers with weights: one exact sum for each output."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from hlsgen.exports.c.function import Function, Table, function_of, made
from hlsgen.exports.c.numbers import Range, of_type, on_common_grid, on_grid, within
from hlsgen.exports.c.shapes import Places
from hlsgen.ir.arithmetic import exact_matmul
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.scale import Scale


@function_of(Dense)
def dense(layer: Dense, op: Op) -> Function:
    weight, _ = layer.weight.fixed
    sums = exact_matmul(_largest(op)[None], np.abs(weight))[0]
    positions = prod(op.input.shape[:-1])
    return _summed("dense", layer, op, weight.T, sums, positions * weight.size, positions=positions)


@function_of(Conv2D)
def conv2d(layer: Conv2D, op: Op) -> Function:
    weight, _ = layer.weight.fixed
    taps, groups = layer.window.taps, layer.group_count
    parts = [np.tile(part, taps) for part in np.split(_largest(op), groups)]
    kernels = np.split(np.abs(weight).reshape(-1, layer.n_out), groups, axis=1)
    sums = np.concatenate([exact_matmul(x[None], w)[0] for x, w in zip(parts, kernels, strict=True)])
    places = Places.of(layer.window, op)
    options: dict[str, Any] = {
        "places": places,
        "inputs": weight.shape[2],
        "outputs": layer.n_out // groups,
        "groups": groups,
    }
    return _summed("conv2d", layer, op, weight.transpose(3, 0, 1, 2), sums, places.count * weight.size, **options)


@function_of(DepthwiseConv2D)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op) -> Function:
    weight, _ = layer.weight.fixed
    flat = weight.reshape(*layer.window.size, layer.n_out)
    sums = np.abs(flat.astype(object)).sum(axis=(0, 1)) * np.repeat(_largest(op), layer.multiplier)
    places = Places.of(layer.window, op)
    options: dict[str, Any] = {"places": places, "multiplier": layer.multiplier}
    return _summed("depthwise_conv2d", layer, op, flat, sums, places.count * weight.size, **options)


@function_of(Scale)
def scale(layer: Scale, op: Op) -> Function:
    weight, _ = layer.weight.fixed
    sums = np.abs(weight.astype(object)) * _largest(op)
    return _summed("scale", layer, op, weight, sums, op.output.size, in_place=True)


def _summed(
    template: str,
    layer: LinearLayer,
    op: Op,
    weight: Ints,
    sums: Ints,
    products: int,
    in_place: bool = False,
    **options: object,
) -> Function:
    """``weight`` in the order in which it is read; ``sums``: what no sum of some products exceeds, by output.

    The bias is stored on the grid of the result, no coarser than that of the products.
    """
    bias, bias_frac = layer.bias.fixed
    of_products = op.input.type.frac + layer.weight.known_type.frac
    if not bias.any():
        bias_frac = of_products
    (lift, _), frac = on_common_grid(of_products, bias_frac)
    added = on_grid(bias, bias_frac, frac)
    largest = max(int(v) for v in sums)
    with_bias = max(int(s) * lift + abs(int(b)) for s, b in zip(sums, added, strict=True))
    tables = [Table("weight", weight, f"{layer.weight.type}")]
    if bias.any():
        tables.append(Table("bias", added, f"{layer.bias.type}, on the grid of 2^{-frac}"))
    ranges = (within(largest), within(with_bias))
    values = {"lift": lift, "biased": bool(bias.any()), **options}
    return made(template, op, frac, values, ranges=ranges, tables=tables, in_place=in_place, products=products)


def _largest(op: Op) -> Ints:
    """The largest magnitude of each channel of the input."""
    x = op.input.interval
    largest: Ints = np.maximum(np.abs(x.low.astype(object)), np.abs(x.high.astype(object)))
    return largest


@function_of(MatMul)
def matmul(layer: MatMul, op: Op) -> Function:
    a, b = op.inputs
    one = of_type(a.type).by(of_type(b.type))
    every = Range(min(one.low, 0), max(one.high, 0)).times(layer.depth)
    *matrices, rows, _ = a.shape
    options = {"count": prod(matrices), "rows": rows, "layer": layer}
    products = prod(matrices) * rows * layer.products
    return made("matmul", op, a.type.frac + b.type.frac, options, ranges=[every], products=products)
