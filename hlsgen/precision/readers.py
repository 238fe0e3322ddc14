"""What reads a value, seen through layers that only pick or move values."""

from __future__ import annotations

from collections.abc import Sequence, Set

from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.types import FixedType, Overflow, Rounding

_LOOKED_AT = {Rounding.TRN: 0, Rounding.RND: 1}
"""Rounding modes that look at the bits down to their step, or to the next one below, and at no others."""


class Readers:
    """What the readers of each value do with it; each value is looked at once."""

    def __init__(self, graph: Graph) -> None:
        self._cast: dict[Value, bool] = {}
        self._grid: dict[Value, int | None] = {}
        self._quantizer: dict[Value, FixedType | None] = {}
        self._number: dict[Value, FixedType | None] = {}
        for value in reversed(graph.values):
            users = graph.uses(value)
            read_here = not users or value in graph.outputs
            self._cast[value] = not read_here and all(self._casts(user) for user in users)
            types = {self._quantizing(user) for user in users}
            self._quantizer[value] = None if read_here else _joined(types)
            numbers = [self._numbering(user) for user in users]
            self._number[value] = None if read_here else _widest(numbers)
            grids = [self._reading_grid(user) for user in users]
            known = [grid for grid in grids if grid is not None]
            self._grid[value] = max(known) if known and len(known) == len(grids) and not read_here else None

    def cast(self, value: Value) -> bool:
        """Whether every reader casts to the model's own type."""
        return self._cast[value]

    def read_frac(self, value: Value) -> int | None:
        """The finest grid (fraction bits) on which all who read a value round it; None if one uses all of it."""
        return self._grid[value]

    def quantizer(self, value: Value) -> FixedType | None:
        """A type to which the very value may be cast first, as every reader casts it to one of the model: that type, or
        one that holds all they look at. None if there is none."""
        return self._quantizer[value]

    def number(self, value: Value) -> FixedType | None:
        """The type of whole numbers from which every reader takes the value, the widest; None if one takes others."""
        return self._number[value]

    def _numbering(self, user: Node) -> FixedType | None:
        return self._number[user.output] if _passes(user) else user.layer.numbers_read

    def _quantizing(self, user: Node) -> FixedType | None:
        """A cast that saturates never falls: it may as well come before what moves or picks values. One that does not
        may before what commutes with it."""
        fixed = user.wish.result
        if fixed is not None and user.wish.result_by_model and user.layer.structural:
            return fixed
        behind = self._quantizer[user.output] if _passes(user) else None
        return behind if behind is None or behind.saturates or user.layer.commutes_with_cast(behind) else None

    def _casts(self, user: Node) -> bool:
        return user.wish.result_by_model or (_passes(user) and self._cast[user.output])

    def _reading_grid(self, user: Node) -> int | None:
        return self._grid[user.output] if _passes(user) else user.layer.step_frac(user.wish.result)


def _joined(types: Set[FixedType | None]) -> FixedType | None:
    """The one type of several readers; of types that cut off or round up halves, one that has what all look at: the
    widest range, and one bit more than is kept where halves are rounded up. None if there is none."""
    known = [fixed for fixed in types if fixed is not None]
    if len(types) == 1 or len(known) < len(types):
        return known[0] if len(known) == len(types) == 1 else None
    saturate = all(fixed.saturates for fixed in known)
    wrap = all(fixed.overflow is Overflow.WRAP and not fixed.saturation_bits for fixed in known)
    if not (saturate or wrap) or any(fixed.rounding not in _LOOKED_AT for fixed in known):
        return None
    signed = any(fixed.signed for fixed in known)
    integer = max(fixed.integer + (signed and not fixed.signed) for fixed in known)
    frac = max(fixed.frac + _LOOKED_AT[fixed.rounding] for fixed in known)
    return FixedType(integer + frac, integer, signed, Rounding.TRN, Overflow.SAT if saturate else Overflow.WRAP)


def _widest(numbers: Sequence[FixedType | None]) -> FixedType | None:
    """The type of whole numbers that holds what all readers take, of which each picks its last row beyond its own."""
    known = [number for number in numbers if number is not None]
    return max(known, key=lambda number: number.width) if known and len(known) == len(numbers) else None


def _passes(node: Node) -> bool:
    """Whether a node hands on (some of) the values it is given, as they are."""
    return node.layer.structural and node.wish.result is None and len(node.outputs) == 1
