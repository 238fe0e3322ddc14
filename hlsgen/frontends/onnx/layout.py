"""Where the axes of a source tensor lie in the value that holds it.

The elements of a tensor ``(N, C, H, W)`` are held as ``(H, W, C)``: the same numbers in another order. Each axis of the
source is made of parts, the slowest first; a value holds the parts of all axes one inside of the other, in an order of
its own. Then a transposition is another order of axes and moves nothing, and a Flatten is one axis of the parts C, H
and W, which are still held as H, W, C. Whoever reads the tensor says in which order it wants the parts; a weight is
brought into the order that there is.

The samples are an axis like others, of a part that no value holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.permuting import add_permute, add_reshape
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.graph import Value


@dataclass(frozen=True, eq=False)
class Part:
    """A part of an axis, longer than 1. Compared by identity."""

    extent: int


SAMPLES = Part(2**31 - 1)
"""The axis of the samples. Its extent is a prime that no other axis has: it is known again in computed shapes."""
Parts = tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the source: ``axes`` are its axes, of their parts; ``held`` are the parts as ``value`` holds them."""

    value: Value
    axes: tuple[Parts, ...]
    held: Parts

    @classmethod
    def of(cls, value: Value, order: Sequence[int], samples: int = 0) -> Tensor:
        """The tensor whose axes, without the samples, ``value`` holds in ``order`` (numbers of the source's axes)."""
        parts = dict(zip(order, ((Part(extent),) if extent > 1 else () for extent in value.shape), strict=True))
        axes = tuple((SAMPLES,) if axis == samples else parts[axis] for axis in range(len(order) + 1))
        return cls(value, axes, tuple(part for axis in order for part in parts[axis]))

    @property
    def shape(self) -> Shape:
        """That of the source, the samples counted as SAMPLES.extent."""
        return tuple(_extent(axis) for axis in self.axes)

    @property
    def samples(self) -> int:
        """The axis of the samples."""
        return self.axes.index((SAMPLES,))

    @property
    def is_mixed(self) -> bool:
        """Whether the samples share an axis with another part, which few operators take (:mod:`.mixed`)."""
        return (SAMPLES,) not in self.axes

    def place(self, axis: int, where: str) -> int:
        """An axis counted from the front. Raises ModelError for one that is not there, UnsupportedError for the
        samples'."""
        rank = len(self.axes)
        place = axis + rank if axis < 0 else axis
        if not 0 <= place < rank:
            raise ModelError(f"{where}: axis {axis} of a tensor of {rank} axes; the model is damaged")
        if place == self.samples:
            raise UnsupportedError(f"{where}: axis {axis} is that of the samples; every sample is computed by itself")
        return place

    def with_value(self, value: Value) -> Tensor:
        """The tensor of the same axes that another value of the same size holds."""
        return Tensor(value, self.axes, self.held)

    # -- in another order -------------------------------------------------------------------

    def arranged(self, builder: Builder, groups: Sequence[Parts]) -> Value:
        """The value with an axis for each of ``groups``, which have all parts. Adds a permutation where one moves."""
        wanted = [part for group in groups for part in group]
        shape = tuple(_extent(group) for group in groups)
        if wanted == list(self.held):
            return add_reshape(builder, self.value, shape)
        apart = add_reshape(builder, self.value, tuple(part.extent for part in self.held))
        moved = add_permute(builder, apart, [self.held.index(part) for part in wanted])
        return add_reshape(builder, moved, shape)

    def in_order(self, builder: Builder, order: Sequence[int]) -> Value:
        """The value with the source's axes in ``order``, the samples left out."""
        return self.arranged(builder, [self.axes[axis] for axis in order])

    def natural_order(self) -> tuple[int, ...]:
        """The source's axes as they are held; where one is in pieces, as the source has them."""
        return self._order_held() or tuple(axis for axis in range(len(self.axes)) if axis != self.samples)

    def by_axes(self, builder: Builder) -> tuple[Value, tuple[int, ...]]:
        """The value with an axis for each of the source, and their numbers in its order: as it is held, if it can."""
        order = self.natural_order()
        return self.in_order(builder, order), order

    def _order_held(self) -> tuple[int, ...] | None:
        """None where the parts of an axis are not side by side."""
        longer = [axis for axis, parts in enumerate(self.axes) if parts and axis != self.samples]
        longer.sort(key=lambda axis: self.held.index(self.axes[axis][0]))
        if [part for axis in longer for part in self.axes[axis]] != list(self.held):
            return None
        single = [axis for axis, parts in enumerate(self.axes) if not parts]
        extents = [_extent(self.axes[axis]) for axis in longer]
        if [extent for extent in self.value.shape if extent > 1] != extents:
            return (*single, *longer)
        if self.value.shape.count(1) != len(single):
            return (*single, *longer)
        ones, others = iter(single), iter(longer)  # those of 1 stay where the value has them
        return tuple(next(ones) if extent == 1 else next(others) for extent in self.value.shape)

    # -- shapes and orders of the source ----------------------------------------------------

    def apart(self) -> Tensor:
        """With each part of the first axis as an axis."""
        return Tensor(self.value, (*((part,) for part in self.axes[0]), *self.axes[1:]), self.held)

    def joined(self, count: int) -> Tensor:
        """With the first ``count`` axes as one."""
        first = tuple(part for axis in self.axes[:count] for part in axis)
        return Tensor(self.value, (first, *self.axes[count:]), self.held)

    def transposed(self, order: Sequence[int]) -> Tensor:
        return Tensor(self.value, tuple(self.axes[axis] for axis in order), self.held)

    def reshaped(self, builder: Builder, shape: Shape) -> Tensor:
        """The same elements in the source's order in another shape."""
        found = self._regrouped(shape)
        if found is not None:
            return found
        again = None
        if not self.is_mixed and self.samples == 0:
            flat = self.in_order(builder, range(1, len(self.axes)))
            line = Part(self.value.size)
            again = Tensor(flat, ((SAMPLES,), (line,)), (line,))._regrouped(shape)
        if again is None:
            raise UnsupportedError(
                f"{builder.where}: a tensor of shape {self.shape_text} becomes one of {shape_text(shape)}, in which "
                "samples are mixed; keep them as an axis by themselves"
            )
        return again

    @property
    def shape_text(self) -> str:
        """The shape for messages."""
        return shape_text(self.shape)

    def _regrouped(self, shape: Shape) -> Tensor | None:
        """The parts, cut where that takes it, in other groups; None where an axis ends inside of none."""
        waiting = [part for axis in self.axes for part in axis][::-1]
        cut: dict[Part, Parts] = {}
        axes = []
        for extent in shape:
            axis: list[Part] = []
            while extent > 1:
                if not waiting:
                    return None
                part = waiting.pop()
                if extent % part.extent == 0:
                    axis.append(part)
                    extent //= part.extent
                elif part.extent % extent == 0:
                    outer, inner = Part(extent), Part(part.extent // extent)
                    cut[part] = (outer, inner)
                    axis.append(outer)
                    waiting.append(inner)
                    extent = 1
                else:
                    return None
            axes.append(tuple(axis))
        if waiting:
            return None
        return Tensor(self.value, tuple(axes), _cut(self.held, cut))

    # -- constants --------------------------------------------------------------------------

    def as_held(self, array: Floats) -> Floats:
        """A constant that broadcasts against the source's tensor, as an array of the value's shape."""
        extents = [1 if axis == (SAMPLES,) else _extent(axis) for axis in self.axes]
        full = np.broadcast_to(array, extents)
        parts = [part for axis in self.axes for part in axis if part is not SAMPLES]
        apart = full.reshape([part.extent for part in parts])
        return apart.transpose([parts.index(part) for part in self.held]).reshape(self.value.shape)

    def rows_as_held(self, matrix: Floats, axis: int, held: Parts) -> Floats:
        """A matrix whose rows are an axis of the source, with its rows in the order in which the axis is held."""
        parts = self.axes[axis]
        rows = matrix.reshape(*(part.extent for part in parts), *matrix.shape[1:])
        order = [parts.index(part) for part in held]
        return rows.transpose(*order, *range(len(parts), rows.ndim)).reshape(matrix.shape)


def shape_text(shape: Sequence[int]) -> str:
    """A shape for messages."""
    return f"({', '.join('samples' if extent == SAMPLES.extent else str(extent) for extent in shape)})"


def _extent(parts: Iterable[Part]) -> int:
    return prod(part.extent for part in parts)


def _cut(held: Parts, cut: Mapping[Part, Parts]) -> Parts:
    """The parts with those that were cut (again and again) replaced by their pieces."""
    found: list[Part] = []
    waiting = list(held)[::-1]
    while waiting:
        part = waiting.pop()
        if part in cut:
            waiting.extend(reversed(cut[part]))
        else:
            found.append(part)
    return tuple(found)
