"""Every point, one after the other."""

from __future__ import annotations

from collections.abc import Collection

from hlsgen.explore.goals import Costs
from hlsgen.explore.space import Space, Steps


class Grid:
    """All points of a space in the order of their numbers: the last axis goes fastest."""

    def __init__(self, space: Space) -> None:
        self._space, self._next = space, 0

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        while self._next < self._space.size:
            steps = self._space.numbered(self._next)
            self._next += 1
            if steps not in taken:
                return steps
        return None

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        pass
