"""Products of a matrix of weights: unrolled, or folded over as many clocks as the reuse factor says.

Unrolled (``reuse_factor`` 1), every weight is a constant in the logic: a zero costs nothing, a power of two a shift.
"""

from __future__ import annotations

import numpy as np

from hlsgen.adders import product_graph, why_none
from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, core_of, refused
from hlsgen.backends.verilog.cores.folded import folded
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.backends.verilog.sharing import shared_sums
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer

MOST_PRODUCTS = 16384
"""Products that are unrolled: a large device has some ten thousand multipliers, and small ones are built of logic."""


def check_products(layer: LinearLayer, op: Op) -> None:
    """Raise UnsupportedError for a matrix of which too many products would be computed side by side, or that is to
    be shared adders and is too large or too wide for a graph of them."""
    weight = layer.weight.values
    if op.strategy is Strategy.DISTRIBUTED_ARITHMETIC:
        why = why_none(layer.matrix(), op.input.type)
        if why is not None:
            raise refused(op, why, "set strategy: resource and a reuse_factor for this layer")
        return
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
    return _product(op, layer, 1, 1, place)


@core_of(Conv2D, check=check_products)
def conv2d(layer: Conv2D, op: Op, place: Place) -> Core:
    """Behind windows that come as words, rows before columns before channels, as the weights lie."""
    return _product(op, layer, layer.window.taps, layer.group_count, place)


@core_of(DepthwiseConv2D, check=check_products)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op, place: Place) -> Core:
    """A group for each channel, of as many outputs as the depth multiplier says."""
    return _product(op, layer, layer.window.taps, layer.weight.shape[2], place)


def _product(op: Op, layer: LinearLayer, taps: int, groups: int, place: Place) -> Core:
    """``y = x W + b``, each result cast as the operation says."""
    return _folded_by_group(op, layer, taps, groups, place) if op.reuse_factor > 1 else _unrolled(op, layer, place)


def _folded_by_group(op: Op, layer: LinearLayer, taps: int, groups: int, place: Place) -> Core:
    """Of each tap all channels come, group by group."""
    order = np.arange(place.x.elements).reshape(taps, groups, -1).transpose(1, 0, 2).reshape(groups, -1)
    weight = layer.weight.fixed[0].reshape(order.shape[1], groups, -1).transpose(1, 0, 2)
    return folded(op, layer, weight, order, place)


def _unrolled(op: Op, layer: LinearLayer, place: Place) -> Core:
    """Every product by itself, or their sums as shared adders."""
    matrix = layer.matrix()
    (bias, bias_frac), weight_frac = layer.bias.fixed, layer.weight.fixed[1]
    biases = [Number(constant(int(b)), bias_frac) for b in bias]
    if _shares_adders(op, matrix, place.x.type):
        graph = product_graph(matrix, place.x.type, slack=place.levels - 1)
        note = f"no multiplier: {len(graph.adders)} shared adders, {graph.cost()} full adders, {graph.depth} levels"
        return pipeline(op, place, lambda logic, x: shared_sums(logic, graph, x, weight_frac, biases), note)

    def products(logic: Logic, x: list[Number]) -> list[Number]:
        found = []
        for o, column in enumerate(matrix.T):
            terms = [
                logic.multiply(number.signal, constant(int(w)), f"product{o}_of_x{i}")
                for i, (number, w) in enumerate(zip(x, column, strict=True))
                if w
            ]
            total = Number(logic.total(terms, f"sum{o}"), place.x.type.frac + weight_frac)
            found.append(_with_bias(logic, total, biases[o]))
        return found

    return pipeline(op, place, products)


def _shares_adders(op: Op, matrix: Ints, fixed: FixedType) -> bool:
    """Whether the sums of a matrix are computed by shared adders: with strategy latency, if a graph can be found."""
    if op.strategy is Strategy.LATENCY:
        return why_none(matrix, fixed) is None
    return op.strategy is Strategy.DISTRIBUTED_ARITHMETIC


def _with_bias(logic: Logic, total: Number, bias: Number) -> Number:
    a, b, frac = aligned(logic, total, bias)
    return Number(logic.add(a, b, "biased"), frac)
