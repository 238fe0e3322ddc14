"""Studies made by hand: what looks at them needs no search."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hlsgen.explore.goals import Goal
from hlsgen.explore.space import Axis, Dimension, Space, merged
from hlsgen.explore.study import Study
from hlsgen.explore.trial import Outcome, State, Trial

GOALS = (Goal("accuracy", True), Goal("bits", False, "bits"), Goal("lut", False), Goal("latency", False, "ns"))
REASONS = ("layer 'fc1': reuse factor 3 does not divide its work", "no room", "it broke\nin two lines")


def axis(name: str, path: Sequence[str], values: Sequence[Any], ordered: bool = True) -> Axis:
    settings = tuple(((tuple(path), value),) for value in values)
    return Axis(name, tuple(values), settings, (Dimension(len(values), ordered),))


def space(layer: str = "fc1") -> Space:
    types = [f"fixed<{width},1>" for width in range(3, 63)]
    return Space(
        (
            axis(f"layers.{layer}.precision.weight", ("layers", layer, "precision", "weight"), types),
            axis("defaults.reuse_factor", ("defaults", "reuse_factor"), [1, 2, 4]),
            axis("skip_passes", ("skip_passes",), [[], ["narrow_types"]], ordered=False),
        )
    )


def study(count: int, seed: int = 0, goals: Sequence[Goal] = GOALS, layer: str = "fc1", **facts: Any) -> Study:
    """Up to 360 trials with numbers on a coarse grid, so that many are equal; some were not measured."""
    rng, axes = random.Random(seed), space(layer)
    order = rng.sample(range(axes.size), axes.size)  # the same, however many there are
    base = facts.pop("base", {"model": "/data/model.keras", "layers": {layer: {"precision": "fixed<16,6>"}}})
    trials = []
    for number in range(count):
        point = axes.point(axes.numbered(order[number]))
        state = rng.choice([State.DONE] * 6 + [State.PRUNED, State.REFUSED, State.FAILED][number % 3 : number % 3 + 1])
        known = goals if state is State.DONE else goals[1:2] if state is State.PRUNED else ()
        values = {goal.name: _number(goal, rng) for goal in known}
        reason = "" if state is State.DONE else rng.choice(REASONS)
        outcome = Outcome(state, values, reason, number / 16, f"host:{number % 2}")
        config = merged(base, axes.assigned(point))
        trials.append(Trial(number, point, outcome, seed, "1.0", config))
    return Study("net", tuple(goals), axes, tuple(trials), seed, "1.0", 10, base, **facts)


def _number(goal: Goal, rng: random.Random) -> float:
    return rng.randrange(8) / 8 if goal.higher_is_better else float(rng.randrange(1, 9) * 100)


def stored(found: Study, path: Path) -> Path:
    """The same study in a file."""
    from hlsgen.explore.storage import Storage

    facts = {
        "name": found.name,
        "goals": [[goal.name, goal.higher_is_better, goal.unit] for goal in found.goals],
        "space": found.space.as_json(),
        "seed": found.seed,
        "version": found.version,
        "samples": found.samples,
        "config": found.base,
    }
    with Storage(path) as storage:
        storage.begin(facts)
        for trial in found.trials:
            storage.add(trial)
    return path
