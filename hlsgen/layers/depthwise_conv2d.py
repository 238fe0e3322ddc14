"""Depthwise convolution (every channel by itself), and the separable convolutions made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Exact
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import Ints, bit_length, integers
from hlsgen.ir.wish import Strategy
from hlsgen.layers.conv2d import Convolution
from hlsgen.layers.linear import Kernel, divisors, spread


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Convolution):
    """``weight`` (kernel height, kernel width, channels in, multiplier), ``bias`` (channels in * multiplier,)."""

    kind = "DepthwiseConv2D"

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        channels = shapes[0][-1]
        return {"weight": (*self.window.size, channels, "multiplier"), "bias": (("multiplier", channels),)}

    @property
    def multiplier(self) -> int:
        return self.weight.shape[3]

    @property
    def n_out(self) -> int:
        return self.weight.shape[2] * self.multiplier

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        total: Floats = self._summed(self.window.patches(x), self.weight.effective)
        return total.reshape(len(x), *self.output_shape([x.shape[1:]])) + self.bias.effective

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        w, weight_frac = self.weight.fixed
        bits = bit_length(x) + bit_length(w) + self.window.taps.bit_length()
        total: Ints = self._summed(self.window.patches(integers(x, bits)), integers(w, bits))
        return self.add_bias(total.reshape(len(x), *self.output_shape([x.shape[1:]])), frac + weight_frac)

    def _summed(self, patches: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
        """Cell by cell of the window: all of them at once are many times the image."""
        total = np.zeros((*patches.shape[:3], weight.shape[2], self.multiplier), dtype=patches.dtype)
        for row, column in np.ndindex(*self.window.size):
            total += patches[:, :, :, row, column, :, None] * weight[row, column]
        return total

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Beside the image, zeros take part; where no window lies inside, only the cells that do count."""
        x = inputs[0].with_zero() if self.window.padded else inputs[0]
        return self.bias_interval(hull([self._sums(x, mask) for mask in self.window.masks(shapes[0])]))

    def _sums(self, x: Interval, mask: NDArray[np.bool_]) -> Interval:
        """Bounds of the sums over some cells of the window."""
        w, frac = self.weight.fixed
        bits = max(bit_length(x.low), bit_length(x.high)) + bit_length(w) + self.window.taps.bit_length()
        taps = integers(w, bits)[mask]
        low, high = (integers(v, bits)[:, None] for v in (x.low, x.high))
        up, down = np.maximum(taps, 0).sum(axis=0), np.minimum(taps, 0).sum(axis=0)
        return Interval((low * up + high * down).reshape(-1), (high * up + low * down).reshape(-1), x.frac + frac)

    def per_output(self, vector: NDArray[Any]) -> NDArray[Any]:
        return vector.reshape(self.weight.shape[2:])

    def summed(self, products: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(products.sum(axis=(0, 1))).reshape(-1)

    def power_behind(self, power: Floats) -> Floats:
        return (power[:, None] * self.powers()).reshape(-1)

    def shares_before(self, power: Floats, shares: Floats) -> Floats:
        return np.asarray(shares.reshape(-1, self.multiplier).sum(axis=1))

    def kernel(self) -> Kernel:
        return Kernel(self.window, self.weight.shape[2], (*self.window.size, 1, self.n_out))

    def matrix(self) -> Ints:
        weight = self.weight.fixed[0].reshape(self.window.taps, self.n_out)
        return spread(weight, self.window.taps, self.weight.shape[2])

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        if strategy is Strategy.DISTRIBUTED_ARITHMETIC:
            return [1]
        return [] if strategy is Strategy.UNROLLED else divisors(self.window.taps * self.n_out)
