"""Find how a function is computed in integers: the cheapest form that keeps the bits of its result.

The argument is clipped where the function has come to its half-lines (:class:`~hlsgen.layers.functions.Unary`) within
a fraction of the result's step, and held as finely as its slope and that step need. Where such an index is short, one
table holds the result for each of its values. Else the correction to the half-lines is interpolated: the fewest
pieces, of the least degree that does with some thousand, such that interpolation adds a fifth of a step at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers, to_float
from hlsgen.layers.functions import Unary
from hlsgen.layers.interpolate import POINTS, interpolated
from hlsgen.layers.piecewise import STRIDE, Direct, Form, Lines, Piecewise

FINEST = 30
"""Fraction bits that are aimed at: functions are known to 53 bits, and words are to stay below 64."""
_FLOAT_BITS = 52
"""Coefficients are computed in float64."""
_GUARD = 3
"""Bits of the coefficients below the step that is aimed at."""
_INTERPOLATION = 0.2
"""The steps that interpolation may add."""
_UNSEEN = 1.1, 2.0
"""Between the points where it is known it may be off by so many times more: in good pieces, and in others."""
_SLACK = 4.0
"""An index step times the slope is at most a fourth of the result's step: rounded to it, an eighth."""
_FLAT = 1 / 16
"""What is left of a function, in steps, where its argument is clipped."""
_ATTEMPTS = ((1, 11), (2, 10), (3, 10), (2, 12), (3, 12))
"""Degree and the most bits of the number of pieces, in the order in which they are tried. Straight pieces take one
narrow multiplier, and 32-bit words in the emulator; 2^11 of them are no more memory than a table of 2^12 results."""
_FEWEST_BITS = 3
_MOST_RANGES = 8
_SMALLEST = 12, 64
"""Fraction bits of the smallest numbers at which a function is looked at."""
_MOST_OCTAVES = 1023.0
"""Octaves to the largest: what is expected of an argument may be more than float64 holds."""
_NOISE = 1e-6
"""By so many octaves a slope may come out too steep in float64."""
_NARROWEST = 8
"""Bits of an index below which nested ranges gain nothing."""
_SLOPE_BITS = 60
"""Fraction bits of a slope, which is a number of 64 bits in a kernel."""
_LARGEST = 2.0**44
"""Steps of a result that wraps, up to which a function is followed: float64 knows it to 52 bits."""
_WIDEST = 116
"""The emulator computes in 128 bits."""
_WIDEST_INDEX = 58
"""An index, with the number of its range, is a word of 64 bits."""


@dataclass(frozen=True)
class Argument:
    """What is known of the argument: its type, and the range that no input can leave."""

    type: FixedType
    low: float
    high: float

    @property
    def frac(self) -> int:
        return self.type.frac

    def points(self) -> Floats:
        """Numbers of all sizes within the range: 32 an octave, from the smallest on.

        Zero and its neighbours are among them whatever the range: an index always holds zero.
        """
        step = 2.0**-self.frac
        low, high = min(self.low, -step if self.type.signed else 0.0), max(self.high, step)
        first = -float(np.clip(self.frac, *_SMALLEST))
        last = min(log2(max(-low, high, 1.0)), _MOST_OCTAVES)
        magnitudes = 2.0 ** np.arange(first, last + 1 / 32, 1 / 32)
        every = np.concatenate([-magnitudes[::-1], [0.0], magnitudes])
        inside = every[(every > low) & (every < high)]
        return np.unique(np.concatenate([[low, self.low], inside, [self.high, high]]))


def fit(unary: Unary, argument: Argument, result: FixedType, direct_bits: int) -> tuple[Form, Ints]:
    """The form for a result type, and its table; ``direct_bits``: a table of so many addresses is one of results."""
    if argument.type.width <= direct_bits:
        return _direct(unary, argument.type.plain(), result, 0.0)
    work = _Fit(unary, argument, result)
    index = work.index()
    if index.width <= direct_bits and not work.lines:
        return _direct(unary, index, result, work.deviation_by(index) * work.scale)
    return work.form(work.choice(index, direct_bits))


