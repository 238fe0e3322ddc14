"""Faults planted by configurations: each is found in its layer, with its cause, and is gone with the fix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.diagnosis.fragments import fragment_of, merged
from hlsgen.analysis.diagnosis.result import Agreement, Diagnosis, Kind
from tests.diagnosis.models import (
    example,
    normalised,
    onnx_images,
    onnx_perceptron,
    small_channel,
    without_compiler,
)

Settings = dict[str, Any]
GRAPH = "graph"


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    without_compiler(monkeypatch)


def of(layer: str, **types: str) -> Settings:
    return {"layers": {layer: {"precision": types}}}


def found_and_cured(model: Any, x: Any, settings: Settings, reference: Any = None, **options: Any) -> Diagnosis:
    """What is found; with its fix merged into the settings, a new conversion has nothing wrong."""
    found = hlsgen.convert(model, settings, **options).diagnose(x, reference)
    assert found is not None and found.fix is not None
    assert found.before is not None and found.after is not None and found.after.error < found.before.error / 2
    repaired = hlsgen.convert(model, merged(settings, fragment_of(found.fix)), **options)
    assert repaired.diagnose(x, reference) is None
    assert found.after.error < 0.015 and found.after.top1 in (None, 1.0)
    return found


KERAS = [
    ("accumulator wraps", of("fc2", accum="fixed<8,3>"), "fc2", Kind.ACCUMULATOR),
    ("accumulator coarse", of("fc1", accum="fixed<6,6,RND,SAT>"), "fc1", Kind.ACCUMULATOR),
    ("accumulator saturates", of("classes", accum="fixed<14,2,RND,SAT>"), "classes", Kind.ACCUMULATOR),
    ("input clipped", {"input_precision": "fixed<10,2>"}, "features", Kind.INPUT_CLIPPED),
    ("input wraps", {"input_precision": "fixed<12,3,RND,WRAP>"}, "features", Kind.INPUT_CLIPPED),
    ("input too wide", {"input_precision": "fixed<16,14>"}, "features", Kind.INPUT_STEP),
    ("weights coarse", of("fc1", weight="fixed<4,1>"), "fc1", Kind.CONSTANT),
    ("weights cut off", of("fc2", weight="fixed<8,-1>"), "fc2", Kind.CONSTANT),
    ("weights as integers", of("fc2", weight="fixed<4,3>"), "fc2", Kind.CONSTANT),
    ("no weights left", of("fc2", weight="fixed<4,6>"), "fc2", Kind.CONSTANT),
    ("softmax coarse", of("classes", result="ufixed<3,1>"), "classes", Kind.STEP),
    ("result wraps", of("fc1", result="fixed<10,2>"), "fc1", Kind.WRAP),
    ("result saturates", of("fc1", result="ufixed<10,1,RND,SAT>"), "fc1", Kind.SATURATION),
    ("result coarse", of("fc2", result="fixed<6,6,RND,SAT>"), "fc2", Kind.STEP),
    ("result with bits unused", of("fc2", result="fixed<16,15,RND,SAT>"), "fc2", Kind.UNUSED),
]


@pytest.mark.parametrize(("settings", "layer", "kind"), [row[1:] for row in KERAS], ids=[row[0] for row in KERAS])
def test_keras(settings: Settings, layer: str, kind: Kind) -> None:
    model, x = example("iris_mlp")
    found = found_and_cured(model, x, settings, GRAPH, calibration=x)
    assert (found.layer, found.kind) == (layer, kind)


QKERAS = [
    ("weights of the model overridden", of("fc2", weight="fixed<3,1>"), "fc2", Kind.CONSTANT),
    ("its activation overridden", of("relu1", result="ufixed<3,0>"), "relu1", Kind.WRAP),
    ("softmax coarse", of("softmax", result="ufixed<2,0>"), "softmax", Kind.STEP),
    ("accumulator wraps", of("fc1", accum="fixed<8,2>"), "fc1", Kind.ACCUMULATOR),
    ("logits wrap", of("logits", result="fixed<8,3>"), "logits", Kind.WRAP),
    ("input clipped", {"input_precision": "fixed<5,0>"}, "pixels", Kind.INPUT_CLIPPED),
]


@pytest.mark.parametrize(("settings", "layer", "kind"), [row[1:] for row in QKERAS], ids=[row[0] for row in QKERAS])
def test_qkeras(settings: Settings, layer: str, kind: Kind) -> None:
    model, x = example("digits_mlp")
    found = found_and_cured(model, x, {"input_precision": "ufixed<5,1>", **settings}, GRAPH)
    assert (found.layer, found.kind) == (layer, kind)


ONNX = [
    ("accumulator", of("first", accum="fixed<6,3>"), "first", Kind.ACCUMULATOR),
    ("weights", of("second", weight="fixed<3,2>"), "second", Kind.CONSTANT),
    ("wrap", of("rectified", result="ufixed<8,1>"), "rectified", Kind.WRAP),
    ("softmax", of("classes", result="ufixed<3,1>"), "classes", Kind.STEP),
    ("input", {"input_precision": {"x": "fixed<8,0>"}}, "x", Kind.INPUT_CLIPPED),
]


@pytest.mark.parametrize(("settings", "layer", "kind"), [row[1:] for row in ONNX], ids=[row[0] for row in ONNX])
def test_onnx(settings: Settings, layer: str, kind: Kind) -> None:
    """Against ONNX Runtime."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = onnx_perceptron()
    found = found_and_cured(model, x, settings)
    assert (found.layer, found.kind, found.reference) == (layer, kind, "ONNX Runtime")


