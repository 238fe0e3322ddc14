"""Polynomials in pieces through given values, of integer coefficients: neighbours meet, what rises goes on rising.

A piece is ``k + D u + u (u - 1) (b0 + b1 u)`` for u from 0 to 1: k and k + D are its ends, which it shares with its
neighbours, and b0, b1 bend it in between. As powers of u: c0 = k, c1 = D - b0, c2 = b0 - b1, c3 = b1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats

POINTS = np.linspace(0.0, 1.0, 17)
"""Where in a piece its values are given."""
_MIDDLE = 8
_NEAR_CHEBYSHEV = 2, 14
"""Points beside the two zeros of a Chebyshev polynomial, which lie at 0.146 and 0.854."""

Still = NDArray[np.bool_]


def interpolated(y: Floats, degree: int, still: Still) -> Floats:
    """Integer coefficients (degree + 1, pieces) for values ``y`` (pieces, points) in units of a coefficient's step.

    ``still`` (pieces, 2): ends that stay where they are, since there is no neighbour that would follow.
    """
    if degree == 0:
        return np.rint(y[None, :, 0])
    ends = _ends_beside_the_curve(y, still) if degree == 1 else np.rint(y[:, [0, -1]])
    change = ends[:, 1] - ends[:, 0]
    if degree == 1:
        return np.array([ends[:, 0], change])
    bend, turn = _kept_monotone(y, change, *_bends(y, degree))
    return np.array([ends[:, 0], change - bend, bend - turn, turn])[: degree + 1]


def _bends(y: Floats, degree: int) -> tuple[Floats, Floats]:
    """b0 and b1, by the values in the middle (degree 2) or near the zeros of a Chebyshev polynomial."""
    rest = y - (y[:, :1] + (y[:, -1:] - y[:, :1]) * POINTS)
    if degree == 2:
        return np.rint(-4.0 * rest[:, _MIDDLE]), np.zeros(len(y))
    left, right = (rest[:, at] / (POINTS[at] * (POINTS[at] - 1.0)) for at in _NEAR_CHEBYSHEV)
    first, last = (POINTS[at] for at in _NEAR_CHEBYSHEV)
    turn = np.rint((right - left) / (last - first))
    return np.rint(left - turn * first), turn


def _kept_monotone(y: Floats, change: Floats, bend: Floats, turn: Floats) -> tuple[Floats, Floats]:
    """No bend by which a piece would turn back though its values only rise or only fall (rounding can do that)."""
    steps = np.diff(y[:, :: _MIDDLE // 2], axis=1)
    monotone = (steps >= 0).all(axis=1) | (steps <= 0).all(axis=1)
    turns = monotone & (np.abs(bend) + np.abs(turn) > np.abs(change))
    limited = np.clip(bend, -np.abs(change), np.abs(change))
    return np.where(turns, limited, bend), np.where(turns, 0.0, turn)


def _ends_beside_the_curve(y: Floats, still: Still) -> Floats:
    """Ends of straight pieces, moved by half of what a chord misses where both sides miss alike: half the error."""
    plain = y[:, [0, -1]]
    missed = y[:, _MIDDLE] - plain.mean(axis=1)
    shared = np.stack([_common(np.roll(missed, 1), missed), _common(missed, np.roll(missed, -1))], axis=1)
    moved = plain + np.where(still, 0.0, shared / 2)
    turns_back = np.diff(moved) * np.diff(plain) < 0
    return np.rint(plain if turns_back.any() else moved)


def _common(a: Floats, b: Floats) -> Floats:
    """The smaller of two numbers of one sign, else zero."""
    return np.where(a * b > 0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0)
