"""Layers that only move data: reshape, permute, pad, enlarge, concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.types import FixedType
from hlsgen.layers.base import Exact, Floats, Layer, align
from hlsgen.layers.kernel import Kernel, typed
from hlsgen.layers.window import as_image


@dataclass(frozen=True, eq=False)
class Mover(Layer):
    """A layer whose result is its input's values in another place (or zero)."""

    structural = True

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
    shape: Shape

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.shape

    def move(self, x: Floats) -> Floats:
        return x.reshape(len(x), *self.shape)

    def natural_type(self, node: Node, width: int) -> FixedType | None:
        """Exactly the input's: both are one wire."""
        return node.input.type

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
    order: tuple[int, ...]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return tuple(shapes[0][axis] for axis in self.order)

    def move(self, x: Floats) -> Floats:
        return x.transpose(0, *(axis + 1 for axis in self.order))

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        last = len(self.order) - 1
        if self.order[last] == last:
            return inputs[0]
        return inputs[0].uniform(shapes[0][self.order[last]])

    def kernel(self, node: Node) -> Kernel:
        front = 3 - len(self.order)
        shape = (1,) * front + node.input.shape
        order = (*range(front), *(axis + front for axis in self.order))
        fields = typed(node) | {f"in_d{i}": shape[i] for i in range(3)} | {f"perm{i}": order[i] for i in range(3)}
        return Kernel("permute", "permute.h", fields)


@dataclass(frozen=True, eq=False)
class ZeroPadding(Mover):
    """Zeros around an image: ``padding`` (top, bottom, left, right)."""

    kind = "ZeroPadding"
    padding: tuple[int, int, int, int]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = as_image(shapes[0])
        top, bottom, left, right = self.padding
        padded = (height + top + bottom, width + left + right, channels)
        return padded[1:] if len(shapes[0]) == 2 else padded

    def move(self, x: Floats) -> Floats:
        image = x.reshape(len(x), *as_image(x.shape[1:]))
        top, bottom, left, right = self.padding
        padded = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)))
        return padded.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0].with_zero()

    def kernel(self, node: Node) -> Kernel:
        height, width, channels = as_image(node.input.shape)
        fields = typed(node) | {"in_height": height, "in_width": width, "in_channels": channels}
        fields |= dict(zip(("pad_top", "pad_bottom", "pad_left", "pad_right"), self.padding, strict=True))
        return Kernel("zero_padding2d", "zero_padding2d.h", fields)


@dataclass(frozen=True, eq=False)
class UpSampling(Mover):
    """Every pixel repeated ``factors`` (rows, columns) times: nearest neighbour."""

    kind = "UpSampling"
    factors: tuple[int, int]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = as_image(shapes[0])
        rows, columns = self.factors
        return (width * columns, channels) if len(shapes[0]) == 2 else (height * rows, width * columns, channels)

    def move(self, x: Floats) -> Floats:
        image = x.reshape(len(x), *as_image(x.shape[1:]))
        bigger = image.repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)
        return bigger.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def kernel(self, node: Node) -> Kernel:
        height, width, channels = as_image(node.input.shape)
        fields = typed(node) | {
            "in_height": height,
            "in_width": width,
            "in_channels": channels,
            "factor_height": self.factors[0],
            "factor_width": self.factors[1],
        }
        return Kernel("upsampling2d", "upsampling2d.h", fields)


@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """Two tensors joined along ``axis`` (without the batch)."""

    kind = "Concatenate"
    structural = True
    axis: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        joined = list(shapes[0])
        joined[self.axis] += shapes[1][self.axis]
        return tuple(joined)

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

    def kernel(self, node: Node) -> Kernel:
        a, b = node.inputs
        assert a.type is not None and b.type is not None
        fields = typed(node)
        del fields["input_t"]
        fields |= {
            "input0_t": a.type,
            "input1_t": b.type,
            "outer": prod(a.shape[: self.axis]),
            "inner0": prod(a.shape[self.axis :]),
            "inner1": prod(b.shape[self.axis :]),
            "last_axis": self.axis == len(a.shape) - 1,
        }
        return Kernel("concatenate", "concatenate.h", fields)
