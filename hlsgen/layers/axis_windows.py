"""Windows along one axis, each with a place and a size of its own: their weighted sums, or their largest cells.

What works along several axes, an enlarged image or the pooling of a volume, is one of these for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.affine import Affine
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType, Ints, bit_length, integers


@dataclass(frozen=True)
class Spans:
    """Which cells of an axis each output sees: those from ``first`` to before ``end``; neither ever falls."""

    first: tuple[int, ...]
    end: tuple[int, ...]

    def __str__(self) -> str:
        low, high = min(self.sizes), max(self.sizes)
        return f"{len(self.first)} of {low if low == high else f'{low} to {high}'}"

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(end - first for first, end in zip(self.first, self.end, strict=True))

    @property
    def taps(self) -> int:
        """Cells of the largest."""
        return max(self.sizes)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which cells each window has: (outputs, taps)."""
        return np.arange(self.taps) < np.array(self.sizes)[:, None]

    def check(self, extent: int) -> None:
        """Raise ValueError where they are no spans of an axis of so many cells."""
        falls = any(a > b for ends in (self.first, self.end) for a, b in pairwise(ends))
        if falls or min(self.sizes, default=0) < 1 or self.first[0] < 0 or self.end[-1] > extent:
            raise ValueError(f"an axis of {extent} cells has no such windows: {self.first} to {self.end}")


@dataclass(frozen=True, eq=False)
class AlongAxis(Layer):
    """Every output along ``axis`` (counted without the batch, not the last) is made of the cells of its span."""

    packing = Packing.POSITIONS
    pure = True
    local = False
    axis: int
    spans: Spans

    @property
    def cells_read(self) -> int:
        return self.spans.taps

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        shape = shapes[0]
        if not 0 <= self.axis < len(shape) - 1:
            raise ValueError(f"axis {self.axis} is not one of {shape} in front of the last")
        self.spans.check(shape[self.axis])
        return (*shape[: self.axis], len(self.spans.first), *shape[self.axis + 1 :])

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def cells(self, x: Ints, tap: int) -> Ints:
        """Cell number ``tap`` of every window, counted from its first; the last one where a window has fewer."""
        places = np.minimum(np.array(self.spans.first) + tap, np.array(self.spans.end) - 1)
        found: Ints = np.take(x, places, axis=self.axis + 1)
        return found

    def describe(self) -> str:
        return f"axis={self.axis} windows={self.spans}"


@dataclass(frozen=True, eq=False)
class LargestAlongAxis(AlongAxis):
    """The largest cell of each span; of spans of one cell, that cell."""

    kind = "LargestAlongAxis"
    casts = frozenset({"result"})
    structural = True
    picks = True
    widest_word = 64

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        cells = range(shapes[0][self.axis])
        return self.spans == Spans(tuple(cells), tuple(cell + 1 for cell in cells))

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return True

    def commutes_with_cast(self, fixed: FixedType) -> bool:
        return fixed.saturates or self.spans.taps == 1

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        return [affine] if affine.rises or self.spans.taps == 1 else None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        return affine if affine.rises or self.spans.taps == 1 else None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        largest = self.cells(inputs[0], 0)
        for tap in range(1, self.spans.taps):
            largest = np.maximum(largest, self.cells(inputs[0], tap))
        return largest

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return Exact(self.evaluate_float([inputs[0].mantissas]), inputs[0].frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class SumsAlongAxis(AlongAxis):
    """The sum of each span's cells, each times its weight: ``weight`` (outputs, taps), zero behind a span's end.

    A step of a larger operation, as the interpolation of an image, is held exactly.
    """

    kind = "SumsAlongAxis"
    casts = frozenset({"accum", "result"})
    accumulates = True
    exact_inside = True
    weight: Constant = field(kw_only=True)

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"weight": (len(self.spans.first), self.spans.taps)}

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if self.weight.values[~self.spans.inside].any():
            raise ValueError("a weight behind the end of a window is not zero")
        return super().output_shape(shapes)

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + self.weight.known_type.width

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        return [affine] if self._commutes(affine) else None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        return affine if self._commutes(affine) else None

    def _commutes(self, affine: Affine) -> bool:
        """A shift passes only where the weights of every output add up to one."""
        return not affine.shifts or bool((self.weight.effective.sum(axis=1) == 1).all())

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self._sums(inputs[0], self.weight.effective)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        return (self._sums(inputs[0], np.square(self.weight.effective)),)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        (x, frac), (w, weight_frac) = inputs[0], self.weight.fixed
        bits = bit_length(x) + bit_length(w) + self.spans.taps.bit_length()
        return Exact(self._sums(integers(x, bits), integers(w, bits)), frac + weight_frac)

    def _sums(self, x: Ints, weight: Ints) -> Ints:
        behind = (1,) * (x.ndim - self.axis - 2)
        total = self.cells(x, 0) * weight[:, 0].reshape(-1, *behind)
        for tap in range(1, self.spans.taps):
            total = total + self.cells(x, tap) * weight[:, tap].reshape(-1, *behind)
        return total

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """The hull of all outputs', channel by channel."""
        x, (w, frac) = inputs[0], self.weight.fixed
        bits = max(bit_length(x.low), bit_length(x.high)) + bit_length(w) + self.spans.taps.bit_length() + 1
        low, high, w = (integers(v, bits) for v in (x.low, x.high, w))
        up, down = np.maximum(w, 0).sum(axis=1)[:, None], np.minimum(w, 0).sum(axis=1)[:, None]
        ends = (low * up + high * down).min(axis=0), (high * up + low * down).max(axis=0)
        return Interval(integers(ends[0]), integers(ends[1]), x.frac + frac)
