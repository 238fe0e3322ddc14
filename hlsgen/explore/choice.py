"""The best trial within limits; and where none is within them, what each limit costs and which trial comes nearest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hlsgen.errors import InputError
from hlsgen.explore.goals import Goal, costs
from hlsgen.explore.trial import Trial


@dataclass(frozen=True)
class Limit:
    """What an objective may be at most, or has to be at least."""

    goal: Goal
    value: float
    at_most: bool

    def keeps(self, trial: Trial) -> bool:
        return self.excess(trial) <= 0

    def excess(self, trial: Trial) -> float:
        """How far beyond it a trial is; of one that keeps it not above 0."""
        value = trial.values[self.goal.name]
        return value - self.value if self.at_most else self.value - value

    def __str__(self) -> str:
        text = self.goal.text(self.value)
        if float(text.replace(",", "")) != self.value:  # as it was said, so that one sees what excludes
            text = f"{self.value:,.12g}"
        return f"{self.goal.name} at {'most' if self.at_most else 'least'} {self.goal.with_unit(text)}"


def best_within(trials: Sequence[Trial], goals: Sequence[Goal], limits: Sequence[Limit], by: Goal | None) -> Trial:
    """The trial that is best in ``by`` of those that keep all limits.

    Without ``by``, the first objective decides that has no limit, or the first of all where each has one. Of equal ones
    the other objectives decide in their order, then the lower number. Raises InputError where no trial keeps them all.

    ``trials``: those of which all objectives are known.
    """
    within = [trial for trial in trials if all(limit.keeps(trial) for limit in limits)]
    if not within:
        raise InputError(_none(trials, goals, limits))
    first = deciding(goals, limits) if by is None else by
    order = [first, *(goal for goal in goals if goal is not first)]
    return min(within, key=lambda trial: (costs(order, trial.values), trial.number))


def deciding(goals: Sequence[Goal], limits: Sequence[Limit]) -> Goal:
    """The objective that decides where none was said to."""
    limited = {limit.goal.name for limit in limits}
    return next((goal for goal in goals if goal.name not in limited), goals[0])


def _none(trials: Sequence[Trial], goals: Sequence[Goal], limits: Sequence[Limit]) -> str:
    if not trials:
        return "no trial of this study was measured on all data; search on with more trials"
    lines = [f"none of {len(trials):,} trials is within the limits"]
    for limit in limits:
        name = limit.goal.name
        least = min(trials, key=lambda trial: (limit.excess(trial), trial.number))
        excluded = sum(not limit.keeps(trial) for trial in trials)
        end = f"the {'least' if limit.at_most else 'largest'} is {limit.goal.text(least.values[name])}"
        lines.append(f"  {limit}: excludes {excluded:,} ({end}, trial {least.number})")
    near = _nearest(trials, limits)
    numbers = ", ".join(goal.said(near.values[goal.name]) for goal in goals)
    lines.append(f"  nearest: trial {near.number} ({numbers}); loosen a limit, or search on with more trials")
    return "\n".join(lines)


def _nearest(trials: Sequence[Trial], limits: Sequence[Limit]) -> Trial:
    """The trial that is the least beyond the limit that it is the furthest beyond.

    How far is measured by how far trials are apart in that objective.
    """
    spreads: Mapping[str, float] = {
        limit.goal.name: max(t.values[limit.goal.name] for t in trials) - min(t.values[limit.goal.name] for t in trials)
        for limit in limits
    }

    def distance(trial: Trial) -> tuple[float, float, int]:
        each = [max(0.0, limit.excess(trial)) / (spreads[limit.goal.name] or 1.0) for limit in limits]
        return max(each), sum(each), trial.number

    return min(trials, key=distance)
