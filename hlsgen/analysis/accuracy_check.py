"""Whether what ``predict`` gives is as accurate as its types promise: measured on the first samples of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2, prod

import numpy as np

from hlsgen.analysis.inaccuracy import Cause, Inaccuracy, inaccuracy
from hlsgen.analysis.sizes import finite, root_mean_square
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import Origin
from hlsgen.ir.typing import Reason

_SAMPLES, _CELLS = 256, 1 << 19
"""So many samples are looked at, fewer if a design has more values than this for them."""
_WORK = 1 << 28
"""Multiplications for which further samples are looked at: some tenths of a second."""
_LARGEST = 1 << 31
"""Of one sample: larger designs are not looked at."""
_FEWEST_VALUES = 16
"""Of an output: fewer may all be near zero, where a step is much."""
_MORE = 4
"""What was found is looked at again with so many times the samples."""

Kind = tuple[int, ...]
"""How large the inputs are, in octaves: batches of one kind are alike."""


class AccuracyCheck:
    """Compares a design with its real function on the first samples of each kind of batch, and remembers the result."""

    def __init__(self, design: Design, budget: int) -> None:
        self._design, self._budget = design, budget
        reasons = {tensor.typing.reason for op in design if not op.is_input for tensor in op.outputs}
        self._looks = not reasons.isdisjoint((Reason.BUDGET, Reason.FUNCTION))
        self._looks &= design.products <= _LARGEST
        self._most = max(1, min(_SAMPLES, _CELLS // design.cells, _WORK // max(1, design.products)))
        values = min((prod(tensor.shape) for tensor in design.outputs), default=1)
        self._fewest = min(self._most, -(-_FEWEST_VALUES // values))
        self._seen: dict[Kind, dict[str, Floats]] = {}
        self._measured: dict[Kind, tuple[int, Inaccuracy | None]] = {}

    def found(self, inputs: Mapping[str, Array]) -> Inaccuracy | None:
        """What is worth a warning on inputs like these, as the ports hold them."""
        if not self._looks or not all(data.size for data in inputs.values()):
            return None
        some = {name: finite(_spread(data, self._most)) for name, data in inputs.items()}
        kind = tuple(_octave(data) for data in some.values())
        seen = self._collect(kind, some)
        count = min(len(data) for data in seen.values())
        measured, result = self._measured.get(kind, (0, None))
        if count >= self._fewest and (measured == 0 or count >= min(_MORE * measured, self._most) > measured):
            result = inaccuracy(self._design, seen, self._budget)
            self._measured[kind] = count, result
        return result

    def _collect(self, kind: Kind, some: Mapping[str, Floats]) -> dict[str, Floats]:
        former = self._seen.get(kind)
        joined = dict(some) if former is None else {n: np.concatenate([former[n], x]) for n, x in some.items()}
        self._seen[kind] = {name: data[: self._most] for name, data in joined.items()}
        return self._seen[kind]

    def warning(self, inputs: Mapping[str, Array]) -> str | None:
        """A line for ``predict`` to warn with."""
        found = self.found(inputs)
        return None if found is None else found.text("data like these", self._advice(found))

    def note(self, inputs: Mapping[str, Array]) -> str | None:
        """A line for the summary, of calibration data; None where the summary has a warning of that layer."""
        found = self.found(inputs)
        if found is None or any(note.startswith(f"warning: {found.tensor.name}: ") for note in self._design.notes):
            return None
        return "warning: " + found.text("the calibration data", self._advice(found))

    def _advice(self, found: Inaccuracy) -> str:
        known = any(x.expected is not None and x.expected.origin is Origin.CALIBRATION for x in self._design.inputs)
        if not known:
            return "give calibration= with such data, more bits (default_width=) or a type for this layer"
        farther = "calibration data that reach as far, " if found.cause is Cause.SATURATION else ""
        return f"{farther}more bits (default_width=) or a type for this layer may help"


def _spread(data: Array, most: int) -> Array:
    """Samples from all over a batch, which may be sorted."""
    return data[np.linspace(0, len(data) - 1, min(most, len(data))).astype(np.int64)]


def _octave(data: Floats) -> int:
    size = root_mean_square(data)
    return round(log2(size)) if 0.0 < size < np.inf else 0
