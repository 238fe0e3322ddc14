"""How much hypervolume points add to a front, as random scalarisations say it.

In each of some directions, what a point reaches is where a ray from the worst corner of a box meets what it dominates;
the volume is a mean over directions of that to the power of the objectives (Golovin, Zhang 2020, "Random hypervolume
scalarizations for provable multi-objective black box optimization"): as cheap for four objectives as for two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats

Reached = NDArray[np.float32]
"""What points reach in each direction; in single precision, as chance counts more than the last digits."""
_DIRECTIONS = 128
_BEYOND = 0.1
"""By how much of its width the box in which volume counts exceeds the front."""


class Box:
    """Where volume counts: from the best of each objective on a front to some worst values."""

    def __init__(self, front: Floats, worst: Floats, random: np.random.Generator) -> None:
        """``front``: (points, objectives), each so that less is better; ``worst``: (objectives,)."""
        self._low = front.min(axis=0)
        self._width = np.where(worst > self._low, worst - self._low, np.maximum(np.abs(worst), 1.0))
        directions = np.abs(random.standard_normal((_DIRECTIONS, front.shape[1])))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self._directions = directions.astype(np.float32)

    def reached(self, points: Floats) -> Reached:
        """What points of (..., objectives) reach, as (..., directions): a point adds what it exceeds others by."""
        inside = np.maximum(1.0 + _BEYOND - (points - self._low) / self._width, 0.0).astype(np.float32)
        found: Reached = inside[..., 0, None] / self._directions[:, 0]
        for number in range(1, points.shape[-1]):  # in place: a minimum along the last axis takes ten times as long
            np.minimum(found, inside[..., number, None] / self._directions[:, number], out=found)
        return np.power(found, points.shape[-1], out=found)


class Choice:
    """Points of a batch, one after the other: each adds most to the front and to those that were taken before it.

    What objectives may be is some samples for each point; a point counts in each sample, with what others are there.
    """

    def __init__(self, reached: Reached, others: Reached, odds: Floats) -> None:
        """``reached``: (samples, points, directions), and what the front and others reach: (samples, directions);
        ``odds``: how likely each point is to have numbers at all."""
        self._reached, self._others, self._odds = reached, others, odds
        self._gains = np.empty_like(reached)  # memory that is new each time takes longer than what is computed in it
        self._left = np.ones(len(odds), dtype=bool)

    def take(self) -> int | None:
        """The number of the next point; None after the last."""
        if not self._left.any():
            return None
        np.subtract(self._reached, self._others[:, None, :], out=self._gains)
        np.maximum(self._gains, 0.0, out=self._gains)
        gains = np.einsum("spd->p", self._gains) * self._odds
        best = int(np.where(self._left, gains, -1.0).argmax())
        self._left[best] = False
        np.maximum(self._others, self._reached[:, best], out=self._others)
        return best
