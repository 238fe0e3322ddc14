"""Quantised functions of data: relu, hard (or real) sigmoid and tanh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.types import FixedType, integers
from hlsgen.quantizers.base import Activation, Floats, Kind, Quantized, Quantizer, rounding_type
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer

InternalSigmoid: TypeAlias = Literal["hard", "smooth", "real"]
"""What ``set_internal_sigmoid`` of QKeras chose; "hard" unless the model's author changed it."""

_FLOAT32_ERROR = 2.0**-21
"""More than float32 sigmoids and tanhs are off."""
_FINEST_HIGH = 12
"""An upper bound this many bits below the grid is still followed."""
_FINEST_LOW = 20
"""So is the end of a negative side. Only inputs as many bits beyond the range reach it, and beside inputs
24 bits beyond, QKeras's float32 loses it."""
_SLOPES = {"hard": Fraction(1, 2), "smooth": Fraction(3, 16), "real": Fraction(1)}


@dataclass(frozen=True)
class QuantizedRelu(QKerasQuantizer):
    """``quantized_relu``: ``ufixed<bits, integer>``, or signed with a negative slope.

    The negative side ends at ``-negative_slope * 2**integer``, which may lie between two steps.
    ``upper`` is an upper bound below the type's own (None: the type's).
    """

    bits: int
    integer: int
    negative_slope: Fraction = Fraction(0)
    upper: Fraction | None = None
    sigmoid: InternalSigmoid | None = None
    """``use_sigmoid``: round ``sigmoid(x / 2**integer)``, and stretch its upper half over the type."""

    @property
    def type(self) -> FixedType:
        leaky = self.negative_slope != 0
        return rounding_type(self.bits, self.integer + leaky, leaky)

    def _quantize(self, x: Floats) -> Quantized:
        act = self.activation()
        if self.sigmoid is not None:
            rounded = np.rint(
                _linear_sigmoid(x / np.float32(2.0**self.integer), self.sigmoid) * np.float32(2.0**self.bits)
            )
            steps = np.clip(2 * rounded - np.float32(2.0**self.bits), 0, act.high)
            return Quantized(integers(steps.astype(np.int64)), act.type.plain())
        p = x * np.float32(2.0**self.type.frac)
        rounded = np.where(p >= 0, np.rint(p), np.rint(p * np.float32(float(self.negative_slope))))
        steps = np.clip(rounded * np.float32(2.0**act.coarser), np.float32(act.low), np.float32(act.high))
        return Quantized(integers(steps.astype(np.int64)), act.type.plain())

    def activation(self) -> Activation:
        kind, step = self._wide_type(), self.type.step
        low = -self.negative_slope * Fraction(2) ** self.integer
        high = self.type.max if self.upper is None else min(self.upper, self.type.max)
        if self.sigmoid is not None:
            return self._stretched(int(high / step))
        # Both ends are clipped behind the rounding, so either may lie between two steps.
        below = self._below_grid(low), self._below_grid(high)
        self._check_ends(*below)
        finer = max(below)
        fine = replace(kind, width=kind.width + finer)
        ends = int(low / fine.step), int(high / fine.step)
        return Activation("relu", fine, *ends, negative_slope=self.negative_slope, coarser=finer)

    def _below_grid(self, end: Fraction) -> int:
        """How many bits finer than the quantiser's grid a value lies."""
        return (end / self.type.step).denominator.bit_length() - 1

    def _check_ends(self, low: int, high: int) -> None:
        """Refuse ends that lie too many bits (``low``, ``high``) below the grid."""
        grid = f"bits below the grid of step {float(self.type.step)}"
        if low > _FINEST_LOW:
            raise self.refusal(
                f"negative_slope={float(self.negative_slope)} ends the negative side {low} {grid}",
                f"use at least {low - _FINEST_LOW} bits more or a steeper slope",
            )
        if high > _FINEST_HIGH:
            assert self.upper is not None
            what = f"relu_upper_bound={float(self.upper)} lies {high} {grid}"
            raise self.refusal(what, "use a bound of fewer bits")

    def _stretched(self, high: int) -> Activation:
        """``2 round(2**bits sigmoid(x / 2**integer)) - 2**bits``: every second level of the type, and its top."""
        if self.bits < 2 or self.sigmoid == "real":
            raise self.refusal("use_sigmoid with one bit, or of the real sigmoid", "use quantized_sigmoid")
        assert self.sigmoid is not None
        return Activation("affine", self.type, 0, high, gain=2 * _SLOPES[self.sigmoid], coarser=1)

    def _wide_type(self) -> FixedType:
        """The declared type, wider by what a slope above 1 needs."""
        extra = max(self.negative_slope.numerator.bit_length() - 1, 0)
        return rounding_type(self.type.width + extra, self.type.integer + extra, self.type.signed)


