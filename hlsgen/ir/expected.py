"""What is expected of a value in use: how large it gets, how we know, and where its bits are best placed.

This is an estimate, from data or from a probe; what is *proved* is an :class:`~hlsgen.ir.interval.Interval`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

_OCTAVES = (-80, 80)
"""Exponents told apart; what is smaller counts as the smallest, what is larger as the largest."""
_PARTS = 64
"""Bins in an octave: magnitudes are known to one part in 128."""
USEFUL_BITS = 12
"""The bits that make a value useful: it is off by a thousandth of its largest, or less."""
_NARROW = 2.0**-12
"""Values that differ less, relative to their size, count as that different."""
_LEAST = 2.0**-64
"""Values expected below this get the binary point of this."""
_LARGEST = 2.0**200
"""What is larger counts as this: types are placed far below it, and its squares, sums and products stay finite."""

_SIZES_AN_OCTAVE = 16
"""Told apart where a function's slope is estimated."""
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / 64) for i in range(64)])
"""Numbers that stand for a normal distribution."""


class Origin(Enum):
    """Where an expectation comes from."""

    CALIBRATION = "calibration"
    STATISTICS = "statistics of BatchNormalization"
    PROBE = "probe"
    INPUT_TYPE = "probe that fills the input type"


class Histogram:
    """How often each magnitude was met: constant memory, and the same whatever the batches were."""

    def __init__(self) -> None:
        self.zeros = 0
        self.counts: NDArray[np.int64] = np.zeros((_OCTAVES[1] - _OCTAVES[0]) * _PARTS, dtype=np.int64)

    def add(self, values: NDArray[Any]) -> None:
        magnitudes = np.abs(np.asarray(values, dtype=np.float64)).reshape(-1)
        magnitudes = magnitudes[magnitudes > 0]
        self.zeros += int(np.size(values)) - len(magnitudes)
        fraction, exponent = np.frexp(magnitudes)  # magnitude = fraction * 2**exponent, fraction in [0.5, 1)
        part = ((fraction - 0.5) * (2 * _PARTS)).astype(np.int64)
        place = np.clip((exponent - 1 - _OCTAVES[0]) * _PARTS + part, 0, len(self.counts) - 1)
        self.counts += np.bincount(place, minlength=len(self.counts))

    @property
    def edges(self) -> NDArray[np.float64]:
        """Lower ends of the bins, and the upper end of the last."""
        octaves = np.repeat(np.arange(*_OCTAVES), _PARTS)
        within = 1.0 + np.tile(np.arange(_PARTS), _OCTAVES[1] - _OCTAVES[0]) / _PARTS
        return np.append(np.ldexp(within, octaves), 2.0 ** _OCTAVES[1])

    @property
    def centres(self) -> NDArray[np.float64]:
        edges = self.edges
        return np.asarray((edges[:-1] + edges[1:]) / 2)

    def percentile(self, percent: float) -> float:
        """The magnitude that ``percent`` % of the values do not exceed (to one part in 64, upwards)."""
        total = self.zeros + int(self.counts.sum())
        wanted = percent / 100.0 * total
        if wanted <= self.zeros:
            return 0.0
        place = int(np.searchsorted(self.zeros + np.cumsum(self.counts), wanted))
        return float(self.edges[min(place, len(self.counts) - 1) + 1])

    def squared_error(self, integer: int, frac: int, finest: int) -> float:
        """The mean squared error of rounding to ``frac`` bits and saturating at ``2**integer`` (magnitudes).

        Values are multiples of ``2**-finest``. Inside of the range a value is off by the variance of a
        uniform error, and by no more than itself; beyond, by what is cut off.
        """
        used = self.counts > 0
        x, n = self.centres[used], self.counts[used]
        limit = 2.0**integer - 2.0**-frac
        rounding = 0.0 if frac >= finest else 4.0**-frac / 12.0
        below_half = x < 2.0 ** -(frac + 1)
        inside = np.where(below_half & (frac < finest), x * x, rounding)
        errors = np.where(x > limit, (x - limit) ** 2, inside)
        return float((errors * n).sum() / max(1, self.zeros + int(n.sum())))


@dataclass(frozen=True, eq=False)
class Channels:
    """What was met in each channel (last axis) of an edge: arrays (channels,)."""

    largest: NDArray[np.float64]
    """The largest magnitude."""
    rms: NDArray[np.float64]
    """Root of the mean square."""
    mean: NDArray[np.float64] | None = None
    """The mean; None where it is not known."""

    def times(self, factors: NDArray[np.float64] | float) -> Channels:
        """The same of values that are ``factors`` (positive) times as large."""
        mean = None if self.mean is None else self.mean * factors
        return Channels(self.largest * factors, self.rms * factors, mean)

    def less(self, offsets: NDArray[np.float64]) -> Channels:
        """The same of values less ``offsets``: no less than their magnitudes may get."""
        if self.mean is None:
            return Channels(self.largest + np.abs(offsets), np.hypot(self.rms, offsets))
        squares = np.square(self.rms) - 2 * offsets * self.mean + np.square(offsets)
        return Channels(self.largest + np.abs(offsets), np.sqrt(np.maximum(squares, 0)), self.mean - offsets)


