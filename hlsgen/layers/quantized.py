"""Quantisers on data edges, built from the layers that compute them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.graph import Node, Shape, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.layers.base import Exact, Floats, Layer, Parameter
from hlsgen.layers.convert import Convert
from hlsgen.layers.kernel import Kernel
from hlsgen.layers.reading import Call, reads
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.table import table_kernel
from hlsgen.layers.thresholds import Thresholds
from hlsgen.quantizers import Activation

_TABLE_BITS = 14
_MOST_STEPS = 256
_RISING = ("cast", "relu", "affine", "po2", "sigmoid", "tanh")
"""Kinds that never fall (slopes and gains are not negative): all values between two equal ones are equal."""


@dataclass(frozen=True, eq=False)
class QuantizedFunction(Layer):
    """Any quantiser, as a table over every bit pattern of its input type.

    Behind an input too wide for a table, a monotone one becomes integer thresholds, found by bisection.
    """

    kind = "QuantizedFunction"
    function: Activation
    table: Ints | None = None
    input_type: FixedType | None = None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        grid = FixedType(48, 16)
        return self.function.type.to_float(self.function.apply(grid.quantize(inputs[0]), grid.frac))

    def with_constants(self, node: Node, width: int) -> Layer:
        fixed = node.input.type
        assert fixed is not None
        if fixed.width > _TABLE_BITS:
            return self._as_thresholds(node.name, fixed)
        patterns = np.arange(1 << fixed.width)
        mantissas = fixed.plain().cast(patterns, fixed.frac)
        return replace(self, table=self.function.apply(mantissas, fixed.frac), input_type=fixed)

    def _as_thresholds(self, name: str, fixed: FixedType) -> Thresholds:
        """The same function as the places where it steps up. Raises UnsupportedError if it has too many or falls."""
        low, high = fixed.min_mantissa, fixed.max_mantissa
        ends = [int(y) for y in self.function.apply(np.array([low, high], dtype=object), fixed.frac)]
        spans = [(low, high, *ends)] if self.function.kind in _RISING else []
        steps: list[tuple[int, int]] = []
        while spans and len(steps) <= _MOST_STEPS:
            left, right, below, above = spans.pop()
            if below == above:
                continue
            if right - left == 1:
                steps.append((right, above))
                continue
            middle = (left + right) // 2
            between = int(self.function.apply(np.array([middle], dtype=object), fixed.frac)[0])
            spans += [(left, middle, below, between), (middle, right, between, above)]
        if not 0 < len(steps) <= _MOST_STEPS:
            raise UnsupportedError(
                f"{name}: {self.function.kind} quantiser behind an input of {fixed.width} bits ({fixed}) would need a "
                f"table of 2^{fixed.width} entries; quantise its input to at most {_TABLE_BITS} bits"
            )
        steps.sort()
        thresholds = integers(np.array([[at for at, _ in steps]], dtype=object))
        levels = integers(np.array([[ends[0], *(level for _, level in steps)]], dtype=object))
        return Thresholds(
            Parameter.exactly(thresholds, fixed.plain()), Parameter.exactly(levels, self.function.type.plain())
        )

    def natural_type(self, node: Node, width: int) -> FixedType | None:
        return self.function.type.plain()

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.table is not None and self.input_type is not None
        return Exact(self.table[inputs[0].mantissas & ((1 << self.input_type.width) - 1)], self.function.type.frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        assert self.table is not None
        return Interval.of_values(self.table[:, None], self.function.type.frac).uniform(inputs[0].channels)

    def describe(self) -> str:
        return self.function.kind

    def kernel(self, node: Node) -> Kernel:
        assert self.table is not None and self.input_type is not None
        return table_kernel(node, self.input_type, Exact(self.table, self.function.type.frac))


def add_quantizer(call: Call, value: Value, function: Activation) -> Value:
    """Add the nodes that compute a quantiser exactly; a scale that is no power of two follows as a Scale."""
    result = call.add_typed(_layer(function), value, function.type, "quantizer")
    if function.scale is not None:
        channels = value.shape[-1]
        scale = Parameter.of(np.full(channels, float(function.scale)))
        result = call.add(Scale(scale, Parameter.of(np.zeros(channels))), [result], "scale")
    return result


def _layer(function: Activation) -> Layer:
    whole = function.high == function.type.max_mantissa and function.low == function.type.min_mantissa
    match function.kind:
        case "cast" if whole:
            return Convert()
        case "relu" if function.negative_slope == 0 or whole:
            slope = None if function.negative_slope == 0 else _exactly(function.negative_slope)
            top = None if function.high == function.type.max_mantissa else _exactly(function.max_value)
            return Relu(slope, top)
        case "binary":
            return _steps([Fraction(0)], [function.low, function.high], function.type)
        case "ternary":
            # -1 where x <= -threshold: the first step sits one grain above, on whatever grid x has; see below.
            return TernarySteps(function.threshold, function)
        case _:
            return QuantizedFunction(function)


def _steps(thresholds: list[Fraction], levels: list[int], fixed: FixedType) -> Thresholds:
    return Thresholds(
        _exact_array(thresholds, (1, len(thresholds))),
        Parameter.exactly(integers(np.array([levels])), fixed.plain()),
    )


@dataclass(frozen=True, eq=False)
class TernarySteps(Layer):
    """``sign(x)`` where ``|x| >= threshold``, else 0; becomes Thresholds once the grid of x is known."""

    kind = "TernarySteps"
    threshold: Fraction
    function: Activation

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        return np.where(np.abs(x) >= float(self.threshold), np.sign(x), 0.0)

    def with_constants(self, node: Node, width: int) -> Layer:
        assert node.input.type is not None
        frac = node.input.type.frac
        least = max(-((-self.threshold * Fraction(2) ** frac) // 1), 1)  # |x| >= threshold on this grid; sign(0) is 0
        low, high = (int(v) * Fraction(2) ** -frac for v in (-least + 1, least))
        return _steps([low, high], [self.function.low, 0, self.function.high], self.function.type)

    def describe(self) -> str:
        return f"threshold={float(self.threshold):g}"


def _exactly(value: Fraction) -> Parameter:
    return _exact_array([value], ())


def _exact_array(values: list[Fraction], shape: tuple[int, ...]) -> Parameter:
    """Dyadic numbers as an exact parameter."""
    frac = max(0, *(v.denominator.bit_length() - 1 for v in values))
    mantissas = [int(v * 2**frac) for v in values]
    fixed = FixedType.covering(min(*mantissas, 0), max(*mantissas, 1), frac)
    return Parameter.exactly(integers(np.array(mantissas, dtype=object)).reshape(shape), fixed)


@reads("QActivation")
def read_quantized_activation(call: Call) -> Value:
    return call.activate(call.inputs[0])
