"""hlsgen's own sampler: first across the space, then where the front is expected to grow most.

The first points lie on the diagonal, at which all ordered dimensions are at the same part of their length: all narrow,
all wide, and between. Then each objective is modelled (:mod:`~hlsgen.explore.sampling.surrogate`), points are proposed
beside the front, between its members and at random, and the one is taken that is expected to add most hypervolume
(:mod:`~hlsgen.explore.sampling.volumes`) to the front, and to what is under way.

What a point adds to what many others say is little: models are made anew when a fiftieth more is known, and until then
the next best points of the same models are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import numpy as np
from threadpoolctl import ThreadpoolController

from hlsgen.explore.goals import Costs, covers
from hlsgen.explore.sampling.random import drawn
from hlsgen.explore.sampling.surrogate import Process
from hlsgen.explore.sampling.volumes import Box, Choice
from hlsgen.explore.space import Space, Steps
from hlsgen.ir.constant import Floats
from hlsgen.ir.types import Ints

_DIAGONAL = (0.5, 0.0, 1.0, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)
"""Where on every ordered dimension the first points lie."""
_PROPOSED, _ROUNDS = 250, 4
"""Points among which the next one is chosen; how often as many are drawn for that, at most."""
_SAMPLES = 8
"""Of what objectives may be at a point."""
_MODELLED = 200
"""Points by which objectives are modelled: the time that takes grows with their cube."""
_TUNED = 20
"""After so many points, the models are tuned again."""
_FRESH, _BATCH = 50, 8
"""One part in how many more is to be known before models are made anew; and after how many points at most."""
_REFUSED, _LIKELY = 5, 0.01
"""Points without numbers after which their model is tuned; how likely the least likely point is to have some."""
_CURIOSITY = 0.5
"""How much of what a model does not know counts: all would be 1; less found larger fronts (benchmarks/sweep.py)."""
_WIDE, _WIDER = 5, 0.25
"""Of so many batches, one is chosen by the volume of a box that holds all points; by how much of its width it is larger
where there are points without numbers."""


class FrontSampler:
    """Points of which the front is expected to grow."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._dimensions = space, space.dimensions
        self._sizes = np.array([dimension.size for dimension in space.dimensions])
        self._ordered = np.array([dimension.ordered for dimension in space.dimensions])
        self._random, self._numbers = Random(seed), np.random.default_rng(seed)
        self._known: dict[Steps, Costs] = {}
        self._front: dict[Costs, Steps] = {}
        self._without: list[Steps] = []
        """Points without numbers: refused, failed or pruned."""
        self._pending: dict[Steps, None] = {}
        """Points that were asked for, and of which nothing was told yet."""
        self._threads = ThreadpoolController()
        self._lengths: list[Floats] | None = None
        self._refusals: Floats | None = None
        self._refused = 0
        self._tuned = self._begun = self._chosen = self._told = 0
        self._proposed: list[Steps] = []
        self._choice: Choice | None = None

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        steps = self._across(taken)
        if steps is None and len(self._known) >= 3:
            with self._threads.limit(limits=1):  # the processors are the workers'
                steps = self._best(taken)
        if steps is None:
            steps = drawn(self._space, taken, self._random)
        if steps is not None:
            self._pending[steps] = None
        return steps

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        self._pending.pop(steps, None)
        self._told += 1
        if costs is None:
            self._without.append(steps)
            return
        self._known[steps] = costs
        if not any(covers(other, costs) for other in self._front):
            self._front = {other: place for other, place in self._front.items() if not covers(costs, other)}
            self._front[costs] = steps

    def _across(self, taken: Collection[Steps]) -> Steps | None:
        """The next point of the first ones; None after them."""
        while self._begun < len(_DIAGONAL):
            part = _DIAGONAL[self._begun]
            self._begun += 1
            steps = tuple(
                round(part * (d.size - 1)) if d.ordered else self._random.randrange(d.size) for d in self._dimensions
            )
            if steps not in taken:
                return steps
        return None

    # -- what is proposed -------------------------------------------------------------------------

    def _drawn(self, taken: Collection[Steps]) -> list[Steps]:
        """Points that are none of ``taken``: beside the front, and some from anywhere."""
        front = np.array(list(self._front.values()))
        found: dict[Steps, None] = {}
        for _ in range(_ROUNDS):
            points = self._varied(front, _PROPOSED)
            points[::8] = self._numbers.integers(self._sizes, size=points[::8].shape)
            found |= {steps: None for steps in map(tuple, points.tolist()) if steps not in taken}
            if len(found) >= _PROPOSED:
                break
        return list(found)[:_PROPOSED]

    def _varied(self, front: Ints, count: int) -> Ints:
        """Members of a front of (points, dimensions), and mixtures of two, with a few dimensions changed."""
        numbers = self._numbers
        one, other = front[numbers.integers(len(front), size=(2, count))]
        mixed = (numbers.random((count, 1)) < 0.5) & (numbers.random(one.shape) < 0.5)
        found: Ints = np.where(mixed, other, one)
        rows, changes = np.arange(count), numbers.choice((1, 1, 2, 3), size=count)
        for change in range(3):
            places = numbers.integers(found.shape[1], size=count)
            now, sizes = found[rows, places], self._sizes[places]
            beside = np.clip(now + numbers.choice((-2, -1, -1, 1, 1, 2), size=count), 0, sizes - 1)
            steps = self._ordered[places] & (numbers.random(count) < 0.8)
            moved = np.where(steps, beside, numbers.integers(sizes))
            found[rows, places] = np.where(change < changes, moved, now)
        return found

    # -- which is taken ---------------------------------------------------------------------------

    def _best(self, taken: Collection[Steps]) -> Steps | None:
        """The one of which most hypervolume is expected; None where none is proposed."""
        if self._choice is None or self._told >= min(max(len(self._known) // _FRESH, 1), _BATCH):
            self._renew(taken)
        steps = self._next(taken)
        if steps is None:
            self._renew(taken)
            steps = self._next(taken)
        return steps

    def _next(self, taken: Collection[Steps]) -> Steps | None:
        while self._choice is not None and (number := self._choice.take()) is not None:
            if self._proposed[number] not in taken:
                return self._proposed[number]
        return None

    def _renew(self, taken: Collection[Steps]) -> None:
        """Propose points, and say what each may be worth by all that is known."""
        self._told, self._choice = 0, None
        self._proposed = self._drawn(taken)
        if not self._proposed:
            return
        points, pending = self._modelled(), list(self._pending)
        values, count = np.array([self._known[steps] for steps in points]), len(self._proposed)
        x, others = self._features(points), self._features([*self._proposed, *pending])
        expected = [model.expected(others) for model in self._models(x, values)]
        means, deviations = (np.stack([pair[i] for pair in expected], axis=1) for i in (0, 1))
        noise = self._numbers.standard_normal((_SAMPLES, *means.shape))
        box = Box(np.array(list(self._front)), self._edge(values), self._numbers)
        reached = box.reached(means + _CURIOSITY * noise * deviations)
        best = box.reached(np.array(list(self._front))).max(axis=0)
        others_reach = np.maximum(reached[:, count:].max(axis=1, initial=0.0), best)
        self._choice = Choice(reached[:, :count], others_reach, self._feasible(x, others[:count]))

    def _modelled(self) -> list[Steps]:
        """The points by which objectives are modelled: of many, the front and some others."""
        points = list(self._known)
        if len(points) <= _MODELLED:
            return points
        front = dict.fromkeys(list(self._front.values())[-_MODELLED // 2 :])
        others = [steps for steps in points if steps not in front]
        return [*front, *self._random.sample(others, _MODELLED - len(front))]

    def _models(self, x: Floats, values: Floats) -> list[Process]:
        given: list[Floats | None] = [*self._lengths] if self._lengths else [None] * values.shape[1]
        models = [Process(x, column, lengths) for column, lengths in zip(values.T, given, strict=True)]
        if len(self._known) >= self._tuned + _TUNED or not self._tuned:
            self._tuned = len(self._known)
            for model in models:
                model.tune()
            self._lengths = [model.lengths for model in models]
        return models

    def _edge(self, values: Floats) -> Floats:
        """The worst values of the box in which volume counts: those of the front, and every so often of all points, so
        that the front grows beyond its ends, too. Where points have no numbers, others may be all that is known between
        the ends: values may then go beyond those."""
        self._chosen += 1
        front = np.array(list(self._front))
        if self._chosen % _WIDE:
            return np.asarray(front.max(axis=0))
        worst = values.max(axis=0)
        return np.asarray(worst + (_WIDER * (worst - front.min(axis=0)) if self._without else 0.0))

    def _feasible(self, x: Floats, candidates: Floats) -> Floats:
        """How likely points are to have numbers, by a model of those that had and those that had not."""
        if not self._without:
            return np.ones(len(candidates))
        without = self._features(self._without[-_MODELLED:])
        known = np.concatenate([np.ones(len(x)), np.zeros(len(without))])
        model = Process(np.concatenate([x, without]), known, self._refusals)
        if len(self._without) >= self._refused + _REFUSED or self._refusals is None:
            self._refused = len(self._without)
            model.tune()
            self._refusals = model.lengths
        return np.clip(model.expected(candidates)[0], _LIKELY, 1.0) ** 2

    def _features(self, points: Sequence[Steps]) -> Floats:
        """Points as (n, features): an ordered dimension from 0 to 1, another one a feature for each place."""
        table = np.array(points)
        columns = []
        for number, dimension in enumerate(self._dimensions):
            places = table[:, number]
            if dimension.ordered:
                columns.append(places[:, None] / max(1, dimension.size - 1))
            else:
                columns.append((places[:, None] == np.arange(dimension.size)) / np.sqrt(2.0))
        return np.concatenate(columns, axis=1).astype(np.float64)
