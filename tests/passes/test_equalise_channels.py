"""EqualiseChannels: badly scaled networks are as good as others, their function and their names stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hlsgen.config import Config
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.passes.equalise_channels import EqualiseChannels
from hlsgen.pipeline import passes
from hlsgen.project import Project
from tests.passes.builders import evaluate_float, graph_of, grid, project_of, rewritten
from tests.passes.float_networks import Recipe, data, network
from tests.passes.random_graphs import random_network
from tests.passes.unequal_networks import NETWORKS, UnequalNet, converted, deviation, normal_data, unequal

NAME = "equalise_channels"
SMALL = np.array([1.0, 2.0**-9, 0.4, 2.0**-12, 3e-4, 2.0])
"""How large the channels of a hidden layer are."""
EVEN = np.ones(6)


def moved(project: Project) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.exponents for tensor in project.design.tensors if tensor.exponents is not None}


# -- what it is for ----------------------------------------------------------------------------------


@pytest.mark.parametrize("calibrated", [False, True], ids=["probe", "calibrated"])
@pytest.mark.parametrize("name", NETWORKS)
def test_within_one_percent(name: str, calibrated: bool):
    """Factors from 1e-4 to 10 in every hidden layer: without the pass, the error is as large as the result."""
    for seed in range(3):
        source = unequal(name, seed)
        x, known = (normal_data(source, 200, seed + offset) for offset in (1000, 2000))
        project = converted(source, known if calibrated else None)
        assert moved(project)
        assert deviation(project, source, x) < 0.01, (name, seed)


def test_it_is_needed():
    source = unequal("mlp", 0)
    assert deviation(converted(source, skip_passes=[NAME]), source, normal_data(source, 200, 1)) > 0.3


@pytest.mark.parametrize("width", [12, 20])
def test_other_budgets(width: int):
    """As good as the same network whose channels agree, but for some two bits."""
    source, even = unequal("mlp", 3), unequal("mlp", 3, 0.0, 0.0)
    x = normal_data(source, 200, 1)
    off, least = (deviation(converted(s, x, default_width=width), s, x) for s in (source, even))
    assert off < 4 * least


@pytest.mark.parametrize("name", NETWORKS)
def test_the_function_is_the_same(name: str):
    """Powers of two: equal in float64, to the last bit."""
    source = unequal(name, 1)
    before, after = (rewritten(graph_of(source), skip=skip) for skip in ([NAME], []))
    x = normal_data(source, 50, 2).astype(np.float64)
    right, found = (evaluate_float(graph, {"x": x})[graph.outputs[0]] for graph in (before, after))
    np.testing.assert_array_equal(found, right)
    assert any(value.held for value in after.values) and not any(value.held for value in before.values)


@pytest.mark.parametrize("name", NETWORKS)
def test_names_keep_their_meaning(name: str):
    """Traces show every layer as the model means it, in each channel about as exact as the others."""
    source = unequal(name, 2)
    x = normal_data(source, 200, 5)
    project = converted(source, x)
    graph = graph_of(source)
    known = evaluate_float(graph, {"x": x})
    found = project.evaluate(x)
    for key, value in graph.aliases.items():
        if key not in found or (key.startswith("conv") and name == "normalised"):
            continue  # fused: the values of the BatchNormalization behind it
        axes = tuple(range(known[value].ndim - 1))
        error, right = (np.sqrt(np.square(v).mean(axis=axes)) for v in (found[key] - known[value], known[value]))
        assert (error <= 0.02 * right + 1e-3 * right.max() * (right < 1e-3 * error)).all(), key


@pytest.mark.parametrize("name", NETWORKS)
def test_errors_of_constants_keep_their_meaning(name: str):
    """The summary's table against the weights of the network that was not touched."""
    source = unequal(name, 2)
    project = converted(source, normal_data(source, 200, 5))
    before = rewritten(graph_of(source), skip=[NAME])
    table = project.summary().split("Constants rounded\n")[1].split("\n\n")[0]
    stated = {tuple(row.split()[:2]): float(row.split()[-1]) for row in table.splitlines()[2:]}
    found = {op.name: op for op in project.design}
    assert len(stated) >= 4 and moved(project)
    for node in before:
        for role, constant in node.layer.constants().items():
            if (node.name, role) in stated:
                op = found[node.name]
                factors = op.layer.constants()[role].values / np.where(constant.values, constant.values, 1.0)
                meant = op.layer.constants()[role].effective / np.where(factors, factors, 1.0)
                assert stated[node.name, role] == pytest.approx(np.abs(meant - constant.values).max(), rel=0.01)


