"""How large numbers are: what the checks of data and results have in common."""

from __future__ import annotations

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Floats

LEAST = 1e-300
"""Below this, an output is zero."""


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
