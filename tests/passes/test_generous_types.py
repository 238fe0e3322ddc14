"""Types with more bits than the data need cost bits, not accuracy: inner steps and results are no poorer than those."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason
from hlsgen.project import Project
from tests.passes.builders import Net, evaluate_float, graph_of, project_of
from tests.passes.float_networks import Recipe, network


def relative_error(found: Any, right: Any) -> float:
    """Root mean square of the difference over that of what is right."""
    return float(np.sqrt(np.square(found - right).mean() / np.square(right).mean()))


def truth(source: SourceModel, x: Any) -> Any:
    graph = graph_of(source)
    return evaluate_float(graph, {"x": np.asarray(x, dtype=np.float64)})[graph.outputs[0]]


# -- inner steps -----------------------------------------------------------------------------------


def one_layer(kind: str) -> Net:
    net = Net(1)
    rng = net.rng
    if kind == "separable":
        weights = {
            "depthwise_kernel": rng.normal(size=(3, 3, 3, 2)) * 0.3,
            "pointwise_kernel": rng.normal(size=(1, 1, 6, 5)) * 0.4,
            "bias": rng.normal(size=5) * 0.1,
        }
        options = {"filters": 5, "kernel_size": [3, 3], "depth_multiplier": 2, "padding": "same"}
        net.call("SeparableConv2D", "y", net.input((6, 6, 3)), weights, **options)
        return net
    weights = {"kernel": rng.normal(size=(16, 16)) * 0.3, "bias": rng.normal(size=16) * 0.1}
    net.call("Dense", "y", net.input((16,)), weights, units=16, activation=kind)
    return net


RESULTS = ["fixed<32,16,RND,SAT>", "fixed<24,8,RND,SAT>", "fixed<40,12,RND,SAT>", "fixed<12,4,RND,SAT>"]


@pytest.mark.parametrize("by", ["name", "class", "model"])
@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("kind", ["separable", "relu", "leaky_relu"])
def test_inner_steps_are_as_wide_and_as_fine_as_the_result(kind: str, result: str, by: str):
    source = one_layer(kind).source("y")
    class_name = source.calls[0].class_name
    settings: dict[str, Any] = {
        "name": {"layers": {"y": {"precision": {"result": result}}}},
        "class": {"layer_types": {class_name: {"precision": {"result": result}}}},
        "model": {"defaults": {"precision": {"result": result}}},
    }[by]
    project = project_of(source, input_precision="fixed<24,12>", skip_passes=["narrow_types"], **settings)
    wanted = FixedType.parse(result)
    inner = [op.output for op in project.design if not op.is_input and not op.source.final]
    assert inner
    for tensor in inner:
        exact = tensor.typing.exact
        assert tensor.type.width >= wanted.width or tensor.typing.reason is Reason.EXACT
        assert tensor.type.frac >= min(wanted.frac + 1, exact.frac)


@pytest.mark.parametrize("result", ["fixed<32,16,RND,SAT>", "fixed<60,20,RND,SAT>"])
@pytest.mark.parametrize("kind", ["separable", "relu", "leaky_relu"])
def test_generous_types_of_everything_lose_nothing(kind: str, result: str):
    source = one_layer(kind).source("y")
    project = project_of(source, input_precision="fixed<24,12>", precision=result)
    x = project.design.inputs[0].type.to_float(
        project.design.inputs[0].type.quantize(np.random.default_rng(2).normal(size=(60, *source.inputs[0].shape)))
    )
    assert relative_error(project.evaluate(x)["y"], truth(source, x)) < 2e-4


def test_constants_keep_their_budget():
    """A wide result says nothing about weights, which hold what they hold."""
    result = {"y": {"precision": {"result": "fixed<32,16,RND,SAT>"}}}
    project = project_of(one_layer("relu").source("y"), input_precision="fixed<24,12>", layers=result)
    weight = project.design.ops[1].layer.constants()["weight"].type
    assert weight is not None and weight.width == 16


# -- inputs whose type holds far more than the data ---------------------------------------------------

WIDE = ["fixed<18,8>", "fixed<24,12>", "fixed<32,16>", "fixed<60,20>"]
NETWORKS = {
    "mlp": ("mlp", Recipe("he", "none")),
    "unbiased": ("mlp", Recipe("he", "none", biased=False)),
    "cnn": ("cnn", Recipe("he", "none", biased=False)),
    "normalised": ("cnn", Recipe("he", "random")),
}


@cache
def source_of(name: str) -> SourceModel:
    kind, recipe = NETWORKS[name]
    return network(kind, recipe, 100, "unit")


@cache
def cautious(name: str, stated: str) -> Project:
    return project_of(source_of(name), input_precision=stated)


def losses(name: str, stated: str, scale: float) -> tuple[float, float]:
    """The relative error of the results, and that which the input's own rounding causes."""
    source, project = source_of(name), cautious(name, stated)
    fixed = project.design.inputs[0].type
    x = (np.random.default_rng(7).normal(size=(24, *source.inputs[0].shape)) * scale).astype(np.float32)
    right = truth(source, x)
    found = project.evaluate(x)[project.design.outputs[0].name]
    return relative_error(found, right), relative_error(truth(source, fixed.to_float(fixed.quantize(x))), right)