def test_the_deviation_of_fused_scales_keeps_its_meaning():
    net = UnequalNet(2)
    bits = net.quantized_bits(12, 2)
    weights = {"kernel": net.kernel(6, 6), "bias": net.bias(6)}
    net.call("QDense", "fc", net.input((6,)), weights, units=6, kernel_quantizer=bits, bias_quantizer=bits)
    x = net.relu("relu", net.norm("bn", "fc", EVEN, SMALL))
    for role in ("gamma", "moving_variance"):  # channels that stay, whose scales are exact
        net.calls[-2].weights[role][[0, 2, 5]] = 1.0
    source = net.source(net.fc("out", x, SMALL, np.ones(3)))
    project = converted(source, normal_data(source, 200, 1), fuse_quantized=True)
    (note,) = (note for note in project.design.notes if "fuse_quantized" in note)
    (op,) = (op for op in project.design if op.name == "fc")
    assert op.output.exponents is not None
    inputs = op.input.type.to_float(op.input.type.quantize(normal_data(source, 3000, 3) * 4))
    graph = graph_of(source)
    right = evaluate_float(graph, {"x": inputs})[graph.aliases["bn"]]
    worst = np.abs(op.layer.evaluate_float([inputs]) * op.output.factors - right).max()
    assert 0 < worst <= float(note.split("at most ")[1].split()[0]) < 20 * worst


# -- nothing changes where nothing has to --------------------------------------------------------------


@pytest.mark.parametrize("case", [("mlp", "he", "trained"), ("cnn", "glorot", "random"), ("resnet8", "he", "none")])
def test_ordinary_networks_stay_as_they_are(case: tuple[str, str, str]):
    source = network(case[0], Recipe(*case[1:]), 7, "normal")
    x = {"x": data("normal", 8, source.inputs[0].shape, 60)}
    for calibration, width in ((None, 16), (x, 16), (x, 8)):
        designs = [
            project_of(source, calibration, default_width=width, skip_passes=skip).design for skip in ([], [NAME])
        ]
        assert designs[0].digest == designs[1].digest


def test_octaves_that_cost_little_are_left():
    """One channel in sixteen that is 4 times smaller: 14 bits are enough."""
    net = UnequalNet(0)
    factors = np.where(np.arange(16) == 3, 0.25, 1.0)
    x = net.relu("relu", net.fc("fc", net.input((6,)), EVEN, factors))
    source = net.source(net.fc("out", x, factors, np.ones(3)))
    assert not moved(converted(source))


def test_channels_that_nobody_needs_are_left():
    """Small, and their readers' weights are, too: what training with a decay leaves of a dead channel."""
    net = UnequalNet(0)
    factors = np.where(np.arange(16) == 3, 1e-6, 1.0)
    x = net.relu("relu", net.fc("fc", net.input((6,)), EVEN, factors))
    source = net.source(net.fc("out", x, 1.0 / factors, np.ones(3)))
    assert not moved(converted(source))


# -- anything ------------------------------------------------------------------------------------------


def rescaled(seed: int) -> SourceModel:
    """A random network whose linear layers give channels of very different sizes."""
    source = random_network(seed, quantized=False)
    rng = np.random.default_rng(seed)
    for call in source.calls:
        if "kernel" in call.weights and "Transpose" not in call.class_name:
            call.weights["kernel"] *= 10.0 ** rng.uniform(-5, 0, call.weights["kernel"].shape[-1])
    return source


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_networks(first: int):
    """Any graph, with all moved that can be: the same function, and every value as its exponents say, to the last bit."""
    moving = EqualiseChannels(inputs=True, least_octaves=-99)
    count = 0
    for seed in range(first, first + 20):
        before, after = (rewritten(graph_of(rescaled(seed)), skip=[NAME]) for _ in range(2))
        count += moving.run(after)
        after.verify()
        x = grid((4, 3, 2), samples=8).astype(np.float64)
        right = evaluate_float(before, {"x": x})
        held = np.array(after.inputs[0].held.scale if after.inputs[0].held else 1.0)
        found = evaluate_float(after, {"x": x * held})
        for one, other in zip(before.values, after.values, strict=True):
            np.testing.assert_array_equal(found[other], right[one] * np.array(other.held.scale if other.held else 1.0))
        assert not any(value.held for value in after.outputs)
    assert count >= 5


