"""Recurrent layers as circuits: a core with states, what stands in front of it and behind it, words from their end.

As in :mod:`tests.rtl.test_branches`, integers and the clock of every word are compared, with gaps and stalls.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from hlsgen.backends.verilog.circuit import Chain, Stage
from hlsgen.backends.verilog.core import Core, Words
from hlsgen.backends.verilog.moves import no_logic, trimmed
from hlsgen.errors import UnsupportedError
from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from tests.ladder.test_recurrent import model_at_every_position
from tests.passes.builders import Net, project_of
from tests.rtl.test_branches import check
from tests.selection import first_of

STEPS, CHANNELS, UNITS = 4, 3, 2
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


def weights(net: Net, kind: str, channels: int, rows: int = 1) -> dict[str, Any]:
    gates = GATES[kind.removeprefix("Q")] * UNITS
    shapes = {"kernel": (channels, gates), "recurrent_kernel": (UNITS, gates), "bias": (rows, gates)[rows == 1 :]}
    return {role: net.dyadic(*shape, frac=3) for role, shape in shapes.items()}


def layer(net: Net, kind: str, name: str, x: str | list[str], channels: int = CHANNELS, **config: Any) -> str:
    rows = 2 if config.get("reset_after") else 1
    return net.call(kind, name, x, weights(net, kind, channels, rows), units=UNITS, **config)


def both_ways(net: Net, kind: str, name: str, x: str, channels: int = CHANNELS, **config: Any) -> str:
    given = {
        f"{way}_layer/{role}": array
        for way in ("forward", "backward")
        for role, array in weights(net, kind, channels).items()
    }
    inner = {"class_name": kind, "config": {"units": UNITS, "return_sequences": True, "reset_after": False}}
    if kind != "GRU":
        del inner["config"]["reset_after"]
    return net.call("Bidirectional", name, x, given, layer=inner, **config)


def made(net: Net, *outputs: str, **settings: Any) -> Project:
    given = {"input_precision": "fixed<8,4>", "default_width": 7, **settings}
    return project_of(net.source(*outputs), backend="verilog", **given)


def one(kind: str, **config: Any) -> Project:
    net = Net(3)
    layer(net, kind, "rnn", net.input((STEPS, CHANNELS)), **config)
    return made(net, "rnn")


def lstm() -> Project:
    return one("LSTM", return_sequences=True, recurrent_activation="hard_sigmoid")


def last_of_a_gru() -> Project:
    return one("GRU", reset_after=False)


def gru_from_its_end() -> Project:
    return one("GRU", reset_after=True, go_backwards=True, return_sequences=True)


def simple() -> Project:
    return one("SimpleRNN", return_sequences=True, activation="relu")


def folded() -> Project:
    """Products of the input and of the state by fewer multipliers; the first take longer than a step."""
    net = Net(4)
    x = layer(net, "LSTM", "first", net.input((STEPS, CHANNELS)), return_sequences=True)
    net.dense("last", layer(net, "GRU", "second", x, UNITS, reset_after=True, return_sequences=True), UNITS, 2)
    return made(net, "last", strategy="resource", reuse_factor=24)


def states() -> Project:
    """Two layers that begin with what is given; their states come out."""
    net = Net(5)
    x, h, c = net.input((STEPS, CHANNELS)), net.input((UNITS,), "h"), net.input((UNITS,), "c")
    first = layer(net, "LSTM", "first", [x, h, c], return_sequences=True, return_state=True)
    layer(net, "GRU", "second", [first, f"{first}:1"], UNITS, reset_after=False, return_sequences=True)
    return made(net, "second", "first:2", "first:1", "first")


def directions() -> Project:
    net = Net(6)
    both_ways(net, "LSTM", "sum", net.input((STEPS, CHANNELS)), merge_mode="sum")
    both_ways(net, "GRU", "both", "sum", UNITS)
    net.call("GlobalAveragePooling1D", "mean", "both")
    return made(net, "mean", "both")


def one_step() -> Project:
    net = Net(7)
    x, h = net.input((1, CHANNELS)), net.input((UNITS,), "h")
    layer(net, "GRU", "given", [x, h], reset_after=True, return_sequences=True)
    both_ways(net, "SimpleRNN", "zero", x)
    return made(net, "given", "zero")


def quantized_states() -> Project:
    """The state that is carried on is not what comes out."""
    net = Net(8)
    bits = {"class_name": "quantized_bits", "config": {"bits": 5, "integer": 0, "alpha": 1}}
    quantizers = {f"{part}_quantizer": bits for part in ("kernel", "recurrent", "bias", "state")}
    x = net.input((STEPS, CHANNELS))
    layer(net, "QLSTM", "first", x, return_sequences=True, **quantizers)
    layer(net, "QGRU", "last", "first", UNITS, reset_after=False, **quantizers)
    return made(net, "last", "first")


def at_every_position() -> Project:
    """No state: convolutions and poolings that begin anew with every image, and a recurrent layer behind them."""
    net = Net(9)
    x = model_at_every_position(net, "each", net.input((3, 5, 4, 2)))
    layer(net, "LSTM", "rnn", x, 2)
    lines = {"class_name": "GlobalMaxPooling1D", "config": {}}
    y = net.call("Reshape", "lines", x, target_shape=[3, 2, 1])
    net.call("TimeDistributed", "most", y, layer=lines)
    return made(net, "rnn", "most")


NETWORKS: list[Callable[[], Project]] = [
    simple, lstm, last_of_a_gru, gru_from_its_end, folded, states, directions, one_step, quantized_states,
    at_every_position,
]  # fmt: skip


@pytest.mark.parametrize("name", first_of([network.__name__ for network in NETWORKS]))
def test_loops(name: str):
    (network,) = [network for network in NETWORKS if network.__name__ == name]
    check(network())


def cores(project: Project) -> dict[str, Core]:
    """All cores by the end of their modules' names, those within loops too."""
    chains = [block for block in project.circuit.blocks if isinstance(block, Chain)]
    found = [inner for chain in chains for core in chain.cores for inner in (core, *core.inner)]
    return {core.module.partition("_")[2]: core for core in found}


