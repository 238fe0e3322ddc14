"""What inferred types cost on given data is measured, and the layer named that it comes from."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.accuracy_check import AccuracyCheck
from hlsgen.design.arrays import as_held
from hlsgen.project import ClippedInputWarning, InaccurateWarning, Project, UnexpectedInputWarning
from tests.passes.builders import Net, evaluate_float, graph_of, project_of
from tests.passes.float_networks import Recipe, network


def batch(samples: int = 200, seed: int = 3) -> Any:
    return np.random.default_rng(seed).normal(size=(samples, 8))


def dense(net: Net, name: str, x: str, size: float = 1.0, n_in: int = 8, units: int = 8) -> str:
    weights = {"kernel": net.rng.normal(size=(n_in, units)) * size / np.sqrt(n_in), "bias": np.zeros(units)}
    return net.call("Dense", name, x, weights, units=units)


def contradicted() -> Any:
    """Data contradict the statistics of a Normalization: the values behind are 30 times what they promise."""
    net = Net(1)
    x = net.input((8,))
    n = net.call("Normalization", "n", x, {"mean": np.zeros(8), "variance": np.full(8, 1e-3)}, axis=-1)
    net.call("Activation", "t", dense(net, "a", n), activation="relu")
    return net.source(dense(net, "y", "t"))


def steep() -> Any:
    """An exponential: a little more in front of it is much more behind."""
    net = Net(2)
    net.call("Activation", "e", dense(net, "a", net.input((8,)), 3.0), activation="exponential")
    return net.source(dense(net, "y", "e"))


SATURATING = {"Normalization": (contradicted(), {"n", "a", "a_dense"}), "exponential": (steep(), {"a", "e", "y"})}


def error(source: Any, project: Project, x: Any) -> float:
    graph = graph_of(source)
    right = evaluate_float(graph, {"x": x})[graph.outputs[0]]
    off = project.evaluate(x)[project.design.outputs[0].name] - right
    return float(np.sqrt(np.square(off).mean() / np.square(right).mean()))


def said(project: Project, x: Any, budget: int = 16) -> str | None:
    inputs = {"x": np.asarray(x)} if not isinstance(x, dict) else x
    finding = AccuracyCheck(project.design, budget).finding(as_held(project.design.inputs, inputs))
    return None if finding is None else finding.text


@pytest.mark.parametrize("case", list(SATURATING))
def test_what_saturates_is_named_and_measured(case: str):
    source, layers = SATURATING[case]
    x = batch() * (1.0 if case != "exponential" else 2.0)
    project = project_of(source)
    lost = error(source, project, x)
    assert lost > 0.05
    message = said(project, x)
    assert message is not None
    found = re.match(r"(\w+): u?fixed<.*> costs accuracy: 'y' is off by (\S+) % rms on .* by saturation: ", message)
    assert found is not None and found[1] in layers
    assert float(found[2]) / 100 == pytest.approx(lost, rel=0.1)


@pytest.mark.parametrize("case", list(SATURATING))
def test_calibration_with_such_data_is_the_cure(case: str):
    source, _ = SATURATING[case]
    project = project_of(source, {"x": batch()})
    assert error(source, project, batch()) < 0.01
    assert said(project, batch()) is None
    assert not any("costs accuracy" in note for note in project.design.notes)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("normalisation", ["none", "random"])
def test_sound_networks_say_nothing(kind: str, normalisation: str):
    source = network(kind, Recipe("he", normalisation, biased=True), 10, "normal")
    project = project_of(source)
    x = np.random.default_rng(5).normal(size=(40, *project.design.inputs[0].shape))
    assert said(project, x) is None


class _StandIn:
    """An emulator that need not be compiled."""

    def run_and_count(self, inputs: list[Any], **options: Any) -> tuple[list[Any], list[int]]:
        return [np.zeros((len(inputs[0]), 8))], [int((np.abs(inputs[0]) > 32.0).sum())]


def test_predict_warns_at_the_callers_line(monkeypatch: pytest.MonkeyPatch):
    project = project_of(contradicted())
    monkeypatch.setitem(vars(project), "emulator", _StandIn())
    with pytest.warns(InaccurateWarning, match="^a: .* give calibration= with such data") as caught:
        project.predict(batch().astype(np.float32))
    assert caught[0].filename == __file__


def cancelling(size: float) -> Any:
    """Large values that nearly cancel: what is left is small beside the steps that held them."""
    net = Net(4)
    a = dense(net, "a", net.input((8,)), size)
    eye = np.eye(8) + net.rng.normal(size=(8, 8)) * 2.0**-12 / 8
    b = net.call("Dense", "b", a, {"kernel": eye, "bias": np.zeros(8)}, units=8)
    net.call("Subtract", "y", [a, b])
    return net.source("y")


def test_what_rounding_costs_is_said_with_its_step():
    project = project_of(cancelling(4.0))
    message = said(project, batch())
    assert message is not None
    assert re.match(r"(a|b|y): .* by (its rounding to steps of|the rounding of its weights)", message)


def test_of_a_narrower_budget_more_is_expected():
    """But not that values saturate."""
    source = network("mlp", Recipe("he", "none", biased=True), 10, "normal")
    x = np.random.default_rng(5).normal(size=(40, 16))
    project = project_of(source, default_width=8)
    assert error(source, project, x) > 0.01
    assert said(project, x, 8) is None and said(project, x, 16) is not None
    assert said(project_of(contradicted(), default_width=8), batch(), 8) is not None


def test_types_that_somebody_fixed_do_not_count():
    layers = {name: {"precision": {"result": "fixed<8,4,RND,SAT>"}} for name in ("n", "a", "t", "y")}
    assert said(project_of(contradicted(), layers=layers), batch()) is None


def test_calibrated_designs_say_it_in_the_summary():
    project = project_of(cancelling(4.0), {"x": batch()})
    measured = [note for note in project.design.notes if "costs accuracy" in note]
    assert measured and "on the calibration data" in measured[0] and measured[0] in project.summary()


def unequal_units() -> Any:
    """Units of which half are small, in front of a tanh, and weights behind it that make up for it."""
    net = Net(6)
    sizes = np.array([1.0, 1e-5] * 4)
    weights = {"kernel": net.rng.normal(size=(8, 8)) * sizes, "bias": np.zeros(8)}
    net.call("Activation", "t", net.call("Dense", "a", net.input((8,)), weights, units=8), activation="tanh")
    rows = {"kernel": net.rng.normal(size=(8, 8)) / sizes[:, None], "bias": np.zeros(8)}
    return net.source(net.call("Dense", "y", "t", rows, units=8))


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_cause_is_named_once(calibrated: bool):
    """Channels that differ are seen in several values and weights, and in what rounding adds up to: it is one cause."""
    project = project_of(unequal_units(), {"x": batch()} if calibrated else None)
    (note,) = (note for note in project.design.notes if note.startswith("warning: "))
    assert "channels keep only" in note and ("costs accuracy" in note) == calibrated


def test_what_is_measured_stands_for_what_is_estimated():
    """Calibration data of which little is left behind a softmax: what is in front of it may be off."""
    net = Net(4)
    a = dense(net, "a", net.input((8,)), 4.0)
    net.call("Activation", "s", net.call("Subtract", "d", [a, dense(net, "b", a, 1e-3)]), activation="softmax")
    source = net.source("s")
    for scale in (1.0, 1e-4):
        project = project_of(source, {"x": batch() * scale})
        warned = [note for note in project.design.notes if note.startswith("warning: ")]
        assert bool(warned) == (error(source, project, batch() * scale) > 0.01)


@pytest.mark.parametrize("where", ["input", "output"])
def test_a_few_that_saturate_are_found_in_a_batch(where: str):
    """One sample of thousands, far larger than the others, is most of what all of them are off by."""
    project = project_of(steep() if where == "output" else contradicted(), {"x": batch()})
    x = batch(6000) * (0.5 if where == "output" else 0.1)
    x[4321] *= 8.0 if where == "output" else 400.0
    right = error(steep() if where == "output" else contradicted(), project, x)
    message = said(project, x)
    assert right > 0.1 and message is not None
    found = re.search(r"is off by (\S+) % rms on .* by saturation", message)
    assert found is not None and float(found[1]) / 100 == pytest.approx(right, rel=0.1)


def test_predict_warns_of_a_cause_once(monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder):
    """Whatever the numbers of a batch are; what is worse is news."""
    warnings.simplefilter("always")
    project = project_of(contradicted())
    monkeypatch.setitem(vars(project), "emulator", _StandIn())
    for seed in range(5):
        project.predict(batch(seed=seed))
    assert [w.category for w in recwarn] == [InaccurateWarning]
    recwarn.clear()
    project = project_of(steep())
    monkeypatch.setitem(vars(project), "emulator", _StandIn())
    for size in (5.0, 6.0, 5.5, 9.0):
        project.predict(batch() * size)
    assert [w.category for w in recwarn] == [UnexpectedInputWarning] * 2


@pytest.mark.parametrize("size", [1.0, 12.0])
def test_what_clipping_costs_is_said_with_it(
    size: float, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
):
    """By one value, or by data that are larger than expected: it is one cause."""
    net = Net(3)
    project = project_of(net.source(dense(net, "y", net.input((8,)))))
    monkeypatch.setitem(vars(project), "emulator", _StandIn())
    x = batch() * size
    x[0, 0] = 3e3
    project.predict(x)
    (warned,) = recwarn
    assert warned.category is ClippedInputWarning
    assert re.search(
        r"values are outside of .* and were saturated \('y' is off by \S+ % rms\); give", str(warned.message)
    )


def test_samples_that_come_one_by_one_are_judged_together():
    check = AccuracyCheck(project_of(contradicted()).design, 16)
    one_by_one = [check.finding({"x": sample[None]}) for sample in batch(20)]
    assert one_by_one[0] is None and one_by_one[-1] is not None


@pytest.mark.parametrize("x", [batch(0), batch() * 0.0, np.full((4, 8), np.inf)])
def test_nothing_is_said_of_nothing(x: Any):
    assert said(project_of(contradicted()), x) is None


def test_data_of_another_size_are_looked_at_anew():
    check = AccuracyCheck(project_of(steep(), {"x": batch()}).design, 16)
    assert check.finding({"x": batch()}) is None
    assert check.finding({"x": batch() * 2.0}) is not None
    assert check.finding({"x": batch()}) is None
