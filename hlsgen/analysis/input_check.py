"""Whether a batch is about as large as what the types of a design were placed by, and what it costs if it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

import numpy as np

from hlsgen.analysis.finding import Finding, off_by
from hlsgen.analysis.precision import precision_report
from hlsgen.analysis.sizes import LEAST, finite, finite_root_mean_square, root_mean_square
from hlsgen.design.arrays import Array, in_model_units
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate_real
from hlsgen.ir.expected import Expected
from hlsgen.ir.text import percent
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.rounding_errors import MOST_ERROR

_SAMPLES, _CELLS = 256, 1 << 18
"""The first samples of a batch are looked at, fewer if they are large."""
_EVALUATED = 1 << 22
"""So many values of a design are computed to see what small data cost."""
_UNEXPECTED = 2.5
"""A difference up to this factor is usual."""
_MANY_UNUSED = 3
"""So many bits of a stated type that data leave unused may be missed at its other end."""
_SATURATED = 8.0
"""Data may be so many times larger than the range of the quantiser that the model has for them."""


class InputCheck:
    """Compares batches with what was expected of the inputs; what small ones lose is measured once for each octave."""

    def __init__(self, design: Design) -> None:
        self._design = design
        inputs = {tensor.name for tensor in design.inputs}
        choices = [choice for choice in precision_report(design) if choice.name not in inputs]
        self._placed = any(choice.placed_by_inputs for choice in choices)
        self._rounded = any(choice.reason in (Reason.BUDGET, Reason.FUNCTION) for choice in choices)
        self._known: dict[tuple[int, ...], tuple[float, str]] = {}
        self._usual = [self._usual_sizes(tensor) for tensor in design.inputs]
        self.samples = design.samples_within(_SAMPLES, _EVALUATED)

    def findings(self, inputs: Mapping[str, Array], outputs: Sequence[Array]) -> list[Finding]:
        """What is to be said of inputs that are so much larger or smaller than expected that it costs accuracy.

        One that the model's own quantiser reads (docs/numerics.md, rule 12) may saturate: it is much larger where
        hardly anything but signs can be left.

        ``inputs`` are as the ports hold them, so that features with binary points of their own count alike; ``outputs``
        (at least :attr:`samples` of them, or all) are what the design makes of them.
        """
        found: list[Finding] = []
        for (name, data), tensor, (least, most) in zip(inputs.items(), self._design.inputs, self._usual, strict=True):
            some = _some(data)
            rms, expected = finite_root_mean_square(some), tensor.expected
            if least <= rms <= most:
                continue
            if tensor.typing.reason is Reason.MODEL:
                found += [Finding((name, "saturated"), text) for text in _saturated(name, rms, tensor.type)]
                continue
            if not self._rounded or expected is None or not rms or not expected.rms:
                continue
            larger, smaller = self._placed and rms > _UNEXPECTED * expected.rms, rms * _UNEXPECTED < expected.rms
            unused = _unused_bits(some, tensor)
            if not larger and not smaller and unused < _MANY_UNUSED:
                continue
            octaves = round(log2(max(expected.rms / rms, LEAST)))
            error, output = self._measured(tensor, octaves if larger or smaller else -unused, inputs, outputs)
            if error <= MOST_ERROR:
                continue
            usual = root_mean_square(in_model_units(finite(some), tensor))
            if larger:
                kind, text = "larger", _larger(name, usual, rms / expected.rms, expected, error, output)
            elif smaller:
                kind, text = "smaller", _smaller(name, usual, octaves, expected, error, output)
            else:
                kind, text = "coarse", _coarse(tensor, unused, error, output)
            clipped = (name, off_by(output, error)) if larger and np.isfinite(error) else None
            found.append(Finding((name, kind, octaves), text, clipped))
        return found

    def _usual_sizes(self, tensor: Tensor) -> tuple[float, float]:
        """The root mean squares of an input, least and largest, of which nothing is said whatever it is like."""
        if tensor.typing.reason in (Reason.MODEL, Reason.CONFIGURATION) or tensor.expected is None:
            return np.inf, 0.0
        rms = float(tensor.expected.rms)
        return rms / _UNEXPECTED, rms * _UNEXPECTED if self._placed else np.inf

    def _measured(
        self, tensor: Tensor, octaves: int, inputs: Mapping[str, Array], outputs: Sequence[Array]
    ) -> tuple[float, str]:
        """The largest error of an output, relative to it, and that output's name, for an input so much too small.

        Infinite where the output itself is, or nearly.
        """
        key = (self._design.inputs.index(tensor), octaves)
        if key not in self._known:
            some = {name: finite(data[: self.samples]) for name, data in inputs.items()}
            with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
                right = evaluate_real(self._design, some)
                errors = []
                for value, got in zip(self._design.outputs, outputs, strict=True):
                    real = right[value]
                    off = got[: len(real)].reshape(real.shape) - real
                    error = root_mean_square(off) / max(root_mean_square(real), LEAST)
                    errors.append((np.inf if np.isnan(error) else error, value.name))
            self._known[key] = max(errors)
        return self._known[key]


def _some(data: Array) -> Array:
    """The first samples."""
    return data[: max(1, min(_SAMPLES, _CELLS * len(data) // max(1, data.size)))]


def _unused_bits(values: Array, tensor: Tensor) -> int:
    """The bits between the largest value and the end of the type stated for an input; 0 of other types."""
    if tensor.typing.reason is not Reason.CONFIGURATION:
        return 0
    end, largest = float(max(tensor.type.max, -tensor.type.min)), float(np.abs(finite(values)).max(initial=0.0))
    return max(0, int(log2(end / largest))) if largest else 0


def _coarse(tensor: Tensor, unused: int, error: float, output: str) -> str:
    return (
        f"input '{tensor.name}': its values leave {unused} bits of {tensor.type} unused, and rounding to steps of "
        f"{float(tensor.type.step):.3g} puts '{output}' off by {percent(error)} % rms; give a finer input_precision="
    )


def _saturated(name: str, rms: float, fixed: FixedType) -> list[str]:
    largest = float(max(fixed.max, -fixed.min))
    if rms <= _SATURATED * largest:
        return []
    return [
        f"input '{name}': its values ({rms:.3g} in root mean square) are {rms / largest:.2g} times larger than what "
        f"the model's own quantiser keeps of them ({fixed}, up to {largest:g}), so that it saturates almost all; scale "
        "them as in training"
    ]


def _larger(name: str, rms: float, ratio: float, expected: Expected, error: float, output: str) -> str:
    off = f", and '{output}' is {percent(error)} % rms off" if np.isfinite(error) else ""
    return (
        f"input '{name}': its values ({rms:.3g} in root mean square) are {ratio:.2g} times larger than those by which "
        f"results were placed ({expected.origin.value}), so that inner results may saturate{off}; give calibration=, "
        "or an input_precision= that says how large they get"
    )


def _smaller(name: str, rms: float, octaves: int, expected: Expected, error: float, output: str) -> str:
    return (
        f"input '{name}': its values ({rms:.3g} in root mean square) are {2.0**octaves:.2g} times smaller than those "
        f"by which results were placed ({expected.origin.value}), so that {octaves} bits are unused and rounding puts "
        f"'{output}' off by {percent(error)} % rms; give calibration=, or an input_precision= that says how large "
        "they get"
    )
