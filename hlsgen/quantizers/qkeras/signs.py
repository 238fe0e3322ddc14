"""Quantisers onto two or three values: binary, ternary, their stochastic kin at inference, and functions like them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.types import FixedType, integers
from hlsgen.quantizers.base import Activation, Floats, Quantized, Quantizer, fixed_scale, split_scale
from hlsgen.quantizers.qkeras import float32 as f32
from hlsgen.quantizers.qkeras.functions import hard_sigmoid
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer
from hlsgen.quantizers.qkeras.scales import Alpha, ScaleAxis, alpha_array, least_squares


@dataclass(frozen=True)
class Binary(QKerasQuantizer):
    """``binary``, and ``stochastic_binary`` at inference: +1 for ``x >= 0``, else -1 (``use_01``: 0)."""

    use_01: bool = False
    alpha: Alpha = None
    scale_axis: ScaleAxis = None
    exponents: tuple[int | None, int | None] = (None, None)

    @property
    def type(self) -> FixedType:
        return FixedType(1, 1, signed=False) if self.use_01 else FixedType(2, 2)

    def trainable(self) -> QKerasQuantizer:
        return replace(self, alpha="auto_po2") if self.alpha is None else self

    def _quantize(self, x: Floats) -> Quantized:
        mantissas = np.where(x >= 0, 1, 0 if self.use_01 else -1)
        if isinstance(self.alpha, str):
            levels = mantissas.astype(np.float32)
            po2 = self.alpha == "auto_po2"
            scale = least_squares(x, levels, self.scale_axis, power_of_two=po2, exponents=self.exponents)
        else:
            scale = alpha_array(1.0 if self.alpha is None else self.alpha)
        return Quantized(integers(mantissas), self.type, fixed_scale(scale))

    def activation(self) -> Activation:
        kind, scale = split_scale(self.type, _number(self, self.alpha))
        return Activation("binary", kind, 0 if self.use_01 else -1, 1, scale=scale)


@dataclass(frozen=True)
class BinaryFunction(QKerasQuantizer):
    """``binary_sigmoid`` and ``binary_tanh``: 1 for ``x > 0``, else 0 or -1; a half is rounded to even, and so down."""

    low: int

    @property
    def type(self) -> FixedType:
        return FixedType(2, 2) if self.low else FixedType(1, 1, signed=False)

    def _quantize(self, x: Floats) -> Quantized:
        above = np.rint(hard_sigmoid(x)) > 0  # float32 drops a weight up to 2**-24 beside the half
        return Quantized(integers(np.where(above, 1, self.low)), self.type)

    def activation(self) -> Activation:
        return Activation("binary", self.type, self.low, 1, beyond=True)


@dataclass(frozen=True)
class Ternary(QKerasQuantizer):
    """``ternary``, and ``stochastic_ternary`` at inference: the sign of ``x`` where ``|x| >= threshold``.

    With ``alpha`` "auto" or "auto_po2" the threshold is half the scale, both fitted to the weights.
    """

    alpha: Alpha = None
    threshold: float = 0.33
    unrolls: int = 5

    @property
    def type(self) -> FixedType:
        return FixedType(2, 2)

    def trainable(self) -> QKerasQuantizer:
        return replace(self, alpha="auto_po2") if self.alpha is None else self

    def _quantize(self, x: Floats) -> Quantized:
        if isinstance(self.alpha, str):
            return self._fitted(x)
        kept = np.abs(x) >= np.float32(self.threshold)
        scale = None if self.alpha is None else fixed_scale(alpha_array(self.alpha))
        return Quantized(integers(np.where(kept, np.sign(x), 0).astype(np.int64)), self.type, scale)

    def _fitted(self, x: Floats) -> Quantized:
        # QKeras reduces a vector to one scale here, then to one per element in the fit.
        axes = tuple(range(x.ndim - 1)) if x.ndim > 1 else None
        scale = np.float32(2) * np.max(np.abs(x), axis=axes, keepdims=True) / np.float32(3)
        po2 = self.alpha == "auto_po2"
        if po2:
            scale = f32.nearest_power_of_two(scale)
        levels = np.zeros_like(x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for _ in range(self.unrolls):
                rounded = scale * f32.round_through(x / scale)
                levels = (np.abs(rounded) >= scale / np.float32(2)).astype(np.float32) * np.sign(x)
                scale = least_squares(x, levels, power_of_two=po2)
        if not np.isfinite(scale).all():
            raise self.refusal("QKeras's fitted scale is not a number", "rescale the weights or give alpha as a number")
        return Quantized(integers(levels.astype(np.int64)), self.type, fixed_scale(scale))

    def activation(self) -> Activation:
        kind, scale = split_scale(self.type, _number(self, self.alpha))
        threshold = Fraction(float(np.float32(self.threshold)))
        return Activation("ternary", kind, -1, 1, threshold=threshold, scale=scale)


def _number(quantizer: Quantizer, alpha: Alpha) -> float | None:
    if isinstance(alpha, str | tuple):
        raise UnsupportedError(
            f"quantizer {quantizer.name}: alpha={alpha!r} on an activation depends on data or channel; "
            "retrain with alpha=None or one number"
        )
    return alpha
