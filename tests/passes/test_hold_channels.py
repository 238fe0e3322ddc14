"""hold: results of layers times powers of two that are said; the same function exactly, or refused by name."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.project import Project
from tests.exports.c_library import check, compiler, job_of
from tests.ladder.harness import executors_agree, ladder
from tests.passes.builders import Net, evaluate_float, graph_of, grid, project_of, rewritten
from tests.passes.random_graphs import random_network
from tests.passes.unequal_networks import converted, normal_data, unequal

Scale = float | list[float]


def held(**scales: Scale) -> dict[str, Any]:
    return {"layers": {name: {"hold": {"scale": scale}} for name, scale in scales.items()}}


def less(**offsets: Scale) -> dict[str, Any]:
    return {"layers": {name: {"hold": {"offset": offset}} for name, offset in offsets.items()}}


def both(**numbers: tuple[Scale, Scale]) -> dict[str, Any]:
    """Scales and offsets."""
    said = {name: {"scale": scale, "offset": offset} for name, (scale, offset) in numbers.items()}
    return {"layers": {name: {"hold": how} for name, how in said.items()}}


def moved(project: Project) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.exponents for tensor in project.design.tensors if tensor.exponents is not None}


def small(seed: int = 3) -> SourceModel:
    """Two layers with a pooling, a sum and a function between; channels agree, so nothing moves by itself."""
    net = Net(seed)
    x = net.conv("conv", net.input((4, 4, 2)), 2, 4, activation="relu")
    x = net.call("MaxPooling2D", "pool", x, pool_size=[2, 2], strides=[2, 2], padding="valid")
    x = net.call("Flatten", "flat", x)
    a, b = net.dense("a", x, 4, 5), net.dense("b", x, 4, 5)
    x = net.call("Add", "sum", [a, b])
    x = net.dense("tanh", x, 5, 3, activation="tanh")
    net.dense("out", x, 3, 2)
    return net.source("out")


def times(source: SourceModel, factor: float) -> SourceModel:
    """The same network with weights that are all so much smaller."""
    calls = [
        replace(c, weights={k: np.asarray(w * factor, w.dtype) for k, w in c.weights.items()}) for c in source.calls
    ]
    return replace(source, calls=tuple(calls))


# -- the function ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        held(conv=4.0),
        held(conv=[1, 2, 0.5, 8]),
        held(pool=[0.25] * 4),
        held(sum=[1, 2, 4, 8, 16]),
        held(a=2.0, conv=0.5),
    ],
)
def test_the_function_is_the_same(settings: dict[str, Any]) -> None:
    """Powers of two: equal in float64, to the last bit; and the values in between are what was said."""
    x = {"x": grid((4, 4, 2), 20)}
    plain, said = graph_of(small()), rewritten(graph_of(small()), make_config(settings))
    known, right = evaluate_float(said, x), evaluate_float(plain, x)
    np.testing.assert_array_equal(known[said.outputs[0]], right[plain.outputs[0]])
    for name, layer in settings["layers"].items():
        value = said.aliases[name]
        np.testing.assert_array_equal(known[value], right[plain.aliases[name]] * np.asarray(layer["hold"]["scale"]))


AFFINE = [
    held(conv=[0.3, 1.7, 5.1, 1 / 3]),
    held(tanh=3.7, sum=[0.1, 0.2, 0.3, 0.4, 0.5]),
    less(a=0.5),
    less(sum=[0.1, -0.2, 0.3, -0.4, 0.5]),
    less(b=[0.1, -0.2, 0.3, -0.4, 0.5], sum=0.25),
    both(a=(0.7, 0.3), b=(0.7, [1, 2, 3, 4, 5]), tanh=(1.9, -0.25)),
]


@pytest.mark.parametrize("settings", AFFINE)
def test_the_real_function_is_the_same_less_offsets_and_times_any_factor(settings: dict[str, Any]) -> None:
    x = {"x": grid((4, 4, 2), 20)}
    plain, said = graph_of(small()), rewritten(graph_of(small()), make_config(settings))
    known, right = evaluate_float(said, x), evaluate_float(plain, x)
    np.testing.assert_allclose(known[said.outputs[0]], right[plain.outputs[0]], rtol=1e-12, atol=1e-12)
    for name, layer in settings["layers"].items():
        value, numbers = said.aliases[name], layer["hold"]
        meant = right[plain.aliases[name]] - np.asarray(numbers.get("offset", 0.0))
        np.testing.assert_allclose(known[value], meant * np.asarray(numbers.get("scale", 1.0)), rtol=1e-9, atol=1e-12)
        assert value.held is not None
    for key, value in plain.aliases.items():
        now, found = said.aliases[key], known[said.aliases[key]]
        meant = found if now.held is None else now.held.in_model_units(found)
        np.testing.assert_allclose(meant, right[value], rtol=1e-9, atol=1e-12)


def test_the_offset_of_a_sum_is_that_of_its_first_operand_unless_more_is_said() -> None:
    graph = rewritten(graph_of(small()), make_config(less(sum=0.5)))
    found = {name: value.held.offset for name, value in graph.aliases.items() if value.held is not None}
    assert found == {"a": (0.5,) * 5, "sum": (0.5,) * 5}


def test_what_is_tied_moves_along() -> None:
    found = moved(project_of(small(), **held(sum=[1, 2, 4, 8, 16])))
    assert found == dict.fromkeys(("a", "b", "sum"), (0, 1, 2, 3, 4))
    found = moved(project_of(small(), **held(conv=[1, 2, 0.5, 8])))
    assert found == dict.fromkeys(("conv_conv2d", "conv", "pool", "flat"), (0, 1, -1, 3))


def test_values_held_less_offsets_keep_their_meaning() -> None:
    """In every view: traces, ranges, and the errors of rounded constants."""
    x = grid((4, 4, 2), 20)
    project, plain = (project_of(small(), **settings) for settings in (HELD_LESS, {}))
    for key, values in project.evaluate(x).items():
        np.testing.assert_allclose(values, plain.evaluate(x)[key], atol=0.01)
    for key, values in project.trace(x).items():
        np.testing.assert_allclose(values, plain.trace(x)[key], atol=0.01)
    text = project.summary()
    assert "a: 5 of 5 channels are held less 0.3, times 0.7, which their readers' weights and biases take back" in text
    assert "(tanh - -0.25) * 1.9" in text
    ranges = {choice.name: choice for choice in project.precision.choices}
    for key, tensor in project.design.aliases.items():
        met, choice = project.trace(x)[key], ranges[tensor.name]
        low, high = float(met.min()), float(met.max())
        for ends in (choice.proved, choice.holds):
            assert ends[0] - 1e-9 <= low
            assert high <= ends[1] + 1e-9


def test_names_keep_their_meaning() -> None:
    x = grid((4, 4, 2), 20)
    project, plain = (project_of(small(), **settings) for settings in (held(conv=[1, 2, 0.5, 8], a=4.0), {}))
    for key, values in project.evaluate(x).items():
        np.testing.assert_allclose(values, plain.evaluate(x)[key], atol=0.01)
    text = project.summary()
    assert "conv_conv2d: 3 of 4 channels are held times powers of two (2**-1 to 2**3)" in text


@pytest.mark.parametrize("name", ["mlp", "residual", "separable"])
def test_what_data_tell_can_be_said_without_them(name: str) -> None:
    """The exponents that calibration finds, written down: the same weights without data."""
    source = unequal(name, 1)
    found = converted(source, normal_data(source, 200, 3))
    scales = {
        key: [2.0**k for k in tensor.exponents]
        for key, tensor in found.design.aliases.items()
        if tensor.exponents is not None and tensor not in found.design.inputs
    }
    assert scales
    names = {call.name for call in source.calls}
    said = project_of(source, **held(**{key: scale for key, scale in scales.items() if key in names}))
    hidden = {key: value for key, value in moved(found).items() if key not in {t.name for t in found.design.inputs}}
    assert moved(said) == hidden


def test_what_was_said_is_left_as_it_is() -> None:
    """By itself the pass would move it: a scale of one says that it stays."""
    source = unequal("mlp", 0)
    assert moved(project_of(source))
    names = [call.name for call in source.calls if call.name != "out"]
    assert not moved(project_of(source, **held(**dict.fromkeys(names, 1.0))))


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (held(out=2.0), "hold of 'out': 'out' is an output of the model"),
        (held(tanh=[1.0, 2.0, 1.0]), "channel 1 is to be held times 2**1, and times 2**0 by layers: hold of 'tanh'"),
        (less(conv=0.5), "hold of 'conv': 'conv' (Relu) reads or yields these channels, and does not commute with off"),
        (less(a=0.5, b=0.5, sum=0.5), "offsets of the operands of a sum add up to that of 'sum', and these do not"),
        (
            less(tanh=[0.5, 0.5, 0.25]),
            "less 0.25, and less 0.5 by layers: hold of 'tanh' or by that of another channel",
        ),
        (less(a=[0.5, 0.5]), "hold of 'a': 2 offsets, expected 5"),
        (less(out=0.5), "hold of 'out': 'out' is an output of the model"),
        (held(x=2.0), "hold of 'x': it is an input of the model; give input_precision"),
        (held(conv=[1.0, 2.0]), "hold of 'conv': 2 scales, expected 4 (one for each channel, the last axis) or one"),
        (held(a=2.0, b=4.0), "times 2**2, and times 2**1 by layers: hold of 'a' or by that of another channel"),
        (held(nope=2.0), "the model has no layer 'nope'"),
        (
            {"layers": {"conv": {"hold": {"scale": 2.0}}, "a": {"precision": {"weight": "fixed<8,3>"}}}},
            "hold of 'conv': types are fixed for the weights of 'a' (Dense)",
        ),
    ],
)
def test_what_cannot_be_undone_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_of(small(), **settings)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("hold", "message"),
    [
        ({"scale": [1.0, 0.0]}, "expected numbers from 2^-40 to 2^40"),
        ({"scale": -2}, "layers.a.hold.scale: expected numbers from 2^-40 to 2^40, found -2"),
        ({"scale": 2.0**41}, "expected numbers from 2^-40 to 2^40"),
        ({"offset": float("inf")}, "layers.a.hold.offset"),
        ({"offset": []}, "expected a number, or a list"),
        ({"scale": "2"}, "expected a number"),
        ({"scale": []}, "expected a number, or a list"),
        ({}, "layers.a.hold: expected a scale, an offset, or both"),
        ({"scales": 2}, "did you mean 'scale'"),
        (2, "layers.a.hold"),
    ],
)
def test_what_is_no_scale_is_refused(hold: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"layers": {"a": {"hold": hold}}})
    assert message in str(caught.value)


def test_another_name_of_an_input_is_the_input() -> None:
    net = Net(1)
    net.dense("out", net.call("Dropout", "drop", net.input((3,)), rate=0.5), 3, 2)
    with pytest.raises(ConfigError, match="hold of 'drop': 'x' is an input of the model"):
        project_of(net.source("out"), **held(drop=2.0))


def test_it_survives_a_file() -> None:
    config = make_config(held(a=[1, 2], b=np.float64(0.5)) | both(c=(0.3, [1, -0.25])))
    assert make_config(config.model_dump(mode="json")) == config


# -- every executor --------------------------------------------------------------------------------

SAID = held(conv=[1, 2, 0.5, 8], sum=[1, 2, 4, 8, 16])


def test_every_executor_computes_the_same() -> None:
    ladder(small(), grid((4, 4, 2), 20), default_width=9, **SAID)


def test_circuits_and_libraries_compute_the_same(tmp_path: Any) -> None:
    x = grid((4, 4, 2), 20)
    project, circuit = (project_of(small(), backend=backend, **SAID) for backend in ("vitis", "verilog"))
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(x)}, tmp_path)
    np.testing.assert_array_equal(circuit.simulate(x).result, circuit.evaluate(x, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(x)["out"], project.evaluate(x)["out"])


HELD_LESS = {
    "layers": {
        "conv": {"hold": {"scale": [0.3, 1.7, 5.1, 0.9]}},
        "a": {"hold": {"scale": 0.7, "offset": 0.3}},
        "b": {"hold": {"scale": 0.7, "offset": [0.1, 0.2, 0.3, 0.4, 0.5]}},
        "tanh": {"hold": {"scale": 1.9, "offset": -0.25}},
    }
}


def test_every_executor_computes_the_same_of_what_is_held_less_offsets() -> None:
    ladder(small(), grid((4, 4, 2), 20), default_width=9, **HELD_LESS)


def test_circuits_and_libraries_compute_the_same_of_what_is_held_less_offsets(tmp_path: Any) -> None:
    x = grid((4, 4, 2), 20)
    project, circuit = (project_of(small(), backend=backend, **HELD_LESS) for backend in ("vitis", "verilog"))
    compiler()
    check(job_of(project), {"x": project.design.inputs[0].type.quantize(x)}, tmp_path)
    np.testing.assert_array_equal(circuit.simulate(x).result, circuit.evaluate(x, raw=True)["out"])
    np.testing.assert_array_equal(circuit.evaluate(x)["out"], project.evaluate(x)["out"])


def test_offsets_of_other_weights_fold_into_their_biases(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held stays; the function is that of the new weights."""
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(model))
    known, other = times(small(), 0.9), times(small(), 0.85)
    x = grid((4, 4, 2), 20)
    first, right = project_of(known, **HELD_LESS), project_of(other)
    again = first.with_weights(other)
    assert {t.name: t.held for t in again.design.tensors} == {t.name: t.held for t in first.design.tensors}
    for key, values in right.evaluate(x).items():
        np.testing.assert_allclose(again.evaluate(x)[key], values, atol=0.02)


