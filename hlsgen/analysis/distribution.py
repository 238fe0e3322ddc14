"""How numbers are distributed: what a table, a box and a histogram need to know of them, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.design.arrays import Array

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The parts of all values of which :attr:`Distribution.quantiles` tell the ends."""
_BINS = 48
_OCTAVES = (-80, 80)
"""Magnitudes beyond count as these."""


@dataclass(frozen=True)
class Distribution:
    """Of numbers: their ends, sizes, quantiles and two histograms. Plain numbers all of them."""

    count: int
    low: float
    high: float
    mean: float
    rms: float
    """Root of the mean square."""
    zeros: int
    """How many of them are zero."""
    quantiles: tuple[float, ...]
    """Of :data:`QUANTILES`, between neighbours by proportion."""
    edges: tuple[float, ...]
    """Of the histogram's bins, all of the same width: one more than there are bins."""
    counts: tuple[int, ...]
    """How many lie in each bin; all of them together are ``count``."""
    first_octave: int
    """``octaves[i]`` counts magnitudes from ``2**(first_octave + i)`` to below twice that."""
    octaves: tuple[int, ...]
    """Histogram of magnitudes; all of them together are ``count - zeros``."""

    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.count

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high)


def distribution(values: Array) -> Distribution:
    """The distribution of finite numbers, of any shape; one at least."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    assert flat.size and np.isfinite(flat).all(), "finite numbers"
    low, high = float(flat.min()), float(flat.max())
    edges, counts = _histogram(flat, low, high)
    first, octaves = _octaves(flat)
    return Distribution(
        count=flat.size,
        low=low,
        high=high,
        mean=float(flat.mean()),
        rms=float(np.sqrt(np.square(flat).mean())),
        zeros=int((flat == 0).sum()),
        quantiles=tuple(float(q) for q in np.quantile(flat, QUANTILES)),
        edges=edges,
        counts=counts,
        first_octave=first,
        octaves=octaves,
    )


def _histogram(flat: Array, low: float, high: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Bins from the least to the largest; one of no width where all are equal, or too near each other to be parted."""
    edges = np.linspace(low, high, _BINS + 1)
    if not (np.diff(edges) > 0).all():
        return (low, high), (flat.size,)
    places = np.clip(np.searchsorted(edges, flat, side="right") - 1, 0, _BINS - 1)
    return tuple(edges.tolist()), tuple(np.bincount(places, minlength=_BINS).tolist())


def _octaves(flat: Array) -> tuple[int, tuple[int, ...]]:
    magnitudes = np.abs(flat[flat != 0])
    if not magnitudes.size:
        return 0, ()
    exponents = np.clip(np.frexp(magnitudes)[1] - 1, *_OCTAVES)
    first = int(exponents.min())
    return first, tuple(np.bincount(exponents - first).tolist())
