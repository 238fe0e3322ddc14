"""Loops: operations that are computed once for each step of a sequence, with states that pass from step to step.

A graph stays flat and without cycles. The nodes between the borders of a loop (layers with a :class:`Border`) compute
one step; whoever executes a graph or a design goes through them as often as the loop has steps:

    x (steps, *shape) -> [STEP x_t (*shape)] -> ... -> [CARRY state of the next step] -> [STEPS] y (steps, *shape)
    start (*shape)    -> [STATE h (*shape)]  -> ...                                   -> [LAST]  h (*shape)

A state is a pair of a STATE, which is read, and a CARRY of the same slot, which is what the next step reads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Shape


@dataclass(frozen=True)
class Loop:
    """One loop of a graph: a name of its own, and how many steps it takes."""

    name: str
    steps: int


class Role(Enum):
    """What a layer at the border of a loop does."""

    STEP = "hands in the part of a sequence that belongs to the step"
    STATE = "hands in what the last step carried on, or what the loop starts with"
    CARRY = "what the next step's state is"
    STEPS = "hands out the values of all steps, one behind the other"
    LAST = "hands out the value of the last step"

    @property
    def leaves(self) -> bool:
        """Whether what it yields is outside of the loop."""
        return self in (Role.STEPS, Role.LAST)


@dataclass(frozen=True)
class Border:
    """How a layer stands between the outside and one step of a loop."""

    role: Role
    loop: Loop
    slot: str = ""
    """Which state it is of."""
    backwards: bool = False
    """Whether the sequence is gone through from its end."""


class Shaped(Hashable, Protocol):
    """A value of a graph or a tensor of a design."""

    @property
    def shape(self) -> Shape: ...


V = TypeVar("V", bound=Shaped)
V_co = TypeVar("V_co", bound=Shaped, covariant=True)


class Bordered(Protocol):
    """A layer, as far as loops are concerned."""

    @property
    def border(self) -> Border | None: ...


class Stage(Protocol[V_co]):
    """A node of a graph or an operation of a design."""

    @property
    def layer(self) -> Bordered: ...
    @property
    def loop(self) -> Loop | None: ...
    @property
    def inputs(self) -> tuple[V_co, ...]: ...
    @property
    def outputs(self) -> tuple[V_co, ...]: ...


S = TypeVar("S", bound=Stage[Any])
Array = NDArray[Any]
Compute = Callable[[S, list[Array]], Sequence[Array]]
"""A stage's results (samples, *shape) for its inputs; what a border is given is of one step already."""


def units(stages: Iterable[S]) -> Iterator[list[S]]:
    """The stages one by one, those of a loop together. They stand side by side (:meth:`Graph.sort`)."""
    together: list[S] = []
    for stage in stages:
        if together and stage.loop != together[0].loop:
            yield together
            together = []
        if stage.loop is None:
            yield [stage]
        else:
            together.append(stage)
    if together:
        yield together


def _as_given(stage: Any, arrays: list[Array]) -> list[Array]:
    return arrays


def compute_unit(
    unit: list[S],
    known: dict[Any, Array],
    compute: Compute[S],
    take: Callable[[S, list[Array]], list[Array]] = _as_given,
) -> None:
    """Compute a unit of :func:`units` on (samples, *shape) arrays; ``known`` gets what it yields.

    Values inside of a loop get the values of all steps, (samples, steps, *shape), in the order of the steps. ``take``
    makes of known values what a stage reads, before they are divided into steps.
    """
    if unit[0].loop is None:
        (stage,) = unit
        known.update(
            zip(stage.outputs, compute(stage, take(stage, [known[value] for value in stage.inputs])), strict=True)
        )
    else:
        known.update(_Run(unit, known, compute, take).results())


class _Run:
    """One execution of a loop."""

    def __init__(self, unit: list[Any], known: Mapping[Any, Array], compute: Any, take: Any) -> None:
        self.unit, self.known, self.compute, self.take = unit, known, compute, take
        loop = unit[0].loop
        assert loop is not None
        self.loop = loop
        self.samples = max((len(known[value]) for stage in unit for value in stage.inputs if value in known), default=0)
        self.sequences: dict[Any, Array] = {}
        """What each step takes its part of, by the stage that takes it."""
        self.kept: dict[Any, list[Array]] = {}
        self.states: dict[str, Array] = {}

    def results(self) -> dict[Any, Array]:
        for stage in self.unit:
            border = stage.layer.border
            if border is not None and border.role is Role.STATE:
                self.states[border.slot] = self._start(stage)
            elif border is not None and border.role is Role.STEP:
                self.sequences[stage] = self.take(stage, [self.known[stage.inputs[0]]])[0]
        for step in range(self.loop.steps):
            self._step(step)
        found = {value: np.stack(values, axis=1) for value, values in self.kept.items()}
        for stage in self.unit:
            border = stage.layer.border
            if border is not None and border.role.leaves:
                every = found[stage.inputs[0]]
                given = every[:, -1] if border.role is Role.LAST else every[:, ::-1] if border.backwards else every
                found.update(zip(stage.outputs, self.compute(stage, [given]), strict=True))
        return found

    def _start(self, stage: Any) -> Array:
        """What a state is at first: computed of what the loop starts with, else zeros."""
        if stage.inputs:
            results: Sequence[Array] = self.compute(stage, self.take(stage, [self.known[stage.inputs[0]]]))
            return results[0]
        return np.zeros((self.samples, *stage.outputs[0].shape), dtype=self._dtype())

    def _dtype(self) -> Any:
        return next(x.dtype for x in self.known.values())

    def _step(self, step: int) -> None:
        now: dict[Any, Array] = {}
        for stage in self.unit:
            border = stage.layer.border
            if border is None or border.role is Role.CARRY:
                given = [now[value] if value in now else self.known[value] for value in stage.inputs]
                now.update(zip(stage.outputs, self.compute(stage, given), strict=True))
            elif border.role is Role.STATE:
                now[stage.outputs[0]] = self.states[border.slot]
            elif border.role is Role.STEP:
                place = self.loop.steps - 1 - step if border.backwards else step
                now.update(zip(stage.outputs, self.compute(stage, [self.sequences[stage][:, place]]), strict=True))
        for stage in self.unit:
            border = stage.layer.border
            if border is not None and border.role is Role.CARRY:
                self.states[border.slot] = now[stage.outputs[0]]
        for value, array in now.items():
            self.kept.setdefault(value, []).append(array)
