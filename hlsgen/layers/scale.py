"""Scale: ``y = x * scale + bias`` per channel, which is what BatchNormalization does at inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.affine import Affine
from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Packing, Statistics
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType
from hlsgen.layers.linear import Kernel, LinearLayer
from hlsgen.layers.window import Window


@dataclass(frozen=True, eq=False)
class Scale(LinearLayer):
    """``weight`` (channels,) is the scale, ``bias`` (channels,)."""

    kind = "Scale"
    packing = Packing.CHANNELS
    constant_width = 24
    has_multiplier = False
    measured: Statistics | None = None
    """What BatchNormalization saw in training (for placing ranges)."""

    @property
    def statistics(self) -> Statistics | None:
        """None for a BatchNormalization that was never trained, which has mean 0 and variance 1."""
        known = self.measured
        return known if known is not None and (known.mean.any() or (known.deviation != 1).any()) else None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return dict.fromkeys(("weight", "bias", "measured"), shapes[0][-1:])

    @property
    def affine(self) -> Affine:
        """What it does to each channel."""
        return Affine(self.weight, self.bias)

    def per_input(self, vector: NDArray[Any]) -> NDArray[Any]:
        return vector

    def summed(self, products: NDArray[Any]) -> NDArray[Any]:
        return products

    def kernel(self) -> Kernel:
        (channels,) = self.weight.shape
        return Kernel(Window((1, 1)), channels, (1, 1, 1, channels))

    def row_sizes(self) -> Floats:
        return np.abs(self.weight.effective)

    def power_behind(self, power: Floats) -> Floats:
        return power * np.square(self.weight.effective)

    def shares_before(self, power: Floats, shares: Floats) -> Floats:
        return shares

    def step_frac(self, result: FixedType | None) -> int | None:
        """Known where values are multiplied by powers of two, as by a hard sigmoid."""
        if result is None or self.weight.mantissas is None or self.bias.mantissas is None:
            return None
        parts, exponents = np.frexp(np.abs(self.weight.effective))
        if (parts != 0.5).any():
            return None
        return max(result.frac, self.bias.fixed[1]) + int(exponents.max()) - 1

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return inputs[0] * self.weight.effective + self.bias.effective

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        s, scale_frac = self.weight.fixed
        return self.add_bias(exact_product(x, np.broadcast_to(s, x.shape)), frac + scale_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        s, frac = self.weight.fixed
        return self.bias_interval(inputs[0].multiply(Interval(s, s, frac)))

    def describe(self) -> str:
        return ""
