"""Quantisers to evenly spaced values, as ONNX and QONNX define them: whole numbers between two ends, a scale, a zero
point, and a rounding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers

MOST_LEVELS = 1024
"""Of a quantiser that is computed by its steps."""


class Rounds(StrEnum):
    """How a real number becomes a whole one."""

    HALF_EVEN = "HALF_EVEN"
    HALF_UP = "HALF_UP"  # to nearest, ties away from zero
    HALF_DOWN = "HALF_DOWN"  # to nearest, ties towards zero
    FLOOR = "FLOOR"
    CEIL = "CEIL"
    DOWN = "DOWN"  # towards zero
    UP = "UP"  # away from zero


OF_CASTS = {
    Rounds.HALF_EVEN: Rounding.RND_CONV,
    Rounds.HALF_UP: Rounding.RND_INF,
    Rounds.HALF_DOWN: Rounding.RND_ZERO,
    Rounds.FLOOR: Rounding.TRN,
    Rounds.DOWN: Rounding.TRN_ZERO,
}
"""Those that a cast does."""


@dataclass(frozen=True)
class Uniform:
    """``(q - zero) * scale`` with ``q = clip(round(x / scale + zero), low, high)``; ``scale`` is above 0."""

    low: int
    high: int
    scale: Fraction
    zero: int = 0
    rounds: Rounds = Rounds.HALF_EVEN

    @property
    def exponent(self) -> int | None:
        """The exponent of a scale that is a power of two, else None."""
        top, bottom = self.scale.numerator, self.scale.denominator
        if top & (top - 1) or bottom & (bottom - 1):
            return None
        return top.bit_length() - bottom.bit_length()

    @property
    def plain_type(self) -> FixedType:
        """The narrowest type of all results; of ``q - zero`` where the scale is no power of two."""
        return FixedType.covering(self.low - self.zero, self.high - self.zero, -(self.exponent or 0))

    @property
    def cast(self) -> FixedType | None:
        """The type whose cast is this quantiser, if there is one."""
        if self.zero or self.exponent is None or self.rounds not in OF_CASTS:
            return None
        plain = self.plain_type
        for overflow in (Overflow.SAT, Overflow.SAT_SYM):
            fixed = plain.with_modes(OF_CASTS[self.rounds], overflow)
            if (fixed.min_mantissa, fixed.max_mantissa) == (self.low, self.high):
                return fixed
        return None

    @property
    def staircase(self) -> Staircase | None:
        """The results of ``plain_type`` and where they step; None where there are too many.

        Without a zero point, quotients are rounded to float32 first, as executors do, which counts where they are
        beside a tie: 0.75 / 0.1 is 7.5 there, though float32's 0.1 is more than a tenth.
        """
        if self.high - self.low >= MOST_LEVELS:
            return None
        levels = range(self.low, self.high + 1)
        cuts = (_cut_below(level, self.rounds) for level in levels[1:])
        if self.exponent is None and not self.zero:
            cuts = (_before_float32(cut) for cut in cuts)
        places = (Cut((cut.at - self.zero) * self.scale, cut.beyond) for cut in cuts)
        return Staircase(tuple(places), tuple(level - self.zero for level in levels), self.plain_type)

    def behind_rounding(self, scale: Fraction) -> Staircase | None:
        """What is made of ``round(x / scale)``, ties to even: ``q`` alone, a whole number; None for too many levels.

        Quotients are rounded to float32 first, as for :attr:`staircase`. The ``scale`` of this quantiser, a power of
        two, counts steps of the other one; its zero point is 0.
        """
        if self.high - self.low >= MOST_LEVELS:
            return None
        levels = tuple(range(self.low, self.high + 1))
        cuts = (_cut_below(level, self.rounds) for level in levels[1:])
        first = [floor(cut.at * self.scale) + 1 if cut.beyond else ceil(cut.at * self.scale) for cut in cuts]
        if self.scale < 1:  # more than one level for a whole number: all but one are passed over
            wholes = range(floor(self.low * self.scale), ceil(self.high * self.scale) + 1)
            levels = tuple(min(max(int(whole / self.scale), self.low), self.high) for whole in wholes)
            first = list(wholes[1:])
        begins = (_before_float32(_cut_below(whole, Rounds.HALF_EVEN)) for whole in first)
        places = tuple(Cut(cut.at * scale, cut.beyond) for cut in begins)
        return Staircase(places, levels, FixedType.covering(self.low, self.high, 0))


def _cut_below(level: int, rounds: Rounds) -> Cut:
    """Where rounding begins to give ``level``."""
    middle = level - Fraction(1, 2)
    match rounds:
        case Rounds.HALF_EVEN:
            return Cut(middle, beyond=level % 2 != 0)
        case Rounds.HALF_UP:
            return Cut(middle, beyond=level <= 0)
        case Rounds.HALF_DOWN:
            return Cut(middle, beyond=level > 0)
        case Rounds.FLOOR:
            return Cut(Fraction(level))
        case Rounds.CEIL:
            return Cut(Fraction(level - 1), beyond=True)
        case Rounds.DOWN:
            return Cut(Fraction(level)) if level > 0 else Cut(Fraction(level - 1), beyond=True)
        case Rounds.UP:
            return Cut(Fraction(level - 1), beyond=True) if level > 0 else Cut(Fraction(level))


def _before_float32(cut: Cut) -> Cut:
    """The same step of real numbers that are rounded to float32, ties to even, before they are compared.

    A place of a step has few digits, so it is the even one of its neighbours.
    """
    at = np.float32(float(cut.at))
    neighbour = np.nextafter(at, np.float32(np.inf if cut.beyond else -np.inf))
    return cut if not cut.at else Cut((cut.at + Fraction(float(neighbour))) / 2, cut.beyond)


def rounded(values: NDArray[np.float64], rounds: Rounds) -> NDArray[np.float64]:
    """Real numbers, rounded."""
    size = np.abs(values)
    match rounds:
        case Rounds.HALF_EVEN:
            return np.rint(values)
        case Rounds.HALF_UP:
            size = np.floor(size + 0.5)
        case Rounds.HALF_DOWN:
            size = np.ceil(size - 0.5)
        case Rounds.FLOOR:
            return np.floor(values)
        case Rounds.CEIL:
            return np.ceil(values)
        case Rounds.DOWN:
            size = np.floor(size)
        case Rounds.UP:
            size = np.ceil(size)
    return np.copysign(size, values)


def quantized(
    values: NDArray[np.float32], scale: NDArray[np.float32], zero: int, low: int, high: int, rounds: Rounds
) -> Ints:
    """``q - zero`` of constants, with the arithmetic of float32 that ONNX's executors use; ``scale`` broadcasts."""
    with np.errstate(over="ignore"):
        moved = values.astype(np.float32) / scale.astype(np.float32) + np.float32(zero)
    whole = rounded(np.clip(moved.astype(np.float64), low, high), rounds)
    return integers(whole.astype(np.int64) - zero)
