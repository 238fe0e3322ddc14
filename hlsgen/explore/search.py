"""The loop of a search: points are asked for, computed by workers, and kept, each before the next is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from hlsgen.errors import StudyError
from hlsgen.explore.goals import Costs, Goal, costs, covers
from hlsgen.explore.sampling.base import Sampler
from hlsgen.explore.space import Steps, merged
from hlsgen.explore.storage import Storage
from hlsgen.explore.study import Study
from hlsgen.explore.trial import Ask, Outcome, State, Trial
from hlsgen.explore.work import DesignWork
from hlsgen.explore.workers.base import Workers
from hlsgen.progress import Step, task
from hlsgen.version import VERSION

_LOG = logging.getLogger(__name__)
_SAME = {
    "model": "the model is another one",
    "data": "the data (x) are others",
    "labels": "the labels (y) are others",
    "calibration": "the calibration data are others",
    "config": "the configuration is another one",
    "goals": "the objectives are others",
    "judged": "another output, task or threshold is judged",
    "space": "the space is another one",
}
"""What has to stay where a study goes on, and what is said if it does not."""


class Search:
    """A study that grows by trials until there are so many of them."""

    def __init__(
        self, work: DesignWork, storage: Storage, sampler: Sampler, trials: int, seed: int, facts: Mapping[str, Any]
    ) -> None:
        self._work, self._storage, self._sampler = work, storage, sampler
        self._trials, self._seed = trials, seed
        self._goals: tuple[Goal, ...] = tuple(objective.goal for objective in work.objectives)
        self._names = [value.producer.source.name for value in work.graph.inputs]
        self._taken: set[Steps] = set()
        self._pending: dict[int, Steps] = {}
        self._front: dict[Costs, Mapping[str, float]] = {}
        self._known: set[int] = set()
        self._broken = 0
        self._resume(facts)

    def _resume(self, facts: Mapping[str, Any]) -> None:
        """Take what is in the storage, or begin. Raises StudyError for a study of something else."""
        former = self._storage.facts
        if not former:
            self._storage.begin(facts)
            return
        differ = [said for key, said in _SAME.items() if former.get(key) != facts.get(key)]
        if differ:
            raise StudyError(
                f"{self._storage.path}: holds a study that does not go on here: {'; '.join(differ)}; name another "
                "file, or set these as they were"
            )
        if former["version"] != VERSION:
            _LOG.warning("%s: begun by hlsgen %s, goes on with %s", self._storage.path, former["version"], VERSION)
        for trial in self._storage.study().trials:
            self._known.add(trial.number)
            self._learn(self._work.space.steps(trial.point), trial.outcome)

    def run(self, pool: Workers, progress: Callable[[Study], None] | None = None) -> Study:
        """Compute what is missing. An interrupt (Ctrl-C) ends it, with what is there."""
        interrupted = False
        began, first = time.monotonic(), len(self._known)
        with task("sweeping", self._trials) as step:
            step.reached(first)
            try:
                for number in self._kept(pool):
                    self._known.add(number)
                    self._tell(step, len(self._known) - first, time.monotonic() - began)
                    if progress is not None:
                        progress(self._storage.study())
            except KeyboardInterrupt:
                interrupted = True
        return self._storage.study(interrupted=interrupted)

    def _tell(self, step: Step, computed: int, seconds: float) -> None:
        step.reached(len(self._known))
        step.say(f"{self._found}, {computed / max(seconds, 1e-9):.3g} trials/s")

    @property
    def _found(self) -> str:
        """How large the front is, the best by each objective, and how many trials came to nothing."""
        found = [f"{len(self._front)} that none beats"]
        if self._front:  # the best by each objective are there
            best = [min((values[goal.name] for values in self._front.values()), key=goal.cost) for goal in self._goals]
            found += [f"best {goal.said(value)}" for goal, value in zip(self._goals, best, strict=True)]
        return ", ".join([*found, f"{self._broken} refused or failed"] if self._broken else found)

    def _kept(self, pool: Workers) -> Iterator[int]:
        """The numbers of trials, as each is done and on the disk."""
        numbers = (number for number in count() if number not in self._known)
        while True:
            ahead = pool.ahead
            while len(self._pending) < ahead and len(self._taken) < self._trials:
                steps = self._sampler.ask(self._taken)
                if steps is None:
                    break
                number = next(numbers)
                self._taken.add(steps)
                self._pending[number] = steps
                pool.submit(number, Ask(self._work.space.point(steps), self._rivals))
            if not self._pending:
                return
            for number, steps, outcome in self._stored(pool.finished()):
                self._learn(steps, outcome)
                yield number

    def _stored(self, finished: Sequence[tuple[int, Outcome]]) -> list[tuple[int, Steps, Outcome]]:
        """What is finished, once it is on the disk."""
        found = []
        for number, outcome in finished:
            if number in self._pending:  # else told twice: the first counts
                found.append((number, self._pending.pop(number), outcome))
        self._storage.add(*(self._trial(*every) for every in found))
        return found

    def _trial(self, number: int, steps: Steps, outcome: Outcome) -> Trial:
        space = self._work.space
        point = space.point(steps)
        config = merged(self._work.base, space.assigned(point), self._names)
        return Trial(number, point, outcome, self._seed, VERSION, config)

    @property
    def _rivals(self) -> tuple[Mapping[str, float], ...]:
        """What a trial has to beat on a part of the data; nothing where none is pruned: it would go to workers."""
        return tuple(self._front.values()) if self._work.part is not None else ()

    def _learn(self, steps: Steps, outcome: Outcome) -> None:
        """Let the sampler and the front know of a trial."""
        self._taken.add(steps)
        self._broken += outcome.state in (State.REFUSED, State.FAILED)
        if outcome.state is not State.DONE:
            self._sampler.tell(steps, None)
            return
        found = costs(self._goals, outcome.values)
        self._sampler.tell(steps, found)
        if not any(covers(known, found) for known in self._front):
            self._front = {known: values for known, values in self._front.items() if not covers(found, known)}
            self._front[found] = outcome.values
