"""Quantised functions of data: relu, hard (or real) sigmoid and tanh."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np

from hlsgen.ir.types import FixedType, integers
from hlsgen.quantizers.base import Activation, Kind, Quantized, Quantizer, rounding_type
from hlsgen.quantizers.float32 import Floats

InternalSigmoid: TypeAlias = Literal["hard", "smooth", "real"]
"""What ``set_internal_sigmoid`` of QKeras chose; "hard" unless the model's author changed it."""

_SLOPES = {"hard": Fraction(1, 2), "smooth": Fraction(3, 16), "real": Fraction(1)}


@dataclass(frozen=True)
class QuantizedRelu(Quantizer):
    """``quantized_relu``: ``ufixed<bits, integer>``, or signed with a negative slope.

    ``upper`` is an upper bound below the type's own (None: the type's).
    """

    bits: int
    integer: int
    negative_slope: Fraction = Fraction(0)
    upper: Fraction | None = None

    @property
    def type(self) -> FixedType:
        leaky = self.negative_slope != 0
        return rounding_type(self.bits, self.integer + leaky, leaky)

    def _quantize(self, x: Floats) -> Quantized:
        act = self.activation()
        p = x * np.float32(2.0**act.type.frac)
        leaky = np.clip(np.rint(p * np.float32(float(self.negative_slope))), np.float32(act.low), np.float32(0))
        steps = np.where(p >= 0, np.clip(np.rint(p), np.float32(0), np.float32(act.high)), leaky)
        return Quantized(integers(steps.astype(np.int64)), act.type.plain())

    def activation(self) -> Activation:
        kind = self._wide_type()
        low = -self.negative_slope * 2 ** (self.bits - 1) if self.negative_slope else Fraction(0)
        if low.denominator != 1:
            raise self.refusal(
                f"negative_slope={float(self.negative_slope)} leaves the negative side less than one step",
                f"use at least {(low.denominator).bit_length() - 1} bits more or a steeper slope",
            )
        high = self.type.max_mantissa if self.upper is None else min(self._upper_mantissa(), self.type.max_mantissa)
        return Activation("relu", kind, int(low), high, negative_slope=self.negative_slope)

    def _wide_type(self) -> FixedType:
        """The declared type, wider by what a slope above 1 needs."""
        extra = max(self.negative_slope.numerator.bit_length() - 1, 0)
        return rounding_type(self.type.width + extra, self.type.integer + extra, self.type.signed)

    def _upper_mantissa(self) -> int:
        assert self.upper is not None
        mantissa = self.upper / self.type.step
        if mantissa.denominator != 1 and mantissa < self.type.max_mantissa:
            raise self.refusal(
                f"relu_upper_bound={float(self.upper)} is not on the grid of step {float(self.type.step)}",
                "use a bound that is a multiple of the step",
            )
        return int(mantissa)


@dataclass(frozen=True)
class QuantizedSigmoid(Quantizer):
    """``quantized_sigmoid``: ``round(p * 2**bits)`` with p hard, smooth or real."""

    bits: int
    symmetric: bool
    shape: InternalSigmoid

    def _quantize(self, x: Floats) -> Quantized:
        return _on_constants(self, _linear_sigmoid(x, self.shape))

    def activation(self) -> Activation:
        kind = rounding_type(self.bits, 0, signed=False)
        low, high = int(self.symmetric), kind.max_mantissa
        if self.shape == "real":
            return Activation("sigmoid", kind, low, high, exact=False)
        return Activation("affine", kind, low, high, gain=_SLOPES[self.shape], offset=Fraction(1, 2))


@dataclass(frozen=True)
class QuantizedTanh(Quantizer):
    """``quantized_tanh``: ``round(t * 2**(bits-1))``, t being ``2 * sigmoid - 1`` or the real tanh."""

    bits: int
    symmetric: bool
    shape: InternalSigmoid
    real: bool

    def _quantize(self, x: Floats) -> Quantized:
        return _on_constants(self, np.float32(2) * _linear_sigmoid(x, self.shape) - np.float32(1))

    def activation(self) -> Activation:
        kind = rounding_type(self.bits, 1, signed=True, symmetric=self.symmetric)
        low, high = kind.min_mantissa + (self.symmetric and self.bits == 1), kind.max_mantissa
        if self.real or self.shape == "real":
            gain = Fraction(1) if self.real else Fraction(1, 2)
            return Activation("tanh", kind, low, high, gain=gain, exact=False)
        gain = 2 * _SLOPES[self.shape]
        step: Kind = "cast" if gain == 1 else "affine"
        return Activation(step, kind, low, high, gain=gain)


def _linear_sigmoid(x: Floats, shape: InternalSigmoid) -> Floats:
    """``clip(slope * x + 1/2, 0, 1)``; float32 loses bits of a small ``x`` here, and so must we."""
    p: Floats = np.clip(np.float32(float(_SLOPES[shape])) * x + np.float32(0.5), np.float32(0), np.float32(1))
    return p


def _on_constants(quantizer: Quantizer, values: Floats) -> Quantized:
    act = quantizer.activation()
    if not act.exact:
        raise quantizer.refusal("a real sigmoid or tanh on weights", "use it on data only")
    steps = np.clip(np.rint(values * np.float32(2.0**act.type.frac)), act.low, act.high)
    return Quantized(integers(steps.astype(np.int64)), act.type.plain())
