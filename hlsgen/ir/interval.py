"""Exact value ranges: what numbers can occur on an edge, per channel, as integers.

An :class:`Interval` says that channel ``c`` of a tensor only holds multiples of ``2**-frac``
between ``low[c]`` and ``high[c]`` (mantissas, both reached or at least not excluded). There are
no floats here: a bound is either right or a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from hlsgen.ir.arithmetic import exact_matmul, exact_sum
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, Overflow, bit_length, integers


@dataclass(frozen=True, eq=False)
class Interval:
    """Per-channel bounds ``low <= mantissa <= high`` at ``2**-frac``; arrays of shape (channels,)."""

    low: Ints
    high: Ints
    frac: int

    @classmethod
    def of_type(cls, fixed: FixedType, channels: int) -> Interval:
        """All values of a type."""
        low = np.array([fixed.min_mantissa] * channels, dtype=object)
        high = np.array([fixed.max_mantissa] * channels, dtype=object)
        return cls(integers(low), integers(high), fixed.frac)

    @classmethod
    def of_values(cls, mantissas: Ints, frac: int) -> Interval:
        """The tightest bounds of constants of shape (..., channels)."""
        flat = mantissas.reshape(-1, mantissas.shape[-1])
        return cls(integers(flat.min(axis=0)), integers(flat.max(axis=0)), frac)

    @property
    def channels(self) -> int:
        return int(self.low.shape[0])

    @property
    def lowest(self) -> int:
        return int(self.low.min())

    @property
    def highest(self) -> int:
        return int(self.high.max())

    def type(self) -> FixedType:
        """The narrowest type that holds every value of every channel exactly."""
        return FixedType.covering(self.lowest, self.highest, self.frac)

    def at(self, frac: int) -> Interval:
        """The same bounds on a finer grid (``frac`` not below ours)."""
        shift = frac - self.frac
        if shift == 0:
            return self
        bits = max(bit_length(self.low), bit_length(self.high)) + shift
        return Interval(integers(self.low, bits) << shift, integers(self.high, bits) << shift, frac)

    def cast(self, fixed: FixedType) -> Interval:
        """What remains after a cast: rounding is monotone; wrapping may reach every value of the type."""
        if fixed.saturates or self.fits(fixed):
            return Interval(fixed.cast(self.low, self.frac), fixed.cast(self.high, self.frac), fixed.frac)
        return Interval.of_type(fixed, self.channels)

    def fits(self, fixed: FixedType) -> bool:
        """Whether no value overflows in a cast (its rounding may carry)."""
        wide = FixedType(MAX_WIDTH, MAX_WIDTH - fixed.frac, True, fixed.rounding, Overflow.SAT)  # on the grid of fixed
        low, high = wide.cast(self.low, self.frac), wide.cast(self.high, self.frac)
        return fixed.min_mantissa <= int(low.min()) and int(high.max()) <= fixed.max_mantissa

    def clipped(self, low: Fraction | None, high: Fraction | None) -> Interval:
        """What is left of the values if they are cut off at ``low`` and ``high`` (moved outwards to the grid)."""
        scale = Fraction(2) ** self.frac
        lows, highs = self.low.astype(object), self.high.astype(object)
        if low is not None:
            lows, highs = (np.maximum(v, floor(low * scale)) for v in (lows, highs))
        if high is not None:
            lows, highs = (np.minimum(v, ceil(high * scale)) for v in (lows, highs))
        return Interval(integers(lows), integers(highs), self.frac)

    def with_zero(self) -> Interval:
        """The hull with zero (padded cells)."""
        return Interval(np.minimum(self.low, 0), np.maximum(self.high, 0), self.frac)

    def whole(self) -> tuple[int, int]:
        return self.lowest, self.highest

    def uniform(self, channels: int) -> Interval:
        """Forget which channel is which; ``channels`` channels with the overall bounds."""
        low = integers(np.array([self.lowest] * channels, dtype=object))
        high = integers(np.array([self.highest] * channels, dtype=object))
        return Interval(low, high, self.frac)

    def tiled(self, times: int) -> Interval:
        return Interval(np.tile(self.low, times), np.tile(self.high, times), self.frac)

    def parts(self, count: int) -> list[Interval]:
        """The bounds of ``count`` equal parts of the channels."""
        ends = zip(np.split(self.low, count), np.split(self.high, count), strict=True)
        return [Interval(low, high, self.frac) for low, high in ends]

    def matmul(self, weights: Ints, frac: int) -> Interval:
        """Bounds of ``x @ weights`` for ``weights`` (channels, outputs) at ``2**-frac``."""
        # The middle goes through as it is, and every weight widens by its magnitude (both doubled, to stay integers).
        middle = exact_matmul(exact_sum(self.high, self.low), weights)
        reach = exact_matmul(exact_sum(self.high, -self.low), np.abs(weights))
        low, high = exact_sum(middle, -reach) >> 1, exact_sum(middle, reach) >> 1
        return Interval(integers(low), integers(high), self.frac + frac)

    def contract(self, other: Interval) -> Interval:
        """Bounds of the sums of products over all channels of ours, each with every channel of ``other``."""
        bits = sum(max(bit_length(i.low), bit_length(i.high)) for i in (self, other)) + self.channels.bit_length()
        a = [integers(v, bits)[:, None] for v in (self.low, self.high)]
        b = [integers(v, bits)[None, :] for v in (other.low, other.high)]
        corners = [x * y for x in a for y in b]
        low, high = (integers(_fold(pick, corners), bits).sum(axis=0) for pick in (np.minimum, np.maximum))
        return Interval(integers(low), integers(high), self.frac + other.frac)

    def multiply(self, other: Interval) -> Interval:
        bits = sum(max(bit_length(i.low), bit_length(i.high)) for i in (self, other))
        a = [integers(v, bits) for v in (self.low, self.high)]
        b = [integers(v, bits) for v in (other.low, other.high)]
        corners = [x * y for x in a for y in b]
        return Interval(_fold(np.minimum, corners), _fold(np.maximum, corners), self.frac + other.frac)

    def add(self, other: Interval) -> Interval:
        a, b = aligned([self, other])
        return Interval(exact_sum(a.low, b.low), exact_sum(a.high, b.high), a.frac)

    def negate(self) -> Interval:
        return Interval(-self.high, -self.low, self.frac)


def aligned(intervals: Sequence[Interval]) -> list[Interval]:
    """Bring intervals to the finest of their grids."""
    frac = max(i.frac for i in intervals)
    return [i.at(frac) for i in intervals]


def hull(intervals: Sequence[Interval]) -> Interval:
    """The smallest interval that holds all of them, channel by channel."""
    same = aligned(intervals)
    return Interval(_fold(np.minimum, [i.low for i in same]), _fold(np.maximum, [i.high for i in same]), same[0].frac)


def joined(intervals: Sequence[Interval]) -> Interval:
    """The channels of all of them, side by side."""
    same = aligned(intervals)
    low, high = (np.concatenate(ends) for ends in zip(*((i.low, i.high) for i in same), strict=True))
    return Interval(integers(low), integers(high), same[0].frac)


def _fold(function: np.ufunc, arrays: Sequence[Ints]) -> Ints:
    result = arrays[0]
    for array in arrays[1:]:
        result = function(result, array)
    return integers(result)
