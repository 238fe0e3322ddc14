"""What part of decisions differs, by how far margins are off: smooth, and less scattered than a count of those that do.

A decision differs where an error is larger than the margin by which the class of the float model leads. Decisions near
their border are few, but all those of small margins tell how large errors are, and how dense margins are near the
border: the chance is the mean, over these errors, of the part of margins below each. Where errors do not depend on
margins, the standard error is about half of a count's. Of outputs with few bits they do, and the part that differs is
larger than what is found here: so this stands beside a count, and not in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from hlsgen.ir.constant import Floats
from hlsgen.ir.types import Ints

_PART, _FEWEST = 0.35, 64
"""Of the decisions, those of the smallest margins that are looked at: at most such a part, and at least so many."""
_REACH = 16.0
"""Margins that are looked at, in sizes of errors."""
_OF_DENSITY = 2.5
"""By what the density of margins is less closely known than a count of those that are looked at."""


@dataclass(frozen=True)
class Differing:
    """A part of decisions that differ."""

    share: float
    doubt: float
    """Its standard error."""


def margins(rows: Floats, classes: Ints | None = None) -> tuple[Floats, Ints]:
    """By what the class leads the best of the others, of (rows, values); and that class: the one of the largest value,
    unless it is given."""
    own = rows.argmax(axis=1) if classes is None else classes
    here = np.arange(len(rows))
    others = rows.copy()
    others[here, own] = -np.inf
    found: Floats = rows[here, own] - others.max(axis=1)
    return found, own


def differing(right: Floats, found: Floats) -> Differing:
    """The part of decisions that differ between a model with margins ``right``, none below zero, and a design that has
    ``found`` for the same classes; both (rows,)."""
    order = np.argsort(right, kind="stable")
    low, errors = right[order], (found - right)[order]
    count = _looked_at(low, errors)
    low, errors = low[:count], errors[:count]
    shares = _below(-errors[errors < 0], low, len(right))
    share = float(shares.sum()) / count
    spread = float(np.square(shares).sum()) / count - share**2
    return Differing(share, sqrt((max(spread, 0.0) + (_OF_DENSITY * share) ** 2) / count))


def _looked_at(low: Floats, errors: Floats) -> int:
    """How many of the smallest margins say what happens near the border."""
    fewest = min(len(low), _FEWEST)
    most = max(fewest, int(_PART * len(low)))
    size = float(np.sqrt(np.square(errors[:most]).mean()))
    return min(max(int(np.searchsorted(low, _REACH * size)), fewest), most)


def _below(sizes: Floats, low: Floats, rows: int) -> Floats:
    """The part of all ``rows`` whose margin is below each of ``sizes``: by a parabola through zero, fitted to the
    smallest margins; by counting, where that does not rise all the way."""
    parts = (np.arange(len(low)) + 0.5) / rows
    found: Floats
    if low[-1] > 0:
        places = np.minimum(sizes, low[-1]) / low[-1]
        along = low / low[-1]
        (linear, square), *_ = np.linalg.lstsq(np.stack([along, along**2], axis=1), parts, rcond=None)
        if linear >= 0 and linear + 2 * square >= 0:
            found = linear * places + square * places**2
            return found
    found = np.searchsorted(low, sizes) / rows
    return found
