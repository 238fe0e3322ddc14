"""Take: some places of an axis, in any order, also more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hlsgen.ir.affine import Indices
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.ties import Tie, straight
from hlsgen.layers.shape_ops import Mover


@dataclass(frozen=True, eq=False)
class Take(Mover):
    """``y[..., i, ...] = x[..., places[i], ...]`` along ``axis`` (counted without the batch): numpy.take."""

    kind = "Take"
    local = False
    axis: int
    places: tuple[int, ...]

    @property
    def rises(self) -> bool:
        """Whether the places are in the order of the input, each once."""
        return all(a < b for a, b in pairwise(self.places))

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return self.places == tuple(range(shapes[0][self.axis]))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        shape = shapes[0]
        if not 0 <= self.axis < len(shape):
            raise ValueError(f"there is no axis {self.axis}")
        if not self.places or min(self.places) < 0 or max(self.places) >= shape[self.axis]:
            raise ValueError(f"places have to be from 0 to {shape[self.axis] - 1}, and one at least")
        return (*shape[: self.axis], len(self.places), *shape[self.axis + 1 :])

    def move(self, x: Floats) -> Floats:
        return x.take(self.places, axis=self.axis + 1)

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return super().ties(shapes) if self._of_channels(shapes[0]) else straight(shapes[0])

    def _of_channels(self, shape: Shape) -> bool:
        return self.axis == len(shape) - 1

    def _channels_moved(self, before: Shape) -> tuple[Indices, Indices, Indices]:
        if not self._of_channels(before):
            return super()._channels_moved(before)
        source, target = np.array(self.places), np.arange(len(self.places))
        order = np.lexsort((target, source))
        return source[order], target[order], target[:0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x, places = inputs[0], np.array(self.places)
        return Interval(x.low[places], x.high[places], x.frac) if self._of_channels(shapes[0]) else x

    def describe(self) -> str:
        shown = ", ".join(map(str, self.places[:6]))
        return f"axis={self.axis} places={shown}{', ...' if len(self.places) > 6 else ''}"
