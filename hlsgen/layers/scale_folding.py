"""Scales of quantised kernels: which output channel they belong to, and when they fold exactly."""

from __future__ import annotations

import numpy as np

from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.layers.base import Floats, Parameter

_WIDEST = 32
"""A folded kernel wider than this costs more multipliers than a scale node does."""


def channel_scale(scale: Floats, outputs: int) -> Floats | None:
    """Reduce a scale of a kernel's shape to its last ``outputs`` axes; None if it varies over others."""
    flat = scale.reshape(-1, *scale.shape[-outputs:])
    if (flat != flat[0]).any():
        return None
    return np.asarray(flat[0], dtype=np.float64)


def fold_power_of_two(mantissas: Ints, fixed: FixedType, scale: Floats) -> Parameter | None:
    """Fold scales that are powers of two into the mantissas exactly; None where that is impossible or too wide."""
    fraction, exponent = np.frexp(scale)
    if not ((fraction == 0.5) | (scale == 0)).all():
        return None
    shift = np.where(scale == 0, 0, exponent - 1)
    lowest = int(shift[scale != 0].min()) if (scale != 0).any() else 0
    factors = np.where(scale == 0, 0, 1 << (shift - lowest).clip(0, 60))
    widened = integers(mantissas, 62 if int((shift - lowest).max(initial=0)) + fixed.width < 62 else 99) * factors
    frac = fixed.frac - lowest
    covering = FixedType.covering(min(int(widened.min()), 0), max(int(widened.max()), 1), frac)
    if covering.width > _WIDEST:
        return None
    declared = FixedType(fixed.width, fixed.width - frac, fixed.signed)
    uniform = declared.holds(int(widened.min()), int(widened.max()), frac)
    return Parameter.exactly(widened, declared if uniform else covering)
