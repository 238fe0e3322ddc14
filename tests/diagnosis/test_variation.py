"""Errors are held against how far outputs vary: what is the same in every sample hides nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.diagnosis.result import Kind
from hlsgen.analysis.diagnosis.variation import variation
from hlsgen.design.arrays import Array
from tests.diagnosis.models import without_compiler

GRAPH = "graph"


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    without_compiler(monkeypatch)


def regression(mean: float) -> tuple[Any, Array]:
    """A live Keras model of one number about ``mean``, and data."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    rng = np.random.default_rng(6)
    layers = [keras.layers.Dense(12, "relu", name="hidden"), keras.layers.Dense(1, name="y")]
    model = keras.Sequential([keras.Input((5,), name="x"), *layers])
    model.get_layer("hidden").set_weights([rng.normal(size=(5, 12)), rng.normal(size=12)])
    model.get_layer("y").set_weights([rng.normal(size=(12, 1)), np.full(1, mean)])
    return model, rng.normal(size=(200, 5)).astype(np.float32)


@pytest.mark.parametrize("mean", [0.0, 1000.0, -4000.0])
def test_large_mean(mean: float) -> None:
    model, x = regression(mean)
    assert hlsgen.convert(model, calibration=x).diagnose(x, GRAPH) is None
    settings = {"layers": {"hidden": {"precision": {"weight": "fixed<4,3>"}}}}
    project = hlsgen.convert(model, settings, calibration=x)
    found = project.diagnose(x, GRAPH)
    assert found is not None and (found.layer, found.kind) == ("hidden", Kind.CONSTANT)
    assert found.before is not None and found.before.error > 0.1
    assert project.with_fix(found).diagnose(x, GRAPH) is None


def test_small_inputs() -> None:
    """Of data that use few steps of their type, the biases alone come through."""
    model, x = regression(1.0)
    project = hlsgen.convert(model)
    found = project.diagnose(x / 512, GRAPH)
    assert found is not None and (found.layer, found.kind) == ("x", Kind.INPUT_STEP)
    assert project.with_fix(found).diagnose(x / 512, GRAPH) is None


@pytest.mark.parametrize("mean", [1.0, 1000.0])
def test_outputs_that_never_vary(mean: float) -> None:
    """One sample, or the same one several times: nothing is wrong with that."""
    model, x = regression(mean)
    for data in (x[:1], np.repeat(x[:1], 9, axis=0), np.zeros((4, 5), np.float32)):
        assert hlsgen.convert(model, calibration=x).diagnose(data, GRAPH) is None


def test_samples_count_by_their_weights() -> None:
    values = np.array([[1.0, 5.0], [3.0, 5.0], [3.0, 5.0]])
    assert variation(values, np.ones(3)) == pytest.approx(np.sqrt(np.var([1, 3, 3]) / 2))
    assert variation(values[:2], np.array([1.0, 2.0])) == pytest.approx(variation(values, np.ones(3)))
    assert variation(values[1:], np.ones(2)) == pytest.approx(np.sqrt(17.0))
