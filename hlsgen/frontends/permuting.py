"""Axes in another order and other extents, for tensors of any number of axes, counted without the batch.

A :class:`~hlsgen.layers.shape_ops.Permute` moves up to three axes. Axes that stay together count as one, axes of extent
1 as none; where more than three are left, one permutation follows another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise, permutations
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import Permute, Reshape

_MOST = 3
"""The axes that a Permute takes."""

Order = tuple[int, ...]
"""Axes of a tensor in the order of the result, counted without the batch, as for numpy.transpose."""


def add_reshape(builder: Builder, value: Value, shape: Shape, step: str | None = None) -> Value:
    """The same elements in another shape. Raises UnsupportedError for none but the batch's axis."""
    if not shape:
        raise UnsupportedError(
            f"{builder.where}: nothing but the batch would be left of a tensor of shape {value.shape}; keep an axis of "
            "1 (keepdims=True, or a slice x[:, 0:1] in place of x[:, 0])"
        )
    return value if value.shape == tuple(shape) else builder.add(Reshape(tuple(shape)), [value], step)


def inverse_of(order: Sequence[int]) -> Order:
    """The order that undoes another."""
    return tuple(order.index(axis) for axis in range(len(order)))


def add_permute(builder: Builder, value: Value, order: Sequence[int], step: str | None = None) -> Value:
    """``numpy.transpose(x, order)``; the value itself, or a reshape of it, where no element moves."""
    moving = [axis for axis in order if value.shape[axis] > 1]
    if moving == sorted(moving):
        return add_reshape(builder, value, tuple(value.shape[axis] for axis in order), step)
    if len(order) <= _MOST:
        return builder.add(Permute(tuple(order)), [value], step)
    shape = tuple(value.shape[axis] for axis in order)
    longer = [axis for axis, extent in enumerate(value.shape) if extent > 1]
    left = tuple(longer.index(axis) for axis in order if axis in longer)
    value = add_reshape(builder, value, tuple(value.shape[axis] for axis in longer), step)
    while left != tuple(range(len(left))):
        first = left if len(_blocks(left)) <= _MOST else _best_first(left)
        value = _permuted(builder, value, first, step)
        left = tuple(first.index(axis) for axis in left)
    return add_reshape(builder, value, shape, step)


def _permuted(builder: Builder, value: Value, order: Order, step: str | None) -> Value:
    """One permutation of up to three blocks of axes."""
    blocks = _blocks(order)
    held = sorted(blocks)
    merged = tuple(prod(value.shape[axis] for axis in block) for block in held)
    moved = builder.add(
        Permute(tuple(held.index(block) for block in blocks)), [add_reshape(builder, value, merged, step)], step
    )
    return add_reshape(builder, moved, tuple(value.shape[axis] for axis in order), step)


def _blocks(order: Order) -> list[Order]:
    """The runs of axes that stay together, in their new order."""
    cuts = [place for place, (a, b) in enumerate(pairwise(order), start=1) if b != a + 1]
    return [order[first:last] for first, last in pairwise((0, *cuts, len(order)))]


def _best_first(order: Order) -> Order:
    """Of the permutations of three blocks the one that leaves the fewest blocks to move: fewer than there are."""
    blocks = sorted(_blocks(order))
    candidates = []
    for cuts in combinations(range(1, len(blocks)), 2):
        parts = [blocks[first:last] for first, last in pairwise((0, *cuts, len(blocks)))]
        for moved in permutations(parts):
            first = tuple(axis for part in moved for block in part for axis in block)
            candidates.append((len(_blocks(tuple(first.index(axis) for axis in order))), first))
    return min(candidates)[1]


def add_on_last(
    builder: Builder, value: Value, axes: Sequence[int], add: Callable[[Value], Value], step: str = "axes"
) -> Value:
    """What ``add`` makes of ``value`` with ``axes`` (ascending) as one, the last; the axes are put back behind it.

    The result of ``add`` has the shape that it was given.
    """
    rank = len(value.shape)
    order = (*(axis for axis in range(rank) if axis not in axes), *axes)
    moved = add_permute(builder, value, order, f"{step}_last")
    outer = moved.shape[: rank - len(axes)]
    flat = add_reshape(builder, moved, (*outer, prod(moved.shape[len(outer) :])), f"{step}_flat")
    result = add_reshape(builder, add(flat), moved.shape, f"{step}_apart")
    return add_permute(builder, result, inverse_of(order), f"{step}_back")
