"""Pooling: the largest cell of windows or of whole images, and averages of them."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.backends.hls.kernel import ConstantArray, Enumerator, Kernel, Members, Word, call, kernel_of, summed
from hlsgen.backends.hls.kernels import geometry
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Collecting, Sliding, Timing
from hlsgen.ir.constant import Shape
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.pooling2d import Average, AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.sums import GlobalSum, WindowSum
from hlsgen.layers.window import Window

_MOST_POSITIONS = 16
"""Up to so many cells are compared or added side by side."""


@kernel_of(MaxPooling2D)
def max_pooling2d(layer: MaxPooling2D, op: Op) -> Kernel:
    window = geometry.pooling(layer.window, op.input.shape)
    members = {**window.members, "kind": Enumerator("pooling", "max")}
    timing = _sliding(op, layer.window, pipeline_depth(compared=layer.window.taps))
    return call(op, "max_pooling2d", "pooling2d.h", members, small=window.positions == 1, timing=timing)


@kernel_of(GlobalMaxPooling)
def global_max_pooling(layer: GlobalMaxPooling, op: Op) -> Kernel:
    positions = prod(op.input.shape[:-1])
    members = _global(op.input.shape)
    timing = Collecting(interval=op.reuse_factor, depth=pipeline_depth(compared=2), array_steps=positions)
    return call(op, "global_max_pooling", "pooling2d.h", members, small=positions <= _MOST_POSITIONS, timing=timing)


@kernel_of(WindowSum)
@kernel_of(AveragePooling2D)
def average_pooling2d(layer: AveragePooling2D, op: Op) -> Kernel:
    window = geometry.pooling(layer.window, op.input.shape)
    members = {**window.members, "kind": Enumerator("pooling", "average")}
    constant = _reciprocals(layer)
    timing = _sliding(op, layer.window, pipeline_depth(terms=layer.window.taps))
    small = window.positions == 1
    return _average("average_pooling2d", layer, op, layer.window.taps, members, constant, small=small, timing=timing)


def _reciprocals(layer: AveragePooling2D) -> ConstantArray:
    """The reciprocal for each number of rows and of columns that a window can have on the image.

    From one on, (rows, columns); without padding in a direction there is one, the window's.
    """
    top, bottom, left, right = layer.window.padding
    height, width = layer.window.size
    rows = np.arange(1 if top + bottom else height, height + 1)
    columns = np.arange(1 if left + right else width, width + 1)
    by_count, _ = layer.reciprocal.fixed
    table = by_count[rows[:, None] * columns[None, :]]
    return ConstantArray.of("r", table, layer.reciprocal.known_type, "rows on the image, columns on the image")


@kernel_of(GlobalSum)
@kernel_of(GlobalAveragePooling)
def global_average_pooling(layer: GlobalAveragePooling, op: Op) -> Kernel:
    positions = prod(op.input.shape[:-1])
    small = positions <= _MOST_POSITIONS
    constant = ConstantArray.of("r", layer.reciprocal.fixed[0], layer.reciprocal.known_type, "the only one")
    members = _global(op.input.shape)
    timing = Collecting(interval=op.reuse_factor, depth=pipeline_depth(terms=1), array_steps=positions)
    return _average("global_average_pooling", layer, op, positions, members, constant, small=small, timing=timing)


def _sliding(op: Op, window: Window, depth: int) -> Sliding:
    positions = prod(op.output.shape[:-1])
    return Sliding(window=window, shape=op.input.shape, interval=op.reuse_factor, depth=depth, array_steps=positions)


def _global(shape: Shape) -> Members:
    return {"positions": prod(shape[:-1]), "n": shape[-1]}


def _average(
    function: str,
    layer: Average,
    op: Op,
    cells: int,
    members: Members,
    constant: ConstantArray,
    *,
    small: bool,
    timing: Timing,
) -> Kernel:
    """``sum_t`` of an average holds the sum of the cells; the product with the reciprocal is exact."""
    reciprocal = layer.reciprocal.known_type
    total = op.input.interval.with_zero()
    every = {
        **summed(op),
        **members,
        "sum_t": FixedType.covering(total.lowest * cells, total.highest * cells, total.frac),
        "reciprocal_t": reciprocal,
        "reciprocal_word": Word(reciprocal),
    }
    return call(op, function, "pooling2d.h", every, constant, small=small, timing=timing)
