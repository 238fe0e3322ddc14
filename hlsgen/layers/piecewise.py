"""How a function is computed in integers: by one table, or by polynomials in pieces beside two half-lines.

:class:`Direct` reads the result from a table over all values of an index. :class:`Piecewise` adds a correction to the
half-lines along which the function runs far from zero:

    k = index of range r (x)                   rounded, saturated: r is the innermost range that holds x
    i, u = high bits of k, low bits of k / 2^offset_bits
    y = line(x) + c0[r, i] + u (c1[r, i] + u (c2[r, i] + u c3[r, i]))

All of that is exact; the result is cast as that of any layer. The words of a :class:`Direct` table are of the result's
type from the beginning: real numbers, rounded before anything runs. Neighbouring pieces meet: c0 + c1 + c2 + c3 of one
is c0 of the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.constant import Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, InnerStep, align
from hlsgen.ir.types import FixedType, Ints, integers

STRIDE = 3
"""Bits by which each range is wider, and its index coarser, than the one inside of it."""


@dataclass(frozen=True)
class Direct:
    """``y = table[raw bits of the index]``."""

    index: FixedType
    result: FixedType
    deviation: float
    """How far the result can be from the real function, in steps of the result."""
    rounds: bool = True
    """Whether words are not the function's values themselves."""

    def __str__(self) -> str:
        return f"over {self.index}"

    @property
    def table_shape(self) -> Shape:
        return (1 << self.index.width,)

    def types(self) -> dict[str, FixedType]:
        return {"index": self.index}

    def steps(self, x: Exact) -> dict[str, InnerStep]:
        return {"index": InnerStep(self.index.cast(*x), self.index)}

    def wanted(self, x: FixedType) -> Demand:
        """What it can tell apart of its argument."""
        return EVERYTHING.before_cast(self.index, rounds=x.frac > self.index.frac)

    def exact(self, table: Ints, x: Exact) -> Exact:
        return Exact(table[self.index.cast(*x) & ((1 << self.index.width) - 1)], self.result.frac)

    def interval(self, table: Ints, x: Interval) -> Interval:
        return Interval.of_values(table[:, None], self.result.frac).uniform(x.channels)


@dataclass(frozen=True)
class Lines:
    """What is added to the correction: ``x`` below zero or nothing, ``slope * x`` above or nothing."""

    negative: bool = False
    positive: bool = False
    slope: int = 1
    """The mantissa of the slope above zero."""
    slope_type: FixedType | None = None
    """Its type; None: the slope is 1."""

    def __bool__(self) -> bool:
        return self.negative or self.positive

    def exact(self, x: Exact) -> Exact:
        zero = np.zeros_like(x.mantissas)
        frac = x.frac if self.slope_type is None else x.frac + self.slope_type.frac
        whole = shifted(x.mantissas, frac - x.frac) if frac > x.frac else x.mantissas
        steep = whole if self.slope_type is None else exact_product(x.mantissas, integers(np.array(self.slope)))
        below = np.where(x.mantissas < 0, whole if self.negative else zero, zero)
        return Exact(np.where(x.mantissas < 0, below, steep if self.positive else zero), frac)

    def interval(self, x: Interval) -> Interval:
        """Bounds for bounds: the two half-lines rise (a slope is never below zero)."""
        low, high = self.exact(Exact(x.low, x.frac)), self.exact(Exact(x.high, x.frac))
        return Interval(low.mantissas, high.mantissas, low.frac)


