"""What a sweep measures of a design: how well one of its outputs decides, or how far off it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hlsgen.analysis.labels import Judged, Task, judged, labels_by_output, rows_of
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.analysis.metrics import decided, errors_of, share_equal
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design

Metric = Literal["accuracy", "agreement", "error"]


class Measure:
    """The metric of a design's outputs, one of which is looked at."""

    def __init__(self, number: int, how: Judged, right: Array, labelled: bool) -> None:
        self._number, self._how, self._right = number, how, right
        self.metric: Metric = "error" if how.task == "regression" else "accuracy" if labelled else "agreement"
        self.against = "labels" if labelled else "the source model"

    @classmethod
    def of(
        cls,
        design: Design,
        inputs: Mapping[str, Array],
        number: int,
        y: Any,
        task: Task | None,
        threshold: float | None,
    ) -> Measure:
        """Labels are what is right, or what the model itself computes in real numbers."""
        port = design.outputs[number]
        samples = min(len(data) for data in inputs.values())
        labels = labels_by_output("sensitivity()", design.outputs, design.output_names, y)[number]
        meant = meant_outputs(design, inputs)[number]
        how = judged("sensitivity()", port, labels, meant, task, threshold, samples)
        if how.labels is not None:
            return cls(number, how, how.labels, labelled=True)
        if how.targets is not None:
            return cls(number, how, how.targets, labelled=True)
        rows = rows_of(meant, port.shape)
        right = decided(rows, how.threshold) if how.task == "classification" else rows
        return cls(number, how, right, labelled=False)

    def __call__(self, outputs: list[Array]) -> float:
        found = outputs[self._number]
        rows = rows_of(found, found.shape[1:])
        if self._how.task == "classification":
            return share_equal(decided(rows, self._how.threshold), self._right)
        errors = errors_of(rows, self._right)
        return errors.rms if errors.relative is None else errors.relative
