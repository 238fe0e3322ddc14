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

from hlsgen.ir.constant import Constant, exact_constant
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow, Rounding, integers
from hlsgen.layers.base import Floats, Layer
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
        """The cast to a saturating type; None for overflow modes that make it fall."""
        if fixed.overflow not in (Overflow.SAT, Overflow.SAT_SYM):
            return None
        levels = tuple(range(fixed.min_mantissa, fixed.max_mantissa + 1))
        return cls(tuple(_cut_below(level, fixed) for level in levels[1:]), levels, fixed)

    def clipped(self, lowest: int, highest: int) -> Staircase:
        """The same steps between two levels: ``min(max(y, lowest), highest)``."""
        first = sum(level <= lowest for level in self.levels) - 1
        last = max(sum(level <= highest for level in self.levels) - 1, first)
        return Staircase(self.cuts[first:last], self.levels[first : last + 1], self.type)


def _cut_below(level: int, fixed: FixedType) -> Cut:
    """Where a cast begins to give ``level`` (see ``FixedType.cast`` for the tie rules)."""
    middle = (level - Fraction(1, 2)) * fixed.step
    match fixed.rounding:
        case Rounding.TRN:
            return Cut(level * fixed.step)
        case Rounding.TRN_ZERO:
            return Cut(level * fixed.step) if level > 0 else Cut((level - 1) * fixed.step, beyond=True)
        case Rounding.RND:
            return Cut(middle)
        case Rounding.RND_MIN_INF:
            return Cut(middle, beyond=True)
        case Rounding.RND_INF:
            return Cut(middle, beyond=level <= 0)
        case Rounding.RND_ZERO:
            return Cut(middle, beyond=level > 0)
        case Rounding.RND_CONV:
            return Cut(middle, beyond=level % 2 != 0)


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
        known = node.input.interval or Interval.of_type(node.input.type, len(rows))
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
