"""Step functions: the result is a level picked by counting the thresholds that the input reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant
from hlsgen.ir.demand import Demand
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints
from hlsgen.layers.base import Exact, Floats, Layer, align
from hlsgen.layers.kernel import ConstantArray, Kernel, Word, typed


@dataclass(frozen=True, eq=False)
class Thresholds(Layer):
    """``y = levels[number of k with x >= thresholds[c, k]]``.

    ``thresholds`` (channels or 1, n), ascending along n; ``levels`` (the same channels, n + 1). Both are exact.
    """

    kind = "Thresholds"
    thresholds: Constant
    levels: Constant

    @property
    def n(self) -> int:
        return self.thresholds.shape[1]

    def step_frac(self, node: Node) -> int | None:
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

    def wanted(self, node: Node, behind: Demand) -> Demand:
        cuts, frac = self.thresholds.fixed
        grain = Fraction(2) ** -frac
        return Demand((int(cuts.min()) - 1) * grain, int(cuts.max()) * grain, frac)

    def describe(self) -> str:
        return f"{self.n + 1} levels"

    def kernel(self, node: Node) -> Kernel:
        assert node.input.type is not None and node.output.type is not None
        t, frac = self.thresholds.fixed
        x, result = node.input.type, node.output.type
        common = max(x.frac, frac)
        bounds = [
            x.min_mantissa << (common - x.frac),
            x.max_mantissa << (common - x.frac),
            int(t.min()) << (common - frac),
            int(t.max()) << (common - frac),
            -1,
        ]
        compared = FixedType.covering(min(bounds), max(bounds), common)
        fields = {
            **typed(node),
            "size": node.output.size,
            "channels": t.shape[0],
            "n_thresholds": self.n,
            "threshold_t": compared,
            "threshold_word": Word(compared),
            "level_word": Word(result),
        }
        constants = (
            ConstantArray.of("cuts", compared.cast(t, frac), compared),
            ConstantArray.of("levels", result.cast(*self.levels.fixed), result),
        )
        return Kernel("thresholds", "thresholds.h", fields, constants)
