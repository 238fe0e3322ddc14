"""The types of a standardisation: what follows from the types of input and result and the number of values.

With ``d`` and ``w`` of :mod:`hlsgen.layers.standardise`, ``y = gain * d / sqrt(w)``. ``w`` has an even number of
integer bits ``2 e``, so that its raw bits, shifted left by an even number ``s`` until one of the first two is set, are
a number ``m`` in 1/4 .. 1, and

    y = (d * 2^(s/2 - e)) * (gain / sqrt(m)),        |d| 2^(s/2 - e) <= reach * sqrt(m)

Both factors keep their bits whatever the size of the inputs is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from math import ceil, floor, log2, sqrt

import numpy as np

from hlsgen.ir.constant import Floats
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.layers.fit_pieces import FINEST, Argument, fit_in_pieces, own_rounding
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Piecewise

_GUARD_SCALED = 2
"""Bits of the scaled values below the result's step: they are off by a quarter of it at most."""
_GUARD_INVERSE = 3
"""Bits of the reciprocal root below what moves the largest result by a step."""
_GUARD_EPSILON = 1
"""The rounding of epsilon moves a result by an eighth of its step at most."""
_DIRECT_BITS = 12
_PARTS = 64
"""Of the mantissa's range, in each of which the product is bounded."""


class Measure(Enum):
    """What the values are divided by."""

    DEVIATION = "deviation"
    """Their standard deviation, after their mean was taken off: ``(x - mean) / sqrt(mean((x - mean)^2) + epsilon)``."""
    ROOT_MEAN_SQUARE = "root mean square"
    """``x / sqrt(mean(x^2) + epsilon)``."""
    LENGTH = "length"
    """``x / sqrt(max(sum(x^2), epsilon))``."""

    def reach(self, n: int) -> float:
        """The largest magnitude of a result of ``n`` values, which one that stands alone comes to."""
        return sqrt({Measure.DEVIATION: n - 1, Measure.ROOT_MEAN_SQUARE: n, Measure.LENGTH: 1}[self])


