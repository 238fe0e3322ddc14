"""What each tensor costs at each width, all others being real numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log2

TRIED = (9, 7, 5, 4, 3)
"""Widths that are measured, from the widest on; what lies between follows, as a bit less is four times the noise."""
WIDEST = 16
_NOISE = 4.0
"""By which a loss grows with each bit less: it is quadratic in what is rounded."""
_LITTLE, _MUCH = 1e-9, 0.5
"""Below, a loss is none; above, a narrower width is not tried."""


def loss_curve(measure: Callable[[int], float], tried: Sequence[int] = TRIED) -> dict[int, float]:
    """A loss for every width from the narrowest tried to :data:`WIDEST`: measured, or between and beyond by the law
    of noise."""
    known: dict[int, float] = {}
    for width in tried:
        known[width] = max(measure(width), _LITTLE)
        if known[width] > _MUCH:
            break
    return _filled(known, min(tried))


def _filled(known: Mapping[int, float], narrowest: int) -> dict[int, float]:
    found: dict[int, float] = {}
    widths = sorted(known)
    for width in range(narrowest, WIDEST + 1):
        if width <= widths[0]:
            found[width] = known[widths[0]] * _NOISE ** (widths[0] - width)
        elif width >= widths[-1]:
            found[width] = known[widths[-1]] / _NOISE ** (width - widths[-1])
        else:
            below = max(w for w in widths if w <= width)
            above = min(w for w in widths if w >= width)
            share = (width - below) / (above - below) if above > below else 0.0
            found[width] = 2.0 ** ((1 - share) * log2(known[below]) + share * log2(known[above]))
    return found
