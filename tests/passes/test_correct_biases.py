"""bias_correction: added to what a layer computes, whatever passes make of it, and no part of what the model means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import LayerCall, SourceModel
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph
from hlsgen.layers.linear import LinearLayer
from hlsgen.project import Project
from tests.exports.c_library import check, compiler, job_of
from tests.ladder.harness import ladder
from tests.passes.builders import Net, evaluate_float, graph_of, grid, project_of, rewritten
from tests.passes.random_graphs import random_network
from tests.passes.unequal_networks import unequal


def several() -> SourceModel:
    """A convolution behind a convolution, both normalised, pooled, a dense layer without a bias and one with."""
    net = Net(4)
    x = net.input((6, 6, 2))
    x = _real(net, "Conv2D", "first", x, (3, 3, 2, 3), filters=3, kernel_size=[3, 3], padding="same")
    x = net.call("ReLU", "relu", net.batchnorm("bn", x, 3))
    x = _real(net, "Conv2D", "second", x, (3, 3, 3, 4), filters=4, kernel_size=[3, 3])
    x = net.call("MaxPooling2D", "pool", x, pool_size=[2, 2], strides=[2, 2], padding="valid")
    x = net.call("ReLU", "relu2", net.batchnorm("bn2", x, 4))
    x = net.call("Flatten", "flat", x)
    x = net.call("Dense", "bare", x, {"kernel": net.rng.normal(size=(16, 5))}, units=5, use_bias=False)
    _real(net, "Dense", "out", net.call("Activation", "tanh", x, activation="tanh"), (5, 3), units=3)
    return net.source("out")


def _real(net: Net, class_name: str, name: str, x: str, shape: tuple[int, ...], **config: Any) -> str:
    weights = {"kernel": net.rng.normal(size=shape), "bias": net.rng.normal(size=shape[-1])}
    return net.call(class_name, name, x, weights, **config)


CORRECTIONS: dict[str, float | list[float]] = {
    "first": [0.25, -0.5, 0.125], "bn": 0.5, "second": [1.0, 0.0, -1.0, 2.0], "bn2": [0.1, 0.2, 0.3, 0.4], "bare": -0.75,
    "out": [1.0, 2.0, 4.0],
}  # fmt: skip


def settings_of(names: Sequence[str]) -> dict[str, Any]:
    return {"layers": {name: {"bias_correction": CORRECTIONS[name]} for name in names}}


def corrected(source: SourceModel, names: Sequence[str]) -> SourceModel:
    """The model whose own weights hold the corrections."""
    role = {"BatchNormalization": "beta"}

    def changed(call: LayerCall) -> LayerCall:
        if call.name not in names:
            return call
        key = role.get(call.class_name, "bias")
        channels = np.asarray(next(iter(call.weights.values()))).shape[-1]
        bias = np.asarray(call.weights.get(key, np.zeros(channels))) + np.asarray(CORRECTIONS[call.name])
        weights = {**call.weights, key: np.asarray(bias, dtype=np.float64)}
        return replace(call, weights=weights, config={k: v for k, v in call.config.items() if k != "use_bias"})

    return replace(source, calls=tuple(changed(call) for call in source.calls))


EACH = [*((name,) for name in CORRECTIONS), tuple(CORRECTIONS)]


@pytest.mark.parametrize("names", EACH)
@pytest.mark.parametrize("skip", [[], ["fuse_batchnorm"]], ids=["fused", "apart"])
def test_it_is_the_model_with_other_biases(names: tuple[str, ...], skip: list[str]) -> None:
    """In real numbers, before and behind the passes."""
    x = {"x": grid((6, 6, 2), 8)}
    config = make_config(settings_of(names))
    found = rewritten(graph_of(several()), config, skip)
    right = rewritten(graph_of(corrected(several(), names)), skip=skip)
    a, b = (evaluate_float(g, x)[g.outputs[0]] for g in (found, right))
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * np.abs(b).max())
    plain = graph_of(several())
    assert np.abs(a - evaluate_float(plain, x)[plain.outputs[0]]).max() > 0.01, "it changes something"


@pytest.mark.parametrize("names", EACH)
def test_what_the_model_means_is_without_it(names: tuple[str, ...]) -> None:
    x = {"x": grid((6, 6, 2), 8)}
    graph = graph_of(several())
    right = evaluate_float(graph, x)[graph.outputs[0]]
    project = project_of(several(), **settings_of(names))
    (found,) = meant_outputs(project.design, x)
    np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-6 * np.abs(right).max())


@pytest.mark.parametrize("name", ["mlp", "normalised"])
def test_channels_that_are_held_times_powers_of_two_keep_it(name: str) -> None:
    """Numbers are in the model's units, whatever channels are multiplied by."""
    source = unequal(name, 1)
    names = [call.name for call in source.calls if call.class_name in ("Dense", "Conv2D", "BatchNormalization")]
    config = make_config({"layers": {n: {"bias_correction": 0.001} for n in names}})
    (spec,) = source.inputs
    x = {spec.name: grid(spec.shape, 20)}
    moved, plain = (rewritten(graph_of(source), config, skip) for skip in ([], ["equalise_channels"]))
    assert any(value.held for value in moved.values)
    a, b = (evaluate_float(g, x)[g.outputs[0]] for g in (moved, plain))
    np.testing.assert_array_equal(a, b)
    meant = [
        op.layer.constants()["bias"]
        for op in project_of(source, config=config).design
        if "bias" in op.layer.constants()
    ]
    assert all(constant.added is not None and constant.added.all() for constant in meant)


