"""What a fitted pipeline computes, exactly: the arithmetic that NumPy, plain Python and C have in common.

Everything is float64 (IEEE 754 binary64), one feature at a time, in the order in which it is written here: one
subtraction, one multiplication, comparisons. Each of these is rounded once, to nearest even, on every machine; there is
no division, no function of a mathematical library, and nothing that could be contracted to a fused multiply-add without
changing a bit (generated C stores each result). So a number has one meaning everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ConfigError, brief

Floats = NDArray[np.float64]
Numbers = tuple[float, ...]
"""One for each feature, or a single one for all."""

LOG_PLACES = 28
"""Binary places of a logarithm."""
_LOG_BITS = 32
"""Bits of a mantissa that its logarithm is made of."""


class Operation(Protocol):
    """One step of a fitted pipeline."""

    name: ClassVar[str]

    @property
    def constants(self) -> Mapping[str, Numbers]:
        """Its numbers by name, as they are written into files."""

    def applied(self, x: Floats) -> Floats:
        """What it makes of numbers (..., features), none of which is NaN."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Affine:
    """``(x - offset) * scale``: two operations, each rounded."""

    name: ClassVar[str] = "affine"
    offset: Numbers
    scale: Numbers

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers that cannot be."""
        _check(self, self.constants)
        if not all(self.scale):
            raise ConfigError(f"affine: scale of feature {self.scale.index(0.0)} is 0, by which nothing is left")

    @property
    def constants(self) -> Mapping[str, Numbers]:
        return {"offset": self.offset, "scale": self.scale}

    def applied(self, x: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):  # infinite is beyond every end
            moved: Floats = np.subtract(x, self.offset)
            return np.multiply(moved, self.scale, out=moved)

    def __str__(self) -> str:
        return "(x - offset) * scale"


@dataclass(frozen=True)
class Clamp:
    """The nearest number from ``low`` to ``high``."""

    name: ClassVar[str] = "clamp"
    low: Numbers
    high: Numbers

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers that cannot be."""
        _check(self, self.constants)
        ends = np.broadcast_arrays(self.low, self.high)
        if (ends[0] > ends[1]).any():
            raise ConfigError(f"clamp: low is above high for feature {int(np.argmax(ends[0] > ends[1]))}")

    @property
    def constants(self) -> Mapping[str, Numbers]:
        return {"low": self.low, "high": self.high}

    def applied(self, x: Floats) -> Floats:
        return np.clip(x, self.low, self.high)

    def __str__(self) -> str:
        return "clamp to low .. high"


@dataclass(frozen=True)
class Logarithm:
    """``log2`` of what is not below ``least``, to 28 binary places: integers alone, so the same on every machine.

    The first 32 bits of the number's mantissa are squared 28 times; each time, one bit of the logarithm is whether the
    square is two at least. The result lies within 2**-27 of the logarithm, and never falls where the number grows.
    """

    name: ClassVar[str] = "log2"
    least: Numbers

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers that cannot be."""
        _check(self, self.constants)
        if min(self.least) <= 0.0:
            raise ConfigError(f"log2: least is {min(self.least)}, expected a number above 0")

    @property
    def constants(self) -> Mapping[str, Numbers]:
        return {"least": self.least}

    def applied(self, x: Floats) -> Floats:
        whole: Floats = np.maximum(x, self.least)
        infinite = np.isinf(whole)
        fraction, exponent = np.frexp(np.where(infinite, 1.0, whole))
        square = np.ldexp(fraction, _LOG_BITS).astype(np.uint64)  # cut off; from 2**31 to below 2**32
        places = exponent.astype(np.int64) - 1
        for _ in range(LOG_PLACES):
            square = (square * square) >> np.uint64(_LOG_BITS - 1)
            two = square >> np.uint64(_LOG_BITS)
            square >>= two
            places = places * 2 + two.astype(np.int64)
        return np.where(infinite, np.inf, np.ldexp(places.astype(np.float64), -LOG_PLACES))

    def __str__(self) -> str:
        return "log2 of x, at least of least"


KINDS: Mapping[str, type[Affine] | type[Clamp] | type[Logarithm]] = {
    kind.name: kind for kind in (Affine, Clamp, Logarithm)
}


def applied(operations: tuple[Operation, ...], x: Floats) -> Floats:
    """One operation behind the other."""
    for operation in operations:
        x = operation.applied(x)
    return x


def _check(operation: Operation, constants: Mapping[str, Numbers]) -> None:
    lengths = {len(numbers) for numbers in constants.values()} - {1}
    if len(lengths) > 1 or 0 in lengths:
        raise ConfigError(f"{operation.name}: its numbers are of {sorted(lengths)} features; expected one number each")
    for name, numbers in constants.items():
        wrong = [number for number in numbers if not isfinite(number)]
        if wrong:
            raise ConfigError(f"{operation.name}: {name} holds {brief(wrong[0])}, expected finite numbers")
