"""What part of decisions differs, by margins: right on average, and closer than a count."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.analysis.meaning import meant_outputs
from hlsgen.explore.quantization.goal import Goal
from hlsgen.explore.quantization.margins import differing, margins
from hlsgen.ir.constant import Floats
from tests.explore.quantization.networks import perceptron, samples


def decisions(rng: np.random.Generator, count: int, noise: float, classes: int) -> tuple[Floats, Floats]:
    """Margins of a model and of a design for the same classes, with errors of normal size."""
    rows = rng.normal(size=(count, classes)) * 4
    right, own = margins(rows)
    return right, margins(rows + noise * rng.normal(size=rows.shape), own)[0]


@pytest.mark.parametrize(("noise", "classes"), [(0.04, 10), (0.12, 10), (0.1, 5), (0.1, 2)])
def test_of_many_draws_the_mean_is_right_and_the_spread_is_far_less_than_of_counts(noise: float, classes: int) -> None:
    rng = np.random.default_rng(0)
    _, found = decisions(rng, 400_000, noise, classes)
    truth = float((found < 0).mean())
    draws = [decisions(rng, 1500, noise, classes) for _ in range(100)]
    shares = [differing(*draw) for draw in draws]
    counts = [float((found < 0).mean()) for _, found in draws]
    assert np.mean([s.share for s in shares]) == pytest.approx(truth, rel=0.06)
    assert np.std([s.share for s in shares]) < (0.6 if classes > 2 else 0.75) * np.std(counts)
    below = np.mean([truth <= s.share + 1.3 * s.doubt for s in shares])
    assert below >= 0.85


def test_nothing_differs_where_nothing_is_off_and_all_where_signs_are_turned() -> None:
    right = np.random.default_rng(1).uniform(0, 1, 500)
    assert differing(right, right).share == 0.0 == differing(right, right).doubt
    assert differing(right, -right).share > 0.2
    assert differing(np.zeros(5), np.zeros(5)).share == 0.0
    assert differing(np.zeros(5), np.array([-1.0, 1, -1, 1, -1])).share <= 0.6


def test_margins_lead_the_best_of_the_others() -> None:
    rows = np.array([[1.0, 5.0, 3.0], [2.0, 2.0, -1.0]])
    found, own = margins(rows)
    assert found.tolist() == [2.0, 0.0] and own.tolist() == [1, 0]
    assert margins(rows, np.array([2, 1]))[0].tolist() == [-2.0, 0.0]
    assert rows[0, 1] == 5.0


def test_a_design_that_is_exact_is_sure_of_all() -> None:
    project, x = perceptron(), samples(count=300)
    goal = Goal.of(project.design, {"x": x}, None, "agreement", None, None)
    score = goal.score(meant_outputs(project.design, {"x": x}))
    assert score.agreement == score.expected == score.surely == 1.0
