"""A part of a network's images, on which it is estimated: time then does not grow with the pixels.

A layer that does the same at every place of an image or a series does it in a part of it, too. Where a layer needs the
whole (a Flatten in front of a Dense, a PReLU with a slope for each pixel), the part is repeated over the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Shaped

LEAST_EXTENT = 32
"""Images are not cut to less."""
LEAST_POSITIONS = 4
"""Nor so far that a layer behind has fewer positions along an axis, if it has as many: beside a part lie zeros, and the
windows of the last layers would see more of them than of what they sum up in the whole."""


V_co = TypeVar("V_co", bound=Shaped, covariant=True)


class Stage(Protocol[V_co]):
    """A node of a graph or an operation of a design."""

    @property
    def layer(self) -> Layer: ...
    @property
    def inputs(self) -> tuple[V_co, ...]: ...
    @property
    def outputs(self) -> tuple[V_co, ...]: ...


V = TypeVar("V", bound=Shaped)


@dataclass(frozen=True)
class Part(Generic[V]):
    """Which shape each value has, and which stages need the whole of their inputs (known by their first output)."""

    shapes: Mapping[V, Shape]
    whole: frozenset[V] = frozenset()

    def taken(self, stage: Stage[V], arrays: Sequence[Floats]) -> list[Floats]:
        """What a stage computes with, of the parts of its inputs (samples, *shape)."""
        return [repeated(x, shape) for x, shape in zip(arrays, self.taken_shapes(stage), strict=True)]

    def taken_shapes(self, stage: Stage[V]) -> list[Shape]:
        """The shapes of what a stage computes with."""
        needs_whole = stage.outputs[0] in self.whole
        return [value.shape if needs_whole else self.shapes[value] for value in stage.inputs]


def whole_of(stages: Iterable[Stage[V]]) -> Part[V]:
    """All of every value."""
    return Part({value: value.shape for stage in stages for value in stage.outputs})


def part_of(stages: Iterable[Stage[V]], halvings: int, positions: int = LEAST_POSITIONS) -> Part[V]:
    """The extents of the inputs are halved so many times, but not below ``LEAST_EXTENT``, nor so often that a value has
    fewer than ``positions`` along an axis where it has those."""
    listed = list(stages)
    part = whole_of(listed)
    for count in range(1, halvings + 1):
        smaller = _halved(listed, count)
        if smaller == part or not _keeps(smaller, positions):
            break
        part = smaller
    return part


def _keeps(part: Part[V], positions: int) -> bool:
    return all(
        extent >= min(whole, positions)
        for value, shape in part.shapes.items()
        for extent, whole in zip(shape[:-1], value.shape[:-1], strict=True)
    )


def _halved(stages: Sequence[Stage[V]], halvings: int) -> Part[V]:
    shapes: dict[V, Shape] = {}
    whole: set[V] = set()
    for stage in stages:
        if stage.layer.is_input:
            shapes.update((value, _cut(value.shape, halvings)) for value in stage.outputs)
            continue
        found = _behind(stage, [shapes[value] for value in stage.inputs])
        if found is None:
            whole.add(stage.outputs[0])
            found = tuple(value.shape for value in stage.outputs)
        shapes.update(zip(stage.outputs, found, strict=True))
    return Part(shapes, frozenset(whole))


def smallest_part(stages: Iterable[Stage[V]], positions: int = LEAST_POSITIONS) -> Part[V]:
    """As little as there may be."""
    return part_of(stages, 64, positions)


def _cut(shape: Shape, halvings: int) -> Shape:
    *extents, channels = shape
    return (*(max(-(-extent >> halvings), min(extent, LEAST_EXTENT)) for extent in extents), channels)


def _behind(stage: Stage[V], inputs: list[Shape]) -> tuple[Shape, ...] | None:
    """The shapes of a stage's results for smaller inputs; None where it does not take them."""
    whole = [value.shape for value in stage.inputs]
    if inputs == whole:
        return tuple(value.shape for value in stage.outputs)
    agree = len(set(inputs)) == 1 or len(set(whole)) > 1
    if not (stage.layer.local and agree):
        return None
    try:
        outputs = stage.layer.output_shapes(inputs)
    except ValueError:
        return None
    fits = all(
        min(shape) >= 1 and len(shape) == len(value.shape) and shape[-1] == value.shape[-1]
        for shape, value in zip(outputs, stage.outputs, strict=True)
    )
    return outputs if fits else None


def repeated(x: Floats, shape: Shape) -> Floats:
    """Repeat ``x`` (samples, *part) along every axis until it fills (samples, *shape)."""
    for axis, extent in enumerate(shape, start=1):
        if x.shape[axis] != extent:
            x = np.take(x, np.arange(extent) % x.shape[axis], axis=axis)
    return x
