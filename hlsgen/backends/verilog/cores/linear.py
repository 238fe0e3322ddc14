"""Products of a matrix of weights: unrolled, or folded over as many clocks as the reuse factor says.

Unrolled (``reuse_factor`` 1), every weight is a constant in the logic: a zero costs nothing, a power of two a shift.
"""

from __future__ import annotations

import numpy as np

from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, core_of, refused
from hlsgen.backends.verilog.cores.folded import folded
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer

MOST_PRODUCTS = 16384
"""Products that are unrolled: a large device has some ten thousand multipliers, and small ones are built of logic."""


def check_products(layer: LinearLayer, op: Op) -> None:
    """Raise UnsupportedError for a matrix of which too many products would be computed side by side."""
    weight = layer.weight.values
    count = int((weight != 0).sum()) if op.reuse_factor == 1 else -(-weight.size // op.reuse_factor)
    if count <= MOST_PRODUCTS:
        return
    valid = layer.valid_reuse_factors(Strategy.RESOURCE)
    enough = next((reuse for reuse in valid if -(-weight.size // reuse) <= MOST_PRODUCTS), valid[-1])
    raise refused(
        op,
        f"takes {count} multipliers side by side, at most {MOST_PRODUCTS} are built",
        f"set strategy: resource and reuse_factor: {enough} or more for this layer",
    )


@core_of(Dense, check=check_products)
def dense(layer: Dense, op: Op, place: Place) -> Core:
    if op.reuse_factor > 1:
        return _folded_by_group(op, layer, 1, 1, place)
    return matrix_vector(op, layer, layer.weight.fixed[0], place)


@core_of(Conv2D, check=check_products)
def conv2d(layer: Conv2D, op: Op, place: Place) -> Core:
    """Behind windows that come as words, rows before columns before channels, as the weights lie."""
    if op.reuse_factor > 1:
        return _folded_by_group(op, layer, layer.window.taps, layer.group_count, place)
    matrix = layer.weight.fixed[0].reshape(layer.n_in, layer.n_out)
    if layer.group_count > 1:
        matrix = _spread(matrix, layer.window.taps, layer.group_count)
    return matrix_vector(op, layer, matrix, place)


@core_of(DepthwiseConv2D, check=check_products)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op, place: Place) -> Core:
    """A group for each channel, of as many outputs as the depth multiplier says."""
    if op.reuse_factor > 1:
        return _folded_by_group(op, layer, layer.window.taps, layer.weight.shape[2], place)
    weight = layer.weight.fixed[0].reshape(layer.window.taps, layer.n_out)
    return matrix_vector(op, layer, _spread(weight, layer.window.taps, layer.weight.shape[2]), place)


def _folded_by_group(op: Op, layer: LinearLayer, taps: int, groups: int, place: Place) -> Core:
    """Of each tap all channels come, group by group."""
    order = np.arange(place.x.elements).reshape(taps, groups, -1).transpose(1, 0, 2).reshape(groups, -1)
    weight = layer.weight.fixed[0].reshape(order.shape[1], groups, -1).transpose(1, 0, 2)
    return folded(op, layer, weight, order, place)


def _spread(weight: Ints, taps: int, groups: int) -> Ints:
    """Weights (taps * channels of a group, outputs) of groups that see their own inputs, as a matrix of all inputs and
    outputs: the others are zero, and cost nothing where they are constants."""
    inputs, outputs = weight.shape[0] // taps, weight.shape[1] // groups
    found = np.zeros((taps, groups, inputs, groups, outputs), dtype=weight.dtype)
    for group in range(groups):
        columns = weight[:, group * outputs : (group + 1) * outputs]
        found[:, group, :, group, :] = columns.reshape(taps, inputs, outputs)
    return found.reshape(taps * groups * inputs, groups * outputs)


def matrix_vector(op: Op, layer: LinearLayer, weight: Ints, place: Place) -> Core:
    """``y = x W + b`` with ``weight`` (elements of x, elements of y), each result cast as the operation says."""
    (bias, bias_frac), weight_frac = layer.bias.fixed, layer.weight.fixed[1]

    def products(logic: Logic, x: list[Number]) -> list[Number]:
        found = []
        for o, column in enumerate(weight.T):
            terms = [
                logic.multiply(number.signal, constant(int(w)), f"product{o}_of_x{i}")
                for i, (number, w) in enumerate(zip(x, column, strict=True))
                if w
            ]
            total = Number(logic.total(terms, f"sum{o}"), place.x.type.frac + weight_frac)
            found.append(_with_bias(logic, total, Number(constant(int(bias[o])), bias_frac)))
        return found

    return pipeline(op, place, products)


def _with_bias(logic: Logic, total: Number, bias: Number) -> Number:
    a, b, frac = aligned(logic, total, bias)
    return Number(logic.add(a, b, "biased"), frac)
