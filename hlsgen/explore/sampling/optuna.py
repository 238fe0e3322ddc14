"""Samplers of Optuna. It is asked and told in memory: what is known stands in the file of the study."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from random import Random
from typing import Any

from hlsgen.errors import ConfigError
from hlsgen.explore.goals import Costs
from hlsgen.explore.sampling.random import drawn
from hlsgen.explore.space import Space, Steps

_TRIES = 20
"""How often it may draw a point that is known already, before one is drawn at random."""


class OptunaSampler:
    """A sampler of Optuna's: an ordered dimension is a whole number to it, another one a choice."""

    def __init__(self, space: Space, objectives: int, seed: int, make: Callable[[Any, int], Any]) -> None:
        """``make``: the sampler, from the module ``optuna.samplers`` and a seed."""
        self._optuna = imported_optuna(
            "the samplers 'tpe' and 'nsga2' are Optuna's ('auto', 'random' and 'grid' are not)"
        )
        self._space, self._random = space, Random(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is experimental in Optuna, users have not asked for
            sampler = make(self._optuna.samplers, seed)
            self._study = self._optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
        distributions = self._optuna.distributions
        self._distributions = {
            str(number): distributions.IntDistribution(0, dimension.size - 1)
            if dimension.ordered
            else distributions.CategoricalDistribution(range(dimension.size))
            for number, dimension in enumerate(space.dimensions)
        }
        self._asked: dict[Steps, Any] = {}
        self._known: dict[Steps, Costs | None] = {}

    def ask(self, taken: Collection[Steps]) -> Steps | None:
        if len(taken) >= self._space.size:
            return None
        for _ in range(_TRIES):
            trial = self._study.ask(self._distributions)
            steps = tuple(int(trial.params[name]) for name in self._distributions)
            if steps not in taken:
                self._asked[steps] = trial
                return steps
            self._end(trial, self._known.get(steps))  # drawn again: it has the outcome that is known
        return drawn(self._space, taken, self._random)

    def tell(self, steps: Steps, costs: Costs | None) -> None:
        self._known[steps] = costs
        trial = self._asked.pop(steps, None)
        if trial is None:
            trial = self._study.ask({})
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            self._add(steps, costs)
        else:
            self._end(trial, costs)

    def _end(self, trial: Any, costs: Costs | None) -> None:
        states = self._optuna.trial.TrialState
        if costs is None:
            self._study.tell(trial, state=states.FAIL)
        else:
            self._study.tell(trial, list(costs))

    def _add(self, steps: Steps, costs: Costs | None) -> None:
        """A trial that it has not asked for."""
        if costs is not None:
            params = dict(zip(self._distributions, steps, strict=True))
            self._study.add_trial(
                self._optuna.trial.create_trial(params=params, distributions=self._distributions, values=list(costs))
            )


def tpe(space: Space, objectives: int, seed: int) -> OptunaSampler:
    """Tree-structured Parzen estimators, of several objectives too."""
    return OptunaSampler(
        space, objectives, seed, lambda samplers, s: samplers.TPESampler(seed=s, multivariate=True, constant_liar=True)
    )


def nsga2(space: Space, objectives: int, seed: int) -> OptunaSampler:
    """The genetic algorithm NSGA-II."""
    return OptunaSampler(
        space, objectives, seed, lambda samplers, s: samplers.NSGAIISampler(seed=s, population_size=20)
    )


def imported_optuna(why: str) -> Any:
    """The module ``optuna``, which says nothing but warnings. Raises ConfigError without it: ``why`` it is needed."""
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(f"{why}, and Optuna is not installed; pip install 'hlsgen[search]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
