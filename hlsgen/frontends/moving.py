"""Values that are chosen, repeated and put elsewhere along axes: built from the layers that move data.

Axes are counted without the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.graph import Value
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.shape_ops import UpSampling, ZeroPadding
from hlsgen.layers.take import Take


def as_blocks(value: Value, axis: int, axes: int = 1) -> tuple[int, int, int]:
    """The tensor as (what lies before, ``axes`` axes from ``axis`` on, what lies behind)."""
    shape = value.shape
    return prod(shape[:axis]), prod(shape[axis : axis + axes]), prod(shape[axis + axes :])


def add_take(builder: Builder, value: Value, axis: int, places: Sequence[int]) -> Value:
    """``x.take(places, axis)``; what is one piece is cropped."""
    shape, chosen = value.shape, tuple(int(place) for place in places)
    extent = shape[axis]
    if chosen == tuple(range(extent)):
        return value
    if not chosen:
        raise UnsupportedError(f"{builder.where}: nothing is left along axis {axis + 1} of a tensor of shape {shape}")
    if len(chosen) > MAX_TENSOR:
        raise UnsupportedError(f"{builder.where}: {len(chosen)} places, more than the {MAX_TENSOR} of a tensor")
    one_piece = chosen == tuple(range(chosen[0], chosen[-1] + 1))
    if not one_piece or axis == len(shape) - 1:
        return builder.add(Take(axis, chosen), [value], "taken")
    image = add_reshape(builder, value, as_blocks(value, axis))
    cropped = builder.add(Cropping((0, 0, chosen[0], extent - chosen[-1] - 1)), [image], "cropped")
    return add_reshape(builder, cropped, (*shape[:axis], len(chosen), *shape[axis + 1 :]))


def add_repeat(builder: Builder, value: Value, axis: int, times: int) -> Value:
    """Every element ``times`` times along ``axis``, one behind the other."""
    shape = value.shape
    if axis == len(shape) - 1:
        return add_take(builder, value, axis, [place for place in range(shape[axis]) for _ in range(times)])
    image = add_reshape(builder, value, as_blocks(value, axis))
    repeated = builder.add(UpSampling((1, times)), [image], "repeated")
    return add_reshape(builder, repeated, (*shape[:axis], shape[axis] * times, *shape[axis + 1 :]))


def add_zeros(builder: Builder, value: Value, axis: int, before: int, behind: int) -> Value:
    """Zeros in front of an axis and behind it."""
    shape = value.shape
    if not before and not behind:
        return value
    outer, extent, inner = as_blocks(value, axis)
    image = add_reshape(builder, value, (outer, extent, inner))
    padded = builder.add(ZeroPadding((0, 0, before, behind)), [image], "padded")
    return add_reshape(builder, padded, (*shape[:axis], before + extent + behind, *shape[axis + 1 :]))
