"""input_scaling: raw data at the inputs, scaled in the design as they were for training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.frontends.layouts import laid_out
from hlsgen.project import Project
from tests.exports.c_library import check, compiler, job_of
from tests.ladder.harness import ladder
from tests.passes.builders import Net, evaluate_float, graph_of, project_of, rewritten

OFFSET, SCALE = np.array([2.0, 1.0, 4.0, 1.0]), np.array([1.25, 2.5, 0.5, 1.5])


def raw(samples: int, seed: int = 1) -> Any:
    """Features of 0 to 8 and so, on a grid that ufixed<10,4> holds."""
    return np.random.default_rng(seed).integers(0, 8 * 64, (samples, 4)) / 64.0


def settings(**others: Any) -> dict[str, Any]:
    said = {"offset": OFFSET.tolist(), "scale": SCALE.tolist()}
    return {"input_scaling": said, "input_precision": "ufixed<10,4>"} | others


def mlp(seed: int = 3) -> SourceModel:
    net = Net(seed)
    weights = {"kernel": net.rng.normal(size=(4, 6)), "bias": net.rng.normal(size=6)}
    x = net.call("Dense", "hidden", net.input((4,)), weights, units=6, activation="relu")
    net.call("Dense", "out", x, {"kernel": net.rng.normal(size=(6, 3)), "bias": net.rng.normal(size=3)}, units=3)
    return net.source("out")


def padded() -> SourceModel:
    net = Net(2)
    x = net.conv("conv", net.input((4, 4, 3)), 3, 2, padding="same")
    net.dense("out", net.call("Flatten", "flat", x), 32, 2)
    return net.source("out")


# -- the function ----------------------------------------------------------------------------------


def test_the_model_reads_scaled_data() -> None:
    """The same real function of (x - offset) * scale, with the scale in the first layer's weights."""
    plain, said = graph_of(mlp()), rewritten(graph_of(mlp()), make_config(settings()))
    x = raw(50)
    right = evaluate_float(plain, {"x": (x - OFFSET) * SCALE})[plain.outputs[0]]
    np.testing.assert_allclose(evaluate_float(said, {"x": x})[said.outputs[0]], right, rtol=1e-12, atol=1e-12)
    assert [node.name for node in said] == ["x", "hidden_dense", "hidden", "out"]


def test_it_stays_in_front_of_padded_zeros() -> None:
    """Zeros beside an image are zeros of what the model reads."""
    scaling = {"input_scaling": {"offset": [1.0, 2.0, 3.0], "scale": 0.5}, "input_precision": "ufixed<8,4>"}
    plain, said = graph_of(padded()), rewritten(graph_of(padded()), make_config(scaling))
    x = np.random.default_rng(1).integers(0, 64, (5, 4, 4, 3)) / 8.0
    right = evaluate_float(plain, {"x": (x - [1.0, 2.0, 3.0]) * 0.5})[plain.outputs[0]]
    np.testing.assert_allclose(evaluate_float(said, {"x": x})[said.outputs[0]], right, rtol=1e-12, atol=1e-12)
    assert "x_scaled" in [node.name for node in said]


def test_very_different_features_stay_apart() -> None:
    """Weights of one type would hold the products of small factors with few bits; one more layer of 24 bits does not."""
    said = {"offset": 0.0, "scale": [1.0, 100.0, 1.0, 1.0]}
    graph = rewritten(graph_of(mlp()), make_config({"input_scaling": said, "input_precision": "ufixed<10,4>"}))
    assert "x_scaled" in [node.name for node in graph]


def test_very_different_features_with_types_of_their_own_are_folded() -> None:
    """What differs by powers of two goes into the types, and weights have to hold what is left of the scale."""
    scale, types = [1.5e-4, 100.0, 1.0, 3.0], ["fixed<12,14>", "fixed<12,-5>", "fixed<12,1>", "fixed<12,0>"]
    said = {"input_scaling": {"offset": 0.0, "scale": scale}, "input_precision": {"x": types}}
    graph = rewritten(graph_of(mlp()), make_config(said))
    assert [node.name for node in graph] == ["x", "hidden_dense", "hidden", "out"]
    x, plain = np.random.default_rng(3).normal(size=(50, 4)) / scale, graph_of(mlp())
    right = evaluate_float(plain, {"x": x * scale})[plain.outputs[0]]
    held = {"x": x * np.exp2([0, 19, 13, 14])}
    np.testing.assert_allclose(evaluate_float(graph, held)[graph.outputs[0]], right, rtol=1e-12, atol=1e-12)
    one = rewritten(graph_of(mlp()), make_config(said | {"input_precision": {"x": [types[0]] * 4}}))
    assert "x_scaled" in [node.name for node in one]


def test_an_input_that_is_an_output() -> None:
    net = Net(1)
    net.call("ReLU", "out", net.input((4,)))
    source = net.source("out", "x")
    x = raw(5)
    project = project_of(source, **settings())
    found = project.evaluate(x)
    assert len(project.design.outputs) == 2
    right = (x - OFFSET) * SCALE
    np.testing.assert_allclose(found["out"], np.maximum(right, 0), atol=0.01)


