"""Layers that only move data: reshape, permute, pad, enlarge, concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.ir.graph import Node, Shape, Value
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.types import FixedType
from hlsgen.layers.base import Exact, Floats, Layer, align
from hlsgen.layers.kernel import Kernel, typed
from hlsgen.layers.reading import Call, reads
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


@reads("Flatten")
def read_flatten(call: Call) -> Value:
    call.expect("data_format", "channels_last", None)
    return call.add(Reshape((call.inputs[0].size,)))


@reads("Reshape")
def read_reshape(call: Call) -> Value:
    size = call.inputs[0].size
    target = [int(extent) for extent in call.take("target_shape")]
    if -1 in target:
        rest = prod(extent for extent in target if extent != -1)
        target[target.index(-1)] = size // rest if rest else 0
    if prod(target) != size or not target:
        raise ModelError(f"{call.where}: cannot reshape {call.inputs[0].shape} into {tuple(target)}")
    return call.add(Reshape(tuple(target)))


@reads("Permute")
def read_permute(call: Call) -> Value:
    order = tuple(int(axis) - 1 for axis in call.take("dims"))
    if sorted(order) != list(range(len(call.inputs[0].shape))) or len(order) > 3:
        raise UnsupportedError(f"{call.where}: permutation {order} of {call.inputs[0].shape} (up to three axes)")
    return call.add(Permute(order))


@reads("ZeroPadding1D", "ZeroPadding2D")
def read_zero_padding(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    padding = call.take("padding")
    if len(call.inputs[0].shape) == 2:
        padding = (0, padding)
    elif isinstance(padding, int):
        padding = (padding, padding)
    (top, bottom), (left, right) = ((p, p) if isinstance(p, int) else p for p in padding)
    return call.add(ZeroPadding((int(top), int(bottom), int(left), int(right))))


@reads("UpSampling1D", "UpSampling2D")
def read_upsampling(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    call.expect("interpolation", "nearest")
    size = call.take("size")
    sizes = [size] if isinstance(size, int) else list(size)
    if len(call.inputs[0].shape) == 2:
        return call.add(UpSampling((1, int(sizes[0]))))
    return call.add(UpSampling((int(sizes[0]), int(sizes[-1]))))


@reads("Concatenate")
def read_concatenate(call: Call) -> Value:
    rank = len(call.inputs[0].shape)
    axis = call.take("axis", -1)
    axis = axis + rank if axis < 0 else axis - 1
    if not 0 <= axis < rank:
        raise UnsupportedError(f"{call.where}: axis {axis} is the batch or outside of the tensor's {rank} axes")
    result = call.inputs[0]
    for other in call.inputs[1:]:
        result = call.add(Concatenate(axis), [result, other])
    return result


@reads(
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
)
def read_training_only(call: Call) -> Value:
    """Layers that do nothing at inference."""
    call.ignore("rate", "stddev", "l1", "l2", "noise_shape", "data_format")
    return call.inputs[0]


@reads("Identity")
def read_identity(call: Call) -> Value:
    return call.inputs[0]
