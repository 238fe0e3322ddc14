"""NarrowTypes and LeaveOffModes: with and without them every integer that a user can see is the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsgen.config import Config
from hlsgen.frontends.keras.build import build_graph
from hlsgen.ir.demand import EVERYTHING, Demand, union
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.precision.leave_off_modes import without_idle_modes
from hlsgen.project import Project
from tests.passes.builders import Net, grid, project_of

ACTIVATIONS = ["relu", "relu6", "tanh", "sigmoid", "linear", "leaky_relu", "elu", "softsign", "log_sigmoid"]
QUANTISED = [
    "quantized_relu(4,2)",
    "quantized_bits(5,1,alpha=1)",
    "quantized_relu(3,1)",
    "binary(alpha=1)",
    "ternary(alpha=1)",
    "quantized_bits(8,3,alpha=1)",
]
OFF = ["narrow_types", "leave_off_modes"]


def random_net(seed: int) -> Net:
    """A branch here and there, activations inside of layers and as layers, quantisers of every kind."""
    net = Net(seed)
    rng = net.rng
    x = net.input((4, 4, 2))
    for i in range(rng.integers(1, 4)):
        kind = rng.choice(["Conv2D", "QConv2D"])
        options = {"padding": "same", "activation": str(rng.choice(ACTIVATIONS))}
        if kind == "QConv2D":
            options = {
                "padding": "same",
                "kernel_quantizer": net.quantized_bits(4),
                "bias_quantizer": net.quantized_bits(4),
                "activation": str(rng.choice(QUANTISED)),
            }
        weights = {"kernel": net.dyadic(3, 3, 2, 2, frac=3), "bias": net.dyadic(2, frac=3)}
        y = net.call(kind, f"conv{i}", x, weights, filters=2, kernel_size=[3, 3], **options)
        if rng.integers(3) == 0:
            y = net.call(str(rng.choice(["Add", "Maximum", "Multiply"])), f"merge{i}", [x, y])
        if rng.integers(3) == 0:
            y = net.call("MaxPooling2D", f"pool{i}", y, pool_size=[3, 3], strides=[1, 1], padding="same")
        if rng.integers(3) == 0:
            y = net.call("QActivation", f"act{i}", y, activation=str(rng.choice(QUANTISED)))
        x = y
    x = net.call("Flatten", "flat", x)
    weights = {"kernel": net.dyadic(32, 3, frac=3), "bias": net.dyadic(3, frac=3)}
    net.call("Dense", "out", x, weights, units=3, activation=str(rng.choice(ACTIVATIONS)))
    return net


def seen(project, x):
    """Real values (exact: a mantissa and its grid) of every layer of the model."""
    raw = project.evaluate(x, raw=True)
    return {key: raw[key] * Fraction(2) ** -value.type.frac for key, value in project.design.aliases.items()}


def compare(net: Net, x, *outputs: str, **options):
    """Assert equality with every subset switched off; return the project with everything on."""
    on = project_of(net.source(*outputs), **options)
    right = seen(on, x)
    for skipped in (OFF, OFF[:1], OFF[1:]):
        off = project_of(net.source(*outputs), skip_passes=skipped, **options)
        for key, values in seen(off, x).items():
            assert (values == right[key]).all(), f"without {skipped}: {key}"
    return on


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), width=st.sampled_from([5, 8, 12, 16]))
def test_nothing_that_shows_changes(seed, width):
    x = grid((4, 4, 2), samples=25, seed=seed, bound=60)
    compare(random_net(seed), x, "out", input_precision="fixed<9,4>", default_width=width)


def test_random_networks_have_something_to_narrow():
    """Otherwise the test above would not test anything."""
    narrower = plainer = 0
    for seed in range(30):
        on, off = (
            project_of(random_net(seed).source("out"), input_precision="fixed<9,4>", skip_passes=skip)
            for skip in ([], OFF)
        )
        for a, b in zip(on.design, off.design, strict=True):
            narrower += a.output.type.width < b.output.type.width
            plainer += a.output.type.overflow != b.output.type.overflow and a.output.type.width == b.output.type.width
    assert narrower > 10 and plainer > 10


@pytest.mark.parametrize(
    ("activation", "stored"),
    [
        ("relu", "ufixed<16,"),  # one bit more of fraction: no sign
        ("relu6", "ufixed<16,3,RND,SAT>"),
        ("linear", "fixed<16,"),
        ("leaky_relu", "fixed<16,"),  # the part below zero counts
    ],
)
def test_what_a_float_layer_stores_in_front_of_its_activation(activation, stored):
    net = Net(3)
    x = net.input((16,))
    net.call(
        "Dense", "fc", x, {"kernel": net.rng.normal(size=(16, 8)), "bias": np.zeros(8)}, units=8, activation=activation
    )
    project = project_of(net.source("fc"))
    assert str(project.design.ops[1].output.type).startswith(stored)
    data = np.random.default_rng(0).normal(size=(40, 16))
    np.testing.assert_array_equal(project.predict(data, raw=True), project.evaluate(data, raw=True)["fc"])


def test_a_layer_with_a_name_keeps_its_values():
    """A trace of it shows what the layer computes, not what its reader needs."""
    net = Net(3)
    x = net.input((16,))
    net.call("Dense", "fc", x, {"kernel": net.rng.normal(size=(16, 8)), "bias": np.zeros(8)}, units=8)
    net.call("ReLU", "relu", "fc")
    project = project_of(net.source("relu"))
    data = np.random.default_rng(0).normal(size=(40, 16))
    assert project.trace(data)["fc"].min() < -1


def two_readers(first: str, second: str) -> Net:
    """An exact sum inside of a layer, read by a maximum of two quantisers."""
    net = Net(5)
    x = net.input((6,))
    net.call("Dense", "fc", x, {"kernel": net.dyadic(6, 4, frac=4), "bias": net.dyadic(4, frac=6)}, units=4)
    a = net.call("QActivation", "a", "fc", activation=first)
    b = net.call("QActivation", "b", "fc", activation=second)
    net.call("Maximum", "m", [a, b])
    return net


@pytest.mark.parametrize(
    ("first", "second", "stored"),
    [
        ("quantized_relu(4,2)", "quantized_relu(3,1)", ("low", 0, "high", 4)),
        ("quantized_bits(4,2,alpha=1)", "quantized_relu(3,1)", ("low", -4, "high", 4)),
        ("quantized_bits(4,0,alpha=1)", "quantized_bits(4,1,alpha=1)", ("low", -2, "high", 2)),
    ],
)
def test_readers_together_say_what_is_stored(first, second, stored):
    net = two_readers(first, second)
    source = net.source("m")
    x = grid((6,), samples=200, bound=127)
    off = project_of(source, input_precision="fixed<8,4>", skip_passes=OFF)
    graph = build_graph(source)
    del graph.aliases["fc"]  # as if it were an inner step
    project = Project(graph, Config(input_precision="fixed<8,4>"))
    fixed = project.design.ops[1].output.type
    assert fixed.width < off.design.ops[1].output.type.width and fixed.overflow is Overflow.SAT
    assert float(fixed.min) <= stored[1] and stored[3] - 1 <= float(fixed.max) < 2 * stored[3]
    np.testing.assert_array_equal(project.evaluate(x, raw=True)["m"], off.evaluate(x, raw=True)["m"])
    np.testing.assert_array_equal(project.predict(x, raw=True), off.predict(x, raw=True))


# -- demands ---------------------------------------------------------------------------------------

types = st.builds(
    FixedType,
    st.integers(2, 9),
    st.integers(-2, 7),
    st.booleans(),
    st.sampled_from(list(Rounding)),
    st.sampled_from([Overflow.SAT, Overflow.SAT_SYM]),
)


@given(first=types, second=types, values=st.lists(st.integers(-5000, 5000), min_size=1))
def test_a_chain_of_casts_does_not_see_what_is_not_wanted(first, second, values):
    """Two casts in a row: storing only the demand of the first changes nothing behind the second."""
    frac = 8
    x = np.array(values)
    wanted = EVERYTHING.before_cast(second, rounds=first.frac > second.frac).before_cast(
        first, rounds=frac > first.frac
    )
    interval = Interval(x.min(keepdims=True), x.max(keepdims=True), frac).clipped(wanted.low, wanted.high)
    stored_frac = frac if wanted.frac is None else min(frac, wanted.frac)
    low, high = interval.lowest >> (frac - stored_frac), interval.highest >> (frac - stored_frac)
    stored = FixedType.covering(low, high, stored_frac).with_modes(Rounding.TRN, Overflow.SAT)

    def through(mantissas, at):
        return second.cast(first.cast(mantissas, at), first.frac)

    np.testing.assert_array_equal(through(stored.cast(x, frac), stored.frac), through(x, frac))


def test_union_of_demands():
    a, b = Demand(Fraction(0), Fraction(4), 2), Demand(Fraction(-1), Fraction(2), 5)
    assert union([a, b]) == Demand(Fraction(-1), Fraction(4), 5)
    assert union([a, EVERYTHING]) == EVERYTHING
    assert union([]) == EVERYTHING


@given(fixed=types, low=st.integers(-3000, 3000), span=st.integers(0, 3000), frac=st.integers(0, 8))
def test_modes_are_left_off_exactly_where_they_do_nothing(fixed, low, span, frac):
    x = np.arange(low, low + span + 1)
    interval = Interval(x[:1], x[-1:], frac)
    spelt = without_idle_modes(fixed, interval)
    np.testing.assert_array_equal(spelt.cast(x, frac), fixed.cast(x, frac))
    wrapped = FixedType(40, 40 - fixed.frac, True, fixed.rounding).cast(x, frac)
    overflows = bool((wrapped < fixed.min_mantissa).any() or (wrapped > fixed.max_mantissa).any())
    assert (spelt.overflow is Overflow.WRAP) == (not overflows), "no saturation without need, and none missing"
    if frac <= fixed.frac:
        assert spelt.rounding is Rounding.TRN
