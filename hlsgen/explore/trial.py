"""One trial of a search: a point of its space, and what was measured there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from hlsgen.strict_yaml import written

Point = Mapping[str, Any]
"""The axes of a space by their names (``layers.fc1.precision.weight``), and a value of each, as YAML writes it."""


class State(StrEnum):
    """What became of a trial."""

    DONE = "done"
    PRUNED = "pruned"
    """Measured on a part of the data, and left there: others are better."""
    REFUSED = "refused"
    """hlsgen refuses such a design, and says why: a result like others."""
    FAILED = "failed"
    """What measures it broke, and would again: its error is the reason."""


@dataclass(frozen=True)
class Ask:
    """What a worker is asked for: a point, and what it has to beat."""

    point: Point
    rivals: tuple[Mapping[str, float], ...] = ()
    """Objectives of trials that are done: on a part of the data, what cannot beat them is left (docs/sweep.md)."""


@dataclass(frozen=True)
class Outcome:
    """What a worker found at a point."""

    state: State
    values: Mapping[str, float] = field(default_factory=dict)
    """The objectives by name; of a trial that was not pruned, refused or failed, all of them."""
    reason: str = ""
    """Why it was refused, pruned, or failed."""
    seconds: float = 0.0
    worker: str = ""
    """Host and process that computed it."""


@dataclass(frozen=True)
class Trial:
    """A point and what was found there."""

    number: int
    point: Point
    outcome: Outcome
    seed: int
    version: str
    """Of hlsgen."""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The whole configuration of its design, as YAML holds it."""

    def __str__(self) -> str:
        """Its number, what was found, and its settings, one in a line."""
        numbers = ", ".join(f"{name} {value:,.6g}" for name, value in self.values.items())
        ended = "" if self.is_done else f" ({self.outcome.state.value}{_colon(self.outcome.reason)})"
        head = f"trial {self.number}{ended}{_colon(numbers)}"
        return "\n".join([head, *(f"  {path}: {spelled(value)}" for path, value in self.point.items())])

    @property
    def is_done(self) -> bool:
        return self.outcome.state is State.DONE

    @property
    def values(self) -> Mapping[str, float]:
        """The objectives by name."""
        return self.outcome.values

    @property
    def yaml(self) -> str:
        """The whole configuration of its design: what ``hlsgen convert --config`` reads."""
        return written(self.config)


def spelled(value: Any) -> str:
    """The value of a setting, for readers."""
    if isinstance(value, list | tuple):
        return ", ".join(map(spelled, value)) or "none"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _colon(text: str) -> str:
    return f": {text}" if text else ""


class Work(Protocol):
    """What all trials of a search have in common: the model, the data, the objectives.

    It goes to workers once, pickled, and holds what is needed there: no framework, no file of this machine.
    """

    def measured(self, ask: Ask) -> Outcome:
        """Convert the design of a point and measure it. What is refused is an outcome; others may raise."""
