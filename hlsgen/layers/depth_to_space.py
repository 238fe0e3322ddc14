"""Layers that spread channels over pixels, or cut an image out of a larger one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.affine import Indices
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.ties import Tie, straight
from hlsgen.layers.shape_ops import Mover
from hlsgen.layers.window import as_image, as_tensor


@dataclass(frozen=True, eq=False)
class DepthToSpace(Mover):
    """Every pixel of (rows * columns * channels) values becomes a block of rows x columns pixels.

    ``factors`` (rows, columns) of a block; ``extent`` (height, width) that is kept of the result, from its
    upper left corner.
    """

    kind = "DepthToSpace"
    local = False
    factors: tuple[int, int]
    extent: tuple[int, int]

    @property
    def cells(self) -> int:
        return self.factors[0] * self.factors[1]

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, depth = as_image(shapes[0])
        whole = height * self.factors[0], width * self.factors[1]
        if depth % self.cells or self.extent[0] > whole[0] or self.extent[1] > whole[1]:
            raise ValueError(f"expected a multiple of {self.cells} channels, and pixels for {self.extent}")
        return as_tensor((*self.extent, depth // self.cells), shapes[0])

    def move(self, x: Floats) -> Floats:
        (height, width, depth), (rows, columns) = as_image(x.shape[1:]), self.factors
        channels = depth // self.cells
        blocks = x.reshape(-1, height, width, rows, columns, channels).transpose(0, 1, 3, 2, 4, 5)
        image = blocks.reshape(-1, height * rows, width * columns, channels)
        return image[:, : self.extent[0], : self.extent[1]].reshape(-1, *self.output_shape([x.shape[1:]]))

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        """Channel c of a block is channel c % channels of one of its pixels, if that is not cut off everywhere."""
        channels = before[-1] // self.cells
        source = np.arange(before[-1])
        row, column = np.divmod(source // channels, self.factors[1])
        source = source[(row < self.extent[0]) & (column < self.extent[1])]
        return source, source % channels, source[:0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        low, high = (v.reshape(self.cells, -1) for v in (inputs[0].low, inputs[0].high))
        return Interval(low.min(axis=0), high.max(axis=0), inputs[0].frac)


@dataclass(frozen=True, eq=False)
class Cropping(Mover):
    """The part of an image that ``crop`` (top, bottom, left, right) leaves."""

    kind = "Cropping"
    crop: tuple[int, int, int, int]

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return not any(self.crop)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        height, width, channels = as_image(shapes[0])
        top, bottom, left, right = self.crop
        return as_tensor((height - top - bottom, width - left - right, channels), shapes[0])

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def move(self, x: Floats) -> Floats:
        height, width, _ = as_image(x.shape[1:])
        top, bottom, left, right = self.crop
        image = x.reshape(len(x), *as_image(x.shape[1:]))[:, top : height - bottom, left : width - right]
        return image.reshape(len(x), *self.output_shape([x.shape[1:]]))