@dataclass(frozen=True)
class QuantizedSigmoid(QKerasQuantizer):
    """``quantized_sigmoid``: ``round(p * 2**bits)`` with p hard, smooth or real."""

    bits: int
    symmetric: bool
    shape: InternalSigmoid

    def _quantize(self, x: Floats) -> Quantized:
        return _on_constants(self, _sigmoid(x, self.shape))

    def activation(self) -> Activation:
        kind = rounding_type(self.bits, 0, signed=False)
        low, high = int(self.symmetric), kind.max_mantissa
        if self.shape == "real":
            return Activation("sigmoid", kind, low, high, exact=False)
        return Activation("affine", kind, low, high, gain=_SLOPES[self.shape], offset=Fraction(1, 2))


@dataclass(frozen=True)
class QuantizedTanh(QKerasQuantizer):
    """``quantized_tanh``: ``round(t * 2**(bits-1))``, t being ``2 * sigmoid - 1`` or the real tanh."""

    bits: int
    symmetric: bool
    shape: InternalSigmoid
    real: bool

    def _quantize(self, x: Floats) -> Quantized:
        if self.real:
            return _on_constants(self, np.tanh(x.astype(np.float64)))
        return _on_constants(self, np.float32(2) * _sigmoid(x, self.shape) - np.float32(1))

    def activation(self) -> Activation:
        kind = rounding_type(self.bits, 1, signed=True, symmetric=self.symmetric)
        low, high = kind.min_mantissa + (self.symmetric and self.bits == 1), kind.max_mantissa
        if self.real or self.shape == "real":
            gain = Fraction(1) if self.real else Fraction(1, 2)
            return Activation("tanh", kind, low, high, gain=gain, exact=False)
        gain = 2 * _SLOPES[self.shape]
        step: Kind = "cast" if gain == 1 else "affine"
        return Activation(step, kind, low, high, gain=gain)


def _sigmoid(x: Floats, shape: InternalSigmoid) -> NDArray[np.floating]:
    if shape != "real":
        return _linear_sigmoid(x, shape)
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x.astype(np.float64))))


def hard_sigmoid(x: Floats) -> Floats:
    """``clip(x / 2 + 1/2, 0, 1)`` in float32."""
    return _linear_sigmoid(x, "hard")


def _linear_sigmoid(x: Floats, shape: InternalSigmoid) -> Floats:
    """``clip(slope * x + 1/2, 0, 1)``; float32 loses bits of a small ``x`` here, and so must we."""
    p: Floats = np.clip(np.float32(float(_SLOPES[shape])) * x + np.float32(0.5), np.float32(0), np.float32(1))
    return p


def _on_constants(quantizer: Quantizer, values: NDArray[np.floating]) -> Quantized:
    act = quantizer.activation()
    scaled = values * 2.0**act.type.frac
    if not act.exact and (np.abs(scaled - np.floor(scaled) - 0.5) < _FLOAT32_ERROR * 2.0**act.type.frac).any():
        raise quantizer.refusal("a weight's sigmoid or tanh lies on a tie, which float32 decides", "move that weight")
    steps = np.clip(np.rint(scaled), act.low, act.high)
    return Quantized(integers(steps.astype(np.int64)), act.type.plain())