def test_onnx_images() -> None:
    """Channels first: layers are compared with ONNX Runtime's in their order."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = onnx_images()
    found = found_and_cured(model, x, of("conv", result="fixed<8,2>"))
    assert (found.layer, found.kind) == ("conv", Kind.WRAP)
    assert [layer.layer for layer in found.layers if layer.error is not None][:2] == ["x", "conv"]


def test_dead_channel() -> None:
    """Weights of one channel are rounded to zero; against Keras itself."""
    model, x = small_channel()
    found = found_and_cured(model, x, of("a", weight="fixed<8,3>", bias="fixed<8,3>"))
    assert (found.layer, found.kind, found.reference) == ("a", Kind.DEAD_CHANNEL, "Keras")
    assert found.numbers["dead channels"] == 1 and "channel 3 of 8" in found.cause


@pytest.mark.parametrize(
    ("settings", "layer", "kind"),
    [
        ({"layer_types": {"Dense": {"precision": {"weight": "fixed<5,1>"}}}}, "fc", Kind.CONSTANT),
        ({"layer_types": {"Dense": {"precision": {"accum": "fixed<9,3>"}}}}, "bn", Kind.ACCUMULATOR),
        (of("bn", result="fixed<5,1>"), "bn", Kind.WRAP),
    ],
    ids=["weights of all", "sums of all", "result"],
)
def test_fused_normalisation(settings: Settings, layer: str, kind: Kind) -> None:
    """The fix keeps it fused, and either layer is named."""
    model, x = normalised()
    found = found_and_cured(model, x, settings)
    assert (found.layer, found.kind) == (layer, kind)
    assert {found.layer, *found.fused} == {"fc", "bn"}
    assert found.fix is not None
    design = hlsgen.convert(model, merged(settings, fragment_of(found.fix))).design
    assert next(op for op in design if op.source.name == "fc").fused


def bits(layer: str, **of_role: int) -> Settings:
    return {"layers": {layer: {"width": of_role}}}


@pytest.mark.parametrize(
    ("settings", "layer", "role"),
    [
        (bits("fc2", weight=2), "fc2", "weight"),
        ({"layer_types": {"Dense": {"width": {"weight": 3}}}}, "fc1", "weight"),
        (bits("classes", result=3), "classes", "result"),
    ],
    ids=["weights", "weights of a class", "results"],
)
def test_few_bits_of_a_layer(settings: Settings, layer: str, role: str) -> None:
    """What is inferred gets more bits, and no type: nothing is pinned by that, and no other layer changes."""
    model, x = example("iris_mlp")
    project = hlsgen.convert(model, settings, calibration=x)
    found = project.diagnose(x, GRAPH)
    assert found is not None and (found.layer, found.role) == (layer, role)
    (of_layer,) = fragment_of(found.fix or "")["layers"].items()
    assert of_layer[0] == layer and of_layer[1].keys() == {"width"} and of_layer[1]["width"].keys() == {role}
    assert found.before is not None and found.after is not None and found.after.error < found.before.error / 2
    repaired, former = project.with_fix(found).design, {op.name: op for op in project.design}
    for op in repaired:
        if op.source.name != layer:
            constants = former[op.name].layer.constants_of("weight")
            assert [c.type for c in op.layer.constants_of("weight").values()] == [c.type for c in constants.values()]


@pytest.mark.parametrize(
    ("widths", "fixed"),
    [({"fc": 3}, {"fc"}), ({"bn": 3}, {"bn"}), ({"fc": 3, "bn": 4}, {"fc", "bn"})],
    ids=["Dense", "BatchNormalization", "both"],
)
def test_few_bits_of_fused_layers(widths: dict[str, int], fixed: set[str]) -> None:
    """Of layers that become one, those are named whose bits count; other layers of the class stay as they are."""
    model, x = normalised()
    project = hlsgen.convert(model, {"layers": {name: {"width": {"weight": n}} for name, n in widths.items()}})
    found = project.diagnose(x, GRAPH)
    assert found is not None and found.kind is Kind.CONSTANT
    fix = fragment_of(found.fix or "")
    assert fix.keys() == {"layers"} and fix["layers"].keys() == fixed
    (wider,) = {one["width"]["weight"] for one in fix["layers"].values()}
    repaired = project.with_fix(found)
    weights = {op.source.name: op for op in repaired.design if op.layer.constants_of("weight")}
    assert weights["fc"].fused and weights["fc"].layer.weight.type.width == wider
    assert weights["out"].layer.weight.type.width == 16
    assert repaired.diagnose(x, GRAPH) is None


def test_narrow_budget() -> None:
    """``max_width`` cuts everything; the fix widens it."""
    model, x = example("iris_mlp")
    found = found_and_cured(model, x, {"max_width": 5}, GRAPH, calibration=x)
    assert fragment_of(found.fix or "").keys() == {"max_width"}


def test_numbers_are_those_of_the_data() -> None:
    model, x = example("iris_mlp")
    found = hlsgen.convert(model, {"input_precision": "fixed<10,2>"}, calibration=x).diagnose(x, GRAPH)
    assert found is not None
    outside = np.mean(np.rint(x.astype(np.float64) * 256) > 511)
    assert found.numbers["share outside"] == pytest.approx(outside)
    assert found.numbers["needs"] == float(x.max()) and found.numbers["holds"] == 511 / 256
    assert found.numbers["type"] == "fixed<10,2,RND,SAT>"


def test_several_faults_one_after_the_other() -> None:
    """Every layer has a type that is too narrow: all are repaired, and the first step is in the first layer."""
    model, x = example("iris_mlp")
    settings: Settings = {"layers": {name: {"precision": "fixed<6,3>"} for name in ("fc1", "fc2", "classes")}}
    project = hlsgen.convert(model, settings, calibration=x)
    done = project.repair(x, GRAPH)
    assert done.left is None and len(done.steps) > 2 and done.steps[0].layer == "fc1"
    assert done.project.diagnose(x, GRAPH) is None
    again = hlsgen.convert(model, merged(settings, fragment_of(done.fix or "")))
    assert {op.name: str(op.wish.types) for op in again.design} == {
        op.name: str(op.wish.types) for op in done.project.design
    }
    assert "nothing is wrong any more" in str(done)


@pytest.mark.parametrize("level", ["defaults", "layer_types"])
@pytest.mark.parametrize(
    "types", ["fixed<6,3>", "fixed<8,3>", {"result": "fixed<6,1>"}, {"accum": "fixed<8,3>"}], ids=str
)
def test_types_of_many_layers(level: str, types: str | Settings) -> None:
    """The type is made wider where it stands, once for all that have it."""
    model, x = example("iris_mlp")
    own: Settings = {"precision": types}
    settings: Settings = {level: own if level == "defaults" else {"Dense": own}}
    done = hlsgen.convert(model, settings, calibration=x).repair(x, GRAPH)
    assert done.left is None and done.fix is not None and len(done.steps) == 1
    assert fragment_of(done.fix).keys() == {level} and "for all layers" in done.steps[0].advice
    assert hlsgen.convert(model, merged(settings, fragment_of(done.fix)), calibration=x).diagnose(x, GRAPH) is None


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("fixed", ["fixed<3,1>", "fixed<4,2,RND,SAT>"])
def test_result_of_a_recurrent_layer(cell: str, fixed: str) -> None:
    """Of all that a step computes, the type that is at fault is named: the one that the user fixed."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [keras.Input((6, 3), name="x"), getattr(keras.layers, cell)(8, name="cell"), keras.layers.Dense(2, name="y")]
    )
    x = np.random.default_rng(7).normal(size=(60, 6, 3)).astype(np.float32)
    found = found_and_cured(model, x, of("cell", result=fixed), GRAPH)
    assert (found.layer, found.role, found.kind) == ("cell", "result", Kind.STEP)
    assert str(found.numbers["type"]).startswith(fixed.rstrip(">"))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softmax"])
