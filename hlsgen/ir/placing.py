"""How far the types of constants reach, where nobody fixed them: to the largest, or less far for finer steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.spelling import CONSTANT_MODES
from hlsgen.ir.types import FixedType

Floats = NDArray[np.float64]


class Method(StrEnum):
    """What a type is to hold: all constants, all but the largest few, or what gives the least squared error."""

    MAX = "max"
    MSE = "mse"
    PERCENTILE = "percentile"


@dataclass(frozen=True)
class Placing:
    """A method, and the part (in %) of the magnitudes other than zero that ``percentile`` holds."""

    method: Method = Method.MAX
    percentile: float = 100.0

    def held(self, values: Floats) -> Floats:
        """The values, those beyond what is to be held brought to its end."""
        if self.method is not Method.PERCENTILE or not values.any():
            return values
        end = np.percentile(np.abs(values[values != 0]), self.percentile, method="higher")
        return np.clip(values, -end, end)

    def finer(self, values: Floats, fixed: FixedType) -> FixedType:
        """A type of as many bits that reaches at most as far, which may let values saturate for finer steps.

        ``fixed`` holds all that is to be held. Of types with the same squared error it is that which reaches farthest.
        """
        if self.method is not Method.MSE:
            return fixed
        best, least = fixed, _squared_error(values, fixed)
        for fewer in range(1, _MOST_OCTAVES):
            other = FixedType(fixed.width, fixed.integer - fewer, fixed.signed)
            if _squared_error(values, other, rounded=False) >= least:  # and the more, the less far it reaches
                return best
            error = _squared_error(values, other)
            if error < least:
                best, least = other, error
        return best


_MOST_OCTAVES = 64
"""A type that reaches so much less far than the values is as good as none."""
ALL = Placing()
"""Every constant is held."""


def _squared_error(values: Floats, fixed: FixedType, *, rounded: bool = True) -> float:
    """What a type does to values, all together; not ``rounded``: what saturation does alone."""
    if not rounded:
        return float(np.square(values - np.clip(values, float(fixed.min), float(fixed.max))).sum())
    return float(np.square(values - fixed.to_float(fixed.with_modes(*CONSTANT_MODES).quantize(values))).sum())
