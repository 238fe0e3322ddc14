"""hlsgen's own sampler: first across the space, then where the front is expected to grow most.

The first points lie on the diagonal, at which all ordered dimensions are at the same part of their length: all narrow,
all wide, and between. Then each objective is modelled (:mod:`~hlsgen.explore.sampling.surrogate`), points are proposed
beside the front, between its members and at random, and the one is taken that is expected to add most hypervolume.

Hypervolume is what random scalarisations say of it (Golovin, Zhang 2020, "Random hypervolume scalarizations for
provable multi-objective black box optimization"): a mean over directions, as cheap for four objectives as for two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import numpy as np
from threadpoolctl import ThreadpoolController

from hlsgen.explore.goals import Costs, covers
from hlsgen.explore.sampling.random import drawn
from hlsgen.explore.sampling.surrogate import Process
from hlsgen.explore.space import Space, Steps
from hlsgen.ir.constant import Floats

_DIAGONAL = (0.5, 0.0, 1.0, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875)
"""Where on every ordered dimension the first points lie."""
_PROPOSED, _TRIES = 250, 1000
"""Points among which the next one is chosen; how often one is drawn for that, at most."""
_DIRECTIONS, _SAMPLES = 128, 8
"""Of scalarisations; of what objectives may be at a point."""
_MODELLED = 200
"""Points by which objectives are modelled: the time that takes grows with their cube."""
_TUNED = 20
"""After so many points, the models are tuned again."""
_REFUSED, _LIKELY = 5, 0.01
"""The same of points without numbers; how likely the least likely point is to have some."""
_CURIOSITY = 0.5
"""How much of what a model does not know counts: all would be 1; less found larger fronts (benchmarks/sweep.py)."""
_WIDE = 5
"""Of so many points, one is chosen by the volume of a box that holds all points."""
_BEYOND = 0.1
"""By how much of its width the box in which volume counts exceeds the front."""


class FrontSampler:
    """Points of which the front is expected to grow."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._dimensions = space, space.dimensions
        self._random, self._numbers = Random(seed), np.random.default_rng(seed)
        self._known: dict[Steps, Costs] = {}
        self._front: dict[Costs, Steps] = {}
        self._without: list[Steps] = []
        """Points without numbers: refused, failed or pruned."""
        self._threads = ThreadpoolController()
        self._lengths: list[Floats] | None = None
        self._refusals: Floats | None = None
        self._refused = 0
        self._tuned = self._begun = self._chosen = 0

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        first = self._across(taken)
        if first is not None:
            return first
        if len(self._known) < 3:
            return drawn(self._space, taken, self._random)
        proposed = self._proposed(taken)
        if not proposed:
            return drawn(self._space, taken, self._random)
        with self._threads.limit(
            limits=1
        ):  # the processors are the workers': others that wait for each other cost 20 times
            return self._best(proposed)

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        if costs is None:
            self._without.append(steps)
            return
        self._known[steps] = costs
        if not any(covers(other, costs) for other in self._front):
            self._front = {other: place for other, place in self._front.items() if not covers(costs, other)}
            self._front[costs] = steps

    # -- what is proposed -------------------------------------------------------------------------

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

    def _proposed(self, taken: Collection[Steps]) -> list[Steps]:
        front = list(self._front.values())
        found: dict[Steps, None] = {}
        for number in range(_TRIES):
            steps = self._varied(front) if number % 8 else self._anywhere()
            if steps not in taken:
                found[steps] = None
            if len(found) >= _PROPOSED:
                break
        return list(found)

    def _anywhere(self) -> Steps:
        return tuple(self._random.randrange(dimension.size) for dimension in self._dimensions)

    def _varied(self, front: Sequence[Steps]) -> Steps:
        """A member of the front, or a mixture of two, with a few dimensions changed."""
        random = self._random
        child = list(random.choice(front))
        if random.random() < 0.5:
            child = [random.choice(pair) for pair in zip(child, random.choice(front), strict=True)]
        for _ in range(random.choice((1, 1, 2, 3))):
            place = random.randrange(len(child))
            dimension = self._dimensions[place]
            if dimension.ordered and random.random() < 0.8:
                child[place] = min(max(child[place] + random.choice((-2, -1, -1, 1, 1, 2)), 0), dimension.size - 1)
            else:
                child[place] = random.randrange(dimension.size)
        return tuple(child)

    # -- which is taken ---------------------------------------------------------------------------

    def _best(self, proposed: list[Steps]) -> Steps:
        """The one of which most hypervolume is expected."""
        points = self._modelled()
        values = np.array([self._known[steps] for steps in points])
        x, candidates = self._features(points), self._features(proposed)
        models = self._models(x, values)
        expected = [model.expected(candidates) for model in models]
        noise = self._numbers.standard_normal((_SAMPLES, len(proposed), len(models)))
        means, deviations = (np.stack([pair[i] for pair in expected], axis=1) for i in (0, 1))
        gains = self._gains(self._edge(values), means + _CURIOSITY * noise * deviations) * self._feasible(x, candidates)
        return proposed[int(gains.argmax())]

    def _modelled(self) -> list[Steps]:
        """The points by which objectives are modelled: of many, the front and some others."""
        points = list(self._known)
        if len(points) <= _MODELLED:
            return points
        front = list(self._front.values())[-_MODELLED // 2 :]
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
        that the front grows beyond its ends, too."""
        self._chosen += 1
        worst: Floats = np.array(list(self._front)).max(axis=0) if self._chosen % _WIDE else values.max(axis=0)
        return worst

    def _gains(self, high: Floats, sampled: Floats) -> Floats:
        """The hypervolume that points add, by samples of their objectives: (samples, points, objectives)."""
        front = np.array(list(self._front))
        low = front.min(axis=0)
        width = np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
        edge = 1.0 + _BEYOND
        directions = np.abs(self._numbers.standard_normal((_DIRECTIONS, front.shape[1])))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)

        def heights(points: Floats) -> Floats:
            inside = np.maximum(edge - (points - low) / width, 0.0)
            reached: Floats = inside[..., 0, None] / directions[:, 0]
            for number in range(1, front.shape[1]):  # in place: a minimum along the last axis takes ten times as long
                np.minimum(reached, inside[..., number, None] / directions[:, number], out=reached)
            return np.power(reached, front.shape[1], out=reached)

        best = heights(front).max(axis=0)
        gains: Floats = np.maximum(heights(sampled) - best, 0.0).mean(axis=(0, 2))
        return gains

    def _feasible(self, x: Floats, candidates: Floats) -> Floats | float:
        """How likely points are to have numbers, by a model of those that had and those that had not."""
        if not self._without:
            return 1.0
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