# -- what lies between ---------------------------------------------------------------------------------

Between = Callable[[UnequalNet, str], tuple[str, Any]]
"""Adds layers behind an image (4, 4, 6) or a vector (6,) of unequal channels; gives the name and its channels' sizes."""


def simple(class_name: str, **config: Any) -> Between:
    return lambda net, x: (net.call(class_name, "between", x, **config), SMALL)


def flattened(net: UnequalNet, x: str) -> tuple[str, Any]:
    return net.call("Flatten", "between", x), np.tile(SMALL, 16)


def prelu(net: UnequalNet, x: str) -> tuple[str, Any]:
    return net.call("PReLU", "between", x, {"alpha": net.rng.uniform(0, 1, (4, 4, 6))}), SMALL


def joined(class_name: str) -> Between:
    def between(net: UnequalNet, x: str) -> tuple[str, Any]:
        return net.call(class_name, "between", [x, net.window("other", "x", np.ones(3), SMALL)]), SMALL

    return between


def concatenated(net: UnequalNet, x: str) -> tuple[str, Any]:
    other = net.window("other", "x", np.ones(3), 5 * SMALL[::-1])
    return net.call("Concatenate", "between", [x, other], axis=-1), np.concatenate([SMALL, 5 * SMALL[::-1]])


def stacked(net: UnequalNet, x: str) -> tuple[str, Any]:
    other = net.window("other", "x", np.ones(3), SMALL)
    return net.call("Concatenate", "between", [x, other], axis=1), SMALL


def shaped(net: UnequalNet, x: str) -> tuple[str, Any]:
    return net.call("Reshape", "between", x, target_shape=[8, 12]), np.tile(SMALL, 2)


def turned(net: UnequalNet, x: str) -> tuple[str, Any]:
    return net.call("Permute", "between", x, dims=[2, 1, 3]), SMALL


def depthwise(net: UnequalNet, x: str) -> tuple[str, Any]:
    return net.depthwise("between", x, SMALL, SMALL[::-1]), SMALL[::-1]


BETWEEN: dict[str, Between] = {
    "relu": simple("ReLU"),
    "leaky": simple("LeakyReLU", alpha=0.3),
    "prelu": prelu,
    "max": simple("MaxPooling2D", pool_size=[2, 2]),
    "average": simple("AveragePooling2D", pool_size=[2, 2]),
    "average of three": simple("AveragePooling2D", pool_size=[3, 3], strides=1),
    "global max": simple("GlobalMaxPooling2D"),
    "global average": simple("GlobalAveragePooling2D"),
    "flatten": flattened,
    "reshape": shaped,
    "permute": turned,
    "pad": simple("ZeroPadding2D", padding=[[1, 0], [0, 1]]),
    "crop": simple("Cropping2D", cropping=[[1, 0], [0, 1]]),
    "enlarge": simple("UpSampling2D", size=[2, 1]),
    "add": joined("Add"),
    "subtract": joined("Subtract"),
    "maximum": joined("Maximum"),
    "minimum": joined("Minimum"),
    "concatenate": concatenated,
    "concatenate rows": stacked,
    "depthwise": depthwise,
}


def with_between(between: Between) -> SourceModel:
    net = UnequalNet(1)
    x, sizes = between(net, net.window("first", net.input((4, 4, 3)), np.ones(3), SMALL))
    return net.source(net.fc("out", x, sizes, np.ones(4)))


@pytest.mark.parametrize("kind", BETWEEN)
def test_moves_through(kind: str):
    source = with_between(BETWEEN[kind])
    x = normal_data(source, 100, 1)
    project = converted(source, x)
    found = moved(project)
    assert len(set(found["first"])) > 2, "the channels differ in their exponents"
    ends = [
        node
        for node in project.design
        if node.name != "first" and any(t.exponents for t in node.inputs) and not node.output.exponents
    ]
    assert [node.name for node in ends] == ["out"], "and keep them up to the weights that read them"
    assert deviation(project, source, x) < 0.005
    graph = graph_of(source)
    known, got = evaluate_float(graph, {"x": x}), project.evaluate(x)
    for key, value in graph.aliases.items():
        axes = tuple(range(known[value].ndim - 1))
        off, right = (np.sqrt(np.square(v).mean(axis=axes)) for v in (got[key] - known[value], known[value]))
        assert (off <= 0.005 * right).all(), key