def test_a_step_takes_the_longest_way_from_state_to_state():
    project = lstm()
    found = cores(project)
    way = ["recurrent", "sum", "line", "relu", "kept", "memory", "tanh_1", "shown"]
    step = found["rnn__loop"]
    assert step.interval == sum(found[f"rnn_{name}"].latency for name in way) + 1
    assert project.circuit.interval == STEPS * step.interval
    named = ", ".join(f"rnn_{name} {found[f'rnn_{name}'].latency}" for name in way)
    assert f"{named}; and 1 of the state's register" in step.texts[step.module]


def test_what_needs_no_state_is_computed_meanwhile():
    """Products of the input take 24 clocks a step, and are no longer than a step of 31: they are not added to it."""
    project = folded()
    found = cores(project)
    assert (found["first_inputs"].interval, found["first__loop"].interval) == (24, 31)
    assert project.circuit.interval == STEPS * 31


def test_a_loop_without_state_is_no_core():
    project = at_every_position()
    assert [name for name, core in cores(project).items() if core.inner] == ["rnn__loop"]
    stages = {block.name: block for block in project.circuit.blocks if isinstance(block, Stage)}
    (lines,) = (block for name, block in stages.items() if name.endswith("__lines"))
    assert (lines.pace.clocks, lines.x.beats) == (3 * 20, 3 * 20), "three images of twenty pixels, one by one"


def conv_lstm(**config: Any) -> Net:
    net = Net(10)
    arrays = {"kernel": net.dyadic(2, 2, 1, 4), "recurrent_kernel": net.dyadic(2, 2, 1, 4), "bias": net.dyadic(4)}
    net.call("ConvLSTM2D", "lstm", net.input((3, 3, 3, 1)), arrays, filters=1, kernel_size=[2, 2], **config)
    return net


def unrolled() -> Project:
    net = Net(11)
    layer(net, "LSTM", "lstm", net.input((STEPS, CHANNELS)))
    return made(net, "lstm", recurrence="unrolled")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: made(conv_lstm(), "lstm"), r"'lstm' \(ConvLSTM2D\): Conv2D of several words, which states go through"),
        (lambda: made(conv_lstm(go_backwards=True), "lstm"), "Conv2D of several words, which states go through"),
        (unrolled, r"'lstm' \(LSTM\): recurrence: unrolled, .* set recurrence: loop"),
    ],
)
def test_refused(make: Callable[[], Project], text: str):
    with pytest.raises(UnsupportedError, match=text):
        make()


TYPES = [FixedType.parse(text) for text in ("fixed<4,2>", "fixed<6,2>", "ufixed<4,2>", "fixed<3,3>", "ufixed<1,1>")]
OTHERS = [
    FixedType.parse(text)
    for text in (
        "fixed<4,2>", "fixed<9,4>", "fixed<2,1>", "fixed<2,2>", "fixed<7,3,RND,SAT>", "ufixed<3,1>", "fixed<3,-2>",
        "fixed<4,8>", "fixed<6,2,TRN,SAT>", "ufixed<5,9>", "fixed<8,6,RND>",
    )
]  # fmt: skip


def bits_of(text: str, word: int) -> str:
    """What an expression of pieces of ``x``, repetitions and zeros is, as bits."""
    found = re.sub(r"x\[(\d+):(\d+)\]", lambda m: f"{word:064b}"[63 - int(m[1]) : 64 - int(m[2])], text)
    found = re.sub(r"(\d+)'d0", lambda m: "0" * int(m[1]), found)
    found = re.sub(r"\{(\d+)\{(\d)\}\}", lambda m: m[2] * int(m[1]), found)
    return re.sub(r"[{}, ]", "", found)


@pytest.mark.parametrize("x", TYPES, ids=str)
def test_casts_without_logic(x: FixedType):
    """Every word in every type that it becomes without rounding or limits; two elements, of which one is looked at."""
    tried = [y for y in OTHERS if no_logic(x, y)]
    assert tried
    for y in tried:
        text = trimmed(Words(x, 2, 1), y, "x")[0]
        for mantissa in range(x.min_mantissa, x.max_mantissa + 1):
            word = (mantissa & ((1 << x.width) - 1)) << x.width
            expected = int(y.cast(mantissa, x.frac)) & ((1 << y.width) - 1)
            assert bits_of(text, word) == f"{expected:0{y.width}b}", f"{x} as {y}: {mantissa}"


def test_what_is_rounded_or_limited_needs_logic():
    for x, y in (
        ("fixed<4,2>", "fixed<3,2,RND>"),
        ("fixed<4,2>", "fixed<3,1,TRN,SAT>"),
        ("fixed<4,2>", "fixed<4,2,TRN,SAT_SYM>"),
    ):
        assert not no_logic(FixedType.parse(x), FixedType.parse(y))
    assert no_logic(FixedType.parse("fixed<4,2,TRN,SAT_SYM>"), FixedType.parse("fixed<4,2,TRN,SAT_SYM>"))
