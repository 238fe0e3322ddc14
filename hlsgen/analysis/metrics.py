"""How good outputs are: classes, areas under curves, errors. Exact where integers decide."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hlsgen.analysis.distribution import Distribution, distribution
from hlsgen.design.arrays import Array
from hlsgen.ir.types import Ints

_ROUNDING = 1e-12
"""By what part of their size numbers differ that are meant to be the same: float64, and sums of some thousand."""


@dataclass(frozen=True)
class Errors:
    """What numbers differ by from those that are right."""

    rms: float
    """Root mean square of the differences."""
    largest: float
    """The largest magnitude of a difference."""
    bias: float
    """The mean of the differences."""
    relative: float | None
    """``rms`` as a part of the root mean square of what is right; None where all of that is zero."""
    correlation: float | None
    """Pearson's; None where one of both does not vary."""
    differences: Distribution


def errors_of(found: Array, right: Array) -> Errors:
    """What ``found`` differs by from ``right``, of the same shape; finite numbers, one at least."""
    x, y = (np.asarray(v, dtype=np.float64).reshape(-1) for v in (found, right))
    differences = distribution(x - y)
    size = float(np.sqrt(np.square(y).mean()))
    return Errors(
        rms=differences.rms,
        largest=differences.largest,
        bias=differences.mean,
        relative=differences.rms / size if size else None,
        correlation=_correlation(x, y),
        differences=differences,
    )


def class_areas(rows: Array, labels: Ints, classes: int) -> list[float | None]:
    """The area under the curve of each class against the others, by its value; a single value speaks for class 1, and
    its negative for class 0. None for classes that none or all of the labels are."""
    single = rows.shape[1] == 1
    return [
        area_under_curve((rows[:, 0] if label else -rows[:, 0]) if single else rows[:, label], labels == label)
        for label in range(classes)
    ]


def _correlation(x: Array, y: Array) -> float | None:
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip((x @ y) / size, -1.0, 1.0)) if size else None


def decided(outputs: Array, threshold: float) -> Ints:
    """The class of every row of (rows, values): that of the largest value (of equal ones the first); of a single value
    1 above the threshold, else 0."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > threshold).astype(np.int64)
    return np.asarray(outputs.argmax(axis=1), dtype=np.int64)


def share_equal(found: Ints, right: Ints) -> float:
    """The share of places at which both are the same."""
    return int((found == right).sum()) / len(right)


def unmet_variance(found: Array, right: Array) -> float:
    """The squared error as a part of the variance of what is right, over its rows (rows, values); of what does not vary
    but by the rounding of floats, as a part of its square; of zeros, 1 if anything is off."""
    square = float(np.square(right).mean())
    variance = float(np.square(right - right.mean(axis=0)).mean())
    whole = variance if variance > _ROUNDING**2 * square else square
    error = float(np.square(found - right).mean())
    return error / whole if whole else float(error > 0)


def confusion(rows: Ints, columns: Ints, classes: int) -> tuple[tuple[int, ...], ...]:
    """How often each class of ``rows`` met each of ``columns``."""
    counts = np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)
    return tuple(tuple(row) for row in counts.tolist())


def area_under_curve(scores: Array, positive: Array) -> float | None:
    """The area under the receiver operating characteristic: the chance that one of the positive has a larger score
    than one of the others, ties counting half (Mann and Whitney's U). None where all are of one kind.

    Counted in integers and divided once, so that it is right to the last bit. ``scores`` (samples,), ``positive`` the
    same of bool.
    """
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return None
    _, places = np.unique(scores, return_inverse=True)
    above = np.bincount(places[positive], minlength=int(places.max()) + 1)
    others = np.bincount(places[~positive], minlength=len(above))
    below = np.cumsum(others) - others
    twice = sum(int(p) * (2 * int(b) + int(o)) for p, b, o in zip(above, below, others, strict=True) if p)
    return float(Fraction(twice, 2 * positives * negatives))
