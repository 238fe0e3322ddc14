"""Pruning by brute force: nothing that is left would have been on the front."""

from __future__ import annotations

from math import sqrt
from random import Random

import numpy as np
import pytest

from hlsgen.explore.goals import Costs, Goal, costs, dominates, front_of
from hlsgen.explore.objectives.table import read_objectives
from hlsgen.explore.origin import Origin
from hlsgen.explore.pruning import Part, beaten, upper_bound
from hlsgen.explore.spaces import read_space
from hlsgen.explore.sweep import _part, _project, _work
from hlsgen.explore.trial import Ask, State
from hlsgen.explore.work import DesignWork
from tests.explore.models import labels, samples, small_project

SAMPLES = 3000
SPACE = {
    "layers.fc1.precision.weight": "fixed<2..8:2,2>",
    "layers.fc2.precision.weight": "fixed<2..8:2,2>",
    "layers.relu1.precision.result": "ufixed<2..6:2,2,RND,SAT>",
}


@pytest.fixture(scope="module")
def work() -> DesignWork:
    project, base = _project(small_project(), None, {})
    at = Origin("sweep()")
    chosen = read_objectives(["accuracy", "bits"], at)
    work = _work(project, base, chosen, samples(SAMPLES), labels(SAMPLES), (None, None, None))
    work.space = read_space(SPACE, project.graph, base, at)
    return work


def test_no_pruned_trial_would_have_been_on_the_front(work: DesignWork) -> None:
    goals = [objective.goal for objective in work.objectives]
    every = [work.space.numbered(number) for number in range(work.space.size)]
    work.part = None
    right = {steps: work.measured(Ask(work.space.point(steps))).values for steps in every}
    front = {costs(goals, right[every[i]]) for i in front_of([costs(goals, right[steps]) for steps in every])}
    pruned = 0
    for seed in range(4):
        work.part = Part.drawn(300, SAMPLES, seed)
        work._runners.pop(True, None)
        known: list[tuple[Costs, dict[str, float]]] = []
        for steps in Random(seed).sample(every, len(every)):
            outcome = work.measured(Ask(work.space.point(steps), tuple(values for _, values in known)))
            found = costs(goals, right[steps])
            if outcome.state is State.PRUNED:
                pruned += 1
                assert found not in front
                assert any(dominates(other, found) for other, _ in known)
                assert outcome.values == {"bits": right[steps]["bits"]}
                assert outcome.reason.startswith("on 300 of 3,000 samples accuracy 0.")
            else:
                assert outcome.values == right[steps]
                known = [pair for pair in known if not dominates(found, pair[0])] + [(found, dict(outcome.values))]
    assert pruned > 4 * len(every) / 4  # or it would be of no use


def test_the_bound_holds_of_parts() -> None:
    """Of 4,000 parts drawn at random, about one in a thousand may say less than there is in all."""
    rng = np.random.default_rng(0)
    for share in (0.02, 0.5, 0.9, 0.99):
        right = rng.permutation(np.arange(2000) < share * 2000)
        wrong = 0
        for seed in range(1000):
            part = Part.drawn(200, 2000, seed)
            wrong += upper_bound(right[part.numbers].mean(), 200, 2000) < right.mean()
        assert wrong <= 6, share


def test_the_bound_itself() -> None:
    assert upper_bound(0.5, 100, 100) == 0.5
    assert upper_bound(1.0, 100, 1000) == 1.0
    most = upper_bound(0.5, 1000, 10**9)
    assert most == pytest.approx(0.5 + 3 * sqrt(0.25 / 1000), abs=1e-3)
    assert upper_bound(0.0, 1000, 10**9) == pytest.approx(9 / 1009, rel=1e-3)
    assert upper_bound(0.5, 500, 1000) < upper_bound(0.5, 500, 10**9)


def test_what_is_beaten() -> None:
    goals = [Goal("accuracy", True), Goal("bits", False), Goal("fmax", True)]
    part = Part.drawn(1000, 10_000, 0)
    others = {"bits": 100.0, "fmax": 50.0}
    for rival, is_beaten in (
        ({"accuracy": 0.9, "bits": 100.0, "fmax": 50.0}, True),
        ({"accuracy": 0.9, "bits": 101.0, "fmax": 60.0}, False),
        ({"accuracy": 0.9, "bits": 99.0, "fmax": 49.0}, False),
        ({"accuracy": 0.52, "bits": 1.0, "fmax": 99.0}, False),
    ):
        assert bool(beaten({"accuracy": 0.5}, others, goals, [rival], part)) is is_beaten
    assert not beaten({"accuracy": 0.5}, others, goals, [], part)


def test_parts_are_random_and_repeat() -> None:
    one, again, other = (Part.drawn(100, 1000, seed).numbers for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
    assert len(set(one.tolist())) == 100 and one.min() < 100 and one.max() >= 900


def test_what_is_pruned_at_all(work: DesignWork) -> None:
    """Where the reference does all data sooner than a compiler, and where a part says nothing, nothing is pruned."""
    project = small_project()
    assert _part(project.design, work, 0) is None
    large = DesignWork(work.graph, {}, work.space, work.objectives, None, {"x": np.zeros((10**7, 6))}, None, work.judge)
    part = _part(project.design, large, 0)
    assert part is not None and 64 <= len(part) <= 10**7 // 4 and part.of == 10**7
    chosen = read_objectives(["error", "bits"], Origin("sweep()"))
    other = _work(project, {}, chosen, samples(100), None, (None, None, None))
    other.inputs = large.inputs
    assert _part(project.design, other, 0) is None
