"""ReLU and its relatives: a slope below zero, a ceiling above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.types import FixedType
from hlsgen.layers.base import Exact, Floats, Layer, align, before_result
from hlsgen.layers.kernel import Kernel, Word, typed


@dataclass(frozen=True, eq=False)
class Relu(Layer):
    """``min(x if x >= 0 else slope * x, ceiling)``; slope and ceiling are scalars (shape ())."""

    kind = "Relu"
    slope: Constant | None = None
    ceiling: Constant | None = None

    @property
    def structural(self) -> bool:  # type: ignore[override]
        return self.slope is None

    def step_frac(self, node: Node) -> int | None:
        if self.slope is None or self.slope.type is None or node.settings.result is None:
            return super().step_frac(node)
        mantissa, frac = self.slope.fixed
        power = int(mantissa) & (int(mantissa) - 1) == 0
        return node.settings.result.frac + frac if power else None

    def wanted(self, node: Node, behind: Demand) -> Demand:
        if self.slope is not None:
            return EVERYTHING
        top = None if self.ceiling is None else Fraction(float(self.ceiling.effective))
        return before_result(node, behind).within(Fraction(0), top)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        y = np.where(x < 0, 0.0 if self.slope is None else x * self.slope.effective, x)
        return y if self.ceiling is None else np.minimum(y, self.ceiling.effective)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        parts = [Exact(np.maximum(x, 0), frac)]
        if self.slope is not None:
            slope, slope_frac = self.slope.fixed
            negative = exact_product(np.minimum(x, 0), np.broadcast_to(slope, x.shape))
            parts.append(Exact(negative, frac + slope_frac))
        aligned, frac = align(parts)
        result = Exact(sum(aligned[1:], start=aligned[0]), frac)
        if self.ceiling is not None:
            (y, top), frac = align([result, Exact(*self.ceiling.fixed)])
            result = Exact(np.minimum(y, top), frac)
        return result

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x = inputs[0]
        points = [x, Interval(np.clip(0, x.low, x.high), np.clip(0, x.low, x.high), x.frac)]
        values = [self.exact([Exact(v, p.frac)]) for p in points for v in (p.low, p.high)]
        return hull([Interval(v.mantissas, v.mantissas, v.frac) for v in values])

    def describe(self) -> str:
        parts = {"slope": self.slope, "max": self.ceiling}
        return " ".join(f"{k}={float(p.effective):g}" for k, p in parts.items() if p is not None)

    def kernel(self, node: Node) -> Kernel:
        assert node.input.type is not None
        unused = FixedType(1, 1, False)
        slope_t = self.slope.type if self.slope and self.slope.type else unused
        max_t = self.ceiling.type if self.ceiling and self.ceiling.type else unused
        fields = {
            **typed(node),
            "size": node.output.size,
            "has_slope": self.slope is not None,
            "has_max": self.ceiling is not None,
            "slope_t": slope_t,
            "slope_word": Word(slope_t),
            "max_t": max_t,
            "max_word": Word(max_t),
            "value_t": self._value_type(node.input.type, slope_t, max_t),
            "slope_mantissa": int(self.slope.fixed[0]) if self.slope else 0,
            "max_mantissa": self._ceiling_mantissa(node.input.type, slope_t, max_t),
        }
        return Kernel("relu", "relu.h", fields)

    def _value_type(self, x: FixedType, slope: FixedType, top: FixedType) -> FixedType:
        """A signed type that holds x, slope * x and the ceiling exactly."""
        frac = max(x.frac, x.frac + slope.frac if self.slope else x.frac, top.frac if self.ceiling else x.frac)
        bounds = [x.min_mantissa << (frac - x.frac), x.max_mantissa << (frac - x.frac), -1]
        if self.slope is not None:
            slope_mantissa = int(self.slope.fixed[0])
            shift = frac - x.frac - slope.frac
            bounds += [(m * slope_mantissa) << shift for m in (x.min_mantissa, 0)]
        if self.ceiling is not None:
            bounds.append(int(self.ceiling.fixed[0]) << (frac - top.frac))
        return FixedType.covering(min(bounds), max(bounds), frac)

    def _ceiling_mantissa(self, x: FixedType, slope: FixedType, top: FixedType) -> int:
        """The ceiling on the grid of ``value_t``."""
        if self.ceiling is None:
            return 0
        return int(self.ceiling.fixed[0]) << (self._value_type(x, slope, top).frac - top.frac)
