"""Points at random, all alike, none twice."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from hlsgen.explore.goals import Costs
from hlsgen.explore.space import Space, Steps

_DENSE = 2
"""From where one in so many points is taken, the others are listed: to draw until one is free would take long."""
_LISTED = 1 << 20


def drawn(space: Space, taken: Collection[Steps], random: Random) -> Steps | None:
    """A point at random that is none of ``taken``; None where there is no other."""
    size = space.size
    if len(taken) >= size:
        return None
    if size <= _LISTED and _DENSE * len(taken) >= size:
        free = [number for number in range(size) if space.numbered(number) not in taken]
        return space.numbered(random.choice(free)) if free else None
    while True:
        steps = tuple(random.randrange(dimension.size) for dimension in space.dimensions)
        if steps not in taken:
            return steps


class RandomSampler:
    """Draws from a seed: the same points again, and where a study goes on, those that come after."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._random = space, Random(seed)

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        return drawn(self._space, taken, self._random)

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        pass
