"""PReLU: a rectifier with trained slopes below zero, one for each element or each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.interval import Interval, aligned, hull
from hlsgen.ir.layer import Exact, Layer, Packing, align, type_of_all
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType, integers


@dataclass(frozen=True, eq=False)
class PRelu(Layer):
    """``x if x >= 0 else slopes * x``; ``slopes`` (channels,) or the shape of the tensor."""

    kind = "PRelu"
    packing = Packing.CHANNELS
    pure = True
    casts = frozenset({"result"})
    flattens = True
    slopes: Constant

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + self.slopes.known_type.width

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        return self.held(inputs[0]).width

    def held(self, x: FixedType) -> FixedType:
        """A signed type that holds every x, and every product with any of the slopes."""
        slopes, frac = self.slopes.fixed
        ends = integers(np.array([x.min_mantissa, -1, 0, x.max_mantissa], dtype=object))
        steepest = integers(np.array([[slopes.min()], [slopes.max()]], dtype=object))
        return type_of_all([Exact(ends, x.frac), Exact(exact_product(ends, steepest), x.frac + frac)])

    @property
    def local(self) -> bool:  # type: ignore[override]
        return self.slopes.values.ndim == 1

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"slopes": shapes[0] if self.slopes.values.ndim > 1 else shapes[0][-1:]}

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        return np.where(x < 0, x * self.slopes.effective, x)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """Half of the arguments are taken to be below zero."""
        return (inputs[0] * (1.0 + np.square(self.slopes.effective)) / 2.0,)

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
