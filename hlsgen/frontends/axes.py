"""Axes in another order, and layers that work on the last axis brought to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import Permute, Reshape

_MOST_AXES = 3
"""What a Permute takes."""


def add_permuted(builder: Builder, value: Value, order: Sequence[int], step: str) -> Value:
    """Bring the axes (without the batch) into another order, as numpy.transpose.

    Axes of one element need no moving. Of more than three axes, those that stay side by side are moved as one: what is
    left are three at most, or it is refused. (Up to three are moved as they are, so that a word of a stream is as long
    as the last of them.)
    """
    shape = value.shape
    runs = _runs([axis for axis in order if shape[axis] > 1])
    result = tuple(shape[axis] for axis in order)
    if len(runs) < 2:
        return _reshaped(builder, value, result, step)
    if len(shape) <= _MOST_AXES:
        return builder.add(Permute(tuple(order)), [value], step)
    if len(runs) > _MOST_AXES:
        raise UnsupportedError(
            f"{builder.where}: axes {shape} in the order {tuple(order)}: {len(runs)} axes move against each other, at "
            f"most {_MOST_AXES} are supported"
        )
    places = sorted(range(len(runs)), key=lambda run: runs[run])
    merged = tuple(prod(shape[axis] for axis in runs[run]) for run in places)
    together = _reshaped(builder, value, merged, f"{step}_together")
    moved = builder.add(Permute(tuple(places.index(run) for run in range(len(runs)))), [together], step)
    return _reshaped(builder, moved, result, f"{step}_apart")


def inverse_of(order: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes another."""
    return tuple(order.index(axis) for axis in range(len(order)))


def add_on_last(
    builder: Builder, value: Value, axes: Sequence[int], add: Callable[[Value], Value], step: str = "axes"
) -> Value:
    """What ``add`` makes of ``value`` with ``axes`` (ascending, without the batch) as one, the last; axes as before.

    The result of ``add`` has the shape that it was given.
    """
    rank = len(value.shape)
    order = (*(axis for axis in range(rank) if axis not in axes), *axes)
    moved = add_permuted(builder, value, order, f"{step}_last")
    outer = moved.shape[: rank - len(axes)]
    flat = _reshaped(builder, moved, (*outer, prod(moved.shape[len(outer) :])), f"{step}_flat")
    result = _reshaped(builder, add(flat), moved.shape, f"{step}_apart")
    return add_permuted(builder, result, inverse_of(order), f"{step}_back")


def _reshaped(builder: Builder, value: Value, shape: Shape, step: str) -> Value:
    return value if value.shape == shape else builder.add(Reshape(shape), [value], step)


def _runs(order: Sequence[int]) -> list[tuple[int, ...]]:
    """The longest parts of an order in which axes ascend as they did before, those of one element left out."""
    if not order:
        return []
    follows = sorted(order)
    place = {axis: number for number, axis in enumerate(follows)}
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(order)) if place[b] != place[a] + 1), len(order)]
    return [tuple(order[a:b]) for a, b in pairwise(starts)]
