"""Step functions: the result is a level picked by counting the thresholds that the input reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.demand import Demand
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Exact, Layer, Packing, align
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, Ints


@dataclass(frozen=True, eq=False)
class Thresholds(Layer):
    """``y = levels[number of k with x >= thresholds[c, k]]``.

    ``thresholds`` (channels or 1, n), ascending along n; ``levels`` (the same channels, n + 1). Both are exact.
    """

    kind = "Thresholds"
    packing = Packing.CHANNELS
    pure = True
    casts = frozenset({"result"})
    thresholds: Constant
    levels: Constant

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        channels = 1 if self.thresholds.shape[:1] == (1,) else shapes[0][-1]
        steps = self.thresholds.values.size // channels
        return {"thresholds": (channels, steps), "levels": (channels, steps + 1)}

    @property
    def n(self) -> int:
        return self.thresholds.shape[1]

    def step_frac(self, result: FixedType | None) -> int | None:
        return self.thresholds.fixed[1]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        reached = inputs[0][..., None] >= self.thresholds.effective
        return self._pick(self.levels.effective, reached.sum(axis=-1))

    def _pick(self, levels: NDArray[Any], count: Ints) -> NDArray[Any]:
        """``levels[c, count]`` for each element of channel c."""
        channels = np.arange(count.shape[-1]) if len(levels) > 1 else np.zeros(1, dtype=np.int64)
        return np.asarray(levels[np.broadcast_to(channels, count.shape), count])

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        (x, t), _ = align([inputs[0], Exact(*self.thresholds.fixed)])
        count = np.zeros(x.shape, dtype=np.int64)
        for k in range(self.n):
            count += (x >= t[:, k]).astype(np.int64)
        levels, frac = self.levels.fixed
        return Exact(self._pick(levels, count), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        levels, frac = self.levels.fixed
        spans = Interval.of_values(levels.T, frac)
        return spans if spans.channels == inputs[0].channels else spans.uniform(inputs[0].channels)

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        cuts, frac = self.thresholds.fixed
        grain = Fraction(2) ** -frac
        return Demand((int(cuts.min()) - 1) * grain, int(cuts.max()) * grain, frac)

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        if self.thresholds.shape[0] != 1 or self.levels.type is None:
            return None
        at, frac = self.thresholds.fixed
        places = tuple(Cut(int(m) * Fraction(2) ** -frac) for m in at[0])
        return Staircase(places, tuple(int(v) for v in self.levels.fixed[0][0]), self.levels.type)

    def describe(self) -> str:
        return f"{self.n + 1} levels"
