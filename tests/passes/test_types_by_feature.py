"""input_precision with a type for each feature: each is rounded to its own, without calibration data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.spelling import INPUT_MODES, WrittenType
from hlsgen.project import Project
from tests.exports.c_library import check, compiler, job_of
from tests.ladder.harness import ladder
from tests.passes.builders import Net, evaluate_float, graph_of, project_of, rewritten

TYPES = ["fixed<9,4>", "fixed<9,1>", "fixed<9,7>", "fixed<9,-2>"]
OCTAVES = (3, 6, 0, 9)


def mlp(features: int = 4) -> SourceModel:
    net = Net(3)
    weights = {"kernel": net.rng.normal(size=(features, 6)), "bias": net.rng.normal(size=6)}
    x = net.call("Dense", "hidden", net.input((features,)), weights, units=6, activation="relu")
    net.call("Dense", "out", x, {"kernel": net.rng.normal(size=(6, 3)), "bias": net.rng.normal(size=3)}, units=3)
    return net.source("out")


def data(samples: int) -> Any:
    return np.random.default_rng(2).normal(size=(samples, 4)) * np.exp2([2, -1, 5, -4])


def said(types: Any = TYPES, **others: Any) -> dict[str, Any]:
    return {"input_precision": {"x": types}} | others


def test_each_feature_is_rounded_to_its_own_type() -> None:
    project, x = project_of(mlp(), **said()), data(200)
    port = project.design.inputs[0]
    assert str(port.type) == "fixed<9,7,RND,SAT>"
    assert port.exponents == OCTAVES
    each = [WrittenType.parse(text).completed(INPUT_MODES) for text in TYPES]
    right = np.stack([t.to_float(t.quantize(x[:, c])) for c, t in enumerate(each)], axis=1)
    np.testing.assert_array_equal(project.evaluate(x)["x"], right)
    assert "x: each feature has a type of its own: channel c of the port holds" in project.summary()


def test_the_function_is_the_same() -> None:
    x = {"x": data(50)}
    plain, moved = graph_of(mlp()), rewritten(graph_of(mlp()), make_config(said()))
    held = {"x": x["x"] * np.exp2(OCTAVES)}
    a, b = evaluate_float(moved, held)[moved.outputs[0]], evaluate_float(plain, x)[plain.outputs[0]]
    np.testing.assert_array_equal(a, b)


def test_results_are_placed_for_features_that_fill_their_types() -> None:
    """As for one type that all of them fill, if the model has the factors in its weights."""
    by_feature = project_of(mlp(), **said())
    source = mlp()
    kernel = source.calls[0].weights["kernel"]
    assert isinstance(kernel, np.ndarray)
    kernel /= np.exp2(np.array(OCTAVES, dtype=np.float32))[:, None]
    scaled = project_of(source, input_precision=TYPES[2])
    assert [str(t.type) for t in by_feature.design.tensors] == [str(t.type) for t in scaled.design.tensors]


def test_raw_data_may_have_them() -> None:
    scaling = {"offset": [1.0, 0.25, 8.0, 0.0], "scale": [1.0, 2.0, 0.5, 4.0]}
    x = data(100)
    project: Project = project_of(mlp(), **said(input_scaling=scaling))
    assert project.design.inputs[0].exponents == OCTAVES
    plain = graph_of(mlp())
    right = evaluate_float(plain, {"x": (x - scaling["offset"]) * np.array(scaling["scale"])})[plain.outputs[0]]
    assert np.sqrt(np.square(project.predict(x) - right).mean() / np.square(right).mean()) < 0.05


def test_what_data_tell_can_be_said_without_them() -> None:
    source = mlp()
    kernel = source.calls[0].weights["kernel"]
    assert isinstance(kernel, np.ndarray)
    kernel /= np.exp2([2, -1, 5, -4])[:, None]
    found = project_of(source, {"x": data(500)}, default_width=9)
    port = found.design.inputs[0]
    assert port.exponents is not None
    types = [f"fixed<9,{port.type.integer - k}>" for k in port.exponents]
    again = project_of(source, **said(types, default_width=9)).design.inputs[0]
    assert (again.type, again.exponents) == (port.type, port.exponents)


def test_every_executor_computes_the_same() -> None:
    ladder(mlp(), data(40), default_width=10, **said())


def test_circuits_and_libraries_compute_the_same(tmp_path: Any) -> None:
    x = data(30)
    project, circuit = (project_of(mlp(), backend=backend, **said()) for backend in ("vitis", "verilog"))
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(x * np.exp2(OCTAVES))}, tmp_path)
    np.testing.assert_array_equal(circuit.simulate(x).result, circuit.evaluate(x, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(x)["out"], project.evaluate(x)["out"])


def test_other_weights_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(model))
    project = project_of(mlp(), **said())
    assert str(project.with_weights(mlp()).design) == str(project.design)


def test_it_survives_a_file() -> None:
    config = make_config(said())
    assert make_config(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("types", "message"),
    [
        (TYPES[:3], "input_precision of 'x': 3 types, expected 4 (one for each feature, the last axis) or one"),
        (
            ["fixed<9,4>"] * 3 + ["fixed<8,4>"],
            "expected types for each feature that differ in nothing but their integer",
        ),
        (["fixed<9,4>"] * 3 + ["ufixed<9,4>"], "differ in nothing but their integer bits"),
        (["fixed<9,4>"] * 3 + ["fixed<9,4,TRN>"], "differ in nothing but their integer bits"),
        (["fixed<9,4>"] * 3 + ["auto"], "differ in nothing but their integer bits"),
        ([], "differ in nothing but their integer bits"),
        (["fixed<9,4>"] * 3 + [9], "a type is text"),
    ],
)
def test_what_are_no_types_of_one_port_is_refused(types: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(mlp(), **said(types))
    assert message in str(caught.value)


def test_what_cannot_be_undone_is_refused() -> None:
    net = Net(1)
    net.call("Softmax", "out", net.input((4,)))
    with pytest.raises(ConfigError, match=r"input_precision of 'x': 'out' \(Softmax\) reads or yields these channels"):
        project_of(net.source("out"), **said())
