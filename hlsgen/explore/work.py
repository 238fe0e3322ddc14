"""What a worker does: convert the design of a point, and measure it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hlsgen.analysis.running import Runner
from hlsgen.config import make_config
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import HlsgenError, ToolError, brief
from hlsgen.explore.objectives.base import Objective, Seen
from hlsgen.explore.objectives.outputs import SHARES, Judge
from hlsgen.explore.pruning import Part, beaten
from hlsgen.explore.space import Space, merged
from hlsgen.explore.trial import Ask, Outcome, Point, State
from hlsgen.ir.graph import Graph
from hlsgen.project import Project


@dataclass
class DesignWork:
    """The model, the data and the objectives of a search: :class:`~hlsgen.explore.trial.Work`.

    Pickled, it holds what was given. In each process it keeps what it has measured by the digests of designs: what
    depends on bits alone is measured once of designs that are the same at different points.
    """

    graph: Graph
    base: Mapping[str, Any]
    """The configuration that points change, as YAML holds it."""
    space: Space
    objectives: tuple[Objective, ...]
    calibration: Mapping[str, Array] | None = None
    inputs: Mapping[str, Array] = field(default_factory=dict)
    y: Any = None
    judge: Judge | None = None
    """None where no objective is one of outputs."""
    part: Part | None = None
    """What is looked at before all data; None: nothing is pruned."""
    _runners: dict[bool, Runner[dict[str, float]]] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_runners": {}}

    def measured(self, ask: Ask) -> Outcome:
        """Convert the design of a point and measure it. What hlsgen refuses is an outcome; the error of an objective of
        somebody's own is raised, for :func:`~hlsgen.explore.workers.computing.computed` to make one of it."""
        try:
            return Outcome(*self._judged(Seen(self.project(ask.point), self.inputs, self.y), ask))
        except HlsgenError as error:
            broken = isinstance(error, ToolError)  # not the design's fault
            return Outcome(State.FAILED if broken else State.REFUSED, {}, str(error))

    def project(self, point: Point) -> Project:
        """The project of a point. Raises HlsgenError where there is none."""
        names = [value.producer.source.name for value in self.graph.inputs]
        config = make_config(merged(self.base, self.space.assigned(point), names))
        return Project(self.graph, config, self.calibration)

    def _judged(self, seen: Seen, ask: Ask) -> tuple[State, dict[str, float], str]:
        """All numbers of a design; those that need no data first."""
        values = {o.goal.name: _number(o, seen) for o in self.objectives if not o.of_outputs}
        if self.judge is not None:
            design = seen.project.design
            if self.part is not None and ask.rivals:
                shares = self._run(design, of_part=True)
                goals = [objective.goal for objective in self.objectives]
                reason = beaten(shares, values, goals, ask.rivals, self.part)
                if reason:
                    return State.PRUNED, values, reason
            seen.judged = self._run(design, of_part=False)
        values |= {o.goal.name: _number(o, seen) for o in self.objectives if o.of_outputs}
        return State.DONE, {o.goal.name: values[o.goal.name] for o in self.objectives}, ""

    def _run(self, design: Design, *, of_part: bool) -> dict[str, float]:
        """What the outputs of a design are worth."""
        if of_part not in self._runners:
            self._runners[of_part] = self._runner(design, of_part)
        return self._runners[of_part].measured(design).result()

    def _runner(self, design: Design, of_part: bool) -> Runner[dict[str, float]]:
        assert self.judge is not None
        if not of_part:
            return Runner(design, self.graph.name or "model", self.inputs, self.judge)
        assert self.part is not None
        numbers = self.part.numbers
        some = {name: data[numbers] for name, data in self.inputs.items()}
        return Runner(design, self.graph.name or "model", some, self.judge.of_part(numbers, SHARES), "reference")


def _number(objective: Objective, seen: Seen) -> float:
    """The value of an objective. Raises ValueError for what is no finite number."""
    value = float(objective.value(seen))
    if not math.isfinite(value):
        raise ValueError(f"objective '{objective.goal.name}' is {brief(value)}, expected a finite number")
    return value
