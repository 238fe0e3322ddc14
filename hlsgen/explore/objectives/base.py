"""What an objective is, and what it sees of a design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from hlsgen.config import Config
from hlsgen.design.arrays import Array
from hlsgen.estimation.estimate import Estimate
from hlsgen.explore.goals import Goal
from hlsgen.project import Project
from hlsgen.synthesis.area import Area


@dataclass
class Seen:
    """A design that is judged; what several objectives ask of it is done once."""

    project: Project
    inputs: Mapping[str, Array] = field(default_factory=dict)
    """The data by input name; none where there are none."""
    y: Any = None
    """Labels, as they were given."""
    judged: Mapping[str, float] = field(default_factory=dict)
    """What its outputs are worth, by the names of the objectives."""

    @cached_property
    def estimate(self) -> Estimate:
        return self.project.estimate()

    @cached_property
    def area(self) -> Area:
        return self.project.area()


class Objective(Protocol):
    """A number of a design. Objectives go to workers, pickled."""

    @property
    def goal(self) -> Goal:
        """Its name, and whether more of it is better."""

    @property
    def of_outputs(self) -> bool:
        """Whether it is a measure of outputs on data (:class:`~hlsgen.explore.objectives.outputs.Judge`)."""

    def check(self, config: Config) -> None:
        """Raise ConfigError or ToolError where this machine, or such a configuration, cannot have it."""

    def value(self, seen: Seen) -> float:
        """The number. Raises HlsgenError for a design that has none."""