@dataclass(frozen=True)
class Plan:
    """The types on the way, of ``n`` values of type ``x``."""

    measure: Measure
    n: int
    x: FixedType
    total: FixedType
    """Of the sum of the values."""
    squares: FixedType
    """Of the sum of their squares."""
    spread: FixedType
    """Of ``n Q - S^2``."""
    deviation: FixedType
    """Of ``d``, signed."""
    power: FixedType
    """Of ``w``, unsigned; its number of integer bits is even."""
    epsilon: int
    """The mantissa of what is added to ``w``, or is the least of it; at least one step."""
    aligned: FixedType
    """Of ``d`` shifted, exactly."""
    scaled: FixedType
    """The same, rounded."""
    inverse: FixedType
    """Of ``gain / sqrt(m)``, unsigned."""
    error: float
    """How far a result can be from the real function, in its steps."""

    @classmethod
    def of(cls, measure: Measure, epsilon: float, x: FixedType, n: int, result: FixedType) -> Plan:
        frac = min(result.frac, FINEST)
        least, most = x.min_mantissa, x.max_mantissa
        largest = max(-least, most) ** 2
        centred = measure is Measure.DEVIATION
        spread = (n - 1) * (most - least) if centred else max(-least, most)
        power, added = _power(measure, epsilon, x, n, frac)
        reach = max(measure.reach(n), 1.0) / gain(measure, n)
        grid = x.frac + power.integer // 2
        aligned = _within(reach, grid)
        wanted = frac + _GUARD_SCALED + ceil(log2(gain(measure, n)))
        scaled = aligned if grid <= wanted else _within(reach, wanted)
        fine = max(frac + _GUARD_INVERSE + ceil(log2(reach)), 1)
        integer = ceil(log2(2.0 * gain(measure, n)))
        plan = cls(
            measure,
            n,
            x,
            total=FixedType.covering(n * min(least, -1), n * most, x.frac),
            squares=FixedType.covering(0, n * largest, 2 * x.frac),
            spread=FixedType.covering(0, n * n * (most - least) ** 2 // 4, 2 * x.frac),
            deviation=FixedType.covering(-max(spread, 1), max(spread, 1), x.frac),
            power=power,
            epsilon=added,
            aligned=aligned,
            scaled=scaled,
            inverse=FixedType(integer + fine, integer, False, Rounding.RND, Overflow.SAT),
            error=0.0,
        )
        return replace(plan, error=plan._error(result))

    def _error(self, result: FixedType) -> float:
        form, _ = self.root
        factor = gain(self.measure, self.n)
        reach = max(self.measure.reach(self.n), 1.0)
        by_scaling = float(self.scaled.step) * factor if self.scaled != self.aligned else 0.0
        by_root = form.deviation * float(self.inverse.step) * reach / factor
        by_epsilon = 2.0 ** -(_GUARD_EPSILON + 2 + min(result.frac, FINEST))
        return own_rounding(result) + (by_scaling + by_root + by_epsilon) / float(result.step)

    @property
    def most_places(self) -> int:
        """The largest ``s / 2``."""
        return (self.power.width - self.epsilon.bit_length()) // 2

    @property
    def stages(self) -> int:
        """Shifts by 2, 4, .., ``2^stages`` places, or not, reach every ``s``."""
        return self.most_places.bit_length()

    @property
    def mantissa(self) -> FixedType:
        """Of ``m``: the bits of ``power`` behind the binary point."""
        return FixedType(self.power.width, 0, False)

    @property
    def root(self) -> tuple[Piecewise, Ints]:
        """``gain / sqrt(m)`` and its coefficients."""
        return _root(self.measure, self.n, self.mantissa, self.inverse)

    @property
    def widest(self) -> int:
        """Bits of the widest number that is computed with."""
        products = (2 * self.total.width, self.squares.width + self.n.bit_length()) if self.centred else ()
        return max(self.power.width, *products, self.aligned.width, self.scaled.width + self.inverse.width)

    @property
    def centred(self) -> bool:
        return self.measure is Measure.DEVIATION

    def largest(self) -> int:
        """A magnitude that no product of ``scaled`` and ``inverse`` exceeds, on their grids together.

        In each part of the mantissas, the one is bounded by ``reach * sqrt(m)`` and the other by its pieces.
        """
        form, table = self.root
        reach = max(self.measure.reach(self.n), 1.0) / gain(self.measure, self.n)
        found, width = 0, self.power.width
        for part in range(_PARTS // 4, _PARTS):
            ends = np.array([[(part << width) // _PARTS], [-(-(part + 1 << width) // _PARTS)]], dtype=object)
            inverse = form.interval(table, Interval(ends[0], ends[1], width)).cast(self.inverse)
            scaled = floor(reach * sqrt((part + 1) / _PARTS) * 2.0**self.scaled.frac) + 2
            found = max(found, scaled * inverse.highest)
        return found


def gain(measure: Measure, n: int) -> float:
    """The factor that makes a sum of squares a mean; of deviations, which are n times as large, it is in them."""
    return sqrt(n) if measure is Measure.ROOT_MEAN_SQUARE else 1.0


def _within(reach: float, frac: int) -> FixedType:
    """A signed type on a grid for magnitudes up to ``reach``, and a rounding to the grid."""
    most = ceil(reach * 2.0**frac) + 1
    return FixedType.covering(-most, most, frac).with_modes(Rounding.RND, Overflow.WRAP)


def _power(measure: Measure, epsilon: float, x: FixedType, n: int, frac: int) -> tuple[FixedType, int]:
    """The type of ``w``, and the mantissa of epsilon, which is as fine as a result of ``frac`` bits needs."""
    least, most = x.min_mantissa, x.max_mantissa
    if measure is Measure.DEVIATION:
        squares = n * n * (most - least) ** 2 // 4  # of Popoviciu: no variance is larger
        added = n * n * epsilon
    else:
        squares = n * max(-least, most) ** 2
        added = (n if measure is Measure.ROOT_MEAN_SQUARE else 1) * epsilon
    smallest = 2.0 ** (-2 * x.frac)
    grid = 2 * x.frac
    if measure is not Measure.LENGTH or added > smallest:
        bits = frac + ceil(log2(max(measure.reach(n), 1.0))) + _GUARD_EPSILON
        grid = max(grid, bits - floor(log2(smallest + added)))
    mantissa = max(round(added * 2.0**grid), 1)
    squares <<= grid - 2 * x.frac
    top = max(squares, mantissa) if measure is Measure.LENGTH else squares + mantissa
    integer = top.bit_length() - grid
    integer += integer % 2
    return FixedType(max(integer + grid, 2), integer, False), mantissa


@cache
def _root(measure: Measure, n: int, mantissa: FixedType, inverse: FixedType) -> tuple[Piecewise, Ints]:
    factor = gain(measure, n)

    def function(m: Floats) -> Floats:
        return np.asarray(factor / np.sqrt(np.maximum(m, 0.25)))

    unary = Unary("reciprocal_root", function, 0.0, 2.0 * factor)
    return fit_in_pieces(unary, Argument(mantissa, 0.25, float(mantissa.max)), inverse, _DIRECT_BITS)
