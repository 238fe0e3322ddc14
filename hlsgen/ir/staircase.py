"""Monotone step functions: where a cast steps from one level to the next."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hlsgen.ir.types import FixedType, Rounding


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
    def of_cast(cls, fixed: FixedType | None, most: int) -> Staircase | None:
        """The cast to a type; None without one, with overflow modes that make it fall, and beyond ``most`` levels."""
        if fixed is None or 1 << fixed.width > most or not fixed.saturates:
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
