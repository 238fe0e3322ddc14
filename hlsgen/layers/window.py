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
    """Return (height, width, channels) of a tensor of rank 2 or 3. Raises ValueError for any other."""
    if len(shape) not in (2, 3):
        raise ValueError(f"expected an image or a line, of 3 or 2 axes; found {len(shape)}")
    return (1, shape[0], shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])


def as_tensor(image: tuple[int, int, int], like: Shape) -> Shape:
    """Return the shape of an image in the axes of ``like``. Raises ValueError for a line that does not stay one."""
    if len(like) == 2 and image[0] != 1:
        raise ValueError(f"a line would become an image of {image[0]} rows")
    return image[1:] if len(like) == 2 else image


def framed(image: NDArray[Any], margins: tuple[int, int, int, int], fill: Any = 0) -> NDArray[Any]:
    """Put (top, bottom, left, right) rows and columns of ``fill`` around images (samples, height, width, channels).

    What is added is what the array holds: ``np.pad`` puts NumPy's integers of 64 bits among Python's, whose sums wrap.
    """
    samples, height, width, channels = image.shape
    top, bottom, left, right = margins
    result = np.full((samples, height + top + bottom, width + left + right, channels), fill, dtype=image.dtype)
    result[:, top : top + height, left : left + width] = image
    return result


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
        return as_tensor((*self.output_extent(shape), channels), shape)

    def patches(self, x: NDArray[Any], fill: Any = 0) -> NDArray[Any]:
        """Return every window of ``x`` (samples, *shape) as (samples, rows, columns, kh, kw, channels)."""
        image = x.reshape(x.shape[0], *as_image(x.shape[1:]))
        padded = framed(image, self.padding, fill)
        spans = np.lib.stride_tricks.sliding_window_view(padded, self.reach, axis=(1, 2))
        taken = spans[:, :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        return taken.transpose(0, 1, 2, 4, 5, 3)

    def counts(self, shape: Shape) -> NDArray[np.int64]:
        """How many cells of each window lie inside the input: (rows, columns)."""
        rows, columns = (_lengths(spans) for spans in self._spans(shape))
        return rows[:, None] * columns[None, :]

    def distinct_counts(self, shape: Shape) -> list[int]:
        """The different numbers among :meth:`counts`, ascending."""
        rows, columns = (np.unique(_lengths(spans)) for spans in self._spans(shape))
        return sorted({int(r) * int(c) for r in rows for c in columns})

    def masks(self, shape: Shape) -> list[NDArray[np.bool_]]:
        """Which cells (kh, kw) lie inside the input, for every kind of place; not those whose cells another has, too.

        One, of all cells, if some window lies inside.
        """
        rows, columns = (
            [(cells >= first) & (cells < end) for first, end in _largest(spans)]
            for spans, cells in zip(self._spans(shape), (np.arange(n) for n in self.size), strict=True)
        )
        masks = [row[:, None] & column[None, :] for row in rows for column in columns]
        return list({mask.tobytes(): mask for mask in masks}.values())

    def _spans(self, shape: Shape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For rows and for columns, (outputs, 2): the first cell of each output that lies inside, and the one behind
        the last."""
        extents, outputs, before = as_image(shape)[:2], self.output_extent(shape), (self.padding[0], self.padding[2])
        rows, columns = (
            _spans(outputs[i], self.size[i], self.stride[i], self.dilation[i], before[i], extents[i]) for i in (0, 1)
        )
        return rows, columns


def _spans(outputs: int, size: int, stride: int, dilation: int, before: int, extent: int) -> NDArray[np.int64]:
    """Cell k of output o is at ``o * stride + k * dilation - before``, which is inside from 0 to ``extent``."""
    start = np.arange(outputs, dtype=np.int64) * stride - before
    ends = [-(start // dilation), -((start - extent) // dilation)]  # where it reaches 0, where it reaches the extent
    return np.clip(np.stack(ends, axis=1), 0, size)


def _largest(spans: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The different spans that lie in no other (an empty one if there are no others). Along an image both ends only
    fall, so that equal ones follow each other."""
    changes = np.any(spans[1:] != spans[:-1], axis=1)
    ends: dict[int, int] = {}
    for first, end in sorted(map(tuple, spans[np.append(True, changes)].tolist())):
        if first < end:
            ends[first] = end  # the last one is the longest: they ascend
    found: list[tuple[int, int]] = []
    for first, end in sorted(ends.items()):
        if not found or end > found[-1][1]:
            found.append((first, end))
    return found or [(0, 0)]


def _lengths(spans: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(spans[:, 1] - spans[:, 0])
