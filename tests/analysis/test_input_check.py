"""Batches that are much larger or much smaller than expected are reported: only if that costs accuracy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.input_check import InputCheck
from hlsgen.project import UnexpectedInputWarning
from tests.passes.builders import Net, evaluate_float, graph_of, project_of
from tests.passes.float_networks import Recipe, network

SOURCE = network("mlp", Recipe("he", "none", biased=False), 100, "normal")
DEFAULT = "fixed<16,6>"


def batch(scale: float, samples: int = 60) -> Any:
    return (np.random.default_rng(3).normal(size=(samples, 16)) * scale).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-3, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("stated", [DEFAULT, "fixed<16,8>", "fixed<24,12>", "fixed<60,20>", "fixed<12,4>"])
def test_small_data_are_reported_where_they_lose_accuracy(stated: str, scale: float):
    """And the loss is estimated about right."""
    project = project_of(SOURCE, input_precision=stated)
    x = batch(scale)
    graph = graph_of(SOURCE)
    right = evaluate_float(graph, {"x": x.astype(np.float64)})[graph.outputs[0]]
    off = project.evaluate(x)[project.design.outputs[0].name] - right
    lost = float(np.sqrt(np.square(off).mean() / np.square(right).mean()))
    messages = InputCheck(project.design).messages({"x": x})
    if lost < 0.005:
        assert messages == []
    if lost > 0.015:
        (message,) = messages
        found = re.search(
            r"so that (\d+) bits are unused .* off by an estimated (\S+) % rms; give calibration=", message
        )
        assert found is not None and int(found[1]) >= 2
        assert min(lost, 1.0) / 2 < float(found[2]) / 100 < 2 * lost


def test_predict_warns_of_small_data_at_the_callers_line():
    net = Net(1)
    net.call("Dense", "fc", net.input((4,)), {"kernel": net.rng.normal(size=(4, 3)), "bias": np.zeros(3)}, units=3)
    project = project_of(net.source("fc"))
    with pytest.warns(UnexpectedInputWarning, match=r"times smaller than those by which .* 'fc' off by") as caught:
        project.predict(batch(1e-3)[:, :4])
    assert caught[0].filename == __file__


def silent(x: Any, **settings: Any) -> bool:
    return InputCheck(project_of(SOURCE, **settings).design).messages({"x": x}) == []


@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_zeros_and_empty_batches_say_nothing(samples: int):
    assert silent(np.zeros((samples, 16), dtype=np.float32))


def test_sparse_data_and_whole_numbers_are_no_small_data():
    assert silent((np.random.default_rng(0).uniform(size=(500, 16)) < 0.02).astype(np.float32))
    assert silent(np.random.default_rng(0).integers(0, 3, (500, 16)), input_precision="ufixed<4,4>")


def test_infinities_are_left_out():
    x = batch(1.0)
    x[0, 0] = np.inf
    assert silent(x)


def test_calibrated_designs_know():
    project = project_of(SOURCE, {"x": batch(0.01, 300).astype(np.float64)})
    assert InputCheck(project.design).messages({"x": batch(0.01)}) == []
    assert InputCheck(project.design).messages({"x": batch(1e-5)}) != []


def test_models_of_quantisers_are_placed_by_nobody():
    net = Net()
    net.quantize("q", net.dense("fc", net.input((4,)), 4, 3), 4, 1)
    assert InputCheck(project_of(net.source("q")).design).messages({"x": batch(1e-4)[:, :4]}) == []


def test_every_input_is_looked_at():
    net = Net(5)
    a, b = net.input((8,), "a"), net.input((8,), "b")
    for name, x in (("fa", a), ("fb", b)):
        net.call("Dense", name, x, {"kernel": net.rng.normal(size=(8, 4)), "bias": np.zeros(4)}, units=4)
    net.call("Concatenate", "y", ["fa", "fb"], axis=-1)
    check = InputCheck(project_of(net.source("fa", "fb", "y")).design)
    rng = np.random.default_rng(0)
    usual, small, large = (rng.normal(size=(50, 8)) * s for s in (1.0, 1e-3, 10.0))
    assert check.messages({"a": usual, "b": usual}) == []
    (message,) = check.messages({"a": usual, "b": small})
    assert message.startswith("input 'b': ") and "smaller" in message
    first, second = check.messages({"a": small, "b": large})
    assert first.startswith("input 'a': ") and second.startswith("input 'b': ") and "larger" in second
