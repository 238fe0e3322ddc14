"""Data divided: one part to choose by, one to judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.analysis.labels import checked_labels, judged, labels_by_output
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import InputError

_FEWEST = 16
"""Samples, of which each part gets some: with fewer, nothing can be said."""
_MOST_HELD_OUT = 8192

Inputs = Mapping[str, Array]


@dataclass(frozen=True)
class Part:
    """Some samples, and what is right for them."""

    inputs: Inputs
    y: Mapping[str, Array] | None
    """Labels by the names of outputs."""

    def some(self, count: int) -> Part:
        """The first of them, which are as random as any."""
        inputs = {name: data[:count] for name, data in self.inputs.items()}
        return Part(inputs, None if self.y is None else {name: its[:count] for name, its in self.y.items()})

    def __len__(self) -> int:
        return min(len(data) for data in self.inputs.values())


def divided(design: Design, x: Any, y: Any, held_out: float, seed: int) -> tuple[Part, Part]:
    """What is chosen by, and what is judged by: ``held_out`` of the samples, at random.

    Raises InputError for data that do not fit the design, NaN and infinities, and for fewer than 16 samples.
    """
    inputs = arrays.checked_inputs(design.inputs, x)
    arrays.refuse_nan(inputs)
    for name, data in inputs.items():
        if not np.isfinite(data).all():
            raise InputError(f"quantize(): input '{name}' holds infinities, by which no range can be placed")
    samples = min(len(data) for data in inputs.values())
    if samples < _FEWEST:
        raise InputError(f"quantize(): x has {samples} samples, expected {_FEWEST} and more; some hundred tell more")
    labels = _labels(design, y, samples)
    order = np.random.default_rng(seed).permutation(samples)
    count = min(max(1, round(samples * held_out)), samples - 1)
    rest, kept = order[count:], order[:count][:_MOST_HELD_OUT]
    search, judged = (
        Part(
            {name: np.asarray(data)[chosen] for name, data in inputs.items()},
            None if labels is None else {name: its[chosen] for name, its in labels.items()},
        )
        for chosen in (rest, kept)
    )
    return search, judged


def _labels(design: Design, y: Any, samples: int) -> dict[str, Array] | None:
    """Labels by the names of outputs, as arrays with a row a sample, which are classes or numbers."""
    if y is None:
        return None
    found: dict[str, Array] = {}
    every = labels_by_output("quantize()", design.outputs, design.output_names, y)
    for port, name, its in zip(design.outputs, design.output_names, every, strict=True):
        if its is not None:
            found[name] = checked_labels("quantize()", name, its, samples)
            judged("quantize()", port, found[name], np.empty((0, *port.shape)), None, None, samples)
    return found
