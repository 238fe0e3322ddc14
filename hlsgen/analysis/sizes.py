"""How large numbers are: what the checks of data and results have in common."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Floats

LEAST = 1e-300
"""Below this, an output is zero."""
_SQUARED = frozenset((np.dtype(np.float32), np.dtype(np.float64)))
_TINY = 1e-30
"""Sums of squares above it lost nothing that counts to numbers whose squares float32 does not hold."""


def finite(data: Array) -> Floats:
    """Data as real numbers: what is infinite saturates, and says nothing about the others."""
    real = np.asarray(data, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        usual = np.isfinite(real.sum())  # much the fastest test; sums of large numbers fail it, too
    return real if usual else np.where(np.isfinite(real), real, 0.0)


def root_mean_square(values: Array) -> float:
    """0 of no values; infinite where squares leave the range of floats."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.dot(flat, flat) / flat.size)) if flat.size else 0.0


def finite_root_mean_square(data: Array) -> float:
    """The same of what :func:`finite` makes of the data; in a microsecond where they are few, as each call asks."""
    square = float(np.vdot(data, data)) if data.dtype in _SQUARED else 0.0
    return sqrt(square / data.size) if _TINY < square < inf else root_mean_square(finite(data))
