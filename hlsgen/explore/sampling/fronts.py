"""hlsgen's own sampler: first across the space, then beside what none beats."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from hlsgen.explore.goals import Costs, front_of
from hlsgen.explore.sampling.random import drawn
from hlsgen.explore.space import Space, Steps

_DIAGONAL = (0.0, 1.0, 0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)
"""Where on every ordered dimension the first points lie."""
_TRIES = 30


class FrontSampler:
    """Begins with points at which all ordered dimensions are at the same part of their length (all narrow, all wide,
    and between), then varies members of the front: a step on a dimension or two, or a mixture of two neighbours."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._random = space, Random(seed)
        self._known: dict[Steps, Costs] = {}
        self._begun = 0

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        while self._begun < len(_DIAGONAL):
            steps = self._diagonal(_DIAGONAL[self._begun])
            self._begun += 1
            if steps not in taken:
                return steps
        front = self._front()
        if front:
            for _ in range(_TRIES):
                steps = self._varied(front)
                if steps not in taken:
                    return steps
        return drawn(self._space, taken, self._random)

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        if costs is not None:
            self._known[steps] = costs

    def _diagonal(self, part: float) -> Steps:
        return tuple(
            round(part * (d.size - 1)) if d.ordered else self._random.randrange(d.size) for d in self._space.dimensions
        )

    def _front(self) -> list[Steps]:
        points = list(self._known)
        costs = list(self._known.values())
        return sorted((points[i] for i in front_of(costs)), key=lambda steps: self._known[steps])

    def _varied(self, front: list[Steps]) -> Steps:
        random = self._random
        number = random.randrange(len(front))
        child = list(front[number])
        if len(front) > 1 and random.random() < 0.5:
            other = front[number - 1 if number and random.random() < 0.5 else min(number + 1, len(front) - 1)]
            child = [random.choice(pair) for pair in zip(child, other, strict=True)]
        for _ in range(1 + (random.random() < 0.4)):
            place = random.randrange(len(child))
            dimension = self._space.dimensions[place]
            if dimension.ordered:
                reach = 1 if random.random() < 0.7 else random.randint(1, max(1, dimension.size // 2))
                child[place] = min(max(child[place] + random.choice((-reach, reach)), 0), dimension.size - 1)
            else:
                child[place] = random.randrange(dimension.size)
        return tuple(child)
