"""Recurrent layers: reference, emulator and vendor's headers, in arrays and in streams, for every form of loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import End
from hlsgen.layers.loops import Carry, State
from hlsgen.project import Project
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of
from tests.selection import first_of, in_turn

STEPS, CHANNELS, UNITS = 5, 4, 4
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
DATA = grid((STEPS, CHANNELS), samples=21, frac=4, bound=64)


def layer(net: Net, kind: str, name: str, x: str | list[str], channels: int = CHANNELS, **config: Any) -> str:
    gates = GATES[kind] * UNITS
    two = kind == "GRU" and config.get("reset_after", True)
    weights = {
        "kernel": net.dyadic(channels, gates, frac=3),
        "recurrent_kernel": net.dyadic(UNITS, gates, frac=3),
        "bias": net.dyadic(*((2, gates) if two else (gates,)), frac=3),
    }
    return net.call(
        kind, name, x, weights, units=UNITS, **{**({"reset_after": two} if kind == "GRU" else {}), **config}
    )


def both_ways(net: Net, kind: str, name: str, x: str, **config: Any) -> str:
    gates = GATES[kind] * UNITS
    weights = {
        f"{way}_layer/{role}": net.dyadic(*shape, frac=3)
        for way in ("forward", "backward")
        for role, shape in (("kernel", (CHANNELS, gates)), ("recurrent_kernel", (UNITS, gates)), ("bias", (gates,)))
    }
    inner = {"class_name": kind, "config": {"units": UNITS, "return_sequences": True}}
    return net.call("Bidirectional", name, x, weights, layer=inner, **config)


def project(net: Net, *outputs: str, **settings: Any) -> Project:
    return project_of(net.source(*outputs), **{"input_precision": "fixed<9,4>", **settings})


@pytest.mark.parametrize(
    ("kind", "config", "io_type"),
    in_turn(
        [
            ("SimpleRNN", {"return_sequences": True, "activation": "relu"}),
            ("SimpleRNN", {"go_backwards": True, "return_sequences": True}),
            ("LSTM", {"return_sequences": True, "recurrent_activation": "hard_sigmoid"}),
            ("LSTM", {}),
            ("GRU", {"reset_after": False}),
            ("GRU", {"return_sequences": True}),
        ]
    ),
)
def test_executors_agree(kind: str, config: dict[str, Any], io_type: str):
    net = Net(3)
    layer(net, kind, "rnn", net.input((STEPS, CHANNELS)), **config)
    executors_agree(project(net, "rnn", io_type=io_type, default_width=10), DATA)


def states(**settings: Any) -> tuple[Project, dict[str, Any]]:
    """Two layers behind each other: the second begins with the states that the first ends with."""
    net = Net(4)
    x = net.input((STEPS, CHANNELS))
    h, c = net.input((UNITS,), "h"), net.input((UNITS,), "c")
    layer(net, "LSTM", "first", [x, h, c], return_sequences=True)
    layer(net, "GRU", "second", ["first", h], UNITS, return_sequences=True)
    data = {"x": DATA, "h": grid((UNITS,), samples=21, frac=4, bound=40), "c": grid((UNITS,), samples=21, bound=90)}
    return project(net, "second", "first", default_width=12, **settings), data


@pytest.mark.parametrize("io_type", first_of(["io_stream", "io_parallel"]))
def test_states_that_are_given(io_type: str):
    made, data = states(io_type=io_type)
    executors_agree(made, data)
    types = {op.output.name: op.output.type for op in made.design if op.layer.kind == "State"}
    assert types["first_h_state"].integer > 1, "an h that is given may be larger than any that is computed"
    other = {**data, "c": -data["c"]}
    assert (made.evaluate(data)["first"] != made.evaluate(other)["first"]).any(), "they are read"


@pytest.mark.parametrize("mode", first_of(["ave", "concat", None]))
def test_both_ways(mode: str | None):
    net = Net(5)
    both_ways(net, "LSTM", "bi", net.input((STEPS, CHANNELS)), merge_mode=mode)
    executors_agree(project(net, "bi", io_type="io_stream", default_width=10), DATA)


@pytest.mark.parametrize("io_type", first_of(["io_stream", "io_parallel"]))
def test_a_layer_at_every_position(io_type: str):
    """An image a step: convolution and pooling in one loop each, and a recurrent layer behind them."""
    net = Net(13)
    images = net.input((3, 4, 5, 2))
    weights = {"layer/kernel": net.dyadic(3, 3, 2, 2), "layer/bias": net.dyadic(2)}
    inner = {"class_name": "Conv2D", "config": {"filters": 2, "kernel_size": [3, 3], "activation": "relu"}}
    conv = net.call("TimeDistributed", "conv", images, weights, layer=inner)
    pool = net.call("TimeDistributed", "pool", conv, layer={"class_name": "GlobalAveragePooling2D", "config": {}})
    net.dense("last", layer(net, "GRU", "rnn", pool, 2), UNITS, 2)
    made = project(net, "last", "pool", io_type=io_type, default_width=10)
    executors_agree(made, grid((3, 4, 5, 2), samples=18, frac=4, bound=64))


def model_at_every_position(net: Net, name: str, x: str) -> str:
    """A convolution of images and what is above the average of each channel, as one model."""
    first = net.call("TimeDistributed", f"{name}/position", x)
    net.calls[-1] = replace(net.calls[-1], end=End.FIRST, layer_call=name)
    conv = net.conv(f"{name}/conv", first, 2, 2, activation="relu")
    mean = net.call("GlobalAveragePooling2D", f"{name}/mean", conv)
    most = net.call("GlobalMaxPooling2D", f"{name}/most", conv)
    above = net.call("Subtract", f"{name}/above", [most, mean])
    net.call("TimeDistributed", name, [above, first])
    net.calls[-1] = replace(net.calls[-1], end=End.LAST, layer_call=name)
    return name


@pytest.mark.parametrize("settings", [{"io_type": "io_stream"}, {"layers": {"each": {"recurrence": "unrolled"}}}])
def test_a_model_at_every_position(settings: dict[str, Any]):
    """Its layers have names, and types by them; how often they are there, the layer around it says."""
    net = Net(13)
    model_at_every_position(net, "each", net.input((3, 4, 4, 2)))
    layers = {"each/conv": {"precision": {"result": "fixed<9,5>"}}, **settings.pop("layers", {})}
    made, data = project(net, "each", layers=layers, default_width=10, **settings), grid((3, 4, 4, 2), samples=9)
    types = {op.name: str(op.output.type) for op in made.design}
    assert types["each/conv"] == "fixed<9,5>"
    held = made.evaluate(data, inner=True)
    assert {key: held[key].shape[1:] for key in ("each/conv", "each/most")} == {
        "each/conv": (3, 2, 2, 2),
        "each/most": (3, 2),
    }
    executors_agree(made, data)


@pytest.mark.parametrize(
    "settings",
    first_of(
        [
            {"layers": {"rnn": {"strategy": "resource", "reuse_factor": 4}}},
            {"io_type": "io_stream", "tlast": True, "port_width": 16},
            {"layers": {"rnn": {"strategy": "unrolled", "reuse_factor": 2}}},
            {"reuse_factor": 2},
            {"interface": "axi_master"},
        ],
        2,
    ),
)
def test_how_it_is_built_does_not_matter(settings: dict[str, Any]):
    net = Net(6)
    layer(net, "LSTM", "rnn", net.input((STEPS, CHANNELS)), return_sequences=True)
    plain = project(net, "rnn", default_width=10).predict(DATA, raw=True)
    made = project(net, "rnn", default_width=10, **settings)
    executors_agree(made, DATA)
    np.testing.assert_array_equal(made.predict(DATA, raw=True), plain)


def test_streams_of_these_depths_run():
    net = Net(7)
    x = net.input((STEPS, CHANNELS))
    first = layer(net, "LSTM", "first", x, return_sequences=True)
    both_ways(net, "GRU", "bi", x)
    net.call("Concatenate", "joined", [first, "bi"], axis=-1)
    made = project(net, "joined", io_type="io_stream", default_width=10)
    made.check_streams()
    executors_agree(made, DATA)


def test_the_schedule_counts_steps():
    net = Net(8)
    layer(net, "LSTM", "rnn", net.input((STEPS, CHANNELS)), return_sequences=True)
    made = project(net, "rnn", io_type="io_stream").schedule
    (loop,) = (call for call in made.calls if call.kernel == "loop")
    assert loop.steps == STEPS and loop.cycles == STEPS * loop.interval == made.interval
    assert made.bottleneck is not None and made.bottleneck.name == loop.name
    assert loop.multipliers == 4 * UNITS * UNITS


UNROLLED = {"recurrence": "unrolled", "default_width": 10}


def test_unrolled_in_time():
    net = Net(3)
    x = net.input((STEPS, CHANNELS))
    layer(net, "GRU", "rnn", layer(net, "LSTM", "first", x, return_sequences=True), UNITS, go_backwards=True)
    made, looped = project(net, "rnn", "first", **UNROLLED), project(net, "rnn", "first", default_width=10)
    assert str(made.design) == str(looped.design), "the same types"
    executors_agree(made, DATA)
    for unrolled, found in zip(made.predict(DATA, raw=True), looped.predict(DATA, raw=True), strict=True):
        np.testing.assert_array_equal(unrolled, found)
    traced, expected = made.trace(DATA, raw=True), looped.evaluate(DATA, raw=True)
    for key, values in expected.items():
        np.testing.assert_array_equal(traced[key], values, err_msg=key)


def test_what_steps_hold_inside_is_traced():
    net = Net(4)
    both_ways(net, "LSTM", "bi", net.input((STEPS, CHANNELS)))
    made = project(net, "bi", default_width=10)
    expected = {k: v for k, v in made.evaluate(DATA, raw=True, inner=True).items() if "." not in k}
    found = made.trace(DATA, raw=True, inner=True)
    assert found.keys() == expected.keys() > made.trace_keys().keys()
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)
    slots = {(op.loop, op.layer.slot): op for op in made.design if isinstance(op.layer, State)}
    assert len(slots) == 4, "h and c, from both ends"
    for carry in (op for op in made.design if isinstance(op.layer, Carry)):
        read = found[slots[carry.loop, carry.layer.slot].name]
        assert read.shape == (len(DATA), STEPS, UNITS) and not read[:, 0].any()
        np.testing.assert_array_equal(read[:, 1:], found[carry.name][:, :-1])


def test_a_sample_enters_as_soon_as_a_step_is_free():
    net = Net(4)
    layer(net, "LSTM", "rnn", net.input((STEPS, CHANNELS)))
    projects = [project(net, "rnn", **UNROLLED, **more) for more in ({}, {"interval": 2})]
    plain, shared = (made.schedule for made in projects)
    assert plain.interval == 1 and shared.interval == 2
    counts = [call.multipliers for schedule in (plain, shared) for call in schedule.calls if call.kernel == "loop"]
    assert counts == [STEPS * 4 * UNITS * UNITS, STEPS * 4 * UNITS * UNITS // 2]
    assert plain.latency > STEPS * 10, "one step behind the other"
    products = [call.kernel.members for made in projects for call in made.plan.calls if call.kernel.function == "dense"]
    assert [members["interval"] for members in products] == [1, 1, 2, 2], "in front of the steps, and in each"


def test_both_ways_and_every_position_unrolled():
    net = Net(5)
    images = net.input((3, 4, 5, 1))
    weights = {"layer/kernel": net.dyadic(3, 3, 1, 2), "layer/bias": net.dyadic(2)}
    conv = {"class_name": "Conv2D", "config": {"filters": 2, "kernel_size": [3, 3]}}
    each = net.call("TimeDistributed", "conv", images, weights, layer=conv)
    pool = net.call("TimeDistributed", "pool", each, layer={"class_name": "GlobalMaxPooling2D", "config": {}})
    net.dense("wide", pool, 2, CHANNELS)
    both_ways(net, "GRU", "bi", "wide")
    made = project(net, "bi", **UNROLLED)
    executors_agree(made, grid((3, 4, 5, 1), samples=9, frac=4, bound=64))


def test_states_that_are_given_to_what_is_unrolled():
    made, data = states(recurrence="unrolled")
    assert not made.plan.dataflow
    executors_agree(made, data)


def test_what_has_an_effect_nowhere_is_said():
    net = Net(6)
    x = net.input((STEPS, CHANNELS))
    net.dense("last", layer(net, "GRU", "rnn", x), UNITS, 2)
    made = project(net, "last", layers={"last": {"recurrence": "unrolled"}})
    assert any("last: its recurrence has no effect" in note for note in made.design.notes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"io_type": "io_stream"}, "'rnn' .*recurrence 'unrolled' is one pipeline of arrays.*leave recurrence out"),
        ({"interface": "axi_master"}, "'rnn' .*recurrence 'unrolled' is one pipeline of arrays.*ap_vld"),
        ({"pipeline": "dataflow"}, "'rnn' .*recurrence 'unrolled' is one pipeline of all steps.*one of them out"),
        ({"strategy": "resource", "reuse_factor": 2}, "'rnn' .*recurrence 'unrolled'.*turns.*strategy 'latency'"),
        ({"layers": {"rnn": {"weights": "axi"}}}, "'rnn' .*recurrence 'unrolled'.*turn by turn.*weights 'constant'"),
        ({"layers": {"next": {"recurrence": "loop"}}}, "'next' .*recurrence 'unrolled' .* leave recurrence out"),
        ({"layers": {"next": {"recurrence": "loop"}}, "pipeline": "flat"}, "'next' .*pipeline 'flat' .*recurrence"),
    ],
    ids=str,
)
def test_what_cannot_be_unrolled(settings: dict[str, Any], message: str):
    net = Net(9)
    layer(net, "GRU", "next", layer(net, "LSTM", "rnn", net.input((STEPS, CHANNELS)), return_sequences=True), UNITS)
    with pytest.raises(ConfigError, match=message):
        project(net, "next", **UNROLLED, **settings).plan  # noqa: B018


def test_more_steps_than_one_pipeline_computes():
    net = Net(9)
    layer(net, "LSTM", "rnn", net.input((100, 1)), 1)
    message = r"'rnn' .* \(100\) at once, with 6,400 multipliers.*leave recurrence 'unrolled' out, or .* interval of 2"
    with pytest.raises(ConfigError, match=message):
        project(net, "rnn", **UNROLLED).files  # noqa: B018
    assert project(net, "rnn", **UNROLLED, interval=2).files


def test_more_values_than_one_pipeline_holds():
    net = Net(9)
    layer(net, "LSTM", "rnn", net.input((300, CHANNELS)))
    with pytest.raises(ConfigError, match="'rnn' .*recurrence 'unrolled' needs arrays, of up to 4,096 elements"):
        project(net, "rnn", **UNROLLED).plan  # noqa: B018


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pipeline": "flat"}, "layer 'rnn' .*pipeline 'flat' .* needs the one before.*recurrence 'unrolled'"),
        ({"layers": {"rnn": {"weights": "bram_port", "strategy": "resource"}}}, "layer 'rnn' .*weights 'constant'"),
    ],
)
def test_refused(settings: dict[str, Any], message: str):
    net = Net(9)
    layer(net, "LSTM", "rnn", net.input((STEPS, CHANNELS)))
    with pytest.raises(ConfigError, match=message):
        project(net, "rnn", **settings).plan  # noqa: B018


@pytest.mark.parametrize("recurrence", ["loop", "unrolled"])
def test_overflows_of_states_are_counted(recurrence: str):
    """All gates are open: what is shown is the tanh of 1, 2, ..., in a type that holds a half."""
    net = Net(10)
    weights = {
        "kernel": np.zeros((CHANNELS, 4 * UNITS)),
        "recurrent_kernel": np.zeros((UNITS, 4 * UNITS)),
        "bias": np.repeat([64.0, 64.0, 64.0, 64.0], UNITS),
    }
    x = net.input((STEPS, CHANNELS))
    net.call("LSTM", "rnn", x, weights, units=UNITS, return_sequences=True)
    precision = {"result": "fixed<8,0,RND,SAT>"}
    made = project(net, "rnn", layers={"rnn": {"precision": precision, "recurrence": recurrence}})
    made.predict(DATA, count_overflows=True)
    report = made.overflows
    assert report is not None
    (shown,) = (entry for entry in report.entries if str(entry.type).startswith("fixed<8,0"))
    assert shown.count == shown.total == STEPS * UNITS * len(DATA)


@pytest.mark.parametrize("recurrence", ["loop", "unrolled"])
def test_other_weights(recurrence: str):
    keras = pytest.importorskip("keras")
    models = []
    for seed in (11, 12):
        keras.utils.set_random_seed(seed)
        x = keras.Input((STEPS, CHANNELS), name="x")
        models.append(keras.Model(x, keras.layers.GRU(UNITS, return_sequences=True, name="rnn")(x)))
    made = hlsgen.convert(models[0], input_precision="fixed<9,4>", recurrence=recurrence)
    other = made.with_weights(models[1])
    executors_agree(other, DATA)
    assert (other.predict(DATA) != made.predict(DATA)).any()
    np.testing.assert_allclose(other.predict(DATA), models[1].predict(DATA, verbose=0), atol=2**-9)  # 16 bits
