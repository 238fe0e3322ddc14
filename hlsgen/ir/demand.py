"""What the readers of a value can tell apart: the other half of a range, seen from behind.

A reader that saturates at 4 cannot tell 5 from 4; a ReLU cannot tell -3 from 0; a truncation to two fraction
bits does not see the third. A value may be stored in any type that keeps what is wanted of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from hlsgen.ir.types import FixedType, Rounding


@dataclass(frozen=True)
class Demand:
    """All values up to ``low`` look the same, all from ``high`` on, and all that agree in ``frac`` bits (cut off).

    None: there is no such limit.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    frac: int | None = None

    def within(self, low: Fraction | None, high: Fraction | None) -> Demand:
        """The same behind something that cuts off at ``low`` and ``high``."""
        lows = [v for v in (self.low, low) if v is not None]
        highs = [v for v in (self.high, high) if v is not None]
        return Demand(max(lows, default=None), min(highs, default=None), self.frac)

    def before_cast(self, fixed: FixedType, *, rounds: bool) -> Demand:
        """What is wanted in front of a cast that saturates or cannot overflow (casts of that kind never fall)."""
        wanted = Demand(_down(self.low, fixed), _up(self.high, fixed), None if rounds else self.frac)
        if fixed.saturates:
            wanted = wanted.within(fixed.min, fixed.max)
        if rounds and fixed.rounding is Rounding.TRN:
            return Demand(wanted.low, wanted.high, fixed.frac)
        if rounds and fixed.rounding is Rounding.RND:  # floor(x + half a step): the next bit decides
            return Demand(wanted.low, wanted.high, fixed.frac + 1)
        return wanted


EVERYTHING = Demand()


def union(demands: Iterable[Demand]) -> Demand:
    """What several readers want together."""
    every = list(demands)
    if not every:
        return EVERYTHING
    lows, highs, fracs = [d.low for d in every], [d.high for d in every], [d.frac for d in every]
    return Demand(
        None if None in lows else min(v for v in lows if v is not None),
        None if None in highs else max(v for v in highs if v is not None),
        None if None in fracs else max(v for v in fracs if v is not None),
    )


def _down(value: Fraction | None, fixed: FixedType) -> Fraction | None:
    """The next value of a grid that is not above: on the grid, a cast keeps a limit where it is."""
    return None if value is None else floor(value / fixed.step) * fixed.step


def _up(value: Fraction | None, fixed: FixedType) -> Fraction | None:
    return None if value is None else ceil(value / fixed.step) * fixed.step
