"""Layers that only move data: reshape, permute, pad, enlarge, concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm, prod

import numpy as np

from hlsgen.ir.affine import Affine, Indices
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Context, Exact, Layer, Packing, align
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType
from hlsgen.layers.window import as_image, as_tensor, framed


@dataclass(frozen=True, eq=False)
class Mover(Layer):
    """A layer whose result is its input's values in another place (or zero)."""

    packing = Packing.POSITIONS
    pure = True
    casts = frozenset()
    structural = True
    picks = True

    def commutes_with_cast(self, fixed: FixedType) -> bool:
        return True  # zeros of padding are zero in every type

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        source, target, padded = self._channels_moved(shapes[0])
        picked = np.zeros(shapes[0][-1], dtype=np.int64)
        picked[source] = target
        if not affine.agrees(picked[source], target) or affine.shift.effective[padded].any():
            return None
        return [affine.take(picked)]

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        source, target, padded = self._channels_moved(shapes[0])
        picked = np.zeros(self.output_shape(shapes)[-1], dtype=np.int64)
        picked[target] = source
        if not affine.agrees(picked[target], source):
            return None
        behind = affine.take(picked)
        return None if behind.shift.effective[padded].any() else behind

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        source, target, _ = self._channels_moved(shapes[0])
        return [Tie(0, source, 0, target)]

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        """Zeros that are added are no zeros of what is held any more."""
        return not self._channels_moved(shapes[0])[2].size

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        """All (channel before, channel behind) that share an element, by channel before; and the channels behind that
        hold padding. Here: every channel stays what it is."""
        same = np.arange(before[-1])
        return same, same, same[:0]

    def move(self, x: Floats) -> Floats:
        """Rearrange (samples, *shape)."""
        raise NotImplementedError

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.move(inputs[0])

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return Exact(self.move(inputs[0].mantissas), inputs[0].frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Reshape(Mover):
    """Another shape of the same elements in the same order; costs nothing."""

    kind = "Reshape"
    packing = Packing.NONE
    renames = True
    local = False
    shape: Shape

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return shapes[0] == self.shape

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if prod(shapes[0]) != prod(self.shape):
            raise ValueError(f"{self.shape} has another number of elements")
        return self.shape

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        before, after = shapes[0][-1], self.shape[-1]
        if after % before and before % after:
            return super().ties(shapes)
        channels = np.arange(max(before, after))
        return [Tie(0, channels % before, 0, channels % after)]

    def move(self, x: Floats) -> Floats:
        return x.reshape(len(x), *self.shape)

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        """Element e is in channels e % before and e % behind; all pairs of these are in the first lcm elements."""
        channels, behind = before[-1], self.shape[-1]
        place = np.arange(lcm(channels, behind))
        source, target = place % channels, place % behind
        order = np.lexsort((target, source))
        return source[order], target[order], place[:0]

    def natural_type(self, context: Context) -> FixedType | None:
        """Exactly the input's: both are one wire."""
        return context.input.type

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        before, after = shapes[0][-1], self.shape[-1]
        if after % before == 0:
            return inputs[0].tiled(after // before)
        return inputs[0].uniform(after)

    def describe(self) -> str:
        return ""


@dataclass(frozen=True, eq=False)
class Permute(Mover):
    """Axes (without the batch) in another order, as numpy.transpose."""

    kind = "Permute"
    local = False
    order: tuple[int, ...]

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return self.order == tuple(range(len(self.order)))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if sorted(self.order) != list(range(len(shapes[0]))):
            raise ValueError(f"{self.order} is no order of its axes")
        return tuple(shapes[0][axis] for axis in self.order)

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0]) if self.order[-1] == len(self.order) - 1 else super().ties(shapes)

    def move(self, x: Floats) -> Floats:
        return x.transpose(0, *(axis + 1 for axis in self.order))

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        """Every channel to itself where the last axis stays, else to every other."""
        if self.order[-1] == len(self.order) - 1:
            return super()._channels_moved(before)
        channels, behind = before[-1], before[self.order[-1]]
        return np.repeat(np.arange(channels), behind), np.tile(np.arange(behind), channels), np.arange(0)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        last = len(self.order) - 1
        if self.order[last] == last:
            return inputs[0]
        return inputs[0].uniform(shapes[0][self.order[last]])


@dataclass(frozen=True, eq=False)
class ZeroPadding(Mover):
    """Zeros around an image: ``padding`` (top, bottom, left, right)."""

    kind = "ZeroPadding"
    picks = False
    padding: tuple[int, int, int, int]

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return not any(self.padding)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = as_image(shapes[0])
        top, bottom, left, right = self.padding
        return as_tensor((height + top + bottom, width + left + right, channels), shapes[0])

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def move(self, x: Floats) -> Floats:
        image = x.reshape(len(x), *as_image(x.shape[1:]))
        return framed(image, self.padding).reshape(len(x), *self.output_shape([x.shape[1:]]))

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        same = np.arange(before[-1])
        return same, same, same if any(self.padding) else same[:0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0].with_zero()


@dataclass(frozen=True, eq=False)
class UpSampling(Mover):
    """Every pixel repeated ``factors`` (rows, columns) times: nearest neighbour."""

    kind = "UpSampling"
    factors: tuple[int, int]

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return self.factors == (1, 1)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = as_image(shapes[0])
        rows, columns = self.factors
        return as_tensor((height * rows, width * columns, channels), shapes[0])

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def move(self, x: Floats) -> Floats:
        image = x.reshape(len(x), *as_image(x.shape[1:]))
        bigger = image.repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)
        return bigger.reshape(len(x), *self.output_shape([x.shape[1:]]))


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Two tensors joined along ``axis`` (without the batch)."""

    kind = "Concatenate"
    packing = Packing.POSITIONS
    arity = 2
    pure = True
    casts = frozenset()
    structural = True
    axis: int

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        if self.axis != len(shapes[0]) - 1:
            return [affine, affine]
        first = shapes[0][-1]
        return [affine.take(slice(first)), affine.take(slice(first, None))]

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        if self.axis != len(shapes[0]) - 1:
            return None
        other = Affine.identity(shapes[1 - place][-1])
        return other.joined(affine) if place else affine.joined(other)

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        if self.axis != len(shapes[0]) - 1:
            return straight(shapes[0], inputs=2)
        first, second = (np.arange(shape[-1]) for shape in shapes)
        return [Tie(0, first, 0, first), Tie(1, second, 0, len(first) + second)]

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return True

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if not 0 <= self.axis < len(shapes[0]):
            raise ValueError(f"there is no axis {self.axis}")
        (*before, first), behind = shapes[0][: self.axis + 1], shapes[0][self.axis + 1 :]
        second = shapes[1][self.axis] if len(shapes[1]) > self.axis else 0
        if shapes[1] != (*before, second, *behind):
            raise ValueError(f"expected equal extents but for axis {self.axis}, along which they are joined")
        return (*before, first + second, *behind)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.concatenate(inputs, axis=self.axis + 1)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        parts, frac = align(inputs)
        return Exact(np.concatenate(parts, axis=self.axis + 1), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        if self.axis != len(shapes[0]) - 1:
            return hull(inputs)
        frac = max(i.frac for i in inputs)
        parts = [i.at(frac) for i in inputs]
        return Interval(np.concatenate([p.low for p in parts]), np.concatenate([p.high for p in parts]), frac)
