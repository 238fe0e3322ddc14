"""A step function behind a scale and shift, as integer thresholds on the grid of its input.

``levels[number of cuts that s * x + b reaches]`` needs no multiplier: each cut is solved for x in exact
rational arithmetic and moved to the next value that the input type can hold. A negative scale reverses the
order of the steps, a zero scale leaves one level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from hlsgen.ir.constant import Constant, Floats, Shape, exact_constant
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.staircase import Staircase
from hlsgen.ir.types import integers
from hlsgen.layers.thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class ScaledSteps(Layer):
    """``stairs(scale * x + bias)``; ``scale`` and ``bias`` (channels,) as real numbers."""

    kind = "ScaledSteps"
    packing = Packing.NONE
    pure = True
    casts = frozenset({"result"})
    stairs: Staircase
    scale: Floats
    bias: Floats

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"scale": shapes[0][-1:], "bias": shapes[0][-1:]}

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        y = inputs[0] * self.scale + self.bias
        count = np.zeros(y.shape, dtype=np.int64)
        for cut in self.stairs.cuts:
            at = float(cut.at)
            count += (y > at) if cut.beyond else (y >= at)
        return self.stairs.type.to_float(np.array(self.stairs.levels)[count])

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        raise AssertionError("becomes Thresholds before ranges are asked for")

    def prepared(self, context: Context) -> Layer:
        """Solve every cut for x on the grid of the input."""
        frac = context.input.type.frac
        rows = [self._row(Fraction(s), Fraction(b), frac) for s, b in zip(self.scale, self.bias, strict=True)]
        known = context.input.interval
        ends = zip(known.low, known.high, strict=True)  # beyond what occurs, a threshold is always or never reached
        cuts = [
            [min(max(cut, int(lo)), int(hi) + 1) for cut in row[0]] for row, (lo, hi) in zip(rows, ends, strict=True)
        ]
        thresholds = integers(np.array(cuts, dtype=object))
        levels = integers(np.array([row[1] for row in rows], dtype=object))
        return Thresholds(exact_constant(thresholds, frac), Constant.exactly(levels, self.stairs.type.plain()))

    def _row(self, scale: Fraction, bias: Fraction, frac: int) -> tuple[list[int], list[int]]:
        """Thresholds (ascending mantissas) and levels of one channel."""
        cuts, levels = self.stairs.cuts, list(self.stairs.levels)
        if not cuts:  # a constant: a step that is none
            return [0], levels * 2
        if scale == 0:
            reached = sum(bias > c.at if c.beyond else bias >= c.at for c in cuts)
            return [0] * len(cuts), [levels[reached]] * len(levels)
        grid = Fraction(2) ** frac
        solved = [(cut.at - bias) / scale * grid for cut in cuts]
        if scale > 0:
            return [floor(x) + 1 if c.beyond else ceil(x) for x, c in zip(solved, cuts, strict=True)], levels
        # Falling: x reaches the cut up to `solved`, so the level drops at the first value behind it.
        drops = [ceil(x) if c.beyond else floor(x) + 1 for x, c in zip(solved, cuts, strict=True)]
        return drops[::-1], levels[::-1]

    def describe(self) -> str:
        return f"{len(self.stairs.levels)} levels"
