"""What a quantised design is held against: the decisions or the numbers of the float model, or labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Literal

import numpy as np

from hlsgen.analysis.labels import Judged, Task, are_probabilities, judged, labels_by_output, rows_of
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.analysis.metrics import decided, share_equal, unmet_variance
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import InputError
from hlsgen.explore.quantization.margins import Differing, differing, margins
from hlsgen.ir.constant import Floats
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor

Metric = Literal["agreement", "accuracy"]
_SMALL = 1.0e-2
"""Chances below this make little difference to a decision."""
_TINY = 1.0e-6
"""A chance of which the logarithm is finite."""
_DEVIATIONS = 1.3
"""Standard errors by which more has to be reached."""


@dataclass(frozen=True)
class Score:
    """What one design reaches."""

    agreement: float
    """The share of equal decisions; of numbers, the share of their variance that is met (1 less the squared error over
    the variance). Of several outputs the least."""
    accuracy: float | None
    """Against labels; None without such. Of several outputs the least."""
    expected: float
    """The agreement that other data are expected to show, by margins; of numbers as it is."""
    surely: float
    """The same less 1.3 standard errors."""


class Goal:
    """The outputs of a design, by what is right about them."""

    def __init__(
        self, meant: Sequence[Array], how: Sequence[tuple[int, Judged]], metric: Metric, unclear: Sequence[str] = ()
    ) -> None:
        """``how``: what is judged, by the number of the output; ``unclear``: see :attr:`unclear`."""
        self.metric = metric
        self.unclear = tuple(unclear)
        """The outputs, by name, of which nobody says whether they are numbers or decide: they are judged as both."""
        self._outputs = [number for number, _ in how]
        self._how = [h for _, h in how]
        self._meant = [rows_of(meant[number], meant[number].shape[1:]) for number in self._outputs]
        self._decided = [decided(rows, h.threshold) for rows, h in zip(self._meant, self._how, strict=True)]
        self._chances = [_chances(rows) for rows in self._meant]
        self._margins = [self._margins_of(number, rows) for number, rows in enumerate(self._meant)]
        self.rows = min(len(rows) for rows in self._meant)
        """What is decided of an output: as many as samples, or positions of those."""

    @classmethod
    def of(
        cls,
        design: Design,
        inputs: Mapping[str, Array],
        y: Any,
        metric: Metric,
        task: Task | None,
        threshold: float | None,
    ) -> Goal:
        """Raises InputError for labels that do not fit, and for ``accuracy`` without labels that are classes, or where
        the model is never right."""
        samples = min(len(data) for data in inputs.values())
        meant = meant_outputs(design, inputs)
        labels = labels_by_output("quantize()", design.outputs, design.output_names, y)
        how: list[tuple[int, Judged]] = []
        unclear = []
        for number, (port, its, rows) in enumerate(zip(design.outputs, labels, meant, strict=True)):
            found = judged("quantize()", port, its, rows, task, threshold, samples)
            how.append((number, found))
            if task is None and its is None and found.task == "regression" and _may_decide(design, port):
                how.append((number, replace(found, task="classification")))
                unclear.append(design.output_names[number])
        if metric == "accuracy" and all(h.labels is None for _, h in how):
            raise InputError("quantize(): metric is 'accuracy', which needs y: class numbers, or one-hot rows")
        goal = cls(meant, how, metric, unclear)
        if metric == "accuracy" and not goal.float_accuracy:
            raise InputError(
                f"quantize(): the float model is right in none of {samples} samples, so that any design has its "
                "accuracy; look whether y belongs to x, or take metric='agreement'"
            )
        return goal

    @property
    def is_of_numbers(self) -> bool:
        """Whether outputs are taken for numbers, none of them for a decision."""
        return all(h.task == "regression" for h in self._how)

    @property
    def float_accuracy(self) -> float | None:
        """What the float model reaches against labels."""
        return self._accuracy(self._meant)

    def score(self, outputs: Sequence[Array]) -> Score:
        """Of outputs as the model means them, each (samples, *shape)."""
        found = [rows_of(outputs[number], outputs[number].shape[1:]) for number in self._outputs]
        agreements = list(map(self._agreement, range(len(found)), found))
        expected, surely = agreements.copy(), agreements.copy()
        for number, rows in enumerate(found):
            if self._how[number].task != "regression":
                share = self._differing(number, rows)
                expected[number] = 1.0 - share.share
                surely[number] = expected[number] - _DEVIATIONS * share.doubt
        return Score(min(agreements), self._accuracy(found), min(expected), min(surely))

    def value(self, score: Score) -> float:
        """What is held against the target: agreement, or accuracy as a part of the float model's."""
        if self.metric == "agreement":
            return score.agreement
        assert score.accuracy is not None
        assert self.float_accuracy
        return score.accuracy / self.float_accuracy

    def wanted(self, target: float) -> float:
        """What has to be counted so that the target holds on other data, too: 1.3 standard errors of a share more,
        but at most half of what is left to 1."""
        if target >= 1.0 or self.is_of_numbers:
            return target
        return target + min(_DEVIATIONS * sqrt(target * (1.0 - target) / self.rows), (1.0 - target) / 2.0)

    def missed(self, score: Score, target: float) -> float:
        """What a design misses of 1, beside the margin: by count or by margins of decisions, whichever is more.

        A count of few differences says little, and margins are no proof: their errors are taken for alike near the
        border, which roundings of outputs to few bits are not.
        """
        counted = 1.0 - self.value(score) + (self.wanted(target) - target)
        if self.metric != "agreement" or target >= 1.0 or self.is_of_numbers:
            return counted
        return max(counted, 1.0 - max(score.surely, score.expected - (1.0 - target) / 2.0))

    def nearly(self, score: Score, target: float) -> bool:
        """Whether a design meets the target with less of a margin: decisions by count, and by their own margins less
        what is in doubt; all else with half of it."""
        if self.metric == "agreement" and not self.is_of_numbers:
            return min(self.value(score), score.surely) >= target
        return self.value(score) >= (target + self.wanted(target)) / 2.0

    def loss(self, outputs: Sequence[Array]) -> float:
        """How far outputs are from the float model's, smoothly: the squared error over the variance; of decisions, that
        of the logarithms of their chances, where those above one in a hundred count."""
        return self._summed(outputs, lambda found, right: unmet_variance(_logarithms(found), _logarithms(right)))

    def cross_entropy(self, outputs: Sequence[Array]) -> float:
        """The mean cross-entropy of the float model's chances and those of a design; of numbers, the loss."""
        return self._summed(outputs, _cross_entropy)

    def _summed(self, outputs: Sequence[Array], of_chances: Callable[[Floats, Floats], float]) -> float:
        """Over outputs: of numbers what of them is not met, of decisions what chances and the float model's give."""
        total = 0.0
        for number, output in enumerate(self._outputs):
            rows, meant = rows_of(outputs[output], outputs[output].shape[1:]), self._meant[number]
            if self._how[number].task == "regression":
                total += unmet_variance(rows, meant)
            else:
                total += of_chances(_chances(rows, meant), self._chances[number])
        return total

    def _agreement(self, number: int, rows: Floats) -> float:
        how = self._how[number]
        if how.task == "regression":
            return 1.0 - unmet_variance(rows, self._meant[number])
        return share_equal(decided(rows, how.threshold), self._decided[number])

    def _differing(self, number: int, rows: Floats) -> Differing:
        """What part of decisions differs, by their margins."""
        right, classes = self._margins[number]
        return differing(right, self._margins_of(number, rows, classes)[0])

    def _margins_of(self, number: int, rows: Floats, classes: Ints | None = None) -> tuple[Floats, Ints]:
        """The margins of decisions, and for what they are; of a single value, from the threshold on."""
        if rows.shape[1] == 1:
            above = rows - self._how[number].threshold
            return margins(np.concatenate([-above, above], axis=1), classes)
        return margins(_logarithms(_chances(rows, self._meant[number])), classes)

    def _accuracy(self, found: Sequence[Floats]) -> float | None:
        labelled = [
            share_equal(decided(rows, how.threshold), how.labels)
            for rows, how in zip(found, self._how, strict=True)
            if how.labels is not None
        ]
        return min(labelled, default=None)


def _may_decide(design: Design, port: Tensor) -> bool:
    """Whether the largest of an output's numbers may be what it says: not of one that restores an input."""
    return port.shape[-1] > 1 and all(port.shape != given.shape for given in design.inputs)


def _cross_entropy(found: Floats, right: Floats) -> float:
    return -float((right * np.log(found + _TINY)).sum(axis=1).mean())


def _chances(rows: Floats, like: Floats | None = None) -> Floats:
    """The chance of each class: outputs that are such, else a softmax of them. ``like``: outputs of
    the float model, which say which of both they are."""
    are_chances = are_probabilities(rows if like is None else like)
    if rows.shape[1] == 1:
        one = rows[:, 0] if are_chances else 1.0 / (1.0 + np.exp(-np.clip(rows[:, 0], -60.0, 60.0)))
        chances = np.stack([one, 1.0 - one], axis=1)
    elif are_chances:
        chances = rows
    else:
        powers = np.exp(rows - rows.max(axis=1, keepdims=True))
        chances = powers / powers.sum(axis=1, keepdims=True)
    return np.clip(np.asarray(chances, dtype=np.float64), 0.0, None)


def _logarithms(chances: Floats) -> Floats:
    found: Floats = np.log(chances + _SMALL)
    return found
