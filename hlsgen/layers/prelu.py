"""PReLU: a rectifier with trained slopes below zero, one for each element or each channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval, aligned, hull
from hlsgen.ir.types import FixedType
from hlsgen.layers.base import Exact, Floats, Layer, align
from hlsgen.layers.kernel import ConstantArray, Kernel, Word, typed


@dataclass(frozen=True, eq=False)
class PRelu(Layer):
    """``x if x >= 0 else slopes * x``; ``slopes`` (channels,) or the shape of the tensor."""

    kind = "PRelu"
    slopes: Constant

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        return np.where(x < 0, x * self.slopes.effective, x)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        slopes, slope_frac = self.slopes.fixed
        below = exact_product(np.minimum(x, 0), np.broadcast_to(slopes, x.shape))
        (above, below), common = align([Exact(np.maximum(x, 0), frac), Exact(below, frac + slope_frac)])
        return Exact(above + below, common)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """From the smallest and the largest slope of each channel."""
        x = inputs[0]
        slopes, frac = self.slopes.fixed
        by_channel = slopes.reshape(-1, slopes.shape[-1])
        span = Interval(by_channel.min(axis=0), by_channel.max(axis=0), frac)
        negative = Interval(np.minimum(x.low, 0), np.minimum(x.high, 0), x.frac)
        positive = Interval(np.maximum(x.low, 0), np.maximum(x.high, 0), x.frac)
        return hull(aligned([negative.multiply(span), positive]))

    def describe(self) -> str:
        return f"{self.slopes.values.size} slopes"

    def kernel(self, node: Node) -> Kernel:
        assert node.input.type is not None and self.slopes.type is not None
        fields = typed(node) | {
            "size": node.output.size,
            "slopes": self.slopes.values.size,
            "slope_t": self.slopes.type,
            "slope_word": Word(self.slopes.type),
            "value_t": self._value_type(node.input.type),
        }
        constants = (ConstantArray.of("a", self.slopes.fixed[0], self.slopes.type),)
        return Kernel("prelu", "prelu.h", fields, constants)

    def _value_type(self, x: FixedType) -> FixedType:
        """A signed type that holds every x, and every product with any of the slopes."""
        slopes, frac = self.slopes.fixed
        ends = [int(slopes.min()), int(slopes.max())]
        bounds = [m << frac if frac > 0 else m for m in (x.min_mantissa, x.max_mantissa)]
        shift = -frac if frac < 0 else 0
        bounds += [(m * end) << shift for m in (x.min_mantissa, x.max_mantissa) for end in ends]
        return FixedType.covering(min(*bounds, -1), max(*bounds, 0), x.frac + max(frac, 0))
