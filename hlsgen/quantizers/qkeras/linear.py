"""Quantisers onto an even grid: quantized_bits, quantized_linear and quantized_hswish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.quantizers.base import (
    Activation,
    Floats,
    Quantized,
    Quantizer,
    fixed_scale,
    rounding_type,
    split_scale,
)
from hlsgen.quantizers.qkeras import float32 as f32
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer
from hlsgen.quantizers.qkeras.scales import Alpha, ScaleAxis, alpha_array, least_squares, reduced_axes
from hlsgen.quantizers.qkeras.signatures import Library

Clip: TypeAlias = tuple[int | None, int | None]


@dataclass(frozen=True)
class _EvenGrid(QKerasQuantizer):
    """What the quantisers to evenly spaced levels of ``2**(integer - bits + keep_negative)`` share."""

    bits: int
    integer: int
    symmetric: bool
    keep_negative: bool
    alpha: Alpha = None
    scale_axis: ScaleAxis = None

    @property
    def is_sign(self) -> bool:
        """One signed bit: two levels, of which none is 0."""
        return self.bits == 1 and self.keep_negative

    @property
    def sign_type(self) -> FixedType:
        """The type of these two levels."""
        raise NotImplementedError

    @property
    def type(self) -> FixedType:
        """The declared type, with QKeras's rounding and saturation."""
        if self.is_sign:
            return self.sign_type
        signed = self.keep_negative
        return rounding_type(self.bits, self.integer + signed, signed, self.symmetric)

    def trainable(self) -> QKerasQuantizer:
        if self.alpha is not None:
            return self
        return replace(self, alpha="auto_po2", symmetric=True)


@dataclass(frozen=True)
class QuantizedBits(_EvenGrid):
    """``quantized_bits``: round to a grid of step ``2**(integer - bits + keep_negative)``, then scale."""

    exponents: Clip = (None, None)
    post_training_scale: tuple[object, ...] | float | None = None
    library: Library = "qkeras"

    @property
    def sign_type(self) -> FixedType:
        """+1 or -1, whatever ``integer`` is."""
        return rounding_type(2, 2, True)

    def _quantize(self, x: Floats) -> Quantized:
        if isinstance(self.alpha, str):
            return self._automatic(x)
        scale = None if self.alpha is None else fixed_scale(alpha_array(self.alpha))
        if self.is_sign:
            return Quantized(integers(np.where(x >= 0, 1, -1)), self.type.plain(), scale)
        unsigned = self.bits - self.keep_negative
        m, m_i = np.float32(2.0**unsigned), np.float32(2.0**self.integer)
        low = np.float32(self.keep_negative) * (-m + np.float32(self.symmetric))
        steps = np.clip(f32.round_through(x * m / m_i), low, m - np.float32(1))
        return Quantized(self._mantissas(steps, self.type), self.type.plain(), scale)

    def _mantissas(self, steps: Floats, kind: FixedType) -> Ints:
        mantissas = integers(steps.astype(np.float64).astype(np.int64))
        if mantissas.size and not kind.holds(int(mantissas.min()), int(mantissas.max()), kind.frac):
            raise self.refusal(
                f"a weight saturates, and at {self.bits} bits float32 saturates outside of {kind}",
                "use at most 24 bits or more integer bits",
            )
        return mantissas

    def _automatic(self, x: Floats) -> Quantized:
        if self.bits < 2:
            raise self.refusal("alpha='auto' leaves one bit no level but 0", "use binary(alpha='auto')")
        axes = reduced_axes(self.scale_axis, x.ndim) if x.ndim > 1 else [0]
        m_i, m = np.float32(2.0**self.integer), np.float32(2.0 ** (self.bits - self.keep_negative))
        levels = 2 ** (self.bits - 1) * 2 - 2
        x = x / m_i
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.post_training_scale is not None:
                scale = alpha_array(self.post_training_scale) / m
                steps = _nearest_level(x, scale, levels)
            else:
                scale, steps = self._fitted(x, axes, levels)
            scale = scale * m
        if not (np.isfinite(scale).all() and np.isfinite(steps).all()):
            raise self.refusal(
                f"QKeras's scale for alpha='{self.alpha}' is not a number",
                "the weights are too large or too small",
            )
        # A negative weight stays negative here even without keep_negative, which only moves the point.
        kind = FixedType(self.bits, self.integer + self.keep_negative)
        return Quantized(self._mantissas(steps, kind), kind, fixed_scale(scale))

    def _fitted(self, x: Floats, axes: list[int], levels: int) -> tuple[Floats, Floats]:
        peak = np.max(np.abs(x), axis=tuple(axes), keepdims=True)
        scale: Floats = peak * np.float32(2) / np.float32(levels)
        if self.alpha == "auto":
            return scale, _nearest_level(x, scale, levels)
        scale = f32.nearest_power_of_two(scale)
        for _ in range(5):
            steps = _nearest_level(x, scale, levels)
            scale = least_squares(x, steps, self.scale_axis, power_of_two=True, exponents=self.exponents)
        if self.library == "qkeras-v3":  # 0.9.0 keeps the levels of the last scale but one
            steps = _nearest_level(x, scale, levels)
        return scale, steps

    def activation(self) -> Activation:
        alpha = _data_alpha(self, self.alpha)
        if self.is_sign:
            kind, scale = split_scale(self.type.plain(), alpha)
            return Activation("binary", kind, -1, 1, scale=scale)
        # The scale follows the rounding: it may not move the grid.
        kind, scale = self.type, None if alpha in (None, 1) else Fraction(float(np.float32(alpha)))
        return Activation("cast", kind, kind.min_mantissa, kind.max_mantissa, scale=scale)


