"""Where the bits of an inferred result lie, and how it is rounded to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.ir.expected import Expected
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason

_EXACT_LIMIT = 64
"""An exact result wider than this is not carried along; its leading bits are."""
MERGE_GROWTH = 2
"""Bits beyond the budget that the exact result of a merge may take: from 16 to 18, which is a port of a multiplier and
a word of block RAM."""
_TRACED_GROWTH = 2
"""So many bits beyond the budget a result may take for what only traces show: no multiplier reads those."""
_TO_EVEN = 8
"""Where at most so many bits are dropped, a result rounds to nearest even. Rounding half up is off by half a step of
the dropped grid on average, which is 2**-(n + 1) steps of the result for n bits: beyond 8 bits it is below 0.1 % of a
step, and the bits that tell a tie need not be looked at."""

_ANY_FRACTION = 1 << 16
"""More fraction bits than any result gets."""


@dataclass(frozen=True)
class Room:
    """The bits that a result may take whose type nobody fixed."""

    width: int
    least_frac: int | None = None
    """So many fraction bits it gets in any case, unless its exact value has less."""
    growth: int = 0
    """So many bits more it may take to be exact."""
    widest: int | None = None
    """The configuration's ``max_width``."""

    def frac(self, integer: int, exact: int) -> int:
        """The fraction bits beside ``integer`` bits, of the ``exact`` ones that there are."""
        frac = max(self.width - integer, self.width - integer if self.least_frac is None else self.least_frac)
        if exact - frac <= self.growth:
            frac = exact
        return min(frac, exact) if self.widest is None else min(frac, exact, self.widest - integer)


def expected_frac(room: Room, expected: Expected | None) -> int | None:
    """The fraction bits of a result whose exact value has any number of them; None where nothing is expected of it."""
    if expected is None:
        return None
    return room.frac(expected.integer_bits(room.width, False, _ANY_FRACTION), _ANY_FRACTION)


def nearest(dropped: int) -> Rounding:
    """The mode by which a result loses its last ``dropped`` bits without a bias that chains of layers add up."""
    return Rounding.RND_CONV if dropped <= _TO_EVEN else Rounding.RND


def within_limit(full: FixedType, limit: int = _EXACT_LIMIT) -> tuple[FixedType, Reason]:
    """An exact type, or its leading bits: far more than the float32 of a model whose constants need so many."""
    if full.width <= limit:
        return full, Reason.EXACT
    return FixedType(limit, full.integer, full.signed, nearest(full.width - limit), Overflow.SAT), Reason.BUDGET


def placed_in(room: Room, full: FixedType, used: FixedType, expected: Expected | None) -> tuple[FixedType, Reason]:
    """The type for values of type ``full``, of which readers want what ``used`` holds, and who chose it.

    A sign that nobody wants does not count: it goes in NarrowTypes. Where nothing is lost, it is ``full`` itself. So it
    is where nothing of the values would be left, unless a cap forbids that: then it is placed as if nothing were known.
    """
    integer = used.integer
    if expected is not None:
        integer = min(integer, expected.integer_bits(room.width, used.signed, full.frac))
    frac = room.frac(integer, full.frac)
    if integer + frac <= 0:
        integer, frac = used.integer, full.frac if room.widest is None else room.frac(used.integer, full.frac)
    if (integer, frac) == (used.integer, full.frac):
        return full, Reason.EXACT
    stored = integer + full.signed - used.signed
    fixed = FixedType(stored + frac, stored, full.signed, nearest(full.frac - frac), Overflow.SAT)
    return fixed, Reason.BUDGET


def placed_for(
    room: Room, full: FixedType, used: FixedType, read: FixedType, expected: Expected | None
) -> tuple[FixedType, Reason]:
    """As ``placed_in`` for ``used``, on a grid as fine as if it were for its readers alone, who want ``read``."""
    plain, alone = placed_in(room, full, used, expected), placed_in(room, full, read, expected)
    finer = min(alone[0].frac - plain[0].frac, _TRACED_GROWTH)
    return plain if finer <= 0 else placed_in(replace(room, width=room.width + finer), full, used, expected)
