"""Whether a batch is about as large as what the types of a design were placed by, and what it costs if it is not."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2

import numpy as np

from hlsgen.analysis.precision import precision_report
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import Expected, Origin
from hlsgen.ir.typing import Tensor
from hlsgen.precision.rounding_errors import MOST_ERROR, rounding_errors, sizes_of

_SAMPLES, _CELLS = 256, 1 << 18
"""The first samples of a batch are looked at, fewer if they are large."""
_UNEXPECTED = 2.5
"""A difference up to this factor is usual."""


class InputCheck:
    """Compares batches with what was expected of the inputs; what small ones lose is estimated once for each octave."""

    def __init__(self, design: Design) -> None:
        self._design = design
        inputs = {tensor.name for tensor in design.inputs}
        self._placed = any(c.placed_by_inputs for c in precision_report(design) if c.name not in inputs)
        self._known: dict[tuple[int, ...], tuple[float, str]] = {}

    def messages(self, inputs: Mapping[str, Array]) -> list[str]:
        """A line for each input that is much larger than expected, or so small that it costs accuracy."""
        if not self._placed:
            return []
        found = []
        ratios: dict[Tensor, float] = {}
        for (name, data), tensor in zip(inputs.items(), self._design.inputs, strict=True):
            some = _some(data)
            rms = float(np.sqrt(np.square(some).mean())) if some.size else 0.0
            if tensor.expected is None or not rms or not tensor.expected.rms:
                continue
            ratios[tensor] = rms / tensor.expected.rms
            if ratios[tensor] > _UNEXPECTED:
                found.append(_larger(name, rms, ratios[tensor], tensor.expected))
            elif ratios[tensor] < 1 / _UNEXPECTED:
                found += self._smaller(tensor, some, rms, tensor.expected)
        return found

    def _smaller(self, tensor: Tensor, some: Floats, rms: float, expected: Expected) -> list[str]:
        """What the user has to know of an input that leaves bits unused; nothing if they are not missed."""
        octaves = round(log2(expected.rms / rms))
        off = np.square(some - tensor.type.to_float(tensor.type.quantize(some))).mean()
        key = (self._design.inputs.index(tensor), octaves, round(log2(off)) if off else -4096)
        if key not in self._known:
            self._known[key] = self._error(tensor, octaves, float(off))
        error, output = self._known[key]
        if error <= MOST_ERROR:
            return []
        return [
            f"input '{tensor.name}': its values ({rms:.3g} in root mean square) are {expected.rms / rms:.2g} times "
            f"smaller than those by which results were placed ({expected.origin.value}), so that {octaves} bits are "
            f"unused and rounding puts '{output}' off by an estimated {100 * error:.2g} % rms; give calibration=, or "
            "an input_precision= that says how large they get"
        ]

    def _error(self, tensor: Tensor, octaves: int, off: float) -> tuple[float, str]:
        """The largest error of an output (relative, and its name) if an input is smaller by some octaves."""
        errors = rounding_errors(self._design, lambda value: _sizes(value, tensor, octaves), {tensor: off})
        return max((errors[output].relative, output.name) for output in self._design.outputs)


def _some(data: Array) -> Floats:
    """Finite values of the first samples."""
    count = max(1, min(_SAMPLES, _CELLS // max(1, data[:1].size)))
    some = np.asarray(data[:count], dtype=np.float64)
    return np.asarray(some[np.isfinite(some)])


def _larger(name: str, rms: float, ratio: float, expected: Expected) -> str:
    return (
        f"input '{name}': its values ({rms:.3g} in root mean square) are {ratio:.2g} times larger than those by which "
        f"results were placed ({expected.origin.value}), so that inner results may saturate; give calibration=, or an "
        "input_precision= that says how large they get"
    )


def _sizes(value: Tensor, changed: Tensor, octaves: int) -> Floats:
    """The root mean squares of a value's channels, if an input is smaller than expected by some octaves.

    Where standardised inputs were looked at, values follow as they did from the one expectation to the other, else they
    get smaller as the input does; what statistics of training say of them stays.
    """
    expected, channels = value.expected, value.shape[-1]
    sizes = sizes_of(expected, channels)
    if expected is None or expected.origin is Origin.STATISTICS:
        return sizes
    least, steps = expected.standardised, changed.expected.octaves if changed.expected is not None else 0
    if least is None or not steps:
        return np.asarray(sizes * 2.0**-octaves)
    smaller = sizes_of(least, channels)
    if octaves >= steps:
        return np.asarray(smaller * 2.0 ** (steps - octaves))
    return np.asarray(sizes * np.minimum(smaller / np.maximum(sizes, 1e-300), 1.0) ** (octaves / steps))
