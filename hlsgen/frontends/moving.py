"""Values that are chosen, repeated and put elsewhere along axes: built from the layers that move data.

Axes are counted without the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.shape_ops import Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.take import Take


def add_reshape(builder: Builder, value: Value, shape: Shape) -> Value:
    """The same elements in another shape. Raises UnsupportedError for none but the batch's axis."""
    if not shape:
        raise UnsupportedError(
            f"{builder.where}: nothing but the batch would be left of a tensor of shape {value.shape}; keep an axis of "
            "1 (keepdims=True, or a slice x[:, 0:1] in place of x[:, 0])"
        )
    return value if shape == value.shape else builder.add(Reshape(tuple(shape)), [value], "reshaped")


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


def add_permute(builder: Builder, value: Value, order: Sequence[int]) -> Value:
    """``x.transpose(order)``; axes that stay together move as one, and more than three groups one after the other."""
    runs: list[list[int]] = []
    for axis in order:
        if runs and axis == runs[-1][-1] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    before = sorted(runs)
    extents = {run[0]: prod(value.shape[axis] for axis in run) for run in runs}
    if runs == before:
        return value
    if len(runs) <= 3:
        grouped = add_reshape(builder, value, tuple(extents[run[0]] for run in before))
        moved = builder.add(Permute(tuple(before.index(run) for run in runs)), [grouped], "moved")
    else:
        moved = _moved_to_front(
            builder, value, [extents[run[0]] for run in before], [before.index(run) for run in runs]
        )
    return add_reshape(builder, moved, tuple(value.shape[axis] for axis in order))


def _moved_to_front(builder: Builder, value: Value, extents: Sequence[int], order: Sequence[int]) -> Value:
    """Groups of axes of so many elements put in an order: each in turn to the front, but for the last that fit."""
    fitting = next(count for count in range(len(order), 0, -1) if list(order[-count:]) == sorted(order[-count:]))
    now = list(range(len(order)))
    for group in reversed(order[:-fitting]):
        place = now.index(group)
        front, behind = (prod(extents[g] for g in part) for part in (now[:place], now[place + 1 :]))
        shape = (front, extents[group], behind) if behind > 1 else (front, extents[group])
        blocks = add_reshape(builder, value, shape)
        value = builder.add(Permute((1, 0, 2)[: len(shape)]), [blocks], "moved")
        now = [group, *now[:place], *now[place + 1 :]]
    return value