@pytest.mark.parametrize("scale", [0.01, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("stated", WIDE)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_wide_input_type_costs_bits_instead_of_accuracy(name: str, stated: str, scale: float):
    """Within 1 % of float, where the input's own rounding leaves that."""
    found, of_input = losses(name, stated, scale)
    assert found < max(0.01, 2.5 * of_input)


@pytest.mark.parametrize("stated", [*WIDE, "fixed<16,8>", "fixed<12,4>", "fixed<16,1>", "ufixed<8,0>"])
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_data_that_fill_the_type_are_held(name: str, stated: str):
    fixed = FixedType.parse(stated)
    found, of_input = losses(name, stated, float(fixed.max) / 4)
    assert found < max(1e-3, 1.2 * of_input) if fixed.signed else found < 0.5  # half of the data are cut off


@pytest.mark.parametrize("stated", WIDE)
def test_results_are_little_wider_than_the_type_that_was_stated(stated: str):
    project = cautious("mlp", stated)
    widest = max(op.output.type.width for op in project.design if not op.is_input)
    assert 16 < widest <= FixedType.parse(stated).width + 2
    (note,) = [n for n in project.design.notes if "standardised" in n]
    assert f"fill {project.design.inputs[0].type}" in note and f"in up to {widest} bits" in note


@pytest.mark.parametrize(
    "stated",
    [
        "fixed<8,1>",
        "ufixed<8,0>",
        "ufixed<8,8>",
        "fixed<8,8>",
        "fixed<16,1>",
        "fixed<12,4>",
        "fixed<24,24>",
        "fixed<16,6>",
    ],
)
def test_types_that_say_how_large_the_data_are_are_taken_at_their_word(stated: str):
    """Narrow ones, whole numbers, and those that hold no more than standardised data."""
    project = project_of(source_of("mlp"), input_precision=stated)
    assert {op.output.type.width for op in project.design if op.layer.kind == "Dense"} == {16}
    assert all(tensor.expected is None or tensor.expected.octaves == 0 for tensor in project.design.tensors)
    assert not any("standardised" in note for note in project.design.notes)


def test_a_type_of_the_budget_stays_in_the_budget():
    project = cautious("mlp", "fixed<16,8>")
    assert {op.output.type.width for op in project.design if op.layer.kind == "Dense"} == {16}
    (note,) = [n for n in project.design.notes if "standardised" in n]
    assert "leave 5 bits of them unused" in note and "calibration=" in note


def test_the_width_that_is_told_is_that_of_the_results():
    """Of what goes into a ReLU the sign costs nothing, and does not count."""
    net, rng = Net(), np.random.default_rng(0)
    weights = {"kernel": rng.normal(size=(8, 16)), "bias": rng.normal(size=16)}
    net.call("Dense", "fc", net.input((8,)), weights, units=16, activation="relu")
    project = project_of(net.source("fc"), input_precision="fixed<16,8>")
    (note,) = [n for n in project.design.notes if "standardised" in n]
    assert "leave 5 bits of them unused" in note


def test_assumptions_are_told_in_the_order_of_the_inputs():
    net = Net()
    names = [net.input((4,), name) for name in "edcba"]
    project = project_of(net.source(net.call("Multiply", "product", names)), input_precision="fixed<32,16>")
    told = [note.split(":")[0] for note in project.design.notes if "standardised data" in note]
    assert told == names


def test_calibration_takes_the_budget():
    x = np.random.default_rng(0).normal(size=(100, 16))
    project = project_of(source_of("mlp"), {"x": x}, input_precision="fixed<24,12>")
    assert {op.output.type.width for op in project.design if op.layer.kind == "Dense"} == {16}
    assert relative_error(project.evaluate(x)[project.design.outputs[0].name], truth(source_of("mlp"), x)) < 1e-3


@pytest.mark.parametrize("most", [16, 20])
def test_max_width_holds_for_them_too(most: int):
    project = project_of(source_of("mlp"), input_precision="fixed<32,16>", max_width=most)
    assert max(op.output.type.width for op in project.design if not op.is_input) == most


def test_the_emulator_takes_sixty_bits():
    net = Net(4)
    net.dense("out", net.call("ReLU", "relu", net.dense("fc", net.input((4,)), 4, 3)), 3, 2)
    project = project_of(net.source("out"), input_precision="fixed<60,20>")
    x = np.random.default_rng(3).normal(size=(50, 4)) * 1000
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["out"])
