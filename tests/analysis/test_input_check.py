"""Batches that are much larger or much smaller than expected are reported: only if that costs accuracy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.input_check import InputCheck
from hlsgen.project import Project, UnexpectedInputWarning
from tests.passes.builders import Net, evaluate_float, graph_of, project_of
from tests.passes.float_networks import Recipe, network

SOURCE = network("mlp", Recipe("he", "none", biased=False), 100, "normal")
DEFAULT = "fixed<16,6>"


def said(project: Project, x: Any) -> list[str]:
    """What is said of a batch; ``x`` by input name."""
    results = project.evaluate(x)
    found = InputCheck(project.design).findings(x, [results[tensor.name] for tensor in project.design.outputs])
    return [finding.text for finding in found]


def batch(scale: float, samples: int = 60) -> Any:
    return (np.random.default_rng(3).normal(size=(samples, 16)) * scale).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-3, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("stated", [DEFAULT, "fixed<16,8>", "fixed<24,12>", "fixed<60,20>", "fixed<12,4>"])
def test_small_data_are_reported_where_they_lose_accuracy(stated: str, scale: float):
    """And the loss is what it is."""
    project = project_of(SOURCE, input_precision=stated)
    x = batch(scale)
    graph = graph_of(SOURCE)
    right = evaluate_float(graph, {"x": x.astype(np.float64)})[graph.outputs[0]]
    off = project.evaluate(x)[project.design.outputs[0].name] - right
    lost = float(np.sqrt(np.square(off).mean() / np.square(right).mean()))
    messages = said(project, {"x": x})
    if lost < 0.005:
        assert messages == []
    if lost > 0.015:
        (message,) = messages
        found = re.search(r"so that (\d+) bits are unused .* off by (\S+) % rms; give calibration=", message)
        assert found is not None and int(found[1]) >= 2
        assert float(found[2]) / 100 == pytest.approx(lost, rel=0.1)  # but for the constants' own rounding


def test_predict_warns_of_small_data_at_the_callers_line():
    net = Net(1)
    net.call("Dense", "fc", net.input((4,)), {"kernel": net.rng.normal(size=(4, 3)), "bias": np.zeros(3)}, units=3)
    project = project_of(net.source("fc"))
    with pytest.warns(UnexpectedInputWarning, match=r"times smaller than those by which .* 'fc' off by") as caught:
        project.predict(batch(1e-3)[:, :4])
    assert caught[0].filename == __file__


def silent(x: Any, **settings: Any) -> bool:
    return said(project_of(SOURCE, **settings), {"x": x}) == []


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
    assert said(project, {"x": batch(0.01)}) == []
    assert said(project, {"x": batch(1e-5)}) != []


def test_models_of_quantisers_are_placed_by_nobody():
    net = Net()
    net.quantize("q", net.dense("fc", net.input((4,)), 4, 3), 4, 1)
    assert said(project_of(net.source("q")), {"x": batch(1e-4)[:, :4]}) == []


def test_every_input_is_looked_at():
    net = Net(5)
    a, b = net.input((8,), "a"), net.input((8,), "b")
    for name, x in (("fa", a), ("fb", b)):
        net.call("Dense", name, x, {"kernel": net.rng.normal(size=(8, 4)), "bias": np.zeros(4)}, units=4)
    net.call("Concatenate", "y", ["fa", "fb"], axis=-1)
    project = project_of(net.source("fa", "fb", "y"))
    rng = np.random.default_rng(0)
    usual, small, large = (rng.normal(size=(50, 8)) * s for s in (1.0, 1e-3, 10.0))
    assert said(project, {"a": usual, "b": usual}) == []
    (message,) = said(project, {"a": usual, "b": small})
    assert message.startswith("input 'b': ") and "smaller" in message
    first, second = said(project, {"a": small, "b": large})
    assert first.startswith("input 'a': ") and second.startswith("input 'b': ") and "larger" in second


@pytest.mark.parametrize("kind", ["Multiply", "Dot", "tanh_shrink", "elu"])
def test_what_does_not_shrink_as_its_inputs_do(kind: str):
    """Of small inputs, products and cubes are smaller still; an exact design behind them loses nothing."""
    net = Net(2)
    x = net.input((16,))
    for name in ("a", "b"):
        net.call("Dense", name, x, {"kernel": net.rng.normal(size=(16, 8)), "bias": np.zeros(8)}, units=8)
    if kind in ("Multiply", "Dot"):
        net.call(kind, "y", ["a", "b"], **({"axes": 1} if kind == "Dot" else {}))
    else:
        net.call("Activation", "y", "a", activation=kind)
    project = project_of(net.source("y"))
    assert said(project, {"x": batch(1.0)}) == []
    (message,) = said(project, {"x": batch(0.003)})
    assert "'y' off by" in message


@pytest.mark.parametrize("stated", ["fixed<10,10>", "fixed<16,16>", "fixed<12,8>", "ufixed<8,5>"])
def test_a_stated_type_that_is_too_coarse_for_calibration_data_is_reported(stated: str):
    """By the data that results were placed by, they are as expected; it is the port that rounds them away."""
    data = np.abs(batch(0.2, 300).astype(np.float64))
    project = project_of(SOURCE, {"x": data}, input_precision=stated)
    (message,) = said(project, {"x": data})
    assert re.search(r"input 'x': its values leave \d+ bits of u?fixed<.*> unused, and rounding to steps of", message)


def test_a_stated_type_whose_grid_the_data_lie_on_is_no_coarse_one():
    data = np.random.default_rng(0).integers(0, 2, (300, 16)).astype(np.float64)
    assert said(project_of(SOURCE, {"x": data}, input_precision="ufixed<16,16>"), {"x": data}) == []
    assert said(project_of(SOURCE, {"x": batch(1.0)}, input_precision="fixed<6,3>"), {"x": batch(1.0)}) == []