@dataclass(frozen=True)
class Piecewise:
    """Half-lines and a correction; the coefficients are a table of shape (degree + 1, ranges * segments)."""

    index: FixedType
    """Of the innermost range; that of range r is ``STRIDE * r`` bits coarser and wider."""
    ranges: int
    segment_bits: int
    coefficients: tuple[FixedType, ...]
    """Types of c0, c1, ..., all of one grid."""
    lines: Lines
    deviation: float
    """How far the result can be from the real function, in steps of its type: with the rounding of its cast."""
    held: FixedType | None = None
    """The grid of a result that wraps, saturating, where the function itself stays within it: so must what is near."""

    def __str__(self) -> str:
        pieces = self.ranges << self.segment_bits
        along = " beside lines" if self.lines else ""
        return f"over {self.index_of(self.ranges - 1)} in {pieces} pieces of degree {self.degree}{along}"

    @property
    def offset_bits(self) -> int:
        return self.index.width - self.segment_bits

    @property
    def degree(self) -> int:
        return len(self.coefficients) - 1

    @property
    def frac(self) -> int:
        """The grid of the exact correction."""
        return self.coefficients[0].frac + self.degree * self.offset_bits

    @property
    def table_shape(self) -> Shape:
        return (self.degree + 1, self.ranges << self.segment_bits)

    def index_of(self, place: int) -> FixedType:
        """The index of range ``place``."""
        return replace(self.index, integer=self.index.integer + STRIDE * place)

    def types(self) -> dict[str, FixedType]:
        names = ("index", *(f"index_{place}" for place in range(1, self.ranges)))
        return {name: self.index_of(place) for place, name in enumerate(names)}

    def steps(self, x: Exact) -> dict[str, InnerStep]:
        return {name: InnerStep(fixed.cast(*x), fixed) for name, fixed in self.types().items()}

    def wanted(self, x: FixedType) -> Demand:
        """What it can tell apart of its argument: nothing beyond the widest index where there is no line."""
        widest = self.index_of(self.ranges - 1)
        low, high = (None if self.lines.negative else widest.min), (None if self.lines.positive else widest.max)
        frac = None if self.lines or x.frac <= self.index.frac else self.index.frac + 1
        return Demand(low, high, frac)

    def places(self, x: Exact) -> Ints:
        """Number of the range and raw bits of its index, as one number."""
        width = self.index.width
        found: Ints | None = None
        for place in range(self.ranges):
            k = self.index_of(place).cast(*x)
            here = (k & ((1 << width) - 1)) + (place << width)
            found = here if found is None else np.where((k < self.inner) & (k >= -self.inner), found, here)
        assert found is not None
        return found

    def correction(self, table: Ints, places: Ints) -> Exact:
        """The polynomials, exactly."""
        bits = self.offset_bits
        segment, u = places >> bits, places & ((1 << bits) - 1)
        total = table[self.degree][segment]
        for power in range(self.degree - 1, -1, -1):
            done = self.degree - power
            total = exact_sum(exact_product(total, u), shifted(table[power][segment], done * bits))
        return Exact(total, self.frac)

    def exact(self, table: Ints, x: Exact) -> Exact:
        value = self.correction(table, self.places(x))
        if self.lines:
            (a, b), frac = align([value, self.lines.exact(x)])
            return Exact(exact_sum(a, b), frac)
        return value

    def interval(self, table: Ints, x: Interval) -> Interval:
        """Bounds of the exact sum: those of the correction's pieces, and of the half-lines."""
        ends = self._bounds(table[:, self._met(x)])
        low, high = (integers(np.array([end] * x.channels, dtype=object)) for end in ends)
        value = Interval(low, high, self.frac)
        return value.add(self.lines.interval(x)) if self.lines else value

    @property
    def inner(self) -> int:
        """From minus this up to this, an index is left to the next range inside."""
        return 1 << max(self.index.width - self.index.signed - STRIDE, 0)

    def _met(self, x: Interval) -> Ints:
        """Which pieces arguments within bounds can lie in, in the order of the table."""
        numbers = np.arange(1 << self.segment_bits)
        if self.index.signed:
            numbers = np.where(numbers < len(numbers) // 2, numbers, numbers - len(numbers))
        first, last = numbers << self.offset_bits, ((numbers + 1) << self.offset_bits) - 1
        found = []
        for place in range(self.ranges):
            low, high = self.index_of(place).cast(np.array(x.whole(), dtype=object), x.frac)
            outside = (first < -self.inner) | (last >= self.inner) if place else np.ones(len(numbers), dtype=bool)
            found.append(outside & (last >= low) & (first <= high))
        return np.concatenate(found)

    def _bounds(self, table: Ints) -> tuple[int, int]:
        """Mantissas that no piece leaves: its ends, and how far a polynomial bends away from the line between them."""
        first, last = table[0].astype(object), table.astype(object).sum(axis=0)
        bend = (abs(table[2:].astype(object)).sum(axis=0) + 3) // 4 * min(self.degree - 1, 2) if self.degree > 1 else 0
        scale = 1 << (self.degree * self.offset_bits)
        low, high = np.minimum(first, last) - bend, np.maximum(first, last) + bend
        return int(low.min()) * scale, int(high.max()) * scale


Form = Direct | Piecewise
