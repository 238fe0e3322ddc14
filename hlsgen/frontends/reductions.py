"""Sums, means, products and extremes over any axes, by the pools and products that there are.

What lies along axes in front of the last one is pooled, a word of a stream after the other; along the last axis, which
is one word, a position is added up or compared at once. Axes are counted without the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.functions import add_line
from hlsgen.frontends.limits import MAX_PARTS, MAX_WINDOW
from hlsgen.frontends.moving import as_blocks
from hlsgen.frontends.permuting import add_permute, add_reshape
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Layer
from hlsgen.ir.types import FixedType
from hlsgen.layers.dense import Dense
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.split import Split
from hlsgen.layers.sums import GlobalSum, WindowSum
from hlsgen.layers.top import TopValues
from hlsgen.layers.window import Window


def add_reduction(builder: Builder, value: Value, op: str, axes: Sequence[int], keepdims: bool) -> Value:
    """``op`` (sum, mean, max, min, prod) over ``axes``, which ascend."""
    shape, last = value.shape, len(value.shape) - 1
    kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
    left = kept if keepdims else tuple(extent for axis, extent in enumerate(shape) if axis not in axes)
    result = value
    if op == "prod":
        result = _product(builder, *_at_front(builder, value, axes))
    else:
        if op == "min":  # pools find the largest only
            result, axes = _at_end(builder, value, axes)
            last = len(result.shape) - 1
        leading = [axis for axis in axes if axis != last]
        if leading:
            result = _pooled(builder, op, *_together(builder, result, leading))
        if last in axes:
            result = _over_channels(builder, op, result)
    return add_reshape(builder, result, left)


def _together(builder: Builder, value: Value, axes: Sequence[int]) -> tuple[Value, int, int]:
    """The tensor with ``axes`` side by side, the first of them, and their number."""
    first, count = axes[0], len(axes)
    if list(axes) == list(range(first, first + count)):
        return value, first, count
    moved, _ = _at_front(builder, value, axes)
    return moved, 0, count


def _at_front(builder: Builder, value: Value, axes: Sequence[int]) -> tuple[Value, int]:
    """The tensor with ``axes`` in front, and their number."""
    others = [axis for axis in range(len(value.shape)) if axis not in axes]
    return add_permute(builder, value, [*axes, *others]), len(axes)


def _at_end(builder: Builder, value: Value, axes: Sequence[int]) -> tuple[Value, list[int]]:
    """The tensor with ``axes`` as one, the last, and that."""
    others = [axis for axis in range(len(value.shape)) if axis not in axes]
    moved = add_permute(builder, value, [*others, *axes])
    kept = moved.shape[: len(others)]
    return add_reshape(builder, moved, (*kept, value.size // prod(kept))), [len(others)]


# -- axes in front of the last one ------------------------------------------------------------------


def _pooled(builder: Builder, op: str, value: Value, axis: int, count: int) -> Value:
    """One value in the place of ``count`` axes from ``axis`` on, which become axes of 1."""
    outer, extent, inner = as_blocks(value, axis, count)
    shape = (*value.shape[:axis], *(1 for _ in range(count)), *value.shape[axis + count :])
    if outer == 1:
        line = add_reshape(builder, value, (extent, inner))
        return add_reshape(builder, builder.add(_over_all(op, extent), [line], op), shape)
    if extent > MAX_WINDOW:
        raise UnsupportedError(f"{builder.where}: {op} of {extent} elements, at most {MAX_WINDOW} in the middle axes")
    image = add_reshape(builder, value, (outer, extent, inner))
    return add_reshape(builder, builder.add(_over_rows(op, extent), [image], op), shape)


def _over_all(op: str, extent: int) -> Layer:
    """Of (extent, channels) to (channels)."""
    match op:
        case "sum":
            return GlobalSum.of_channels()
        case "mean":
            return GlobalAveragePooling(Constant.of(np.array([1.0 / extent])))
        case _:
            return GlobalMaxPooling()


def _over_rows(op: str, extent: int) -> Layer:
    """Of (rows, extent, channels) to (rows, 1, channels)."""
    window = Window((1, extent), (1, extent))
    match op:
        case "sum":
            return WindowSum.of_windows(window)
        case "mean":
            reciprocal = np.zeros(extent + 1)
            reciprocal[extent] = 1.0 / extent
            return AveragePooling2D(Constant.of(reciprocal), window=window)
        case _:
            return MaxPooling2D(window)


# -- the last axis ----------------------------------------------------------------------------------


def _over_channels(builder: Builder, op: str, value: Value) -> Value:
    """One value in the place of all channels."""
    channels = value.shape[-1]
    if op in ("max", "min"):
        return builder.add(TopValues(1, op == "min"), [value], op)
    ones = Constant.exactly(np.ones((channels, 1), dtype=np.int64), FixedType(1, 1, False), given=False)
    total = builder.add(Dense(ones, no_bias(1)), [value], "sum")
    return total if op == "sum" else add_line(builder, total, 1.0 / channels, 0.0, "mean")


def _product(builder: Builder, value: Value, count: int) -> Value:
    """The product over the first ``count`` axes: of its halves, and of theirs, exact but for the last one's cast."""
    _, extent, inner = as_blocks(value, 0, count)
    if extent > MAX_PARTS:
        raise UnsupportedError(f"{builder.where}: a product of {extent} factors, at most {MAX_PARTS} are supported")
    return _halved(builder, add_reshape(builder, value, (extent, inner)))


def _halved(builder: Builder, value: Value) -> Value:
    half = value.shape[0] // 2
    if not half:
        return value
    if value.shape[0] % 2:
        pairs, odd = builder.add_several(Split(0, 2 * half), [value], "factors")
        return builder.add(Merge("multiply"), [_halved(builder, pairs), odd], "product")
    first, second = builder.add_several(Split(0, half), [value], "factors")
    return _halved(builder, builder.add(Merge("multiply"), [first, second], "product"))
