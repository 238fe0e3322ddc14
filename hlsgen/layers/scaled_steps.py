"""A step function behind a scale and shift, as integer thresholds on the grid of its input.

``levels[number of cuts that s * x + b reaches]`` needs no multiplier: each cut is solved for x in exact
rational arithmetic and moved to the next value that the input type can hold. A negative scale reverses the
order of the steps, a zero scale leaves one level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow, Rounding, integers
from hlsgen.layers.base import Floats, Layer, Parameter
from hlsgen.layers.linear import exact_parameter
from hlsgen.layers.thresholds import Thresholds


@dataclass(frozen=True)
class Cut:
    """The place of a step: reached by ``x >= at``, or only by ``x > at`` if ``beyond``."""

    at: Fraction
    beyond: bool = False


@dataclass(frozen=True)
class Staircase:
    """A monotone step function: ``levels`` (mantissas of ``type``) between ascending ``cuts``."""

    cuts: tuple[Cut, ...]
    levels: tuple[int, ...]
    type: FixedType

    @classmethod
    def of_cast(cls, fixed: FixedType) -> Staircase | None:
        """The cast to a saturating type; None for modes without simple cuts."""
        if fixed.overflow not in (Overflow.SAT, Overflow.SAT_SYM):
            return None
        levels = tuple(range(fixed.min_mantissa, fixed.max_mantissa + 1))
        cuts = [_cut_below(level, fixed) for level in levels[1:]]
        known = tuple(c for c in cuts if c is not None)
        return cls(known, levels, fixed) if len(known) == len(cuts) else None


def _cut_below(level: int, fixed: FixedType) -> Cut | None:
    """Where a cast begins to give ``level`` (see ``FixedType.cast`` for the tie rules)."""
    match fixed.rounding:
        case Rounding.TRN:
            return Cut(level * fixed.step)
        case Rounding.RND:
            return Cut((level - Fraction(1, 2)) * fixed.step)
        case Rounding.RND_CONV:
            return Cut((level - Fraction(1, 2)) * fixed.step, beyond=level % 2 != 0)
        case Rounding.RND_MIN_INF:
            return Cut((level - Fraction(1, 2)) * fixed.step, beyond=True)
    return None


@dataclass(frozen=True, eq=False)
class ScaledSteps(Layer):
    """``stairs(scale * x + bias)``; ``scale`` and ``bias`` (channels,) as real numbers."""

    kind = "ScaledSteps"
    stairs: Staircase
    scale: Floats
    bias: Floats

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        y = inputs[0] * self.scale + self.bias
        count = np.zeros(y.shape, dtype=np.int64)
        for cut in self.stairs.cuts:
            at = float(cut.at)
            count += (y > at) if cut.beyond else (y >= at)
        return self.stairs.type.to_float(np.array(self.stairs.levels)[count])

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        raise AssertionError("becomes Thresholds before ranges are asked for")

    def with_constants(self, node: Node, width: int) -> Layer:
        """Solve every cut for x on the grid of the input."""
        assert node.input.type is not None
        frac = node.input.type.frac
        rows = [self._row(Fraction(s), Fraction(b), frac) for s, b in zip(self.scale, self.bias, strict=True)]
        thresholds = integers(np.array([row[0] for row in rows], dtype=object))
        levels = integers(np.array([row[1] for row in rows], dtype=object))
        return Thresholds(exact_parameter(thresholds, frac), Parameter.exactly(levels, self.stairs.type.plain()))

    def _row(self, scale: Fraction, bias: Fraction, frac: int) -> tuple[list[int], list[int]]:
        """Thresholds (ascending mantissas) and levels of one channel."""
        cuts, levels = self.stairs.cuts, list(self.stairs.levels)
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