@pytest.mark.parametrize("correction", [-3.0, 3.0])
def test_it_does_not_change_what_is_fused(correction: float) -> None:
    """A shift that is too large to be fused into the layer behind, or just not."""
    for shift in (3.0, 5.0):
        net = Net(2)
        x = net.call("ReLU", "relu", net.input((4,)))
        weights = {name: np.full(4, v) for name, v in (("gamma", 1.0), ("beta", shift), ("moving_mean", 0.0))}
        x = net.call("BatchNormalization", "bn", x, {**weights, "moving_variance": np.full(4, 0.999)}, epsilon=1e-3)
        source = net.source(_real(net, "Dense", "out", x, (4, 3), units=3))
        plain, found = project_of(source), project_of(source, layers={"bn": {"bias_correction": correction}})
        names = [op.name for op in plain.design]
        assert names == [op.name for op in found.design] and ("bn" in names) is (shift > 4)


def test_every_executor_computes_the_same() -> None:
    ladder(several(), grid((6, 6, 2), 10), default_width=9, **settings_of(tuple(CORRECTIONS)))


def test_circuits_and_libraries_compute_the_same(tmp_path: Any) -> None:
    net = Net(1)
    x = _real(net, "Dense", "hidden", net.input((5,)), (5, 4), units=4, activation="relu")
    _real(net, "Dense", "out", x, (4, 3), units=3)
    source, data = net.source("out"), grid((5,), 30)
    settings: dict[str, Any] = {"layers": {"hidden": {"bias_correction": [0.5, -0.5, 0.25, 1]}}, "default_width": 8}
    project, circuit = project_of(source, **settings), project_of(source, backend="verilog", **settings)
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(data)}, tmp_path)
    np.testing.assert_array_equal(circuit.simulate(data).result, circuit.evaluate(data, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(data)["out"], project.evaluate(data)["out"])


# -- what is said of it -----------------------------------------------------------------------------


def mlp() -> Any:
    x = keras.Input((6,), name="x")
    h = kl.Dense(8, activation="relu", name="hidden")(x)
    model = keras.Model(x, kl.Dense(3, name="out")(h))
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_comparisons_take_the_source_model_without_it() -> None:
    """The correction is what the design is off by; no report takes it for another model."""
    x = np.random.default_rng(3).normal(size=(200, 6)).astype(np.float32)
    project = hlsgen.convert(mlp(), calibration=x, layers={"out": {"bias_correction": 0.5}})
    found = project.diagnose(x, reference="graph")
    assert "report it" not in str(found)
    real = project.with_settings(layers={})
    shifted, plain = project.predict(x), real.predict(x)
    np.testing.assert_allclose(shifted - plain, 0.5, atol=0.01)
    again = project.with_weights(mlp())
    np.testing.assert_array_equal(again.predict(x), shifted)
    assert "out: shifted by 0.5 to 0.5, as bias_correction says" in project.summary()


def test_a_fixed_type_of_biases_rounds_the_sum() -> None:
    net = Net(1)
    net.call("Dense", "out", net.input((2,)), {"kernel": np.eye(2), "bias": [0.25, 0.3]}, units=2)
    layers = {"out": {"bias_correction": 0.3, "precision": {"bias": "fixed<6,2>"}}}
    bias = project_of(net.source("out"), layers=layers).design.ops[-1].layer.constants()["bias"]
    np.testing.assert_array_equal(bias.effective, [9 / 16, 10 / 16])
    np.testing.assert_allclose(bias.meant, [0.25, 0.3], rtol=1e-6)


SHIFTS = (0.5, -0.25, 0.125, 1.0, -1.5, 0.75, 0.0, 0.25)


def recurrent(kind: str, correction: Sequence[float] = ()) -> SourceModel:
    """A recurrent layer of two units; ``correction``: of its bias, or of that of its inputs where it has two."""
    net = Net(0)
    sums = {"SimpleRNN": 2, "GRU": 6, "LSTM": 8}[kind]
    bias = net.dyadic(2, sums) if kind == "GRU" else net.dyadic(sums)
    first = bias[0] if kind == "GRU" else bias
    first += np.asarray(correction or [0.0] * sums)
    weights = {"kernel": net.dyadic(3, sums), "recurrent_kernel": net.dyadic(2, sums), "bias": bias}
    config = {"reset_after": True} if kind == "GRU" else {}
    net.call(kind, "cell", net.input((4, 3)), weights, units=2, return_sequences=True, **config)
    return net.source("cell")


@pytest.mark.parametrize("recurrence", ["loop", "unrolled"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
def test_of_a_recurrent_layer_it_is_the_bias_of_its_inputs(kind: str, recurrence: str) -> None:
    """The same design, to the bit, as of the model with those biases."""
    x, sums = grid((4, 3), 12), {"SimpleRNN": 2, "GRU": 6, "LSTM": 8}[kind]
    shifts = list(SHIFTS[:sums])
    settings: dict[str, Any] = {"default_width": 10, "defaults": {"recurrence": recurrence}}
    found = project_of(recurrent(kind), layers={"cell": {"bias_correction": shifts}}, **settings)
    right = project_of(recurrent(kind, shifts), **settings)
    np.testing.assert_array_equal(found.evaluate(x)["cell"], right.evaluate(x)["cell"])
    plain = project_of(recurrent(kind), **settings)
    assert np.abs(found.evaluate(x)["cell"] - plain.evaluate(x)["cell"]).max() > 0.01, "it changes something"
    np.testing.assert_allclose(*(meant_outputs(p.design, {"x": x})[0] for p in (found, plain)), rtol=1e-6, atol=1e-6)


def both_ways() -> SourceModel:
    net = Net(0)
    sizes = {"kernel": (3, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    weights = {
        f"{way}_layer/{name}": net.dyadic(*shape) for way in ("forward", "backward") for name, shape in sizes.items()
    }
    inner = {"class_name": "LSTM", "config": {"units": 2}}
    net.call("Bidirectional", "cell", net.input((4, 3)), weights, layer=inner)
    return net.source("cell")


def quantised() -> SourceModel:
    net = Net(0)
    weights = {"kernel": net.dyadic(3, 2), "bias": net.dyadic(2)}
    quantizer = net.quantized_bits(4, 1)
    config = {"kernel_quantizer": quantizer, "bias_quantizer": quantizer}
    net.call("QDense", "q", net.input((3,)), weights, units=2, **config)
    return net.source("q")


@pytest.mark.parametrize(
    ("source", "layers", "message"),
    [
        (several, {"relu": {"bias_correction": 1.0}}, "bias_correction of 'relu': it has no bias (Relu); name a layer"),
        (several, {"out": {"bias_correction": [1.0, 2.0]}}, "bias_correction of 'out': 2 numbers, expected 3 (one for"),
        (
            both_ways,
            {"cell": {"bias_correction": 1.0}},
            "bias_correction of 'cell': it computes 2 sums, and one bias is",
        ),
        (quantised, {"q": {"bias_correction": 1.0}}, "its bias is fixed by the model's quantiser"),
        (several, {"nope": {"bias_correction": 1.0}}, "the model has no layer 'nope'"),
    ],
)
def test_what_has_no_such_bias_is_refused(source: Any, layers: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(source(), layers=layers)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": {"out": {"bias_correction": []}}}, "expected a number, or a list of one at least"),
        ({"layers": {"out": {"bias_correction": "1"}}}, "expected a number, found '1'"),
        ({"layers": {"out": {"bias_correction": [1.0, None]}}}, "expected a number"),
        ({"layers": {"out": {"bias_correction": float("nan")}}}, "expected numbers up to 1e+30"),
        ({"layers": {"out": {"bias_correction": [1e31]}}}, "expected numbers up to 1e+30"),
        ({"layers": {"out": {"bias_correction": True}}}, "expected a number"),
        ({"layers": {"out": {"bias_corection": 1}}}, "did you mean 'bias_correction'"),
        ({"defaults": {"bias_correction": 1}}, "it is said of a layer by its name: put it below 'layers:'"),
        ({"layer_types": {"Dense": {"bias_correction": 1}}}, "it is said of a layer by its name"),
    ],
)
def test_what_is_no_correction_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config(settings)
    assert message in str(caught.value)


def test_it_survives_a_file() -> None:
    config = make_config({"layers": {"out": {"bias_correction": np.array([1.0, 2.5])}, "b": {"bias_correction": 3}}})
    assert make_config(config.model_dump(mode="json")) == config
    assert isinstance(project_of(several(), config=make_config(settings_of(("out",)))), Project)


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_compute_what_was_said_and_mean_what_they_did(seed: int) -> None:
    """Every layer that has a bias is shifted, and all passes run: real numbers as if the biases were others, and the
    meaning as if nothing had been said."""
    source, rng = random_network(seed, quantized=False), np.random.default_rng(seed)
    layers: dict[str, Any] = {}
    for call in source.calls:
        node = next(
            (n for n in graph_of(source) if n.source.name == call.name and isinstance(n.layer, LinearLayer)), None
        )
        if node is not None:
            layers[call.name] = {"bias_correction": rng.normal(size=node.output.shape[-1]).tolist()}
    other = graph_of(source)
    for name in list(layers):
        try:
            rewritten(graph_of(source), make_config({"layers": {name: layers[name]}}))
        except ConfigError:
            del layers[name]
            continue
        node = [n for n in other if n.source.name == name and isinstance(n.layer, LinearLayer)][-1]
        assert isinstance(node.layer, LinearLayer)
        bias = Constant.of(node.layer.bias.effective + layers[name]["bias_correction"])
        other.set_layer(node, replace(node.layer, bias=bias))
    x = {value.name: grid(value.shape, 8, seed) for value in other.inputs}
    said, plain = rewritten(graph_of(source), make_config({"layers": layers})), graph_of(source)
    right, meaning = (_outputs(graph, x) for graph in (rewritten(other), plain))
    np.testing.assert_allclose(_outputs(said, x), right, rtol=1e-9, atol=1e-9 * np.abs(right).max())
    found = np.concatenate([y.ravel() for y in meant_outputs(project_of(source, layers=layers).design, x)])
    np.testing.assert_allclose(found, meaning, rtol=1e-9, atol=1e-9 * np.abs(meaning).max())


def _outputs(graph: Graph, x: dict[str, Any]) -> Any:
    known = evaluate_float(graph, x)
    return np.concatenate([known[value].ravel() for value in graph.outputs])