def test_coarse_result_of_a_function(activation: str) -> None:
    """Its tables are as good as the result lets them be; of a coarse argument, that one is named."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    keras.utils.set_random_seed(8)
    layers = [keras.layers.Dense(6, name="sum"), keras.layers.Activation(activation, name="function")]
    model = keras.Sequential([keras.Input((5,), name="x"), *layers, keras.layers.Dense(3, name="y")])
    x = np.random.default_rng(8).normal(size=(80, 5)).astype(np.float32)
    fixed = "fixed<4,1>" if activation == "tanh" else "ufixed<4,0>"
    found = found_and_cured(model, x, of("function", result=fixed), GRAPH)
    assert (found.layer, found.role, found.kind) == ("function", "result", Kind.STEP)
    assert str(found.numbers["type"]).startswith(fixed.rstrip(">"))
    found = found_and_cured(model, x, of("sum", result="fixed<5,4,RND,SAT>"), GRAPH)
    assert (found.layer, found.role, found.kind) == ("sum", "result", Kind.STEP)


def test_gates_are_no_channels() -> None:
    """Of the sums for gates, some never change: no unit is dead by that."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    keras.utils.set_random_seed(9)
    model = keras.Sequential(
        [keras.Input((6, 2), name="x"), keras.layers.LSTM(12, name="cell"), keras.layers.Dense(2, name="y")]
    )
    kernel, recurrent, bias = model.get_layer("cell").get_weights()
    kernel[:, :3] *= 0.01
    kernel[:, 30:] *= 3
    model.get_layer("cell").set_weights([kernel, recurrent, bias])
    x = np.random.default_rng(9).normal(size=(60, 6, 2)).astype(np.float32)
    found = hlsgen.convert(model, of("cell", weight="fixed<4,3>")).diagnose(x, GRAPH)
    assert found is not None and (found.layer, found.kind) == ("cell", Kind.CONSTANT)


def test_bits_of_signal() -> None:
    """Cutting off costs a bit more than rounding."""
    model, x = example("iris_mlp")
    bits = []
    for fixed in ("fixed<7,6,RND,SAT>", "fixed<7,6,TRN,SAT>"):
        found = hlsgen.convert(model, of("fc2", result=fixed), calibration=x).diagnose(x, GRAPH)
        assert found is not None and ("and truncates" in found.cause) == ("TRN" in fixed)
        bits.append(float(found.numbers["bits of signal"]))
    assert bits[0] - bits[1] == pytest.approx(1.0)


def test_percents_are_never_powers_of_ten() -> None:
    found = Agreement(3, 123.4, None, 1.0)
    assert str(found) == "12340 % rms off, 100 % the same top-1"
    assert str(Agreement(3, 0.99962, None, None)) == "100 % rms off"
