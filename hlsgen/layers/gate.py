"""Gate: a function that jumps. An element passes as it is outside of an interval, and is a level inside of it.

ReLU(threshold), ThresholdedReLU, ``threshold`` and ``hard_shrink`` of Keras are gates. Ends of the interval belong to
it, as Keras compares with ``>``. They are real numbers: on the grid of the input, an end between two values decides as
the real number does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.demand import Demand
from hlsgen.ir.interval import Interval, hull
from hlsgen.ir.layer import Casts, Exact, Layer, Packing, align, type_of_all
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, integers


@dataclass(frozen=True, eq=False)
class Gate(Layer):
    """``x`` above ``high`` and (unless that is None) below ``low``, else ``level``: a scalar (shape ()), None for 0."""

    kind = "Gate"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    flattens = True
    widest_word = 64
    high: Fraction
    low: Fraction | None = None
    level: Constant | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.low > self.high:
            raise ValueError(f"the interval from {float(self.low):g} to {float(self.high):g} is empty")

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"level": ()}

    @property
    def structural(self) -> bool:  # type: ignore[override]
        return self.level is None

    def ends(self, x: FixedType) -> tuple[int, int]:
        """The least and greatest mantissa of type ``x`` inside; beyond an end of the type: a step beside it."""
        return self._ends(x.frac, x.min_mantissa, x.max_mantissa)

    def _ends(self, frac: int, lowest: int, highest: int) -> tuple[int, int]:
        """The same between two mantissas, which need not be those of a type."""
        grid = Fraction(2) ** frac
        first = lowest if self.low is None else ceil(self.low * grid)
        return min(max(first, lowest), highest + 1), min(max(floor(self.high * grid), lowest - 1), highest)

    def compared(self, x: FixedType) -> FixedType:
        """A type that holds every x and both ends."""
        ends = self.ends(x)
        return FixedType.covering(min(x.min_mantissa, *ends), max(x.max_mantissa, *ends), x.frac)

    def held(self, x: FixedType) -> FixedType:
        """A type that holds every x and the level."""
        values = [Exact(integers(np.array([x.min_mantissa, 0, x.max_mantissa], dtype=object)), x.frac)]
        return type_of_all(values if self.level is None else [*values, Exact(*self.level.fixed)])

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        return max(self.held(inputs[0]).width, self.compared(inputs[0]).width)

    def step_frac(self, result: FixedType | None) -> int | None:
        """None: where it jumps need not be on the grid of the result."""
        return None

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        """All of the grid, on which it jumps; not what lies inside at one end, or beyond what readers tell apart."""
        high = casts.before(behind).high
        inside = 0.0 if self.level is None else float(self.level.effective)
        above = high if high is not None and high > max(self.high, Fraction(inside)) else None
        return Demand(self.high if self.low is None else None, above)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        passes = x > float(self.high)
        if self.low is not None:
            passes |= x < float(self.low)
        return np.where(passes, x, 0.0 if self.level is None else self.level.effective)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """As they are: what an error beside the jump does is no slope."""
        return (inputs[0],)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        first, last = self._ends(frac, int(x.min(initial=0)), int(x.max(initial=0)))
        passes = (x > last) | (x < first)
        level = Exact(integers(np.array(0)), frac) if self.level is None else Exact(*self.level.fixed)
        (y, inside), frac = align([inputs[0], level])
        return Exact(np.where(passes, y, inside), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """The hull of what the ends of the three pieces become: it rises in each."""
        x = inputs[0]
        first, last = self._ends(x.frac, *x.whole())
        places = [x.low, x.high, *(np.clip(at, x.low, x.high) for at in (first - 1, first, last, last + 1))]
        values = [self.exact([Exact(integers(place), x.frac)]) for place in places]
        return hull([Interval(v.mantissas, v.mantissas, v.frac) for v in values])

    def describe(self) -> str:
        interval = f"at most {float(self.high):g}"
        if self.low is not None:
            interval = f"from {float(self.low):g} to {float(self.high):g}"
        return f"{0.0 if self.level is None else float(self.level.effective):g} where {interval}"
