"""Volumes (depth, height, width, channels) from the layers of images.

A convolution of a volume is one of an image. The slices that a window sees lie side by side in the channels: slice k of
every window, of all windows. What is left of the depth stands one upon another, a tall image, which a window goes down
as if it were one. Rows in which it reaches from one slice into the next are cut off; there are as many for each slice
as rows that the window reaches beyond its first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from hlsgen.frontends.builder import Builder
from hlsgen.frontends.recurrence import parted
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Layer
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.shape_ops import Concatenate, Reshape, ZeroPadding
from hlsgen.layers.window import Window

Margins = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""Before and behind, of depth, height and width."""
_Image = Callable[[tuple[int, int, int, int]], Layer]


@dataclass(frozen=True)
class Axis:
    """One axis of the windows of a convolution."""

    extent: int
    size: int
    stride: int
    dilation: int
    margins: tuple[int, int]

    @property
    def reach(self) -> int:
        """Cells that a window spans."""
        return (self.size - 1) * self.dilation + 1

    @property
    def outputs(self) -> int:
        return (sum(self.margins) + self.extent - self.reach) // self.stride + 1


def add_padding(builder: Builder, value: Value, margins: Margins) -> Value:
    """Put zeros around a volume."""
    return _along_axes(builder, value, margins, ZeroPadding)


def add_cropping(builder: Builder, value: Value, margins: Margins) -> Value:
    """Cut the outermost cells off a volume."""
    return _along_axes(builder, value, margins, Cropping)


def _along_axes(builder: Builder, value: Value, margins: Margins, layer: _Image) -> Value:
    """Depth and height as rows and columns of an image, of which a column is a row of the volume; then the width."""
    depth, height, width = margins
    if any(depth) or any(height):
        rows, columns, cells, channels = value.shape
        image = builder.add(Reshape((rows, columns * cells, channels)), [value], "rows")
        image = builder.add(layer((*depth, height[0] * cells, height[1] * cells)), [image], "framed_rows")
        value = builder.add(Reshape((image.shape[0], image.shape[1] // cells, cells, channels)), [image], "volume")
    if any(width):
        rows, columns, cells, channels = value.shape
        image = builder.add(Reshape((rows * columns, cells, channels)), [value], "columns")
        image = builder.add(layer((0, 0, *width)), [image], "framed_columns")
        value = builder.add(Reshape((rows, columns, image.shape[1], channels)), [image], "framed")
    return value


def add_convolution(
    builder: Builder,
    value: Value,
    axes: Sequence[Axis],
    groups: int,
    convolve: Callable[[Value, Window], Value],
) -> Value:
    """Add a convolution of a volume: ``convolve`` adds that of an image whose channels are (group, slice of the window,
    channel of the group)."""
    depth, height, width = axes
    more = -(sum(height.margins) + height.extent) % height.stride  # so that every slice begins a window
    rows = height.margins[0], height.margins[1] + more
    value = add_padding(builder, value, (depth.margins, rows, (0, 0)))
    value = _side_by_side(builder, value, depth, groups)
    tall = builder.add(Reshape((value.shape[0] * value.shape[1], *value.shape[2:])), [value], "tall")
    below = max(height.reach - height.stride, 0)
    window = Window(
        (height.size, width.size),
        (height.stride, width.stride),
        (height.dilation, width.dilation),
        (0, below, *width.margins),
    )
    result = convolve(tall, window)
    of_slice = value.shape[1] // height.stride
    shape: Shape = (depth.outputs, of_slice, *result.shape[1:])
    result = builder.add(Reshape(shape), [result], "slices")
    return add_cropping(builder, result, ((0, 0), (0, of_slice - height.outputs), (0, 0)))


def _side_by_side(builder: Builder, value: Value, depth: Axis, groups: int) -> Value:
    """The slices of each window along the depth, in the channels."""
    channels = value.shape[-1] // groups
    parts = parted(builder, value, *[channels] * groups, step="groups")
    slices = [_slices(builder, part, depth, number) for part in parts for number in range(depth.size)]
    return reduce(lambda a, b: builder.add(Concatenate(3), [a, b], "side_by_side"), slices)


def _slices(builder: Builder, value: Value, depth: Axis, number: int) -> Value:
    """Slice ``number`` of every window."""
    first = [output * depth.stride + number * depth.dilation for output in range(depth.outputs)]
    layer = LargestAlongAxis(0, Spans(tuple(first), tuple(place + 1 for place in first)))
    return value if layer.is_identity([value.shape]) else builder.add(layer, [value], f"slice{number}")
