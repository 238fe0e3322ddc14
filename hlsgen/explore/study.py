"""What a search found: its trials, the front of those that none beats, and the best under limits."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from hlsgen.analysis.frames import data_frame, write_csv
from hlsgen.errors import InputError, UnknownNameError, brief, nearest
from hlsgen.explore.choice import Limit, best_within
from hlsgen.explore.goals import Goal, costs, front_of
from hlsgen.explore.looking import FigureKind, draw, notebook, write_page
from hlsgen.explore.optuna_study import optuna_study
from hlsgen.explore.space import Space
from hlsgen.explore.standalone import standing_alone, yaml_path
from hlsgen.explore.trial import State, Trial, spelled
from hlsgen.ir.text import table
from hlsgen.named_files import check_replaced, named_path
from hlsgen.pages.files import write_text

Limits = Mapping[str, float | str]
"""Objectives by name, and a number or a text with a unit: ``{"lut": 20000, "latency": "100ns"}``."""
_NANOSECONDS = {"ps": 1e-3, "ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
_THOUSANDS = {"k": 1e3, "M": 1e6}
_QUANTITY = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)\s*([A-Za-zµ%]*)\s*")
_TABLE = re.compile(rb"trial,state,front,")
_COLUMNS = ("trial", "state", "front", "seconds", "worker", "reason")
"""Of records, beside objectives and axes."""


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

        Raises UnknownNameError for an objective that was not measured, InputError for a limit that is no number, and
        where no trial is within the limits: with what each of them excludes, and the trial that comes nearest.
        """
        limits = [*self._limits("maximum", maximum), *self._limits("minimum", minimum)]
        return best_within(self.done, self.goals, limits, None if by is None else self.goal(by))

    def quantity(self, name: str, value: float | str) -> float:
        """A number in the unit of an objective, from one or from a text with a unit (``"100ns"``, ``"20k"``, ``"5%"``).

        Raises UnknownNameError for an objective that was not measured, InputError for what is no number.
        """
        return quantity(value, self.goal(name))

    def _limits(self, what: str, given: Limits | None) -> list[Limit]:
        if given is not None and not isinstance(given, Mapping):
            raise InputError(f"{what}: expected objectives and numbers, as {{'lut': 20000}}, found {brief(given)}")
        at_most = what == "maximum"
        return [Limit(self.goal(name), self.quantity(name, value), at_most) for name, value in (given or {}).items()]

    # -- as tables --------------------------------------------------------------------------------

    @property
    def records(self) -> list[dict[str, Any]]:
        """A row for each trial: number, state, whether it is on the front, objectives (None: not measured), axes.

        An objective or an axis that is called as another column is has a word before its name: ``objective seconds``.
        """
        front = {trial.number for trial in self.front}
        goals = {goal.name: _column("objective", goal.name, _COLUMNS) for goal in self.goals}
        axes = {axis.name: _column("setting", axis.name, {*_COLUMNS, *goals}) for axis in self.space.axes}
        return [
            {
                "trial": trial.number,
                "state": trial.outcome.state.value,
                "front": trial.number in front,
                **{column: trial.values.get(name) for name, column in goals.items()},
                **{column: trial.point.get(name) for name, column in axes.items()},
                "seconds": trial.outcome.seconds,
                "worker": trial.outcome.worker,
                "reason": trial.outcome.reason,
            }
            for trial in self.trials
        ]

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` of :attr:`records`. Raises ConfigError without pandas."""
        return data_frame(self.records)

    def to_optuna(self, storage: Any = None, *, name: str | None = None) -> Any:
        """An ``optuna.Study`` with all trials, for ``optuna.visualization`` and what else is made for those.

        Args:
            storage: of Optuna's, to keep it in: ``"sqlite:///optuna.db"``, for optuna-dashboard; None: in memory.
            name: of the study there; that of the project, if not said.

        Settings are its parameters by the names of the axes: numbers, or else words. A trial that was refused is one
        that failed. Numbers of trials are ``user_attrs["trial"]``, reasons ``user_attrs["reason"]``. Raises ConfigError
        without Optuna (extra ``search``), StudyError for a storage that cannot be used or has such a study.
        """
        return optuna_study(self, self.name if name is None else name, storage)

    def to_csv(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write :attr:`records`, a row a trial; returns the path.

        Such a table that is there is replaced, another file only with ``overwrite``. Raises OutputDirError for one that
        is not, and for one that cannot be written.
        """
        file = named_path(path, "a table", InputError)
        check_replaced(file, "table of a sweep", _TABLE, overwrite=overwrite, caller="to_csv()")
        return write_csv([{key: _cell(value) for key, value in row.items()} for row in self.records], file)

    # -- as configurations ------------------------------------------------------------------------

    def yaml_of(self, trial: Trial, folder: str | Path = ".") -> str:
        """The configuration of a trial, which stands alone: a comment says what it is of, and absolute files are named
        from ``folder``, where the text will lie."""
        return standing_alone(trial, self.goals, self.called, Path(folder), bool(self.facts.get("calibration")))

    def write_yaml(self, trial: Trial, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the configuration of a trial, as ``hlsgen build`` reads it; returns the path.

        Such a file that is there is replaced, another only with ``overwrite``. Raises OutputDirError for one that is
        not, and for one that cannot be written.
        """
        file = yaml_path(path, overwrite)
        return write_text(file, self.yaml_of(trial, file.absolute().parent), "write_yaml()")

    @property
    def called(self) -> str:
        """What the study is called where it is spoken of: as its file."""
        return self.path.name if self.path is not None else "a sweep"

    # -- as pictures ------------------------------------------------------------------------------

    def page(self, path: str | Path = "sweep.html", *, overwrite: bool = False) -> Path:
        """Write a page that shows all of it, and return its path (docs/fronts.md).

        ``path``: ``.html``; a page of a sweep that is there is replaced, another file only with ``overwrite``. Raises
        InputError for another ending, OutputDirError for a file that is not replaced or cannot be written.
        """
        return write_page(self, path, overwrite)

    def plot(self, path: str | Path, kind: FigureKind = "front") -> Path:
        """Draw it as ``.png``, ``.svg`` or ``.pdf``, and return the path.

        ``kind``: "front", a panel for each pair of objectives (of one, its progress); or "parallel", coordinates of
        settings and objectives. Raises ConfigError without matplotlib, InputError for another ending or kind, and where
        no trial was measured, OutputDirError if it cannot be written.
        """
        return draw(self, path, kind)

    def __str__(self) -> str:
        return "\n".join([self.headline, "", table(self._header, self._rows(self.front)), *self._refusals])

    def _repr_html_(self) -> str:
        """The front, for notebooks: a picture and a table."""
        return notebook(self, self.headline, self._header, self._rows(self.front))

    @property
    def headline(self) -> str:
        """How many trials there were, and what became of them."""
        counts = {state: sum(trial.outcome.state is state for trial in self.trials) for state in State}
        said = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
        data = f", {self.samples:,} samples" if self.samples else ""
        itself = ", ".join(g.said(self.of_model[g.name]) for g in self.goals if g.name in self.of_model)
        model = f"; the model itself: {itself}" if itself else ""
        whole = "; interrupted" if self.interrupted else ""
        return (
            f"{self.name}: {len(self.trials)} trials ({said or 'none'}) of a space of {self.space.size:,}{data}; "
            f"{len(self.front)} that none beats{model}{whole}"
        )

    @property
    def of_model(self) -> dict[str, float]:
        """What the source model itself reaches, by the objectives that are of labels."""
        found = self.facts.get("of_model")
        return {name: v for name, v in found.items() if isinstance(v, float)} if isinstance(found, dict) else {}

    @property
    def all_text(self) -> str:
        """All trials as a table: the front, others from the best by the first objective on, then what was not measured,
        with the reason."""
        front = {trial.number for trial in self.front}
        others = [trial for trial in self.done if trial.number not in front]
        others.sort(key=lambda trial: (costs(self.goals, trial.values), trial.number))
        unmeasured = [trial for trial in self.trials if not trial.is_done]
        rows = [
            *([*row, "front"] for row in self._rows(self.front)),
            *([*row, "done"] for row in self._rows(others)),
            *([*row, _ended(trial)] for row, trial in zip(self._rows(unmeasured), unmeasured, strict=True)),
        ]
        return "\n".join([self.headline, "", table([*self._header, "state"], rows)])

    def described(self, trial: Trial) -> str:
        """A trial in a line: its number and its objectives."""
        numbers = ", ".join(goal.said(trial.values[goal.name]) for goal in self.goals)
        return f"trial {trial.number} of {self.called}: {numbers}"

    @property
    def _header(self) -> list[str]:
        units = [goal.name if goal.unit in goal.name else f"{goal.name}, {goal.unit}" for goal in self.goals]
        return ["trial", *units, *(axis.name for axis in self.space.axes)]

    def _rows(self, trials: Sequence[Trial]) -> list[list[str]]:
        return [
            [
                str(trial.number),
                *(goal.text(trial.values[goal.name]) if goal.name in trial.values else "" for goal in self.goals),
                *(spelled(trial.point[axis.name]) for axis in self.space.axes),
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


def _column(kind: str, name: str, taken: Collection[str]) -> str:
    """What a column of records is called."""
    return f"{kind} {name}" if name in taken else name


def _ended(trial: Trial) -> str:
    return f"{trial.outcome.state.value}: {brief_line(' '.join(trial.outcome.reason.split()))}"


def _cell(value: Any) -> Any:
    """A value of a table of plain cells: whole numbers without a point, lists as text."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return spelled(value) if isinstance(value, bool | list | tuple) else value


def quantity(value: float | str, goal: Goal) -> float:
    """A number in the unit of an objective, from one, or from a text with a unit. Raises InputError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return float(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    factor = None if match is None else _factor(match[2], goal)
    if match is None or factor is None:
        unit = f" in {goal.unit}" if goal.unit else ""
        raise InputError(f"{goal.name}: expected a number{unit}, found {brief(value)}; also as {_ways(goal)}")
    return float(Decimal(match[1]) * Decimal(repr(factor)))  # as it is written: 57 * 0.01 is more than 0.57


def _ways(goal: Goal) -> str:
    """How a number of an objective may be written besides."""
    if goal.unit == "ns":
        return "'100ns', '0.1us', with ps, ns, us, ms or s"
    return "'20k' or '1.5M'" if goal.unit else "'20k', '1.5M' or '97%'"


def _factor(unit: str, goal: Goal) -> float | None:
    """By what a number in a unit is to be multiplied; None for a unit that the objective does not have."""
    if unit in ("", goal.unit):
        return 1.0
    if goal.unit == "ns":
        return _NANOSECONDS.get(unit)
    if unit == "%" and not goal.unit:
        return 0.01
    return _THOUSANDS.get(unit)
