"""Quantisers on data edges, built from the layers that compute them exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import floor

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.convert import Convert
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.steps import Steps, exact_numbers, thresholds_from
from hlsgen.layers.thresholds import Thresholds
from hlsgen.quantizers import Activation

_TABLE_BITS = 14
_MOST_STEPS = 1024


@dataclass(frozen=True, eq=False)
class QuantizedFunction(Layer):
    """Any quantiser, as a table over every bit pattern of its input type.

    Behind an input too wide for a table it becomes integer thresholds, found by bisection.
    """

    kind = "QuantizedFunction"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    function: Activation
    table: Ints | None = None
    input_type: FixedType | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {} if self.input_type is None else {"table": (1 << self.input_type.width,)}

    def step_frac(self, result: FixedType | None) -> int | None:
        return self.function.step_frac

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        grid = FixedType(48, 16)
        return self.function.type.to_float(self.function.apply(grid.quantize(inputs[0]), grid.frac))

    def prepared(self, context: Context) -> Layer:
        fixed = context.input.type
        self._check_reach(context.name, fixed)
        if fixed.width > _TABLE_BITS:
            return self._as_thresholds(context.name, fixed)
        patterns = np.arange(1 << fixed.width)
        mantissas = fixed.plain().cast(patterns, fixed.frac)
        return replace(self, table=self.function.apply(mantissas, fixed.frac), input_type=fixed)

    def _check_reach(self, name: str, fixed: FixedType) -> None:
        """Raise UnsupportedError for an input type that reaches farther than the result's type does."""
        reach, largest = self.function.reach, max(fixed.max, -fixed.min)
        if reach is not None and largest > reach:
            raise UnsupportedError(
                f"{name}: {self.function.kind} quantiser behind an input that reaches {float(largest):g} ({fixed}), at "
                f"most {float(reach):g} is supported; quantise its input, or give the quantiser a max_value"
            )

    def _as_thresholds(self, name: str, fixed: FixedType) -> Thresholds:
        """The same function as the places where it steps. Raises UnsupportedError if there are too many."""
        if self.function.kind == "function":
            raise UnsupportedError(
                f"{name}: a table of an input of {fixed.width} bits ({fixed}), at most {_TABLE_BITS} are supported; "
                "give its quantiser fewer bits"
            )
        first, steps = self._steps_over(fixed)
        if len(steps) > _MOST_STEPS:
            raise UnsupportedError(
                f"{name}: {self.function.kind} quantiser behind an input of {fixed.width} bits ({fixed}) has more than "
                f"{_MOST_STEPS} steps; quantise its input to at most {_TABLE_BITS} bits, or give it fewer bits"
            )
        steps = sorted(steps) or [(fixed.max_mantissa, first)]  # a constant: a step that is none
        thresholds = integers(np.array([[at for at, _ in steps]], dtype=object))
        levels = integers(np.array([[first, *(level for _, level in steps)]], dtype=object))
        return Thresholds(
            Constant.exactly(thresholds, fixed.plain()), Constant.exactly(levels, self.function.type.plain())
        )

    def _steps_over(self, fixed: FixedType) -> tuple[int, list[tuple[int, int]]]:
        """The lowest mantissa's result, and (mantissa, result) of every step; stops at one too many."""
        turn = self.function.turning_point
        middle = fixed.min_mantissa if turn is None else floor(turn * Fraction(2) ** fixed.frac)
        corners = sorted({fixed.min_mantissa, fixed.max_mantissa} | {_clamped(m, fixed) for m in (middle, middle + 1)})
        results = [int(y) for y in self.function.apply(np.array(corners, dtype=object), fixed.frac)]
        ends = list(zip(corners, results, strict=True))
        spans = [(*a, *b) for a, b in pairwise(ends)]  # within each the function only rises or only falls
        steps: list[tuple[int, int]] = []
        while spans and len(steps) <= _MOST_STEPS:
            left, below, right, above = spans.pop()
            if below == above:
                continue
            if right - left == 1:
                steps.append((right, above))
                continue
            middle = (left + right) // 2
            between = int(self.function.apply(np.array([middle], dtype=object), fixed.frac)[0])
            spans += [(left, below, middle, between), (middle, between, right, above)]
        return results[0], steps

    def natural_type(self, context: Context) -> FixedType | None:
        return self.function.type.plain()

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.table is not None and self.input_type is not None
        return Exact(self.table[inputs[0].mantissas & ((1 << self.input_type.width) - 1)], self.function.type.frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        assert self.table is not None
        return Interval.of_values(self.table[:, None], self.function.type.frac).uniform(inputs[0].channels)

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        if self.function.kind != "cast" or self.function.scale is not None:
            return None
        stairs = Staircase.of_cast(self.function.type, most)
        return None if stairs is None else stairs.clipped(self.function.low, self.function.high)

    def describe(self) -> str:
        return self.function.kind


def _clamped(mantissa: int, fixed: FixedType) -> int:
    return min(max(mantissa, fixed.min_mantissa), fixed.max_mantissa)


def _is_whole(function: Activation) -> bool:
    return function.high == function.type.max_mantissa and function.low == function.type.min_mantissa


def needs_clamp(function: Activation) -> bool:
    """Whether the result has to be cut off once more behind :func:`layer_of`."""
    return function.kind == "affine" and not _is_whole(function) and not function.coarser


def layer_before(function: Activation) -> Saturate | None:
    """What ends the negative side where it ends before its type does; it goes in front of :func:`layer_of`."""
    plain = function.kind == "relu" and not function.coarser
    if not plain or function.negative_slope == 0 or function.low == function.type.min_mantissa:
        return None
    lowest = -function.low * function.type.step / function.negative_slope
    return Saturate(_exponent(lowest), function.type.frac)


def _exponent(power: Fraction) -> int:
    return power.numerator.bit_length() - power.denominator.bit_length()


def layer_of(function: Activation, channels: int) -> Layer:
    """The layer that computes a quantiser on data of ``channels`` channels, but for its scale."""
    match function.kind:
        case "cast" if _is_whole(function):
            return Convert()
        case "affine" if not function.coarser:
            gains, offsets = (exact_numbers([v] * channels, (channels,)) for v in (function.gain, function.offset))
            return Scale(gains, offsets)
        case "relu" if not function.coarser:
            slope = None if function.negative_slope == 0 else exact_numbers([function.negative_slope], ())
            top = None if function.high == function.type.max_mantissa else exact_numbers([function.max_value], ())
            return Relu(slope, top)
        case "binary" if not function.beyond:
            return thresholds_from([Fraction(0)], [function.low, function.high], function.type)
        case "binary":  # the first value above 0 is one grain above, on whatever grid x has
            return Steps(Staircase((Cut(Fraction(0), beyond=True),), (function.low, function.high), function.type))
        case "ternary":
            # -1 where x <= -threshold; at a threshold of 0, 0 is 0 all the same.
            at, levels = function.threshold, (function.low, 0, function.high)
            return Steps(Staircase((Cut(-at, beyond=at != 0), Cut(at, beyond=at == 0)), levels, function.type))
        case _:
            return QuantizedFunction(function)


@dataclass(frozen=True, eq=False)
class Saturate(Layer):
    """``max(-2**integer, min(x, 2**integer - step))`` on the finer of the grids of x and of ``frac``."""

    kind = "Saturate"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    structural = True
    integer: int
    frac: int

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        limit = 2.0**self.integer
        return np.clip(inputs[0], -limit, limit)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return inputs[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]

    def natural_type(self, context: Context) -> FixedType | None:
        fixed = context.input.type
        if fixed.integer - fixed.signed <= self.integer:
            return fixed.plain()
        frac = max(fixed.frac, self.frac)
        narrow = max(self.integer, 1 - frac) + fixed.signed
        return FixedType(narrow + frac, narrow, fixed.signed, Rounding.TRN, Overflow.SAT)