# -- what must stop it ---------------------------------------------------------------------------------


def hidden(net: UnequalNet, x: str, **options: Any) -> str:
    kernel = net.kernel(6, 6) * SMALL
    class_name = "QDense" if "kernel_quantizer" in options else "Dense"
    return net.call(class_name, "fc", x, {"kernel": kernel, "bias": net.bias(6) * SMALL}, units=6, **options)


def stopped_by(between: Callable[[UnequalNet, str], str], outputs: tuple[str, ...] = ("out",)) -> SourceModel:
    net = UnequalNet(2)
    x = between(net, hidden(net, net.input((6,))))
    net.fc("out", x, SMALL, np.ones(3))
    return net.source(*outputs)


def plain(net: UnequalNet, x: str) -> str:
    return net.relu("relu", x)


def layer(**precision: str) -> dict[str, Any]:
    return {"layers": {"fc": {"precision": precision}}}


def gated(net: UnequalNet, x: str) -> str:
    return net.call("Multiply", "between", [x, net.fc("gate", "x", EVEN, EVEN)])


def quantised_behind(net: UnequalNet, x: str) -> str:
    return net.quantize("between", x, 16, 3)


def quantised_weights() -> SourceModel:
    net = UnequalNet(2)
    bits = net.quantized_bits(12, 2)
    x = net.relu("relu", hidden(net, net.input((6,)), kernel_quantizer=bits, bias_quantizer=bits))
    return net.source(net.fc("out", x, SMALL, np.ones(3)))


def quantised_reader() -> SourceModel:
    net = UnequalNet(2)
    x = net.relu("relu", hidden(net, net.input((6,))))
    bits = net.quantized_bits(14, 13)
    weights = {"kernel": net.kernel(6, 3) / SMALL[:, None], "bias": net.bias(3)}
    return net.source(net.call("QDense", "out", x, weights, units=3, kernel_quantizer=bits, bias_quantizer=bits))


STOPS: dict[str, tuple[SourceModel, dict[str, Any]]] = {
    "tanh": (stopped_by(lambda net, x: net.call("Activation", "between", x, activation="tanh")), {}),
    "elu": (stopped_by(lambda net, x: net.call("Activation", "between", x, activation="elu")), {}),
    "softmax": (stopped_by(lambda net, x: net.call("Activation", "between", x, activation="softmax")), {}),
    "ceiling": (stopped_by(lambda net, x: net.call("ReLU", "between", x, max_value=6.0)), {}),
    "product": (stopped_by(gated), {}),
    "quantiser": (stopped_by(quantised_behind), {}),
    "quantised weights": (quantised_weights(), {}),
    "quantised reader": (quantised_reader(), {}),
    "output of the model": (stopped_by(plain, ("relu", "out")), {}),
    "result by name": (stopped_by(plain), layer(result="fixed<18,4,RND,SAT>")),
    "accumulator by name": (stopped_by(plain), layer(accum="fixed<30,8>")),
    "weight by name": (stopped_by(plain), layer(weight="fixed<18,3>")),
    "bias by name": (stopped_by(plain), layer(bias="fixed<18,3>")),
    "types for all": (stopped_by(plain), {"defaults": {"precision": "fixed<18,4,RND,SAT>"}}),
    "weights of the reader": (stopped_by(plain), {"layers": {"out": {"precision": {"weight": "fixed<24,14>"}}}}),
    "switched off": (stopped_by(plain), {"skip_passes": [NAME]}),
}


@pytest.mark.parametrize("reason", STOPS)
def test_stops_at(reason: str):
    source, settings = STOPS[reason]
    project = converted(source, **settings)
    assert not any("fc" in name or name in ("relu", "between") for name in moved(project))


def test_moves_without_a_reason_to_stop():
    assert set(moved(converted(stopped_by(plain)))) == {"fc", "relu"}


def test_a_channel_that_meets_one_that_stays_stays():
    """A sum with a port: both are as large as the port says."""
    net = UnequalNet(0)
    x = net.input((6,))
    y = net.call("Add", "sum", [x, hidden(net, x)])
    project = converted(net.source(net.fc("out", y, EVEN, np.ones(3))))
    assert not moved(project)


