"""Quantisers onto signed powers of two: quantized_po2 and quantized_relu_po2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hlsgen.ir.types import FixedType, integers
from hlsgen.quantizers.base import Activation, Floats, PowersOfTwo, Quantized, round_log2
from hlsgen.quantizers.qkeras import float32 as f32
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer

_EPSILON = Fraction(float(f32.EPSILON))
_WIDE = -32
"""Below this least exponent, a word that holds it would hold little else."""
WIDEST_EXPONENT = 24
"""The most bits: QKeras limits exponents in float32, which holds no whole numbers of more."""
_HIGHEST = 31
"""The greatest exponent that such a quantiser gives data; wider arguments are refused where types are known."""


@dataclass(frozen=True)
class PowerOfTwo(QKerasQuantizer):
    """Both quantisers; ``relu`` tells them apart. ``bits`` hold the exponent (without relu, the sign too)."""

    bits: int
    relu: bool
    max_value: float | None = None
    negative_slope: float = 0.0
    quadratic: bool = False
    floor: bool = False
    straight_through: bool = True

    @property
    def exponents(self) -> tuple[int, int]:
        """The least and greatest exponent before ``quadratic_approximation`` doubles them."""
        exponent_sign = self.max_value is None or self.max_value > 1
        effective = self.bits - (not self.relu) - exponent_sign
        if effective < 0:
            raise self.refusal(f"{self.bits} bits leave none for the exponent", "use more bits")
        least, greatest = -(2**effective), 2**effective - 1
        return least, greatest // 2 * 2 if self.quadratic else greatest

    def _quantize(self, x: Floats) -> Quantized:
        quantized = self._quantized(x)
        if self.straight_through:
            # Not a nicety: a weight of 1e-8 becomes 0, as 2**-64 is lost beside it.
            quantized = f32.straight_through(self._unquantized(x), quantized)
        if not np.isfinite(quantized).all():
            raise self.refusal("a weight becomes a power beyond float32", "give a max_value, or use fewer bits")
        return _as_mantissas(quantized)

    def _unquantized(self, x: Floats) -> Floats:
        if not self.relu:
            return x
        leaky = np.where(x > 0, x, np.float32(self.negative_slope) * x)
        return leaky if self.max_value is None else np.where(x <= self.max_value, leaky, np.float32(self.max_value))

    def _quantized(self, x: Floats) -> Floats:
        if not self.relu:
            sign: Floats = np.where(x < 0, np.float32(-1), np.float32(1))
            return sign * self._power(np.abs(x))
        positive = self._power(np.maximum(x, np.float32(0)))
        if self.negative_slope == 0:
            return positive
        negative = self._power(np.maximum(-x, np.float32(0)) * np.float32(self.negative_slope))
        return np.where(x >= 0, positive, -negative)

    def _power(self, size: Floats) -> Floats:
        least, greatest = self.exponents
        kept = np.where(size < f32.EPSILON, f32.EPSILON, size)
        if self.max_value is not None:
            kept = np.minimum(kept, np.float32(self.max_value))
        kept = np.sqrt(kept) if self.quadratic else kept
        logarithm = f32.log(kept) / f32.LN2
        rounded = np.floor(logarithm) if self.floor else np.rint(logarithm)
        exponents = np.clip(rounded, np.float32(least), np.float32(greatest)) * np.float32(1 + self.quadratic)
        return f32.power_of_two(np.where(size < f32.EPSILON, np.float32(least), exponents).astype(np.float32))

    def activation(self) -> Activation:
        if self.quadratic or self.floor:
            option = "quadratic_approximation" if self.quadratic else "log2_rounding='floor'"
            raise self.refusal(
                f"{option} on data, where the float32 logarithm decides at every power of two",
                "leave the option out",
            )
        if self.max_value == 0:
            raise self.refusal("max_value=0 on data", "give a positive max_value")
        least, greatest = self.exponents
        if least < _WIDE:
            return self._wide_activation()
        high = 1 << (greatest - least)
        low = -high if self._has_negative else 1
        return Activation("po2", FixedType.covering(low, high, -least), low, high, powers=self._powers(least, greatest))

    def _wide_activation(self) -> Activation:
        """Only arguments below epsilon, zero above all, get the least power; in float32 it is 0, or as good as that.

        All other exponents are those of normal numbers that float32 holds beside epsilon, and of arguments in use.
        """
        least, greatest, reach = round_log2(_EPSILON), self.exponents[1], None
        if self.max_value is not None:
            limit = round_log2(Fraction(float(np.float32(self.max_value))))
            least, greatest = min(least, limit), min(greatest, limit)
        if greatest > _HIGHEST:
            greatest, steepest = _HIGHEST, max(Fraction(self.negative_slope), Fraction(1))
            reach = Fraction(2) ** greatest / steepest
        high = 1 << (greatest - least)
        low = -high if self._has_negative else 0
        kind, powers = FixedType.covering(low, high, -least), self._powers(self.exponents[0], greatest)
        return Activation("po2", kind, low, high, powers=replace(powers, tiny_is_zero=True), reach=reach)

    @property
    def _has_negative(self) -> bool:
        return not self.relu or self.negative_slope != 0

    def _powers(self, least: int, greatest: int) -> PowersOfTwo:
        return PowersOfTwo(
            least,
            greatest,
            None if self.max_value is None else Fraction(float(np.float32(self.max_value))),
            _EPSILON,
            signed=not self.relu,
            negative_slope=Fraction(self.negative_slope) if self.relu else Fraction(1),
        )


def _as_mantissas(values: Floats) -> Quantized:
    """Exact mantissas of float32 values at the fraction the finest of them needs."""
    if not values.any():
        return Quantized(integers(np.zeros(values.shape, dtype=np.int64)), FixedType(1, 1))
    fraction, exponent = np.frexp(values)
    digits = np.ldexp(fraction.astype(np.float64), 24).astype(np.int64)
    trailing = np.zeros(values.shape, dtype=np.int64)
    for places in range(23, 0, -1):
        trailing = np.where((trailing == 0) & (digits % (1 << places) == 0), places, trailing)
    frac = int(np.max((24 - exponent - trailing)[digits != 0]))
    whole = [int(d) << (frac - 24 + int(e)) if frac >= 24 - e else int(d) >> (24 - int(e) - frac)
             for d, e in zip(digits.ravel(), exponent.ravel(), strict=True)]  # fmt: skip
    mantissas = integers(np.asarray(whole, dtype=object).reshape(values.shape))
    return Quantized(mantissas, FixedType.covering(int(mantissas.min()), int(mantissas.max()), frac))
