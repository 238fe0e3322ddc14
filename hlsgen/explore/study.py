"""What a search found: its trials, the front of those that none beats, and the best under limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hlsgen.analysis.frames import data_frame, html_table
from hlsgen.errors import InputError, UnknownNameError, brief, nearest
from hlsgen.explore.goals import Goal, costs, front_of
from hlsgen.explore.space import Space
from hlsgen.explore.trial import State, Trial
from hlsgen.ir.text import table

Limits = Mapping[str, float | str]
"""Objectives by name, and a number or a text with a unit: ``{"lut": 20000, "latency": "100ns"}``."""
_NANOSECONDS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
_THOUSANDS = {"k": 1e3, "M": 1e6}
_QUANTITY = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)\s*([A-Za-zµ%]*)\s*")


@dataclass(frozen=True)
class Study:
    """The trials of a search. Print it, or read its front."""

    name: str
    """Of the project whose model was searched for."""
    goals: tuple[Goal, ...]
    """The objectives, in the order in which they were named."""
    space: Space
    trials: tuple[Trial, ...]
    """By their numbers."""
    seed: int
    version: str
    """Of hlsgen, when it was begun."""
    samples: int = 0
    """How many samples were looked at; 0 without data."""
    base: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The configuration that the points change."""
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What else was noted: digests of model and data, when it was begun, the sampler."""
    path: Path | None = None
    """The file that it is in."""
    interrupted: bool = False
    """Whether it ended before it was done."""

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def done(self) -> tuple[Trial, ...]:
        """The trials that were measured on all data."""
        return tuple(trial for trial in self.trials if trial.is_done)

    @cached_property
    def front(self) -> tuple[Trial, ...]:
        """The trials that none beats: from the best by the first objective on. Of equal ones the first alone."""
        done = self.done
        found = [done[i] for i in front_of([costs(self.goals, trial.values) for trial in done])]
        return tuple(sorted(found, key=lambda trial: (costs(self.goals, trial.values), trial.number)))

    def goal(self, name: str) -> Goal:
        """An objective by its name. Raises UnknownNameError for one that was not measured."""
        names = [goal.name for goal in self.goals]
        if name not in names:
            raise UnknownNameError(f"'{name}' is no objective of this study{nearest(name, names)}")
        return self.goals[names.index(name)]

    def trial(self, number: int) -> Trial:
        """A trial by its number. Raises UnknownNameError for one that there is not."""
        for trial in self.trials:
            if trial.number == number:
                return trial
        raise UnknownNameError(f"trial {brief(number)} is none of this study, which has {len(self.trials)}")

    def best(self, maximum: Limits | None = None, minimum: Limits | None = None, by: str | None = None) -> Trial:
        """The best trial within limits.

        Args:
            maximum: what objectives may be at most: numbers, or texts with a unit (``"100ns"``, ``"20k"``, ``"5%"``).
            minimum: what they have to be at least.
            by: the objective that decides; the first that is not limited, if not said. Of equals, the other objectives
                decide, in their order.

        Raises UnknownNameError for an objective that was not measured, InputError where no trial is within the limits.
        """
        upper, lower = self._limits("maximum", maximum), self._limits("minimum", minimum)
        first = self.goal(by) if by is not None else self._deciding({*upper, *lower})
        order = [first, *(goal for goal in self.goals if goal is not first)]
        within = [
            trial
            for trial in self.done
            if all(trial.values[name] <= most for name, most in upper.items())
            and all(trial.values[name] >= least for name, least in lower.items())
        ]
        if not within:
            raise InputError(self._none_within(upper, lower))
        return min(within, key=lambda trial: (costs(order, trial.values), trial.number))

    def _limits(self, what: str, given: Limits | None) -> dict[str, float]:
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f"{what}: expected objectives and numbers, as {{'lut': 20000}}, found {brief(given)}")
        return {name: quantity(value, self.goal(name)) for name, value in (given or {}).items()}

    def _deciding(self, limited: set[str]) -> Goal:
        return next((goal for goal in self.goals if goal.name not in limited), self.goals[0])

    def _none_within(self, upper: Mapping[str, float], lower: Mapping[str, float]) -> str:
        done = self.done
        if not done:
            return f"none of the {len(self.trials)} trials of this study was measured on all data"
        said = []
        for name, most in upper.items():
            least = min(trial.values[name] for trial in done)
            said.append(f"{name} of at most {self.goal(name).text(most)} (the least is {self.goal(name).text(least)})")
        for name, wanted in lower.items():
            largest = max(trial.values[name] for trial in done)
            text = self.goal(name).text
            said.append(f"{name} of at least {text(wanted)} (the largest is {text(largest)})")
        return f"none of {len(done)} trials has {' and '.join(said)}; loosen a limit, or search on with more trials"

    # -- as tables --------------------------------------------------------------------------------

    @property
    def records(self) -> list[dict[str, Any]]:
        """A row for each trial: number, state, whether it is on the front, objectives (None: not measured), axes."""
        front = {trial.number for trial in self.front}
        return [
            {
                "trial": trial.number,
                "state": trial.outcome.state.value,
                "front": trial.number in front,
                **{goal.name: trial.values.get(goal.name) for goal in self.goals},
                **{axis.name: trial.point.get(axis.name) for axis in self.space.axes},
                "seconds": trial.outcome.seconds,
                "worker": trial.outcome.worker,
                "reason": trial.outcome.reason,
            }
            for trial in self.trials
        ]

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` of :attr:`records`. Raises ConfigError without pandas."""
        return data_frame(self.records)

    def __str__(self) -> str:
        return "\n".join([self.headline, "", table(self._header, self._rows(self.front)), *self._refusals])

    def _repr_html_(self) -> str:
        """The front, for notebooks."""
        return html_table(self.headline, self._header, self._rows(self.front))

    @property
    def headline(self) -> str:
        """How many trials there were, and what became of them."""
        counts = {state: sum(trial.outcome.state is state for trial in self.trials) for state in State}
        said = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
        data = f", {self.samples:,} samples" if self.samples else ""
        whole = "; interrupted" if self.interrupted else ""
        return (
            f"{self.name}: {len(self.trials)} trials ({said or 'none'}) of a space of {self.space.size:,}{data}; "
            f"{len(self.front)} that none beats{whole}"
        )

    @property
    def _header(self) -> list[str]:
        units = [goal.name if goal.unit in goal.name else f"{goal.name}, {goal.unit}" for goal in self.goals]
        return ["trial", *units, *(axis.name for axis in self.space.axes)]

    def _rows(self, trials: Sequence[Trial]) -> list[list[str]]:
        return [
            [
                str(trial.number),
                *(goal.text(trial.values[goal.name]) for goal in self.goals),
                *(_spelled(trial.point[axis.name]) for axis in self.space.axes),
            ]
            for trial in trials
        ]

    @property
    def _refusals(self) -> list[str]:
        """Why trials were refused or failed, the commonest reasons first."""
        reasons: dict[str, int] = {}
        for trial in self.trials:
            if trial.outcome.state in (State.REFUSED, State.FAILED):
                line = f"{trial.outcome.state.value}: {trial.outcome.reason.partition(chr(10))[0]}"
                reasons[line] = reasons.get(line, 0) + 1
        most = sorted(reasons.items(), key=lambda pair: -pair[1])[:3]
        return ["", *(f"{count} {brief_line(line)}" for line, count in most)] if most else []


def brief_line(text: str, most: int = 160) -> str:
    """A line of a message, cut where it is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _spelled(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


def quantity(value: float | str, goal: Goal) -> float:
    """A number in the unit of an objective, from one, or from a text with a unit. Raises InputError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return float(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    factor = None if match is None else _factor(match[2], goal)
    if match is None or factor is None:
        unit = f" in {goal.unit}" if goal.unit else ""
        raise InputError(f"{goal.name}: expected a number{unit}, found {brief(value)}")
    return float(match[1]) * factor


def _factor(unit: str, goal: Goal) -> float | None:
    """By what a number in a unit is to be multiplied; None for a unit that the objective does not have."""
    if unit in ("", goal.unit):
        return 1.0
    if goal.unit == "ns":
        return _NANOSECONDS.get(unit)
    if unit == "%" and not goal.unit:
        return 0.01
    return _THOUSANDS.get(unit)
