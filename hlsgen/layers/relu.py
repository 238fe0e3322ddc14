"""ReLU and its relatives: a slope below zero, a ceiling above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hlsgen.ir.affine import Affine
from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import mean_square_slope
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Casts, Exact, Layer, Packing, align, type_of_all
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.staircase import Staircase
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType, integers


@dataclass(frozen=True, eq=False)
class Relu(Layer):
    """``min(x if x >= 0 else slope * x, ceiling)``; slope and ceiling are scalars (shape ())."""

    kind = "Relu"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    flattens = True
    slope: Constant | None = None
    ceiling: Constant | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"slope": (), "ceiling": ()}

    @property
    def structural(self) -> bool:  # type: ignore[override]
        return self.slope is None

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return 0 if self.slope is None else inputs[0].width + self.slope.known_type.width

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        return self.held(inputs[0]).width

    def held(self, x: FixedType) -> FixedType:
        """A signed type that holds every x, slope * x and the ceiling exactly."""
        ends = [x.min_mantissa, -1, 0, x.max_mantissa]
        values = [Exact(integers(np.array(ends, dtype=object)), x.frac)]
        if self.slope is not None:
            slope, frac = self.slope.fixed
            values.append(Exact(exact_product(values[0].mantissas, integers(slope)), x.frac + frac))
        if self.ceiling is not None:
            values.append(Exact(*self.ceiling.fixed))
        return type_of_all(values)

    def step_frac(self, result: FixedType | None) -> int | None:
        if self.slope is None or self.slope.type is None or result is None:
            return super().step_frac(result)
        mantissa, frac = int(self.slope.fixed[0]), self.slope.fixed[1]
        if mantissa & (mantissa - 1) or not mantissa:
            return None
        return result.frac + max(mantissa.bit_length() - 1 - frac, 0)  # a slope of 4 steps at quarters of the grid

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        if self.slope is not None:
            return EVERYTHING
        top = None if self.ceiling is None else Fraction(float(self.ceiling.effective))
        return casts.before(behind).within(Fraction(0), top)

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        return [affine] if self._commutes(affine) else None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        return affine if self._commutes(affine) else None

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0]) if self.ceiling is None else None

    def _commutes(self, affine: Affine) -> bool:
        return self.ceiling is None and affine.rises and not affine.shifts

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        stairs = Staircase.of_cast(result, most)
        if self.slope is not None or stairs is None or result is None:
            return None
        if self.ceiling is None:
            return stairs.clipped(0, result.max_mantissa)
        return None if self.ceiling.mantissas is None else stairs.clipped(0, int(result.cast(*self.ceiling.fixed)))

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        y = np.where(x < 0, 0.0 if self.slope is None else x * self.slope.effective, x)
        return y if self.ceiling is None else np.minimum(y, self.ceiling.effective)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        return (inputs[0] * mean_square_slope(lambda x: self.evaluate_float([x]), sizes[0]),)

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
