"""Split: a tensor cut in two along an axis. Cuts into more are chains of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.ties import Tie


@dataclass(frozen=True, eq=False)
class Split(Layer):
    """Two outputs: the first ``first`` elements along ``axis`` (counted without the batch), and the others."""

    kind = "Split"
    packing = Packing.POSITIONS
    pure = True
    casts = frozenset()
    structural = True
    axis: int
    first: int

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        if not 0 <= self.axis < len(shapes[0]):
            raise ValueError(f"there is no axis {self.axis}")
        before, extent, behind = shapes[0][: self.axis], shapes[0][self.axis], shapes[0][self.axis + 1 :]
        return (*before, self.first, *behind), (*before, extent - self.first, *behind)

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        channels = np.arange(shapes[0][-1])
        if self.axis != len(shapes[0]) - 1:
            return [Tie(0, channels, output, channels) for output in range(2)]
        parts = channels[: self.first], channels[self.first :]
        return [Tie(0, part, output, np.arange(len(part))) for output, part in enumerate(parts)]

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return True

    def evaluate_floats(self, inputs: Sequence[Floats]) -> tuple[Floats, ...]:
        return tuple(np.split(inputs[0], [self.first], axis=self.axis + 1))

    def exacts(self, inputs: Sequence[Exact]) -> tuple[Exact, ...]:
        x, frac = inputs[0]
        return tuple(Exact(part, frac) for part in np.split(x, [self.first], axis=self.axis + 1))

    def intervals(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> tuple[Interval, ...]:
        x = inputs[0]
        if self.axis != len(shapes[0]) - 1:
            return x, x
        at = self.first
        return Interval(x.low[:at], x.high[:at], x.frac), Interval(x.low[at:], x.high[at:], x.frac)
