"""Recurrent layers from the layers that compute one step of them, in a loop.

What a step takes from its input alone is computed for all steps at once, in front of the loop: a cell is told the sums
of its gates so far, and adds what its state contributes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Shape
from hlsgen.ir.graph import Value
from hlsgen.ir.loop import Loop
from hlsgen.layers.loops import Carry, KeepLast, KeepSteps, State, TakeStep
from hlsgen.layers.merge import Merge
from hlsgen.layers.split import Split

Cell = Callable[[Value, Sequence[Value]], Sequence[Value]]
"""One step: what the input contributes to it, and the states; returns the states of the next step, the output first."""


@dataclass(frozen=True)
class Recurrence:
    """What the states of a recurrence are, and in which order its steps go through the sequence."""

    states: Sequence[str]
    """Their names; the first is the output."""
    shape: Shape
    """Of each of them."""
    backwards: bool = False
    stored: Callable[[Value], Value] | None = None
    """What the model makes of a state before the next step reads it; None: nothing."""


@dataclass(frozen=True)
class Results:
    """What comes out of a recurrence; each is added when it is asked for."""

    builder: Builder
    loop: Loop
    values: Sequence[Value]
    """The states, inside of the loop; the first is the output."""

    def sequence(self, backwards: bool = False) -> Value:
        """The output of all steps, (steps, units); ``backwards``: that of the last step first."""
        return self.builder.add(KeepSteps(self.loop, backwards), [self.values[0]], "steps")

    def last(self, place: int = 0) -> Value:
        """A state behind the last step."""
        return self.builder.add(KeepLast(self.loop), [self.values[place]], "last")

    def lasts(self) -> list[Value]:
        """All states behind the last step."""
        return [self.last(place) for place in range(len(self.values))]


def add_recurrence(
    builder: Builder, sequence: Value, recurrence: Recurrence, cell: Cell, starts: Sequence[Value] = ()
) -> Results:
    """Add a loop of ``cell`` over ``sequence`` (steps, channels), which begins with ``starts`` (default: zeros)."""
    loop = builder.new_loop(sequence.shape[0])
    stored = recurrence.stored or (lambda value: value)
    held = []
    for place, name in enumerate(recurrence.states):
        start = [stored(value) for value in starts[place : place + 1]]
        held.append(builder.add(State(loop, name, recurrence.shape, bool(start)), start, f"{name}_state"))
    now = builder.add(TakeStep(loop, recurrence.backwards), [sequence], "now")
    following = list(cell(now, held))
    carried = []
    for name, state, value in zip(recurrence.states, held, following, strict=True):
        kept = stored(value)
        carried.append(builder.add(Carry(loop, name), [kept], name))
        if recurrence.stored is not None:  # it is what the model's own cast leaves
            state.producer.wish = state.producer.wish.with_result_of(kept.producer.wish)
    return Results(builder, loop, carried if recurrence.stored is None else following)


def parted(builder: Builder, value: Value, *sizes: int, step: str = "gates") -> list[Value]:
    """Cut the last axis into parts of these sizes, which fill it."""
    found, axis = [], len(value.shape) - 1
    for size in sizes[:-1]:
        first, value = builder.add_several(Split(axis, size), [value], step)
        found.append(first)
    return [*found, value]


def merged(builder: Builder, op: str, a: Value, b: Value, step: str) -> Value:
    """Add a merge of two values."""
    return builder.add(Merge(op), [a, b], step)
