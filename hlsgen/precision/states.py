"""The types of states of loops: what passes from step to step has one type, whatever the step.

What configuration or model says of the value that is carried on is the type. Else it is placed like any result, by
what is expected; then inference proves how far the value reaches that is carried on, if the state reaches as far as
its type. If that is less, as with an activation that is bounded, the type need not hold more: it is narrowed, and the
proof is made again, until nothing changes. What a loop is given to start with is proved of nothing: a state that begins
with that keeps the type that is expected to hold both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.interval import Interval
from hlsgen.ir.loop import Border, Role
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason
from hlsgen.precision.inputs import DEFAULT_INPUT
from hlsgen.precision.widths import Widths

_FINEST = 1024
_MOST_ROUNDS = 16
"""Of narrowing; each takes a bit at least, and what is left then is sound, too."""
Slot = tuple[str, str]
"""A loop and a state of it, by their names."""


class States:
    """The types of all states of a graph, and who chose them."""

    def __init__(self, graph: Graph, widths: Widths) -> None:
        self.types: dict[Slot, FixedType] = {}
        self.reasons: dict[Slot, Reason] = {}
        self._carries = _with_role(graph, Role.CARRY)
        self._rounds = 0
        states = _with_role(graph, Role.STATE)
        self._given = {slot for slot, node in states.items() if node.inputs}
        """Those that do not begin with zeros."""
        for slot, node in self._carries.items():
            both = [node, *([states[slot]] if slot in states else [])]
            self.types[slot], self.reasons[slot] = _first(node, both, widths)

    def narrowed(self, exact: dict[Node, Interval]) -> bool:
        """Whether a type could be narrowed to what was proved (before the cast) with the types so far."""
        before = dict(self.types)
        self._rounds += 1
        for slot, node in self._carries.items():
            if self.reasons[slot] is Reason.BUDGET and slot not in self._given:
                self.types[slot] = _within(self.types[slot], exact[node])
        return self.types != before and self._rounds < _MOST_ROUNDS


def slot_of(border: Border) -> Slot:
    """The state that a border is of."""
    return border.loop.name, border.slot


def _with_role(graph: Graph, role: Role) -> dict[Slot, Node]:
    """The nodes at the borders of loops that do something, by the state they are of."""
    borders = [(node.layer.border, node) for node in graph]
    return {slot_of(border): node for border, node in borders if border is not None and border.role is role}


def _first(carry: Node, both: Sequence[Node], widths: Widths) -> tuple[FixedType, Reason]:
    for wish in (carry.wish, carry.input.producer.wish):
        if wish.result is not None:
            return wish.result, Reason.MODEL if wish.result_by_model else Reason.CONFIGURATION
    width = widths.of(carry).width
    met = [node.output.expected for node in both if node.output.expected is not None]
    if not any(expected.largest for expected in met):
        return replace(DEFAULT_INPUT, width=width), Reason.BUDGET
    integer = max(expected.integer_bits(width, True, _FINEST) for expected in met if expected.largest)
    return FixedType(width, integer, True, Rounding.RND, Overflow.SAT), Reason.BUDGET


def _within(fixed: FixedType, exact: Interval) -> FixedType:
    """A type of as many bits for what reaches less far, or has a coarser grid."""
    full = exact.type()
    signed = fixed.signed and full.signed
    integer = min(fixed.integer - (not signed and fixed.signed), full.integer)
    if integer >= fixed.integer and signed == fixed.signed and full.frac >= fixed.frac:
        return fixed
    frac = min(fixed.width - integer, full.frac)
    return replace(fixed, width=max(integer + frac, 1), integer=integer, signed=signed)
