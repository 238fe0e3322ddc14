"""A step function at real numbers, as integer thresholds once the grid of its input is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Layer, Packing
from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, integers
from hlsgen.layers.thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class Steps(Layer):
    """``stairs(x)``, the same for all channels; becomes Thresholds."""

    kind = "Steps"
    packing = Packing.NONE
    pure = True
    casts = frozenset({"result"})
    stairs: Staircase

    def step_frac(self, result: FixedType | None) -> int | None:
        return max(cut.at.denominator.bit_length() - 1 for cut in self.stairs.cuts)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        count = np.zeros(x.shape, dtype=np.int64)
        for cut in self.stairs.cuts:
            count += (x > float(cut.at)) if cut.beyond else (x >= float(cut.at))
        return self.stairs.type.to_float(np.array(self.stairs.levels)[count])

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        raise AssertionError("becomes Thresholds before ranges are asked for")

    def prepared(self, context: Context) -> Layer:
        frac = context.input.type.frac
        first = [_first_value(cut, frac) * Fraction(2) ** -frac for cut in self.stairs.cuts]
        return thresholds_from(first, self.stairs.levels, self.stairs.type)

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        return self.stairs

    def describe(self) -> str:
        return f"{len(self.stairs.levels)} levels"


def _first_value(cut: Cut, frac: int) -> int:
    """The least mantissa on a grid that reaches a cut."""
    at = cut.at * Fraction(2) ** frac
    return floor(at) + 1 if cut.beyond else ceil(at)


def thresholds_from(first: Sequence[Fraction], levels: Sequence[int], fixed: FixedType) -> Thresholds:
    """Steps at dyadic numbers, each the first that belongs to the next of ``levels`` (mantissas of type ``fixed``)."""
    steps = Constant.exactly(integers(np.array([levels])), fixed.plain())
    return Thresholds(exact_numbers(first, (1, len(first))), steps)


def exact_numbers(values: Sequence[Fraction], shape: Shape) -> Constant:
    """Dyadic numbers as an exact constant."""
    frac = max(0, *(v.denominator.bit_length() - 1 for v in values))
    mantissas = [int(v * 2**frac) for v in values]
    fixed = FixedType.covering(min(*mantissas, 0), max(*mantissas, 1), frac)
    return Constant.exactly(integers(np.array(mantissas, dtype=object)).reshape(shape), fixed)