@pytest.mark.parametrize("behind", [1.0, 1e3], ids=["even", "large weights behind"])
@pytest.mark.parametrize("bias", [-8.0, -1.0], ids=["never fires", "rarely fires"])
def test_what_a_rectifier_drops_is_no_size(bias: float, behind: float):
    """A channel that is large only below zero: a sum inside of its layer, of which that is never stored."""
    net = UnequalNet(1, -3.0, 0.0)
    factors = net.factors(32)
    x = net.fc("fc", net.input((16,)), np.ones(16), factors)
    net.calls[-1].config["activation"] = "relu"
    net.calls[-1].weights["kernel"][:, 0] *= 0.3 / factors[0]
    net.calls[-1].weights["bias"][0] = bias
    source = net.source(net.fc("out", x, factors, np.ones(5)))
    net.calls[-1].weights["kernel"][0] *= behind * factors[0]
    data = normal_data(source, 300, 1)
    assert deviation(converted(source, data), source, data) < 0.003


def test_a_channel_that_never_fires():
    """Always zero behind its ReLU, with weights behind it as large as may be: others do not pay for them."""
    net = UnequalNet(4)
    kernel, bias = net.kernel(6, 6) * SMALL, net.bias(6) * SMALL
    kernel[:, 3], bias[3] = 0.1 * kernel[:, 3], -10.0 * SMALL[3]
    x = net.call("Dense", "fc", net.input((6,)), {"kernel": kernel, "bias": bias}, units=6)
    source = net.source(net.fc("out", net.relu("relu", x), SMALL, np.ones(3)))
    x = normal_data(source, 200, 1)
    project = converted(source, x)
    assert not project.evaluate(x)["relu"][:, 3].any()
    assert deviation(project, source, x) < 0.005


# -- reports -------------------------------------------------------------------------------------------


def test_reports_speak_of_the_model():
    source = stopped_by(plain)
    x = normal_data(source, 200, 1)
    project, other = converted(source, x), converted(source, x, skip_passes=[NAME])
    for name in ("fc", "relu"):
        found, right = project.precision[name], other.precision[name]
        assert found.expected == right.expected and found.proved == pytest.approx(right.proved, rel=1e-3)
        assert found.holds[1] >= right.expected and 1 <= found.margin <= 4
    notes = [note for note in project.design.notes if note.startswith("fc:")]
    assert len(notes) == 1 and "of 6 channels are held times powers of two (2**" in notes[0]
    assert notes[0] in project.summary()


def test_executors_agree():
    """On integers, and on what traces make of them."""
    source = stopped_by(plain)
    x = normal_data(source, 50, 1)
    project = converted(source, x)
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["out"])
    for raw in (False, True):
        known = project.evaluate(x, raw=raw)
        for key, values in project.trace(x, raw=raw).items():
            np.testing.assert_array_equal(values, known[key], err_msg=key)


def test_raw_values_are_what_is_held():
    source = stopped_by(plain)
    x = normal_data(source, 20, 1)
    project = converted(source, x)
    tensor = project.trace_keys()["relu"]
    raw, real = (project.evaluate(x, raw=raw)["relu"] for raw in (True, False))
    np.testing.assert_array_equal(np.ldexp(raw.astype(np.float64), -tensor.type.frac) * tensor.factors, real)


@pytest.mark.filterwarnings("ignore::hlsgen.project.UnexpectedInputWarning")
def test_overflows_speak_of_the_model():
    """Ten times the calibration data: the channels overflow alike, and the largest is shown in the model's terms."""
    source = stopped_by(plain)
    x = normal_data(source, 100, 1)
    project = converted(source, x, input_precision="fixed<20,10,RND,SAT>")
    project.predict(10 * x, count_overflows=True)
    assert project.overflows is not None
    (entry,) = (e for e in project.overflows.entries if e.layer == "fc" and e.role == "result")
    graph = graph_of(source)
    real = evaluate_float(graph, {"x": 10 * x})[graph.aliases["fc"]]
    assert entry.count > 0
    assert min(abs(np.abs(real).max(axis=0) / entry.largest - 1)) < 0.01
    exponents = np.array(project.trace_keys()["fc"].exponents)
    held = real * np.exp2(exponents)
    outside = (held > float(entry.type.max)) | (held < (float(entry.type.min) if entry.type.signed else -np.inf))
    assert abs(entry.count - outside.sum()) <= 2


def test_inference_can_run_twice():
    project = converted(stopped_by(plain))
    assert project.with_settings(default_width=16).design.digest == project.design.digest


def test_options():
    step = next(s for s in passes(Config(default_width=11)) if s.pass_name() == NAME)
    assert step.width == 11 and not step.exact and step.optional