@dataclass(frozen=True)
class Expected:
    """What was met on an edge, and the range that is to be held there."""

    largest: float
    """The largest magnitude met."""
    reach: float
    """The largest magnitude to hold: with a margin above ``largest``, or (a percentile) below it."""
    origin: Origin
    rms: float = 0.0
    """Root of the mean square of what was met."""
    histogram: Histogram | None = field(default=None, compare=False)
    """If given, the binary point is placed for the least squared error instead of by ``reach``."""
    channels: Channels | None = field(default=None, compare=False)
    """What was met in each channel; None where that is not known any more."""
    standardised: Expected | None = None
    """What is met with standardised inputs, where the stated types of inputs hold far more than those: then either may
    be what the user has."""
    met: bool = True
    """Whether data were met on this very edge; else it follows from what was met on another."""

    @property
    def channel_rms(self) -> NDArray[np.float64] | None:
        """The root of the mean square in each channel (the last axis); None where that is not known any more."""
        return None if self.channels is None else self.channels.rms

    def times(self, factors: NDArray[np.float64] | float) -> Expected:
        """The same of values that are ``factors`` (positive; one, or one a channel) times as large."""
        small = None if self.standardised is None else self.standardised.times(factors)
        if isinstance(factors, float):
            channels = None if self.channels is None else self.channels.times(factors)
            largest, rms = self.largest * factors, self.rms * factors
        else:
            assert self.channels is not None, "factors a channel need what is known of each"
            channels = self.channels.times(factors)
            largest, rms = float(channels.largest.max()), float(np.sqrt(np.square(channels.rms).mean()))
        held = self.reach / self.largest if self.largest else 1.0
        return Expected(largest, largest * held, self.origin, rms, None, channels, small, met=False)

    def less(self, offsets: NDArray[np.float64]) -> Expected:
        """The same of values less offsets (one a channel): no less than their magnitudes may get."""
        small = None if self.standardised is None else self.standardised.less(offsets)
        channels = None if self.channels is None else self.channels.less(offsets)
        most = float(np.abs(offsets).max())
        largest, rms = self.largest + most, float(np.hypot(self.rms, most))
        if channels is not None:
            largest, rms = float(channels.largest.max()), float(np.sqrt(np.square(channels.rms).mean()))
        return Expected(largest, self.reach + most, self.origin, rms, None, channels, small, met=False)

    def elsewhere(self) -> Expected:
        """The same of another edge."""
        return replace(self, met=False)

    def of_no_channel(self) -> Expected:
        """The same where it is not known any more in which channel."""
        small = None if self.standardised is None else self.standardised.of_no_channel()
        return replace(self, channels=None, standardised=small)

    @property
    def octaves(self) -> int:
        """By how many octaves values may be smaller than ``reach`` says, as nobody knows how large the inputs are."""
        if self.standardised is None:
            return 0
        return max(0, magnitude_bits(self.reach) - magnitude_bits(self.standardised.reach))

    def integer_bits(self, width: int, signed: bool, finest: int) -> int:
        """Integer bits (with sign) of a result of ``width`` bits whose exact values are multiples of ``2**-finest``."""
        most = magnitude_bits(self.reach) + signed
        if self.standardised is not None:  # where both do not fit, what is more usual keeps its bits
            most = min(most, magnitude_bits(self.standardised.reach) + signed + max(width - USEFUL_BITS, 0))
        if self.histogram is None or not self.histogram.counts.any():
            return most
        fractions = {i: min(width - i, finest) for i in range(most - width + 1, most + 1)}
        errors = {
            i: self.histogram.squared_error(i - signed, frac, finest)
            for i, frac in fractions.items()
            if i + frac > signed
        }
        return min(errors, key=lambda i: (errors[i], -i), default=most)


def mean_square_slope(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    sizes: NDArray[np.float64],
    means: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """The mean square of the slope of a function of one number, for normal arguments of some root mean squares.

    Sizes are taken as one where they agree to a few hundredths: a flattened image has millions of channels.
    """
    spread = np.sqrt(np.maximum(np.square(sizes) - np.square(means), np.square(np.maximum(sizes * _NARROW, _LEAST))))
    octaves = np.round(np.log2(spread) * _SIZES_AN_OCTAVE)
    spread = np.exp2(octaves / _SIZES_AN_OCTAVE)
    shifts = np.round(means / spread * _SIZES_AN_OCTAVE)
    pairs, places = np.unique(octaves + 1j * shifts, return_inverse=True)
    spread = np.exp2(pairs.real / _SIZES_AN_OCTAVE)
    x, step = (pairs.imag / _SIZES_AN_OCTAVE + _NORMAL[:, None]) * spread, spread / 64
    slopes = (limited(function(x + step)) - limited(function(x - step))) / (2 * step)
    return np.asarray(np.square(slopes).mean(axis=0)[places.reshape(sizes.shape)])


def limited(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as estimates compute with them: an exponential reaches infinity, whose differences are no numbers."""
    return np.clip(values, -_LARGEST, _LARGEST)


def magnitude_bits(reach: float) -> int:
    """The bits left of the binary point for magnitudes up to ``reach``."""
    return int(np.frexp(min(max(reach, _LEAST), 2.0 ** _OCTAVES[1]))[1])
