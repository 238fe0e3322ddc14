"""Samplers on functions of places: fronts, volumes, and what hlsgen's own finds against random search."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.explore.goals import Costs, dominates, front_of, hypervolume
from hlsgen.explore.sampling.choose import SamplerName, make_sampler
from hlsgen.explore.sampling.fronts import FrontSampler
from hlsgen.explore.sampling.surrogate import Process
from hlsgen.explore.space import Axis, Dimension, Space, Steps


def space_of(*sizes: int) -> Space:
    """Dimensions of these sizes; a negative one is not ordered."""
    return Space(
        tuple(
            Axis(
                f"a{number}",
                tuple(range(abs(size))),
                tuple(((("a", str(number)), place),) for place in range(abs(size))),
                (Dimension(abs(size), size > 0),),
            )
            for number, size in enumerate(sizes)
        )
    )


def searched(name: SamplerName, space: Space, function: object, trials: int, seed: int) -> list[Costs]:
    sampler, taken, found = make_sampler(name, space, 2, trials, seed), set[Steps](), []
    for _ in range(trials):
        steps = sampler.ask(taken)
        assert steps is not None and steps not in taken
        assert all(0 <= place < d.size for place, d in zip(steps, space.dimensions, strict=True))
        taken.add(steps)
        costs = function(steps)  # type: ignore[operator]
        sampler.tell(steps, costs)
        if costs is not None:
            found.append(costs)
    return found


def widths(steps: Steps) -> Costs:
    """As widths do: bits are a sum, and accuracy is lost at the narrowest, of some layers more than of others."""
    loss = sum(weight * 2.0**-place for weight, place in zip((0.3, 0.1, 0.2, 0.05, 0.4, 0.15), steps, strict=True))
    bits = sum(size * place for size, place in zip((10, 30, 20, 5, 3, 8), steps, strict=True))
    return min(loss, 0.9), float(bits)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("trials", [30, 60])
def test_our_own_sampler_finds_larger_fronts_than_random_search(seed: int, trials: int) -> None:
    space = space_of(8, 8, 8, 8, 8, 8)
    own, other = (hypervolume(searched(n, space, widths, trials, seed), (0.9, 532.0)) for n in ("auto", "random"))
    assert own > 1.03 * other


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_many_points_can_be_under_way(seed: int) -> None:
    """What was asked for and is not known yet is counted with: twelve workers find nearly what one does."""
    space, taken, waiting, found = space_of(8, 8, 8, 8, 8, 8), set[Steps](), list[Steps](), list[Costs]()
    sampler = FrontSampler(space, seed)
    for _ in range(60):
        if len(waiting) == 12:
            steps = waiting.pop(0)
            found.append(widths(steps))
            sampler.tell(steps, found[-1])
        steps = sampler.ask(taken)
        assert steps is not None and steps not in taken
        taken.add(steps)
        waiting.append(steps)
    volume = hypervolume([*found, *map(widths, waiting)], (0.9, 532.0))
    assert volume > 1.03 * hypervolume(searched("random", space, widths, 60, seed), (0.9, 532.0))


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_it_lives_with_points_that_have_no_numbers(seed: int) -> None:
    """Two thirds of the space are refused, among them all that would be better: it finds the front of the rest."""
    space = space_of(8, 8, 8, -3)

    def function(steps: Steps) -> Costs | None:
        return None if steps[0] < 4 or steps[3] == 2 else (float(steps[0] - steps[1]), float(steps[1] + steps[2]))

    found = searched("auto", space, function, 100, seed)
    assert {found[i] for i in front_of(found)} >= {(place - 4.0, 8.0 - place) for place in range(1, 7)}


@pytest.mark.parametrize("name", ["auto", "random", "tpe", "nsga2"])
def test_a_space_is_walked_to_its_end(name: SamplerName) -> None:
    if name in ("tpe", "nsga2"):
        pytest.importorskip("optuna", reason="the extra search")
    space, taken = space_of(3, -3, 2), set[Steps]()
    sampler = FrontSampler(space, 0) if name == "auto" else make_sampler(name, space, 2, 5, 0)
    for _ in range(18):
        steps = sampler.ask(taken)
        assert steps is not None and steps not in taken
        taken.add(steps)
        sampler.tell(steps, (float(steps[0]), float(steps[1])) if steps[2] else None)
    assert sampler.ask(taken) is None


def test_a_search_where_everything_is_refused_goes_on_at_random() -> None:
    sampler, taken = FrontSampler(space_of(4, 4), 0), set[Steps]()
    for _ in range(16):
        steps = sampler.ask(taken)
        assert steps is not None
        taken.add(steps)
        sampler.tell(steps, None)
    assert sampler.ask(taken) is None


def test_one_objective_and_equal_values() -> None:
    space = space_of(5, 5, 5)
    sampler, taken = FrontSampler(space, 0), set[Steps]()
    for number in range(40):
        steps = sampler.ask(taken)
        assert steps is not None
        taken.add(steps)
        sampler.tell(steps, (1.0 if number % 2 else float(sum(steps)),))


# -- fronts and volumes ---------------------------------------------------------------------------


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_fronts_by_brute_force(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    for _ in range(20):
        points = [tuple(map(float, row)) for row in rng.integers(0, 6, (40, objectives))]
        found = front_of(points)
        assert not any(dominates(other, points[i]) for i in found for other in points)
        assert all(any(dominates(points[i], p) or points[i] == p for i in found) for p in points)
        assert len({points[i] for i in found}) == len(found)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_volumes_by_counting_cells(objectives: int) -> None:
    """On whole numbers, the cells of a grid that some point dominates are the volume."""
    rng = np.random.default_rng(objectives)
    for _ in range(10):
        points = rng.integers(0, 6, (12, objectives))
        cells = np.stack(np.meshgrid(*[np.arange(5)] * objectives, indexing="ij"), axis=-1).reshape(-1, objectives)
        counted = (cells[:, None, :] >= points[None]).all(axis=2).any(axis=1).sum()
        assert hypervolume([tuple(map(float, p)) for p in points], (5.0,) * objectives) == counted


def test_the_surrogate_knows_what_it_was_told() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((40, 3))
    y = np.sin(3 * x[:, 0]) + 2 * x[:, 1]
    process = Process(x, y)
    process.tune()
    mean, deviation = process.expected(x)
    assert np.abs(mean - y).max() < 0.02 and deviation.max() < 0.05
    other = rng.random((200, 3))
    mean, deviation = process.expected(other)
    errors = np.abs(mean - np.sin(3 * other[:, 0]) - 2 * other[:, 1])
    assert errors.mean() < 0.05 < y.std()
    assert process.lengths[2] > process.lengths[0]  # what it does not depend on, it goes along


def test_numbers_of_random_points_repeat() -> None:
    space = space_of(50, 50)
    one, again = (make_sampler("random", space, 1, 9, 3) for _ in range(2))
    assert [one.ask(()) for _ in range(9)] == [again.ask(()) for _ in range(9)]
