"""Whether what ``predict`` gives is as accurate as its types promise: measured on the first samples of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from hlsgen.analysis.finding import Finding
from hlsgen.analysis.inaccuracy import Cause, Inaccuracy, inaccuracy
from hlsgen.analysis.sizes import finite, finite_root_mean_square
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import Origin
from hlsgen.ir.typing import Reason
from hlsgen.precision.rounding_errors import least_budget

_SAMPLES, _CELLS = 512, 1 << 19
"""So many samples are looked at, fewer if a design has more values than this for them."""
_WORK = 1 << 28
"""Multiplications for which further samples are looked at: some tenths of a second."""
_LARGEST = 1 << 31
"""Of one sample: larger designs are not looked at."""
_FEWEST_VALUES = 16
"""Of an output: fewer may all be near zero, where a step is much."""
_BEYOND = 2.0**64
"""Errors above this are one."""
_MORE = 4
"""What was found is looked at again with so many times the samples."""

Kind = tuple[int, ...]
"""How large the inputs are, in octaves: batches of one kind are alike."""


@dataclass(frozen=True, eq=False)
class _Sample:
    """Samples of batches, by input name, and how many of a batch each of them stands for."""

    inputs: dict[str, Floats]
    counts: Floats

    @classmethod
    def of(cls, inputs: Mapping[str, Array], outputs: Sequence[Array], most: int) -> _Sample:
        """At most so many of a batch: half of them from all over it, half those whose inputs or outputs are largest.

        A few that saturate can be most of what all are off by.
        """
        count = min(len(data) for data in inputs.values())
        if count <= most:
            chosen, counts = np.arange(count), np.ones(count)
        else:
            sizes = [_largest(data[:count]) for data in (*inputs.values(), *outputs) if len(data) >= count]
            each = most // (2 * len(sizes))
            extreme = np.unique(np.concatenate([np.argsort(-size)[:each] for size in sizes]))
            others = _spread(np.setdiff1d(np.arange(count), extreme), most - len(extreme))
            chosen = np.concatenate([extreme, others])
            counts = np.ones(len(chosen))
            counts[len(extreme) :] = (count - len(extreme)) / len(others)
        return cls({name: finite(data[chosen]) for name, data in inputs.items()}, counts)

    def with_more(self, other: _Sample, most: int) -> _Sample:
        joined = {name: np.concatenate([data, other.inputs[name]])[:most] for name, data in self.inputs.items()}
        return _Sample(joined, np.concatenate([self.counts, other.counts])[:most])


class AccuracyCheck:
    """Compares a design with its real function on the first samples of each kind of batch, and remembers the result."""

    def __init__(self, design: Design, budget: int) -> None:
        self._design, self._budget = design, least_budget(design, budget)
        reasons = {tensor.typing.reason for op in design if not op.is_input for tensor in op.outputs}
        self._looks = not reasons.isdisjoint((Reason.BUDGET, Reason.FUNCTION))
        self._looks &= design.products <= _LARGEST
        self._most = design.samples_within(_SAMPLES, _CELLS, _WORK)
        values = min((tensor.size for tensor in design.outputs), default=1)
        self._fewest = min(self._most, -(-_FEWEST_VALUES // values))
        self._seen: dict[Kind, _Sample] = {}
        self._measured: dict[Kind, tuple[int, Inaccuracy | None]] = {}

    def found(self, inputs: Mapping[str, Array], outputs: Sequence[Array] = ()) -> Inaccuracy | None:
        """What is worth a warning on inputs like these, as the ports hold them.

        ``outputs`` are what the design makes of them, as far as it is known: most saturates where they are largest.
        """
        if not self._looks or not all(data.size for data in inputs.values()):
            return None
        kind = tuple([_octave(_spread(data, self._most)) for data in inputs.values()])
        measured, result = self._measured.get(kind, (0, None))
        if measured == self._most:
            return result
        seen = self._collect(kind, _Sample.of(inputs, outputs, self._most))
        count = len(seen.counts)
        if count >= self._fewest and (measured == 0 or count >= min(_MORE * measured, self._most) > measured):
            result = inaccuracy(self._design, seen.inputs, self._budget, seen.counts)
            self._measured[kind] = count, result
        return result

    def _collect(self, kind: Kind, some: _Sample) -> _Sample:
        self._seen[kind] = self._seen[kind].with_more(some, self._most) if kind in self._seen else some
        return self._seen[kind]

    def finding(self, inputs: Mapping[str, Array], outputs: Sequence[Array] = ()) -> Finding | None:
        """What ``predict`` is to warn of."""
        found = self.found(inputs, outputs)
        if found is None:
            return None
        cause = found.tensor.name, found.cause, found.output, round(log2(min(found.error, _BEYOND)))
        clipped = (found.tensor.name, found.cost) if found.cause is Cause.SATURATION else None
        return Finding(cause, found.text("data like these", self._advice(found)), clipped, of_types=True)

    def notes(self, inputs: Mapping[str, Array]) -> tuple[str, ...]:
        """The design's notes with what is measured on calibration data in the place of what was estimated."""
        found, design = self.found(inputs), self._design
        if not self._measured:
            return design.notes
        estimated = {estimate.note for estimate in design.estimates}
        kept = tuple(note for note in design.notes if note not in estimated)
        if found is None or any(note.startswith(f"warning: {found.tensor.name}: ") for note in kept):
            return kept
        return (*kept, "warning: " + found.text("the calibration data", self._advice(found)))

    def _advice(self, found: Inaccuracy) -> str:
        layer = self._design.producer(found.tensor).source.name
        for estimate in self._design.estimates:
            if estimate.name == layer and estimate.reason and found.cause is not Cause.SATURATION:
                return estimate.reason
        known = any(x.expected is not None and x.expected.origin is Origin.CALIBRATION for x in self._design.inputs)
        if not known:
            return "give calibration= with such data, more bits (default_width=) or a type for this layer"
        farther = "calibration data that reach as far, " if found.cause is Cause.SATURATION else ""
        return f"{farther}more bits (default_width=) or a type for this layer may help"


def _spread(data: Array, most: int) -> Array:
    """Samples from all over a batch, which may be sorted."""
    return data if len(data) <= most else data[np.linspace(0, len(data) - 1, most).astype(np.int64)]


def _largest(data: Array) -> Floats:
    """The largest magnitude of each sample."""
    flat = data.reshape(len(data), -1)
    high, low = (np.asarray(ends, dtype=np.float64) for ends in (flat.max(axis=1), flat.min(axis=1)))
    found: Floats = np.maximum(high, -low)
    return found


def _octave(data: Array) -> int:
    size = finite_root_mean_square(data)
    return round(log2(size)) if 0.0 < size < np.inf else 0
