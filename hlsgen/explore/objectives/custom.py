"""An objective of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hlsgen.config import Config
from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.explore.goals import Goal
from hlsgen.explore.objectives.base import Seen

Direction = Literal["maximise", "minimise"]
_SPELT = {"maximize": "maximise", "minimize": "minimise"}
_LONGEST = 100
"""Characters of a name, as columns have it."""


@dataclass(frozen=True)
class Objective:
    """What a function says of a project: ``Objective(score, "maximise")``.

    Args:
        function: called with the project, the inputs (by name) and the labels as they were given; returns a number. To
            run in other processes it has to stand in a module (or cloudpickle has to be there).
        direction: "maximise" or "minimise".
        name: what tables call it; the function's own name, if not said.
        unit: as tables show it.

    Raises ConfigError for what is no function, another direction, and a name or a unit that is no line of text.
    """

    function: Callable[[Any, Mapping[str, Any], Any], float]
    direction: Direction
    name: str = ""
    unit: str = ""

    of_outputs = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ConfigError(f"Objective(): expected a function of project, x and y, found {brief(self.function)}")
        direction = _SPELT.get(self.direction, self.direction)
        if direction not in get_args(Direction):
            raise ConfigError(f"Objective(): direction is {brief(direction)}{nearest(direction, get_args(Direction))}")
        object.__setattr__(self, "direction", direction)
        if not self.name:
            object.__setattr__(self, "name", getattr(self.function, "__name__", "objective"))
        for what in ("name", "unit"):
            text = getattr(self, what)
            if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST:
                raise ConfigError(
                    f"Objective(): {what} is {brief(text)}, expected a line of up to {_LONGEST} characters"
                )

    @property
    def goal(self) -> Goal:
        return Goal(self.name, self.direction == "maximise", self.unit)

    def check(self, config: Config) -> None:
        pass

    def value(self, seen: Seen) -> float:
        found = self.function(seen.project, dict(seen.inputs), seen.y)
        try:
            if isinstance(found, str | bytes | bytearray):  # which float() would read
                raise TypeError
            return float(found)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"objective '{self.name}' is {brief(found)}, expected a number") from error
