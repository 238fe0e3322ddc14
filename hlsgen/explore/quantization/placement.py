"""Where the bits of one value lie: by its largest magnitude, by all but a few, or by least squared error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.types import FixedType, Overflow, Rounding

Calibration = Literal["max", "percentile", "mse"]
Asked = Literal["max", "percentile", "mse", "cross_entropy"]
"""Also by what the outputs lose, which a search measures (:meth:`Search.type_of`)."""
PERCENTILE = 99.99
_LOWEST = -60
"""The place of the point for values that are all (nearly) zero."""

_PIECE = 1 << 20
"""Values that are looked at at once."""
_OF_A_BIT = 0.25
"""What a bit more leaves of a squared error."""


@dataclass(frozen=True)
class Sample:
    """What calibration data showed of a value."""

    values: Floats
    """Some of the values, evenly picked; (count,)."""
    low: float
    """The least of all."""
    high: float
    """The largest of all."""

    def above_zero(self) -> Sample:
        """The same of what a ReLU reads."""
        return Sample(np.maximum(self.values, 0.0), max(self.low, 0.0), max(self.high, 0.0))

    def reaching(self, values: Floats) -> Sample:
        """The same with the least and the largest of more values."""
        return Sample(self.values, min(self.low, float(values.min())), max(self.high, float(values.max())))


def place(sample: Sample, width: int, how: Calibration, percentile: float = PERCENTILE) -> FixedType:
    """The type of ``width`` bits for a value: rounding to nearest even, saturating; without a sign where none occurs.

    ``max`` holds the largest magnitude, ``percentile`` so many % of the magnitudes; of ``mse``, of all places of the
    binary point the one with the least mean squared error on the sample (the higher of equal ones).
    """
    signed = sample.low < 0
    match how:
        case "max":
            integer = _bits_for(max(sample.high, -sample.low), signed)
        case "percentile":
            integer = _bits_for(float(np.percentile(np.abs(sample.values), percentile)), signed)
        case "mse":
            integer = _least_error(sample, width, signed)
    return typed(width, integer, signed)


def place_input(sample: Sample, width: int) -> FixedType:
    """The type of ``width`` bits for an input: all that occurred is inside, unless clipping is worth more than a bit.

    A bit is a quarter of the squared error. Users are warned of each input that is clipped.
    """
    signed = sample.low < 0
    inside = typed(width, _bits_for(max(sample.high, -sample.low), signed), signed)
    if clips(sample, inside):
        inside = typed(width, inside.integer + 1, signed)
    clipped = place(sample, width, "mse")
    error = squared_error(sample.values, clipped)
    return clipped if error < _OF_A_BIT * squared_error(sample.values, inside) else inside


def clips(sample: Sample, fixed: FixedType) -> bool:
    """Whether the largest or the least value, rounded, is outside of a type."""
    scale = 2.0**fixed.frac
    low, high = np.rint(sample.low * scale), np.rint(sample.high * scale)
    return bool(high > float(fixed.max) * scale or low < float(fixed.min) * scale)


def clipped_share(values: Array, fixed: FixedType) -> float:
    """What part of some values (samples, ...), rounded, is outside of a type."""
    outside, piece = 0, max(1, _PIECE * len(values) // values.size)
    for first in range(0, len(values), piece):
        scaled = np.rint(np.asarray(values[first : first + piece], dtype=np.float64) * 2.0**fixed.frac)
        outside += int(((scaled > fixed.max_mantissa) | (scaled < fixed.min_mantissa)).sum())
    return outside / values.size


def around(sample: Sample, width: int, reach: int = 2) -> list[FixedType]:
    """Types of ``width`` bits whose binary points are near that of the least squared error, which comes first."""
    first = place(sample, width, "mse")
    highest = place(sample, width, "max").integer
    integers = [first.integer + step for step in range(-reach, reach + 1) if step and first.integer + step <= highest]
    return [first, *(typed(width, integer, first.signed) for integer in integers)]


def farther(sample: Sample, width: int, bits: int) -> FixedType:
    """The type of ``width`` bits with the least squared error, but that it reaches so many bits farther: at most as far
    as all that occurred."""
    first = place(sample, width, "mse")
    return typed(width, min(first.integer + bits, place(sample, width, "max").integer), first.signed)


def typed(width: int, integer: int, signed: bool) -> FixedType:
    """A type as results are given one: it rounds to nearest, ties to even, and saturates."""
    return FixedType(width, integer, signed, Rounding.RND_CONV, Overflow.SAT)


def cast(values: Floats, fixed: FixedType) -> Floats:
    """Real numbers as such a type holds them."""
    scale = 2.0**fixed.frac
    found: Floats = np.rint(values * scale)
    np.clip(found, float(fixed.min) * scale, float(fixed.max) * scale, out=found)
    found /= scale
    return found


def squared_error(values: Floats, fixed: FixedType) -> float:
    """The mean squared error of a type on some values."""
    with np.errstate(over="ignore"):
        return float(np.square(cast(values, fixed) - values).mean()) if values.size else 0.0


def _bits_for(largest: float, signed: bool) -> int:
    return (magnitude_bits(largest) if largest > 0 else _LOWEST) + signed


def _least_error(sample: Sample, width: int, signed: bool) -> int:
    """From the point that holds all downwards, while that makes the error less; it has one minimum only."""
    best = _bits_for(max(sample.high, -sample.low), signed)
    least = squared_error(sample.values, typed(width, best, signed))
    for integer in range(best - 1, best - width - 1, -1):
        error = squared_error(sample.values, typed(width, integer, signed))
        if error >= least:
            break
        best, least = integer, error
    return best
