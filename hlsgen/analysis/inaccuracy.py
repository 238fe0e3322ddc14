"""What the types that nobody fixed put a design's outputs off by on given data, and which layer that comes from.

Estimates (:mod:`hlsgen.precision.rounding_errors`) are made of what is expected; this is measured, with what saturates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from hlsgen.analysis.finding import off_by
from hlsgen.analysis.sizes import LEAST, root_mean_square
from hlsgen.design.design import Design
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import compute_unit, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.rounding_errors import most_error

_MOST_SATURATED = 0.1
"""Rounding may cost more in a narrow budget, but values may not saturate by more than this."""
_FIXED = (Reason.CONFIGURATION, Reason.MODEL)


class Cause(Enum):
    """How a type changes values."""

    SATURATION = "saturation"
    WEIGHTS = "rounding of its weights"
    ROUNDING = "rounding"


@dataclass(frozen=True)
class Inaccuracy:
    """How far an output is off, and the first type that much of it comes from."""

    output: str
    error: float
    """Root mean square, relative to that of the output."""
    tensor: Tensor
    reach: float
    """The largest magnitude that the type is given."""
    cause: Cause

    @property
    def cost(self) -> str:
        return off_by(self.output, self.error)

    def text(self, data: str, advice: str) -> str:
        """A line for the user; ``data`` says on what it was measured."""
        name, fixed = self.tensor.name, self.tensor.type
        off = f"{self.cost} on {data}"
        match self.cause:
            case Cause.SATURATION:
                held = f"its values reach {self.reach:.4g}, it holds {float(fixed.min):g} .. {float(fixed.max):g}"
                why = f"saturation: {held}"
            case Cause.WEIGHTS:
                why = "the rounding of its weights"
            case Cause.ROUNDING:
                why = f"its rounding to steps of {float(fixed.step):.3g}"
        return f"{name}: {fixed} costs accuracy: {off}, much of it by {why}; {advice}"


def inaccuracy(
    design: Design, inputs: Mapping[str, Floats], budget: int, counts: Floats | None = None
) -> Inaccuracy | None:
    """What is worth a warning of a design whose results have ``budget`` bits: of the output that is farthest off.

    ``inputs`` are real numbers (samples, *shape) by name, as ports hold them; each sample stands for so many as
    ``counts`` says.

    Computed with real numbers, each value rounded and saturated by its type or not; so an operation's error is what
    appears once it and all before it have their types. Types that configuration or model fixed hold in any case.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        work = _Measurement(design, inputs, counts)
        output, error = work.worst()
        rounded = most_error(budget)
        saturated = min(rounded, _MOST_SATURATED)
        if not error > saturated:
            return None
        number = work.culprit(output, error)
        cause = work.cause(number, output)
        if not (error > rounded or cause is Cause.SATURATION):
            return None
        return Inaccuracy(output.name, error, *work.given(number), cause)


class _Measurement:
    """The real outputs of a design on some data, and those with the first operations as the chip has them."""

    def __init__(self, design: Design, inputs: Mapping[str, Floats], counts: Floats | None = None) -> None:
        self._design, self._inputs = design, inputs
        self._parts = None if counts is None else np.sqrt(counts / counts.mean())
        self._real = [with_real_constants(op) for op in design]
        self._numbers = {op: number for number, op in enumerate(design)}
        self._right = self._evaluated(0)

    def worst(self) -> tuple[Tensor, float]:
        """The output that is farthest off, and by how much."""
        found = self._evaluated(len(self._design))
        errors = {tensor: self._error(found, tensor) for tensor in self._design.outputs}
        return max(errors.items(), key=lambda item: item[1])

    def culprit(self, output: Tensor, error: float) -> int:
        """The number of the operation that brings the error to half of what it is at the end."""
        enough, low, high = error / 2.0, 0, len(self._design)
        while high - low > 1:
            middle = (low + high) // 2
            if self._error(self._evaluated(middle), output) >= enough:
                high = middle
            else:
                low = middle
        return high - 1

    def given(self, number: int) -> tuple[Tensor, float]:
        """What an operation yields, and the largest magnitude before it is cast."""
        known, op = self._evaluated(number + 1, without=Cause.SATURATION), self._design.ops[number]
        reaches = [(float(np.abs(known[tensor]).max(initial=0.0)), tensor) for tensor in op.outputs]
        reach, tensor = max(reaches, key=lambda item: item[0] / float(max(item[1].type.max, -item[1].type.min)))
        return tensor, reach

    def cause(self, number: int, output: Tensor) -> Cause:
        """What of the operation most of the error goes with."""
        whole = self._error(self._evaluated(number + 1), output)
        for cause in (Cause.SATURATION, Cause.WEIGHTS):
            if self._error(self._evaluated(number + 1, without=cause), output) < whole / np.sqrt(2.0):
                return cause
        return Cause.ROUNDING

    def _error(self, found: Mapping[Tensor, Floats], tensor: Tensor) -> float:
        right = self._right[tensor]
        size = self._size(right)
        return self._size(found[tensor] - right) / size if np.isfinite(size) and size > LEAST else 0.0

    def _size(self, values: Floats) -> float:
        """The root mean square of all that the samples stand for."""
        parts = self._parts
        return root_mean_square(values if parts is None else values * parts.reshape(-1, *(1,) * (values.ndim - 1)))

    def _evaluated(self, count: int, without: Cause | None = None) -> dict[Tensor, Floats]:
        """All values, with the first ``count`` operations as the chip has them; the last without something."""
        known: dict[Tensor, Floats] = {}

        def computed(op: Op, given: Sequence[Floats]) -> list[Floats]:
            number = self._numbers[op]
            left_off = without if number == count - 1 else None
            results = self._results(op, number >= count or left_off is Cause.WEIGHTS, given)
            finite = [np.nan_to_num(value, nan=0.0, posinf=np.inf, neginf=-np.inf) for value in results]
            kept = left_off is not Cause.SATURATION
            return [_cast(x, tensor, number < count, kept) for x, tensor in zip(finite, op.outputs, strict=True)]

        for unit in units(self._design):
            compute_unit(unit, known, computed)
        return known

    def _results(self, op: Op, real: bool, given: Sequence[Floats]) -> tuple[Floats, ...]:
        if op.is_input:
            return (np.asarray(self._inputs[op.output.name], dtype=np.float64),)
        layer = self._real[self._numbers[op]] if real else op.layer
        return tuple(layer.evaluate_floats(given))


def with_real_constants(op: Op) -> Layer:
    """A layer as it is without the rounding of constants whose types nobody fixed."""
    wished = op.wish.configured()
    free = {
        name: Constant.of(constant.meant)
        for name, constant in op.layer.constants().items()
        if not constant.given and op.layer.constant_roles.get(name) not in wished
    }
    return replace(op.layer, **free) if free else op.layer


def _cast(values: Floats, tensor: Tensor, rounds: bool, saturates: bool) -> Floats:
    fixed = tensor.type
    if tensor.typing.reason in _FIXED:
        return fixed.to_float(fixed.quantize(values))
    if not rounds:
        return values
    rounded = _nearest(values, fixed)
    return np.clip(rounded, float(fixed.min), float(fixed.max)) if saturates else rounded


def _nearest(values: Floats, fixed: FixedType) -> Floats:
    """Rounded to the step of a type, as all inferred ones round, but for ties."""
    return np.asarray(np.ldexp(np.rint(np.ldexp(values, fixed.frac)), -fixed.frac))
