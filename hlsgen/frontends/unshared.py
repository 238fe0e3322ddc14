"""Convolutions whose windows have weights of their own, from the layers that share them.

All windows side by side are one pixel of many channels, of which every group, a window, is multiplied by its own
matrix: a 1 x 1 convolution in groups. So there are as many products as weights, none by a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hlsgen.frontends.builder import Builder
from hlsgen.ir.graph import Value
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans
from hlsgen.layers.shape_ops import Concatenate, Reshape, ZeroPadding
from hlsgen.layers.window import Window


def add_unshared(
    builder: Builder, image: Value, window: Window, multiply: Callable[[Value, int], Value], filters: int
) -> Value:
    """Add the product of every window of an ``image``; ``multiply`` adds that of one pixel in so many groups.

    Weights are in the order of :func:`as_gathered`.
    """
    rows, columns = window.output_extent(image.shape)
    if window.padded:
        image = builder.add(ZeroPadding(window.padding), [image], "framed")
    for axis in (0, 1):
        image = _gathered(builder, image, axis, window.size[axis], window.stride[axis], (rows, columns)[axis])
    pixel = builder.add(Reshape((1, 1, image.size)), [image], "windows")
    return builder.add(Reshape((rows, columns, filters)), [multiply(pixel, rows * columns)], "places")


def as_gathered(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (windows, rows, columns, channels, filters) as those of the pixel: (1, 1, products of a filter, all)."""
    windows, *_, filters = kernel.shape
    by_columns = kernel.transpose(2, 1, 3, 0, 4)
    return by_columns.reshape(1, 1, -1, windows * filters)


def _gathered(builder: Builder, image: Value, axis: int, size: int, stride: int, outputs: int) -> Value:
    """The cells that windows have along an axis, in the channels: first all that are first."""
    cells = []
    for tap in range(size):
        first = tuple(output * stride + tap for output in range(outputs))
        layer = LargestAlongAxis(axis, Spans(first, tuple(place + 1 for place in first)))
        is_whole = layer.is_identity([image.shape])
        cells.append(image if is_whole else builder.add(layer, [image], f"cell{tap}"))
    return reduce(lambda a, b: builder.add(Concatenate(2), [a, b], "side_by_side"), cells)