def fit_in_pieces(unary: Unary, argument: Argument, result: FixedType, direct_bits: int) -> tuple[Piecewise, Ints]:
    """The same, always in pieces: of degree 0 where a short index allows it."""
    work = _Fit(unary, argument, result)
    return work.form(work.choice(work.index(), direct_bits))


def _direct(unary: Unary, index: FixedType, result: FixedType, deviation: float) -> tuple[Form, Ints]:
    patterns = np.arange(1 << index.width)
    values = unary(index.to_float(index.plain().cast(patterns, index.frac)))
    words = result.quantize(values)
    shown = np.clip(values, float(result.min), float(result.max))
    rounds = bool((result.to_float(words) != shown).any())
    return Direct(index, result.plain(), own_rounding(result) + deviation, rounds), words


@dataclass(frozen=True)
class _Candidate:
    """A choice of pieces, its coefficients (degree + 1, pieces) and the steps by which it is off."""

    index: FixedType
    """Of the innermost range."""
    ranges: int
    segment_bits: int
    coefficients: Ints
    error: float

    def inner_end(self, place: int) -> float:
        """The magnitude from which on range ``place`` is in charge."""
        return _inner_end(self.index, place)


class _Fit:
    """One function, its argument and its result; steps are those that are aimed at."""

    def __init__(self, unary: Unary, argument: Argument, result: FixedType) -> None:
        self.unary, self.argument, self.result = unary, argument, result
        self.points = argument.points()
        self.lowest, self.highest = self._ends()
        self.reach = min(max(self.highest, -self.lowest), float(np.abs(unary(self.points)).max()))
        self.frac = min(result.frac, FINEST, _FLOAT_BITS - _GUARD - self._correction_bits())
        self.step = 2.0**-self.frac
        self.grid = self.frac + _GUARD
        self.scale = self.step / float(result.step)
        self.lines = self._lines()
        self.values = self.shown(self.correction(self.points))
        self.integer = max(self._correction_bits(), argument.type.integer + self._steeper() if self.lines else 0)
        """Bits left of the binary point of an exact sum."""

    # -- the function -----------------------------------------------------------------------

    def _ends(self) -> tuple[float, float]:
        """Beyond these the cast to the result cannot tell values apart.

        One that saturates sees nothing beyond its range, one that gives zero there sees that they are beyond; one that
        wraps sees everything, of which float64 has the low bits up to ``_LARGEST`` steps.
        """
        low, high, step = float(self.result.min), float(self.result.max), float(self.result.step)
        if self.result.saturates:
            return low, high
        if self.result.overflow is Overflow.SAT_ZERO:
            return low - 2 * step, high + 2 * step
        values = np.clip(self.unary(self.points), -_LARGEST * step, _LARGEST * step)
        return min(low, float(values.min())), max(high, float(values.max()))

    def _correction_bits(self) -> int:
        """Bits left of the binary point of what is added to the lines: that of none is as large as the result gets."""
        has_end = self.unary.bounded or self.unary.negative or self.unary.positive
        if not has_end:
            return max(magnitude_bits(self.reach), 0) + 2
        ends = float(np.abs(self.unary(self.points) - self.unary.line(self.points)).max())
        return max(magnitude_bits(ends) - 1, 0) + 2

    def _lines(self) -> Lines:
        negative, slope = bool(self.unary.negative), self.unary.positive
        if slope in (0.0, 1.0):
            return Lines(negative, bool(slope))
        integer = ceil(log2(max(self.argument.high, 1.0)))
        frac = max(min(integer + self.grid, _WIDEST - self.argument.type.width, _SLOPE_BITS), _GUARD)
        mantissa = round(slope * 2**frac)
        return Lines(negative, True, mantissa, FixedType.covering(0, mantissa, frac))

    def _steeper(self) -> int:
        """Bits by which the steeper half-line gets larger than its argument."""
        return max(magnitude_bits(max(self.unary.negative, self.unary.positive)) - 1, 0)

    def correction(self, x: Floats) -> Floats:
        """What the function adds to its lines; far beyond what the result reaches it stops, if there are no lines."""
        values = self.unary(x) - self.unary.line(x)
        if self.lines:
            return values
        return np.clip(values, -4.0 * self.reach, 4.0 * self.reach)

    def shown(self, correction: Floats) -> Floats:
        """The correction as far as the result can show it."""
        return correction if self.lines else np.clip(correction, self.lowest, self.highest)

    def saturated(self, values: Floats) -> Floats:
        return np.clip(values, self.lowest, self.highest)

    @cached_property
    def _beyond(self) -> NDArray[np.bool_]:
        """Which points the result saturates at, whatever the correction beside a line."""
        values = self.unary(self.points)
        margin = float(np.ptp(self.values)) if self.lines else 0.0
        return np.asarray((values >= self.highest + margin) | (values <= self.lowest - margin))

    # -- the index --------------------------------------------------------------------------

    def index(self) -> FixedType:
        """The argument where the function changes, as finely as the result's step needs."""
        signed = self.argument.low < 0
        integer = max(self._reach(-1.0), self._reach(1.0))
        room = min(_WIDEST - self.grid - self.integer, _WIDEST_INDEX - signed) - integer
        frac = min(self._needed(0.0, 2.0**integer), room)
        frac = max(frac, min(1 - integer, self.argument.frac))  # at least one step beside zero
        integer = max(integer, 1 - frac)
        index = _rounding(integer + frac + signed, integer + signed, signed)
        if self._cut(index) > 1 / (2 * _SLACK):  # 2^integer is one step beyond the index, and matters
            index = _rounding(index.width + 1, index.integer + 1, signed)
        return index

    def _reach(self, sign: float) -> int:
        """Bits left of the binary point up to where the result changes, on one side of zero."""
        side = self.points * sign > 0
        if not side.any():
            return 1 - self.argument.frac
        inwards = np.argsort(-np.abs(self.points[side]))
        magnitudes, values, beyond = (v[side][inwards] for v in (np.abs(self.points), self.values, self._beyond))
        first = max(int(np.argmin(beyond)) - 1, 0) if not beyond.all() else len(beyond) - 1
        magnitudes, values = magnitudes[first:], values[first:]
        spread = np.maximum.accumulate(values) - np.minimum.accumulate(values)
        flat = magnitudes[spread <= _FLAT * self.step]
        return ceil(log2(float(flat.min())))

    def _needed(self, low: float, high: float) -> int:
        """Fraction bits that an index for magnitudes from ``low`` to ``high`` needs."""
        slope = self._slope(low, high)
        return min(self.argument.frac, ceil(log2(max(_SLACK * slope / self.step, 2.0**-64)) - _NOISE))

    def _slope(self, low: float, high: float) -> float:
        """The steepest change of the correction at magnitudes from ``low`` to ``high``, where the result shows it."""
        size = np.abs(self.points)
        near, far = np.minimum(size[:-1], size[1:]), np.maximum(size[:-1], size[1:])
        inside = (far <= high) & (far >= low) & (near <= high) & ~(self._beyond[:-1] & self._beyond[1:])
        change = np.abs(np.diff(self.values)) / np.maximum(np.diff(self.points), np.finfo(float).tiny)
        return float(change[inside].max(initial=0.0))

    def deviation_by(self, index: FixedType) -> float:
        """What rounding to an index and clipping by it can move the result by, in steps."""
        return self._rounded(index, 0.0) + self._cut(index)

    def _rounded(self, index: FixedType, low: float) -> float:
        """What rounding to an index can move the result by for magnitudes from ``low``, in steps."""
        if index.frac >= self.argument.frac:
            return 0.0
        return self._slope(low, float(index.max)) * 2.0 ** -(index.frac + 1) / self.step

    def _cut(self, index: FixedType) -> float:
        """What clipping by an index can move the result by, in steps."""
        end = float(index.max)
        outside = np.abs(self.points) > end
        x = self.points[outside]
        clipped = self.unary.line(x) + self.correction(np.sign(x) * end)
        off = np.abs(self.saturated(self.unary(x)) - self.saturated(clipped))
        return float(off.max(initial=0.0)) / self.step

    # -- the pieces -------------------------------------------------------------------------

    def choice(self, index: FixedType, direct_bits: int) -> _Candidate:
        """The first candidate that keeps the bits of the result, else the best."""
        tried = []
        for candidate in self._candidates(index, direct_bits):
            if candidate.error <= _INTERPOLATION:
                return candidate
            tried.append(candidate)
        return min(tried, key=lambda candidate: candidate.error)

    def _candidates(self, index: FixedType, direct_bits: int) -> Iterator[_Candidate]:
        if index.width <= direct_bits:
            yield self._candidate(index, 1, index.width, 0)
        for degree, most in _ATTEMPTS:
            for ranges in range(1, _MOST_RANGES + 1):
                inner = self._innermost(index, ranges)
                if inner is not None:
                    yield from self._growing(inner, ranges, degree, most - (ranges - 1).bit_length())
        if index.width <= _ATTEMPTS[-1][1]:
            yield self._candidate(index, 1, index.width, 0)

    def _innermost(self, index: FixedType, ranges: int) -> FixedType | None:
        """The index of the innermost of nested ranges, each as fine as it needs; None if they widen it."""
        if ranges == 1:
            return index
        signed = index.signed
        integer = index.integer - signed - STRIDE * (ranges - 1)
        ends = [0.0, *(2.0 ** (integer + STRIDE * place) for place in range(ranges))]
        needed = [self._needed(ends[place], ends[place + 1]) + STRIDE * place for place in range(ranges)]
        width = integer + max(needed) + signed
        return _rounding(width, integer + signed, signed) if _NARROWEST <= width <= index.width else None

    def _growing(self, index: FixedType, ranges: int, degree: int, most: int) -> Iterator[_Candidate]:
        """More and more segments, as many as the last error asks for."""
        bits = _FEWEST_BITS
        while bits <= min(most, index.width - 1):
            missing = 1.0
            if self.grid + degree * (index.width - bits) + self.integer <= _WIDEST:
                candidate = self._candidate(index, ranges, bits, degree)
                yield candidate
                missing = log2(max(candidate.error / _INTERPOLATION, 1.0)) / (degree + 1)
            bits = max(bits + 1, min(bits + int(missing), most))

    def _candidate(self, index: FixedType, ranges: int, bits: int, degree: int) -> _Candidate:
        reached = [self._reached(_widened(index, place), _widened(index, ranges - 1)) for place in range(ranges)]
        fitted = [self._fitted(index, place, bits, degree, reached[place]) for place in range(ranges)]
        coefficients = np.concatenate([mantissas for mantissas, _ in fitted], axis=1)
        return _Candidate(index, ranges, bits, coefficients, max(error for _, error in fitted))

    def _fitted(
        self, index: FixedType, place: int, bits: int, degree: int, reached: tuple[float, float]
    ) -> tuple[Ints, float]:
        """The coefficients of one range (pieces in the order of their raw bits), and how far they are off in steps."""
        pieces = np.arange(1 << bits)
        if index.signed:
            pieces = np.where(pieces < len(pieces) // 2, pieces, pieces - len(pieces))
        extent = 2.0 ** (index.width - bits - index.frac + STRIDE * place)
        x = extent * (pieces[:, None] + POINTS)
        y = self.correction(x)
        inner, outer = _inner_end(index, place), _inner_end(index, place + 1)
        ends = x[:, [0, -1]]
        still = (np.abs(ends) == inner) | (np.abs(ends) == outer) | ((ends == 0.0) & (not index.signed))
        coefficients = interpolated(y * 2.0**self.grid, degree, still)
        met = slice(None, None, _every(extent * 2.0**self.argument.frac)) if degree else slice(0, 1)
        found = coefficients.T @ POINTS[met] ** np.arange(degree + 1)[:, None] * 2.0**-self.grid
        error = self._error(x[:, met], y[:, met], found, inner if place else -1.0, reached)
        return integers(coefficients.astype(np.int64)), error

    def _reached(self, index: FixedType, widest: FixedType) -> tuple[float, float]:
        """Between what values of an index arguments come to lie: rounded, and clipped at the ends of the widest one."""
        half = float(index.step) / 2
        ends = np.array([self.argument.low - half, self.argument.high + half])
        low, high = np.clip(ends, float(widest.min), float(widest.max))
        return float(low), float(high)

    def _error(self, x: Floats, correction: Floats, found: Floats, inner: float, reached: tuple[float, float]) -> float:
        """How far pieces are off, in steps, given at points (pieces, points): those beyond ``inner`` and ``reached``.

        Where all of a piece is beyond the result's range it only has to stay there.
        """
        line = self.unary.line(x) if self.lines else np.zeros_like(x)
        right, got = line + correction, line + found
        met = (x.min(axis=1) <= reached[1]) & (x.max(axis=1) >= reached[0])
        met &= np.abs(x).max(axis=1) > inner
        hidden = np.asarray((right >= self.highest).all(axis=1) | (right <= self.lowest).all(axis=1))
        off = np.where(hidden[:, None], self.saturated(got) - self.saturated(right), got - right)
        return float(np.abs(off[met]).max(initial=0.0)) / self.step

    # -- the form ---------------------------------------------------------------------------

    def form(self, found: _Candidate) -> tuple[Piecewise, Ints]:
        types = tuple(FixedType.covering(int(c.min()), int(c.max()), self.grid) for c in found.coefficients)
        held = (
            None
            if self.result.saturates or self._leaves()
            else self.result.with_modes(self.result.rounding, Overflow.SAT)
        )
        form = Piecewise(found.index, found.ranges, found.segment_bits, types, self.lines, 0.0, held)
        off = max(self._estimated(found), self._measured(form, found.coefficients))
        return replace(form, deviation=own_rounding(self.result) + off * self.scale), found.coefficients

    def _estimated(self, found: _Candidate) -> float:
        """How far a choice is off: all parts added up."""
        indices = [_widened(found.index, place) for place in range(found.ranges)]
        rounded = max(self._rounded(index, found.inner_end(place)) for place, index in enumerate(indices))
        slope = 0.0
        if self.lines.slope_type is not None:
            slope = abs(self.lines.slope * float(self.lines.slope_type.step) - self.unary.positive) / self.step
        unseen = _UNSEEN[found.error > _INTERPOLATION]
        return found.error * unseen + rounded + self._cut(indices[-1]) + slope * max(self.argument.high, 0.0)

    def _measured(self, form: Piecewise, coefficients: Ints) -> float:
        """How far the finished form is off for arguments of all sizes, and at the ends and in the middle of pieces."""
        halves = np.arange(-(2 << form.segment_bits), 2 << form.segment_bits) / 2
        extents = [2.0 ** (form.offset_bits - form.index_of(place).frac) for place in range(form.ranges)]
        within = [extent * halves for extent in extents]
        points = np.clip(np.concatenate([self.points, *within]), self.argument.low, self.argument.high)
        mantissas = np.unique(self.argument.type.quantize(points))
        right = self.unary(to_float(mantissas, self.argument.frac))
        exact = form.exact(coefficients, Exact(mantissas, self.argument.frac))
        off = np.abs(self.saturated(to_float(*exact)) - self.saturated(right)) - 2.0**-_FLOAT_BITS * np.abs(right)
        return float(off.max(initial=0.0)) / self.step

    def _leaves(self) -> bool:
        """Whether the function itself leaves the range of the result."""
        values, low, high = self.unary(self.points), float(self.result.min), float(self.result.max)
        return bool((values < low).any() or (values > high + self.step / 2).any())


def own_rounding(result: FixedType) -> float:
    """What the rounding of a result itself is off by, in its steps."""
    return 1.0 if result.rounding in (Rounding.TRN, Rounding.TRN_ZERO) else 0.5


def _every(arguments: float) -> int:
    """Of which points of a piece with so many arguments every how-manieth is an argument: the others never occur."""
    return max(1, int((len(POINTS) - 1) / max(arguments, 1.0)))


def _rounding(width: int, integer: int, signed: bool) -> FixedType:
    return FixedType(width, integer, signed, Rounding.RND, Overflow.SAT)


def _widened(index: FixedType, place: int) -> FixedType:
    return _rounding(index.width, index.integer + STRIDE * place, index.signed)


def _inner_end(index: FixedType, place: int) -> float:
    """The magnitude up to which the range inside of range ``place`` is in charge; zero for the innermost."""
    return 2.0 ** (index.integer - index.signed + STRIDE * (place - 1)) if place else 0.0
