"""All units of a design on data: what each costs the outputs by itself, and which is the first that costs too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.analysis.diagnosis.measurement import (
    ACCUM,
    INPUT,
    RANGE,
    RESULT,
    TABLE,
    Lift,
    Measurement,
    cast,
    rounded_to,
)
from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Floats
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.rounding_errors import least_budget

MOST = 0.02
"""What one layer may put an output off by, relative to it, in types that the user fixed or of a usual budget."""
MOST_TOGETHER = 0.05
"""What all layers together may."""
MOST_INSIDE = 0.05
"""What values outside of a type may put those off by that read them, though the outputs hardly show it."""
_RIGHT = MOST / 4
"""Outputs that are off by less are right: no layer is looked at by itself."""
_MOST_OF_ANY = 0.25
"""The same for narrow budgets, which the user chose, and with it that rounding costs more."""
_USUAL_WIDTH = 10
_OF_THE_WORST = 0.2
"""The first layer that is named costs at least so much of what the worst does: then it is worth the first look."""


@dataclass(frozen=True)
class Outside:
    """Values in front of a cast that lie outside of its type."""

    role: str
    type: FixedType
    share: float
    needs: float
    """The largest magnitude."""
    low: float
    high: float

    @property
    def holds(self) -> float:
        """The largest magnitude that the type has on the side where values reach farthest beyond it."""
        below, above = float(self.type.min) - self.low, self.high - float(self.type.max)
        return abs(float(self.type.min)) if below > above else float(self.type.max)


def limit_for(op: Op, width: int) -> float:
    """What an operation may put an output off by; ``width``: the budget of what nobody fixed or gave another."""
    by_user = _fixed_by_user(op)
    return MOST if by_user else limit_of_budget(MOST, op.least_budget(width))


def limit_of_budget(most: float, width: int) -> float:
    """The same in a budget of ``width`` bits."""
    return min(_MOST_OF_ANY, most * 2.0 ** max(0, _USUAL_WIDTH - width))


def _fixed_by_user(op: Op) -> bool:
    return bool(op.wish.configured()) or any(t.typing.reason is Reason.CONFIGURATION for t in op.outputs)


def outside(work: Measurement, number: int) -> list[Outside]:
    """The casts of a unit outside of whose types some values lie, as far as readers can tell; none of the model's."""
    found = []
    exact = work.before_casts(number)
    for op in work.units[number]:
        for tensor in op.outputs:
            values = exact[tensor]
            if not op.is_input and not op.layer.pure:
                values = work.lifted_unit(number, Lift.of((TABLE, RESULT)))[tensor]
            found += [part for part in _outside_of(work, op, tensor, values) if part.share]
    return found


def _outside_of(work: Measurement, op: Op, tensor: Tensor, values: Floats) -> Iterator[Outside]:
    typing = tensor.typing
    if op.is_input:
        if typing.reason is not Reason.MODEL:
            yield _counted(work, INPUT, typing.result, values)
        return
    if typing.accum is not None:
        yield _counted(work, ACCUM, typing.accum, values)
        values = cast(values, typing.accum, Lift.of(()), ACCUM)
    if typing.reason is not Reason.MODEL:
        low, high = typing.demand.low, typing.demand.high
        ends = (None if low is None else float(low), None if high is None else float(high))
        yield _counted(work, RESULT, typing.result, np.clip(values, *ends) if ends != (None, None) else values)


def _counted(work: Measurement, role: str, fixed: FixedType, values: Floats) -> Outside:
    rounded = rounded_to(values, fixed)
    beyond = (rounded < float(fixed.min)) | (rounded > float(fixed.max))
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    return Outside(role, fixed, work.share(beyond), max(-low, high), low, high)


def seen_inside(work: Measurement, number: int) -> float:
    """What values outside of a unit's types put the results off by of what reads them, relative to those."""
    unit = work.units[number]
    kept = work.lifted_unit(number, Lift(frozenset((role, RANGE) for role in (INPUT, ACCUM, RESULT))))
    made = {tensor for op in unit for tensor in op.outputs}
    without, behind = work.behind(number, kept), work.behind(number, {})
    return max((work.off(behind[t], without[t]) for t in _first_computed(work, made)), default=0.0)


def _first_computed(work: Measurement, made: set[Tensor]) -> list[Tensor]:
    """What is computed of tensors first, once they were moved or picked; they themselves where they are outputs."""
    reached, found = set(made), [tensor for tensor in made if tensor in work.design.outputs]
    for op in work.design:
        if not reached.isdisjoint(op.inputs) and made.isdisjoint(op.outputs):
            if op.layer.structural or op.layer.picks:
                reached.update(op.outputs)
                found += [tensor for tensor in op.outputs if tensor in work.design.outputs]
            else:
                found += op.outputs
    return found


@dataclass(frozen=True)
class Survey:
    """What each unit costs the outputs, in the order of the design."""

    total: float
    """What all of them together put the outputs off by."""
    costs: tuple[float, ...]
    inside: Mapping[int, float]
    """Of units with values outside of their types: what those put their readers off by."""


def survey(work: Measurement) -> Survey | None:
    """Look at every unit; None where the outputs are right and nothing inside lies outside of its type."""
    total, inside = work.error(work.known), inside_of(work)
    if total <= _RIGHT and max(inside.values(), default=0.0) <= MOST_INSIDE:
        return None
    numbers = range(len(work.units))
    return Survey(total, tuple(work.cost(n) if differs(work, n) else 0.0 for n in numbers), inside)


def inside_of(work: Measurement) -> dict[int, float]:
    """The units with values outside of their types, and what those put their readers off by."""
    return {number: share for number in range(len(work.units)) if (share := inside_at(work, number)) is not None}


def inside_at(work: Measurement, number: int) -> float | None:
    """The same of one unit; None where nothing lies outside."""
    return seen_inside(work, number) if number >= 0 and outside(work, number) else None


def differs(work: Measurement, number: int) -> bool:
    """Whether the chip yields anything else than real numbers, on the same inputs."""
    real = work.real_unit(number)
    return any(bool((work.known[tensor] != values).any()) for tensor, values in real.items())


def suspect(work: Measurement, found: Survey | None, width: int) -> int | None:
    """The first unit that costs too much, None if none does; ``width``: the budget of what nobody fixed."""
    if found is None:
        return None
    limits = [max(limit_for(op, width) for op in unit) for unit in work.units]
    worst = max(found.costs)
    for number, (cost, limit) in enumerate(zip(found.costs, limits, strict=True)):
        most_inside = max(MOST_INSIDE, limit)
        if found.inside.get(number, 0.0) > most_inside or cost > max(limit, _OF_THE_WORST * worst):
            return number
    if found.total > limit_of_budget(MOST_TOGETHER, least_budget(work.design, width)):
        return int(np.argmax(found.costs)) if worst > 0.2 * found.total else None
    return None


def channels_dead(chip: Array, real: Array) -> list[int]:
    """The channels (last axis) in which real numbers change and the chip's never do."""
    axes = tuple(range(chip.ndim - 1))
    still, alive = np.ptp(chip, axis=axes) == 0, np.ptp(real, axis=axes) > 0
    return [int(channel) for channel in np.flatnonzero(still & alive)]
