"""What is measured, by its definition and against scikit-learn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hlsgen.analysis.metrics import area_under_curve, confusion, decided, errors_of, share_equal, unmet_variance


def area_by_pairs(scores, positive) -> Fraction:
    """The share of pairs in the right order; ties count half."""
    pairs = [int(a > b) + Fraction(int(a == b), 2) for a in scores[positive] for b in scores[~positive]]
    return sum(pairs, Fraction(0)) / len(pairs)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("levels", [2, 5, 40, None])
def test_the_area_under_the_curve(seed, levels):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=61) if levels is None else rng.integers(0, levels, 61) / 4
    positive = rng.integers(0, 2, 61).astype(bool)
    found = area_under_curve(scores, positive)
    assert found == float(area_by_pairs(scores, positive))
    assert found == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)


def test_the_ends_of_the_area():
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    assert area_under_curve(scores, scores > 2) == 1.0
    assert area_under_curve(-scores, scores > 2) == 0.0
    assert area_under_curve(np.zeros(4), scores > 2) == 0.5
    assert area_under_curve(scores, scores > 9) is None and area_under_curve(scores, scores > 0) is None


@pytest.mark.parametrize("seed", range(3))
def test_confusion_and_shares(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    right, found = rng.integers(0, 4, 90), rng.integers(0, 4, 90)
    assert np.array_equal(confusion(right, found, 4), metrics.confusion_matrix(right, found, labels=range(4)))
    assert share_equal(found, right) == metrics.accuracy_score(right, found)


def test_the_first_of_equal_values_decides():
    assert decided(np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), 0.0).tolist() == [1, 0]
    assert decided(np.array([[0.5], [0.6]]), 0.5).tolist() == [0, 1]


def test_errors():
    right, found = np.array([[3.0], [-4.0]]), np.array([[3.5], [-4.0]])
    errors = errors_of(found, right)
    assert (errors.rms, errors.largest, errors.bias) == (np.sqrt(0.125), 0.5, 0.25)
    assert errors.relative == np.sqrt(0.125) / np.sqrt(12.5)
    assert errors.correlation == 1.0 and errors.differences.count == 2
    constant = errors_of(np.zeros(3), np.zeros(3))
    assert (constant.rms, constant.relative, constant.correlation) == (0.0, None, None)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), rng.normal(size=50)
    assert errors_of(x, y).correlation == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-14)


def test_unmet_variance():
    right = np.array([[1.0, 10.0], [3.0, 14.0]])
    assert unmet_variance(right + 0.5, right) == 0.25 / 2.5
    same = np.full((4, 2), 0.1) * np.array([1, 3])
    noisy = same + np.arange(4)[:, None] * 1e-17
    for constant in (same, noisy):  # of what does not vary, its size counts, not the noise of floats
        assert unmet_variance(constant * 1.25, constant) == pytest.approx(0.0625, rel=1e-12)
    assert unmet_variance(np.zeros((3, 1)), np.zeros((3, 1))) == 0.0
    assert unmet_variance(np.ones((3, 1)), np.zeros((3, 1))) == 1.0
