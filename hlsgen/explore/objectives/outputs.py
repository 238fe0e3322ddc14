"""What outputs are worth on data: agreement with the source model, accuracy, areas under curves, errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hlsgen.analysis.labels import Task, judged, judged_output, labels_by_output, rows_of
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.analysis.metrics import class_areas, decided, errors_of, share_equal, unmet_variance
from hlsgen.config import Config
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, InputError
from hlsgen.explore.goals import Goal
from hlsgen.explore.objectives.base import Seen
from hlsgen.ir.types import Ints

SHARES = ("accuracy", "agreement")
"""Those that are shares of samples, of which a part of the data tells how far off it may be. (Of outputs that are
numbers, ``agreement`` is none: see :attr:`Judge.is_of_shares`.)"""


@dataclass(frozen=True)
class OfOutputs:
    """A number of the outputs on all data."""

    goal: Goal
    needs_labels: bool = False
    of_outputs: bool = True

    def check(self, config: Config) -> None:
        pass

    def value(self, seen: Seen) -> float:
        return seen.judged[self.goal.name]


ACCURACY = OfOutputs(Goal("accuracy", higher_is_better=True), needs_labels=True)
AUC = OfOutputs(Goal("auc", higher_is_better=True), needs_labels=True)
AGREEMENT = OfOutputs(Goal("agreement", higher_is_better=True))
ERROR = OfOutputs(Goal("error", higher_is_better=False))


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures the outputs of a design: of one of them, by what is right for it. All arrays begin with samples."""

    names: tuple[str, ...]
    output: int
    classes: int
    threshold: float
    of_numbers: bool = False
    """Whether the outputs are taken for numbers, not for decisions."""
    labels: Ints | None = None
    """(samples, places): the right classes."""
    decisions: Ints | None = None
    """(samples, places): what the source model decides for."""
    right: Array | None = None
    """(samples, places, values): the right numbers, or those of the source model."""
    meant: Array | None = None
    """(samples, places, values): what the source model says, where ``agreement`` is of numbers."""
    of_model: Mapping[str, float] = field(default_factory=dict)
    """What the source model itself reaches, of what it does not reach by its nature."""

    @property
    def is_of_shares(self) -> bool:
        """Whether all that it measures are shares of samples."""
        return all(name in SHARES for name in self.names) and not (self.of_numbers and "agreement" in self.names)

    def __call__(self, outputs: list[Array]) -> dict[str, float]:
        found = outputs[self.output]
        rows = rows_of(found, found.shape[1:])
        return {name: self._measured(name, rows) for name in self.names}

    def _measured(self, name: str, rows: Array) -> float:
        if name == "accuracy":
            assert self.labels is not None
            return share_equal(decided(rows, self.threshold), self.labels.reshape(-1))
        if name == "agreement" and self.of_numbers:
            assert self.meant is not None
            return 1.0 - unmet_variance(rows, self.meant.reshape(rows.shape))
        if name == "agreement":
            assert self.decisions is not None
            return share_equal(decided(rows, self.threshold), self.decisions.reshape(-1))
        if name == "auc":
            assert self.labels is not None
            return mean_area(rows, self.labels.reshape(-1), self.classes)
        assert self.right is not None
        errors = errors_of(rows, self.right.reshape(rows.shape))
        return errors.rms if errors.relative is None else errors.relative

    def of_part(self, samples: Ints, names: Collection[str]) -> Judge:
        """The same of some samples, by their numbers, and of some objectives."""
        return replace(
            self,
            names=tuple(name for name in self.names if name in names),
            labels=None if self.labels is None else self.labels[samples],
            decisions=None if self.decisions is None else self.decisions[samples],
            right=None if self.right is None else self.right[samples],
            meant=None if self.meant is None else self.meant[samples],
        )


def judge_of(
    names: tuple[str, ...],
    design: Design,
    inputs: Mapping[str, Array],
    y: Any,
    output: str | None,
    task: Task | None,
    threshold: float | None,
) -> Judge:
    """What measures the objectives of these names. Raises ConfigError where labels are missing and for objectives that
    ``task`` contradicts, InputError for labels that do not fit, and a threshold of what has none."""
    number = judged_output("sweep()", design.output_names, output)
    port = design.outputs[number]
    if output is not None and isinstance(y, np.ndarray):
        y = {output: y}
    labels = labels_by_output("sweep()", design.outputs, design.output_names, y)[number]
    for objective in (ACCURACY, AUC):
        if objective.goal.name in names and labels is None:
            raise ConfigError(
                f"sweep(): objective '{objective.goal.name}' needs labels; give y= (in a file: labels), or take "
                "'agreement', with the source model"
            )
        if objective.goal.name in names and task == "regression":
            raise ConfigError(
                f"sweep(): objective '{objective.goal.name}' is of classes, task is 'regression'; take 'error' or "
                "'agreement'"
            )
    if threshold is not None and port.shape[-1] > 1:
        raise InputError(
            f"sweep(): threshold is for an output of one value; '{port.name}' has {port.shape[-1]}, of which the "
            "largest decides"
        )
    meant = meant_outputs(design, inputs)[number]
    samples = len(meant)
    rows = rows_of(meant, port.shape)
    of_classes = labels is not None and bool({"accuracy", "auc"} & set(names))
    how = judged("sweep()", port, labels, meant, "classification" if of_classes else task, threshold, samples)
    right = how.targets if how.targets is not None else rows
    of_numbers, agrees = how.task == "regression", "agreement" in names
    judge = Judge(
        names,
        number,
        how.classes,
        how.threshold,
        of_numbers,
        labels=None if how.labels is None else how.labels.reshape(samples, -1),
        decisions=decided(rows, how.threshold).reshape(samples, -1) if agrees and not of_numbers else None,
        right=right.reshape(samples, -1, port.shape[-1]) if "error" in names else None,
        meant=rows.reshape(samples, -1, port.shape[-1]) if agrees and of_numbers else None,
    )
    itself = judge([meant] * len(design.outputs))  # also: labels of one class have no curve
    given = {name: itself[name] for name in names if labels is not None and name != AGREEMENT.goal.name}
    return replace(judge, of_model=given)


def mean_area(rows: Array, labels: Ints, classes: int) -> float:
    """The area under the curve of class 1 by a single value, else the mean of those of each class against the others.

    Raises InputError where the labels are all of one class.
    """
    known = [area for area in class_areas(rows, labels, classes) if area is not None]
    if not known:
        raise InputError("objective 'auc': all labels are of one class, by which no curve can be drawn")
    return float(np.mean(known))