def test_other_weights_are_held_likewise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(model))
    project = project_of(small(), **SAID)
    again = project.with_weights(small())
    assert str(again.design) == str(project.design)
    assert moved(again) == moved(project) != {}


REASONS = (
    "no slope but 1", "pads these channels", "add up", "is an output", "is an input", "does not commute", "types are fixed", "a quantiser of the model", "is tied",
    "not there any more", "no layer", "is to be held",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_are_the_same_function_or_refused(seed: int) -> None:
    source, rng = random_network(seed, quantized=False), random.Random(seed)
    plain = graph_of(source)
    x = {value.name: grid(value.shape, 10, seed) for value in plain.inputs}
    right, done = evaluate_float(plain, x), 0
    for call in source.calls:
        scale = 2.0 ** rng.choice((-3, -1, 1, 2, 5))
        try:
            config = make_config(held(**{call.name: scale}))
            said = rewritten(graph_of(source), config)
        except ConfigError as error:
            assert any(reason in str(error) for reason in REASONS), error
            continue
        known = evaluate_float(said, x)
        for a, b in zip(said.outputs, plain.outputs, strict=True):
            np.testing.assert_allclose(known[a], right[b], rtol=1e-9, atol=1e-9 * max(np.abs(right[b]).max(), 1e-9))
        done += 1
        if done == 1 and seed < 5:
            executors_agree(project_of(source, config=config), x)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_held_less_offsets_are_the_same_function_or_refused(seed: int) -> None:
    source, rng = random_network(seed, quantized=False), random.Random(seed)
    plain = graph_of(source)
    x = {value.name: grid(value.shape, 10, seed) for value in plain.inputs}
    right, done = evaluate_float(plain, x), 0
    unsaid = rewritten(graph_of(source), make_config({}))
    fused = evaluate_float(unsaid, x)
    for call in source.calls:
        numbers = rng.uniform(0.1, 9.0), rng.choice((0.0, rng.uniform(-2.0, 2.0)))
        try:
            config = make_config(both(**{call.name: numbers}))
            said = rewritten(graph_of(source), config)
        except ConfigError as error:
            assert any(reason in str(error) for reason in REASONS), error
            continue
        known = evaluate_float(said, x)
        for a, b in zip(said.outputs, plain.outputs, strict=True):
            np.testing.assert_allclose(known[a], right[b], rtol=1e-7, atol=1e-9 * max(np.abs(right[b]).max(), 1.0))
        held = said.aliases[call.name]
        assert held.held is not None
        np.testing.assert_allclose(
            held.held.in_model_units(known[held]), fused[unsaid.aliases[call.name]], rtol=1e-7, atol=1e-7
        )
        done += 1
        if done == 1 and seed < 3:
            executors_agree(project_of(source, config=config), x)
