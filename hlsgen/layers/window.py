"""Sliding windows: the geometry that convolutions and pooling share.

One-dimensional layers are two-dimensional ones of height 1: a tensor (length, channels) is read as
(1, length, channels), which is the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Shape


def as_image(shape: Shape) -> tuple[int, int, int]:
    """Return (height, width, channels) of a tensor of rank 2 or 3."""
    return (1, shape[0], shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])


@dataclass(frozen=True)
class Window:
    """Size, stride, dilation (each (height, width)) and zero padding (top, bottom, left, right)."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        if min(*self.size, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise ValueError(f"no window has size {self.size}, stride {self.stride} and dilation {self.dilation}")

    def __str__(self) -> str:
        text = "x".join(map(str, self.size))
        if self.stride != (1, 1):
            text += f"/{self.stride[0]}x{self.stride[1]}"
        if self.dilation != (1, 1):
            text += f" dilated {self.dilation[0]}x{self.dilation[1]}"
        return text + (f" padded {','.join(map(str, self.padding))}" if any(self.padding) else "")

    def with_padding(self, more: tuple[int, int, int, int]) -> Window:
        """The same window with that much more padding."""
        top, bottom, left, right = (a + b for a, b in zip(self.padding, more, strict=True))
        return replace(self, padding=(top, bottom, left, right))

    def by_axis(self) -> tuple[Window, Window]:
        """One over rows, one over columns: what is added up or compared cell by cell goes faster through both."""
        top, bottom, left, right = self.padding
        rows = Window((self.size[0], 1), (self.stride[0], 1), (self.dilation[0], 1), (top, bottom, 0, 0))
        return rows, Window((1, self.size[1]), (1, self.stride[1]), (1, self.dilation[1]), (0, 0, left, right))

    @property
    def taps(self) -> int:
        return self.size[0] * self.size[1]

    @property
    def padded(self) -> bool:
        return any(self.padding)

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns that the dilated window spans."""
        return (self.size[0] - 1) * self.dilation[0] + 1, (self.size[1] - 1) * self.dilation[1] + 1

    def output_extent(self, shape: Shape) -> tuple[int, int]:
        """Output (height, width); zero or less where the window does not fit."""
        height, width, _ = as_image(shape)
        top, bottom, left, right = self.padding
        rows = (height + top + bottom - self.reach[0]) // self.stride[0] + 1
        columns = (width + left + right - self.reach[1]) // self.stride[1] + 1
        return rows, columns

    def output_shape(self, shape: Shape, channels: int) -> Shape:
        rows, columns = self.output_extent(shape)
        return (columns, channels) if len(shape) == 2 else (rows, columns, channels)

    def patches(self, x: NDArray[Any], fill: Any = 0) -> NDArray[Any]:
        """Return every window of ``x`` (samples, *shape) as (samples, rows, columns, kh, kw, channels)."""
        image = x.reshape(x.shape[0], *as_image(x.shape[1:]))
        top, bottom, left, right = self.padding
        padded = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
        spans = np.lib.stride_tricks.sliding_window_view(padded, self.reach, axis=(1, 2))
        taken = spans[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        return taken.transpose(0, 1, 2, 4, 5, 3)

    def counts(self, shape: Shape) -> NDArray[np.int64]:
        """How many cells of each window lie inside the input: (rows, columns)."""
        rows, columns = (inside.sum(axis=1) for inside in self._inside(shape))
        return np.asarray(rows[:, None] * columns[None, :], dtype=np.int64)

    def distinct_counts(self, shape: Shape) -> list[int]:
        """The different numbers among :meth:`counts`, ascending."""
        rows, columns = (np.unique(inside.sum(axis=1)) for inside in self._inside(shape))
        return sorted({int(r) * int(c) for r in rows for c in columns})

    def _inside(self, shape: Shape) -> list[NDArray[np.bool_]]:
        """For rows and for columns, (outputs, size): does cell k of output o lie inside?"""
        extents, outputs, before = as_image(shape)[:2], self.output_extent(shape), (self.padding[0], self.padding[2])
        found = []
        for axis in (0, 1):
            at = np.arange(outputs[axis])[:, None] * self.stride[axis] - before[axis]
            at = at + np.arange(self.size[axis]) * self.dilation[axis]
            found.append((at >= 0) & (at < extents[axis]))
        return found

    def masks(self, shape: Shape) -> list[NDArray[np.bool_]]:
        """Which cells (kh, kw) lie inside the input, for every kind of place; not those whose cells another has, too.

        One, of all cells, if some window lies inside.
        """
        rows, columns = (np.unique(inside, axis=0) for inside in self._inside(shape))
        masks = [row[:, None] & column[None, :] for row in rows for column in columns]
        found = list({mask.tobytes(): mask for mask in masks}.values())
        return [m for m in found if not any(o is not m and (o | m == o).all() for o in found)]
