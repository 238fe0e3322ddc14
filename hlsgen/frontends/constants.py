"""Constants as models hold them: float32 numbers, and quantised kernels with scales of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant, Floats, exact_constant
from hlsgen.ir.types import FixedType, Ints, integers

_GIVEN_WIDTH = 18
"""Constants up to this width (the narrow input of a DSP block) are taken for the model's own fixed point."""
_WIDEST = 32
"""24 bits for each channel up to 2^8 below the largest."""
_WIDEST_FOLDED = 32
"""A folded kernel wider than this costs more multipliers than a scale node does."""


def float32_constant(values: NDArray[Any]) -> tuple[Constant, float | None]:
    """float32 numbers, exactly, up to 32 bits; beyond that rounded, with the largest deviation (else None).

    Short ones are the model's own fixed point; the others may be narrowed by the configuration.
    """
    exact = exact_constant(*float32_mantissas(values))
    assert exact.type is not None
    if exact.type.width <= _WIDEST:
        return replace(exact, given=exact.type.width <= _GIVEN_WIDTH), None
    rounded = Constant.of(values).placed(_WIDEST)
    deviation = float(np.abs(rounded.effective - values).max())
    return replace(rounded, values=rounded.effective), deviation


def given_constant(values: NDArray[Any]) -> Constant:
    """Numbers that the model's own quantisers made: exactly, however many bits that takes."""
    fraction, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    return exact_constant(*_on_one_grid(np.ldexp(fraction, 53), exponent - 53))


def float32_mantissas(values: NDArray[Any]) -> tuple[Ints, int]:
    """Mantissas of float32 numbers on the coarsest grid that holds them all, and its fraction bits."""
    fraction, exponent = np.frexp(np.asarray(values, dtype=np.float32).astype(np.float64))
    return _on_one_grid(np.ldexp(fraction, 24), exponent - 24)


def _on_one_grid(scaled: NDArray[Any], exponents: NDArray[Any]) -> tuple[Ints, int]:
    """Whole numbers times powers of two, as mantissas of the coarsest common grid, and its fraction bits."""
    digits = [int(d) for d in scaled.ravel()]
    places = [int(e) for e in exponents.ravel()]
    lowest = min((p + (d & -d).bit_length() - 1 for d, p in zip(digits, places, strict=True) if d), default=0)
    whole = [d << (p - lowest) if p >= lowest else d >> (lowest - p) for d, p in zip(digits, places, strict=True)]
    return integers(np.asarray(whole, dtype=object).reshape(scaled.shape)), -lowest


def channel_scale(scale: Floats, outputs: int) -> Floats | None:
    """Reduce a scale of a kernel's shape to its last ``outputs`` axes; None if it varies over others."""
    flat = scale.reshape(-1, *scale.shape[-outputs:])
    if (flat != flat[0]).any():
        return None
    return np.asarray(flat[0], dtype=np.float64)


def fold_power_of_two(mantissas: Ints, fixed: FixedType, scale: Floats) -> Constant | None:
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
    if covering.width > _WIDEST_FOLDED:
        return None
    declared = FixedType(fixed.width, fixed.width - frac, fixed.signed)
    uniform = declared.holds(int(widened.min()), int(widened.max()), frac)
    return Constant.exactly(widened, declared if uniform else covering)
