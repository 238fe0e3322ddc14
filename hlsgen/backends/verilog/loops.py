"""Which operations of a loop a step has to wait for: those between its states and what it carries on.

All others are pipelines in front of it and behind it: they take words as they come, those of several steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.ir.loop import Role
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.layers.shape_ops import Mover
from hlsgen.layers.split import Split


@dataclass(frozen=True)
class Divided:
    """The operations of a loop, in their order: what needs no state, what lies between states and what is carried on
    (both of them included; nothing in a loop without state), what follows, with all that leaves the loop."""

    before: tuple[Op, ...]
    inside: tuple[Op, ...]
    behind: tuple[Op, ...]


def divided(unit: Sequence[Op]) -> Divided:
    """The parts of a unit of :func:`hlsgen.ir.loop.units` that is a loop."""
    stateful = _of_states(unit)
    inside = _inside(unit, stateful)
    behind = [op for op in unit if op not in inside and (_leaves(op) or not stateful.isdisjoint(op.inputs))]
    before = [op for op in unit if op not in inside and op not in behind]
    return Divided(tuple(before), tuple(op for op in unit if op in inside), tuple(behind))


def _of_states(unit: Sequence[Op]) -> set[Tensor]:
    """The states, and what is computed of them."""
    found: set[Tensor] = set()
    for op in unit:
        if _role(op) is Role.STATE or not found.isdisjoint(op.inputs):
            found.update(op.outputs)
    return found


def _inside(unit: Sequence[Op], stateful: set[Tensor]) -> set[Op]:
    """What is carried on, backwards to the states; with what only moves elements of a word for these alone, so that
    the word comes in one piece."""
    found: set[Op] = set()
    wanted: set[Tensor] = set()
    read_elsewhere: set[Tensor] = set()
    for op in reversed(unit):
        is_wanted = not wanted.isdisjoint(op.outputs)
        needed = is_wanted and not stateful.isdisjoint(op.outputs)
        handed = is_wanted and _moves_elements(op) and read_elsewhere.isdisjoint(op.outputs)
        if _role(op) in (Role.STATE, Role.CARRY) or (_role(op) is None and (needed or handed)):
            found.add(op)
            wanted.update(op.inputs)
        else:
            read_elsewhere.update(op.inputs)
    return found


def _role(op: Op) -> Role | None:
    return None if op.layer.border is None else op.layer.border.role


def _leaves(op: Op) -> bool:
    role = _role(op)
    return role is not None and role.leaves


def _moves_elements(op: Op) -> bool:
    """Whether it gives elements of one word, and computes nothing."""
    return isinstance(op.layer, Mover | Split) and all(len(tensor.shape) == 1 for tensor in (*op.inputs, *op.outputs))