def test_several_inputs_by_name() -> None:
    net = Net(1)
    a, b = net.dense("a", net.input((4,), "left"), 4, 3), net.dense("b", net.input((4,), "right"), 4, 3)
    net.call("Add", "out", [a, b])
    source = net.source("out")
    scaling = {"left": {"offset": OFFSET, "scale": SCALE}, "right": {"scale": 2}}
    config = make_config({"input_scaling": scaling, "input_precision": "ufixed<10,4>"})
    x, y = raw(20), raw(20, 2)
    plain, said = graph_of(source), rewritten(graph_of(source), config)
    right = evaluate_float(plain, {"left": (x - OFFSET) * SCALE, "right": 2 * y})[plain.outputs[0]]
    np.testing.assert_allclose(evaluate_float(said, {"left": x, "right": y})[said.outputs[0]], right, atol=1e-9)
    assert make_config(config.model_dump(mode="json")) == config


# -- data, frameworks, executors -------------------------------------------------------------------


def keras_mlp(shape: tuple[int, ...] = (4,)) -> Any:
    x = keras.Input(shape, name="x")
    h = kl.Dense(8, activation="relu", name="hidden")(kl.Flatten(name="flat")(x) if len(shape) > 1 else x)
    model = keras.Model(x, kl.Dense(3, name="out")(h))
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(size=w.shape) / 2 for w in model.get_weights()])
    return model


def test_comparisons_run_the_source_model_on_scaled_data() -> None:
    x, model = raw(300).astype(np.float32), keras_mlp()
    scaling = {"input_scaling": {"offset": OFFSET, "scale": SCALE}}
    project = hlsgen.convert(model, calibration=x, **scaling)
    right = np.asarray(model(((x - OFFSET) * SCALE).astype(np.float32)))
    np.testing.assert_allclose(project.predict(x), right, atol=0.02 * np.abs(right).max())
    compared = project.compare(None, x)
    assert "keras" in compared.reference.lower()
    assert all(output.errors.relative < 0.01 for output in compared.outputs), compared
    assert project.diagnose(x) is None
    found = project.with_settings(layers={"out": {"precision": {"weight": "fixed<3,2>"}}}).diagnose(x)
    assert found is not None and found.layer == "out"
    assert project.with_weights(model).predict(x).tolist() == project.predict(x).tolist()


@pytest.mark.parametrize("layout", [None, "channels_first"])
def test_channels_are_those_of_the_model_however_data_are_given(layout: str | None) -> None:
    x, model = np.random.default_rng(4).uniform(0, 8, (50, 3, 2, 4)), keras_mlp((3, 2, 4))
    given = x if layout is None else np.moveaxis(x, -1, 1)
    scaling = {"input_scaling": {"offset": OFFSET, "scale": SCALE}}
    project = hlsgen.convert(model, calibration=given, input_layout=layout, **scaling)
    right = np.asarray(model((x - OFFSET) * SCALE))
    np.testing.assert_allclose(project.predict(given), right, atol=0.02 * np.abs(right).max())
    assert all(output.errors.relative < 0.01 for output in project.compare(None, given).outputs)


def test_every_executor_computes_the_same() -> None:
    ladder(mlp(), raw(30), default_width=10, **settings())
    scaling = {"input_scaling": {"offset": [1.0, 2.0, 3.0], "scale": 0.3}, "input_precision": "ufixed<8,4>"}
    ladder(padded(), np.random.default_rng(1).integers(0, 64, (5, 4, 4, 3)) / 8.0, **scaling)


def test_circuits_and_libraries_compute_the_same(tmp_path: Any) -> None:
    x = raw(30)
    project, circuit = (project_of(mlp(), backend=backend, **settings()) for backend in ("vitis", "verilog"))
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(x)}, tmp_path)
    np.testing.assert_array_equal(circuit.simulate(x).result, circuit.evaluate(x, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(x)["out"], project.evaluate(x)["out"])


def test_settings_can_change() -> None:
    project: Project = project_of(mlp(), **settings())
    x = raw(10)
    without = project.with_settings(input_scaling=None, input_precision="fixed<16,6>")
    (a,), (b,) = meant_outputs(without.design, {"x": (x - OFFSET) * SCALE}), meant_outputs(project.design, {"x": x})
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    assert "takes raw data" in project.summary()
    assert "takes raw data" not in without.summary()
    assert laid_out(project.graph, None) is project.graph


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"input_scaling": {"y": {"scale": 2.0}}, "input_precision": "fixed<8,4>"}, "the model has no input 'y'"),
        (settings(input_scaling={"scale": [1.0, 2.0]}), "input_scaling of 'x': scale: 2 numbers, expected 4"),
        ({"input_scaling": {"scale": 2.0}}, "nobody says how large raw data get; give calibration="),
        (settings(input_scaling={"scale": 0.0}), "expected numbers other than 0"),
        (settings(input_scaling={"scale": [1.0, 0]}), "expected numbers other than 0"),
        (settings(input_scaling={"offset": float("inf")}), "expected numbers up to 1e+30"),
        (settings(input_scaling={"offst": 1.0}), "did you mean 'offset'"),
        (settings(input_scaling={"x": {"offst": 1.0}}), "did you mean 'offset'"),
        (settings(input_scaling=3), "input_scaling"),
    ],
)
def test_what_is_no_scaling_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(mlp(), **said)
    assert message in str(caught.value)


def test_whole_numbers_are_not_scaled() -> None:
    net = Net(1)
    net.call("Embedding", "e", net.input((3,)), {"embeddings": net.dyadic(8, 2)}, input_dim=8, output_dim=2)
    with pytest.raises(ConfigError, match="read as whole numbers"):
        project_of(net.source("e"), input_scaling={"scale": 2.0}, input_precision="ufixed<3,3>")