@dataclass(frozen=True)
class QuantizedHswish(QKerasQuantizer):
    """``quantized_hswish``: ``x * clip(x + shift, 0, upper) / upper`` through ``quantized_bits``."""

    inner: QuantizedBits
    shift: Fraction
    upper: Fraction

    def _quantize(self, x: Floats) -> Quantized:
        upper = np.float32(float(self.upper))
        shifted = x + np.float32(float(self.shift))
        gate = np.where(shifted <= upper, np.maximum(shifted, np.float32(0)), upper)
        return self.inner.quantize_weights(x * gate / upper)

    def activation(self) -> Activation:
        inner = self.inner.activation()
        if inner.kind != "cast":
            raise self.refusal("one bit of a hard swish", "use two bits or more")
        if inner.scale is not None:
            raise self.refusal(f"alpha={self.inner.alpha!r} on data", "use alpha=None")
        return replace(inner, kind="hswish", shift=self.shift, upper=self.upper)


@dataclass(frozen=True)
class QuantizedLinear(_EvenGrid):
    """``quantized_linear`` (qkeras-v3): divide by the scale, clip, round, multiply again."""

    @property
    def sign_type(self) -> FixedType:
        """Plus or minus half a step."""
        return rounding_type(2, self.integer + 1, True)

    @property
    def _step(self) -> np.float32:
        return np.float32(2.0 ** (self.integer - self.bits + self.keep_negative))

    def _quantize(self, x: Floats) -> Quantized:
        if isinstance(self.alpha, str):
            step = self._fitted(x)
        elif self.alpha is None:
            step = np.asarray(self._step)
        else:
            step = alpha_array(self.alpha) * self._step
        steps = self._levels(x, step)
        if not np.isfinite(steps).all():
            raise self.refusal("QKeras's scale is not a number", "give a finite alpha other than 0")
        doubled = 2 if self.is_sign else 1  # half steps
        mantissas = integers((steps.astype(np.float64) * doubled).astype(np.int64))
        return Quantized(mantissas, self.type.plain(), fixed_scale(step / self._step))

    def _bounds(self) -> tuple[np.float32, np.float32]:
        if self.is_sign:
            return np.float32(-0.5), np.float32(0.5)
        m = np.float32(2.0 ** (self.bits - self.keep_negative))
        return np.float32(self.keep_negative) * (-m + np.float32(self.symmetric)), m - np.float32(1)

    def _levels(self, x: Floats, step: Floats) -> Floats:
        half = np.float32(0.5 * self.is_sign)
        with np.errstate(divide="ignore", invalid="ignore"):
            clipped = np.clip(x / step, *self._bounds())
        levels: Floats = f32.round_through(clipped - half) + half
        return levels

    def _fitted(self, x: Floats) -> Floats:
        axes = tuple(reduced_axes(self.scale_axis, x.ndim))
        low, high = self._bounds()
        if self.keep_negative:
            peak = np.max(np.abs(x), axis=axes, keepdims=True) * np.float32(2)
        else:
            peak = np.max(x, axis=axes, keepdims=True)
        step: Floats = np.maximum(peak / (high - low), f32.EPSILON)
        if self.alpha == "auto":
            return step
        step = f32.nearest_power_of_two(step)
        for _ in range(1 if self.is_sign else 5):
            last, step = step, least_squares(x, self._levels(x, step), self.scale_axis, power_of_two=True)
            if (last == step).all():
                break
        return step

    def activation(self) -> Activation:
        alpha = _data_alpha(self, self.alpha)
        kind, scale = split_scale(self.type, alpha)
        if scale is not None:
            raise self.refusal(f"alpha={alpha} on data, which is no power of two and divides", "use a power of two")
        if self.is_sign:
            return Activation("binary", kind.plain(), -1, 1)
        return Activation("cast", kind, kind.min_mantissa, kind.max_mantissa)


def _nearest_level(x: Floats, scale: Floats, levels: int) -> Floats:
    """Round half away from zero to whole steps, at most ``levels / 2``."""
    half = np.float32(levels) / np.float32(2)
    v = np.floor(np.abs(x) / scale + np.float32(0.5))
    result: Floats = np.sign(x) * np.where(v < half, v, half)
    return result


def _data_alpha(quantizer: Quantizer, alpha: Alpha) -> float | None:
    """A fixed scalar ``alpha`` for data. Raises UnsupportedError for the others."""
    if isinstance(alpha, str):
        raise UnsupportedError(
            f"quantizer {quantizer.name}: alpha='{alpha}' on an activation depends on each batch; "
            "retrain with alpha=None or a power of two"
        )
    if isinstance(alpha, tuple):
        raise UnsupportedError(f"quantizer {quantizer.name}: alpha per channel on an activation; use one number")
    return alpha
