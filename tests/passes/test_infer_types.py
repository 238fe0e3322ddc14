"""InferTypes: the sum holds exactly what can occur, not a bit less and not a bit more; wishes are kept."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.project import Project
from tests.passes.builders import Net, grid, project_of

few = settings(max_examples=40, deadline=None)
input_types = st.builds(
    lambda w, i, s: FixedType(w, i, s, Rounding.RND, Overflow.SAT),
    st.integers(2, 10),
    st.integers(-2, 8),
    st.booleans(),
)


def seeded(seed: int, *shape: int, frac: int, bound: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-bound, bound + 1, shape) / 2.0**frac


def linear(kind: str, seed: int, fixed: FixedType, frac: int) -> Project:
    """One layer with small dyadic weights and an odd-step bias in every channel."""
    net = Net(seed)
    if kind == "dense":
        x = net.input((3,))
        weights = {"kernel": seeded(seed, 3, 2, frac=frac, bound=5), "bias": seeded(seed + 1, 2, frac=frac, bound=9)}
        net.call("Dense", "y", x, weights, units=2)
    elif kind == "conv":
        x = net.input((5, 5, 2))
        weights = {"kernel": seeded(seed, 2, 2, 2, 3, frac=frac, bound=5), "bias": np.zeros(3)}
        net.call("Conv2D", "y", x, weights, filters=3, kernel_size=[2, 2], padding="valid")
    elif kind == "padded":
        x = net.input((5, 5, 1))
        weights = {"kernel": seeded(seed, 3, 3, 1, 2, frac=frac, bound=5), "bias": np.zeros(2)}
        net.call("Conv2D", "y", x, weights, filters=2, kernel_size=[3, 3], padding="same")
    else:
        x = net.input((4, 4, 2))
        weights = {"depthwise_kernel": seeded(seed, 2, 2, 2, 2, frac=frac, bound=5), "bias": np.zeros(4)}
        net.call("DepthwiseConv2D", "y", x, weights, kernel_size=[2, 2], depth_multiplier=2, padding="valid")
    return project_of(net.source("y"), input_precision=str(fixed))


def extremes(project: Project, kind: str, fixed: FixedType) -> np.ndarray:
    """Inputs that drive every channel of the layer to its least and its largest sum."""
    layer = project.design.ops[-1].layer
    w = layer.weight.values
    ends = float(fixed.min), float(fixed.max)
    shape = project.design.inputs[0].shape
    samples = []
    for largest, channel in product((False, True), range(layer.bias.shape[0])):
        if kind == "deep":
            taps = np.zeros(w.shape[:3])
            taps[:, :, channel // 2] = w[:, :, channel // 2, channel % 2]
        else:
            taps = w[..., channel]
        window = np.where((taps > 0) == largest, ends[1], ends[0])
        x = np.zeros(shape)
        place = tuple(slice(1, 1 + n) for n in window.shape[:2]) if window.ndim == 3 else ...
        x[place] = window
        samples.append(x)
    return np.array(samples)


@few
@given(
    kind=st.sampled_from(["dense", "conv", "padded", "deep"]),
    seed=st.integers(0, 10_000),
    fixed=input_types,
    frac=st.integers(0, 3),
)
def test_sum_neither_overflows_nor_wastes_a_bit(kind, seed, fixed, frac):
    project = linear(kind, seed, fixed, frac)
    node = project.design.ops[-1]
    assert node.output.typing.sum_type == node.output.typing.accum_type
    mantissas = fixed.quantize(extremes(project, kind, fixed))
    sums, sum_frac = node.layer.exact([_exact(mantissas, fixed.frac)])
    low, high = int(sums.min()), int(sums.max())
    # both ends occur, and nothing narrower on this grid would hold them
    assert node.output.typing.sum_type == FixedType.covering(low, high, sum_frac)
    assert node.output.typing.sum_type.holds(low, high, sum_frac)


def _exact(mantissas, frac):
    from hlsgen.ir.layer import Exact

    return Exact(mantissas, frac)


@few
@given(seed=st.integers(0, 10_000), fixed=input_types)
def test_every_reachable_value_is_held(seed, fixed):
    """Exhaustive: all inputs of a two-input Dense."""
    if fixed.width > 5:
        fixed = FixedType(5, fixed.integer, fixed.signed, fixed.rounding, fixed.overflow)
    net = Net(seed)
    x = net.input((2,))
    net.call(
        "Dense",
        "y",
        x,
        {"kernel": seeded(seed, 2, 2, frac=1, bound=3), "bias": seeded(seed, 2, frac=2, bound=3)},
        units=2,
    )
    project = project_of(net.source("y"), input_precision=str(fixed))
    node = project.design.ops[-1]
    one = np.arange(fixed.min_mantissa, fixed.max_mantissa + 1)
    every = np.array(list(product(one, one)))
    sums, frac = node.layer.exact([_exact(every, fixed.frac)])
    assert node.output.typing.sum_type == FixedType.covering(int(sums.min()), int(sums.max()), frac)
    interval = node.output.interval
    assert node.output.type is not None and interval is not None
    results = node.output.type.cast(sums, frac)
    for channel in range(2):
        assert results[:, channel].min() == interval.low[channel]
        assert results[:, channel].max() == interval.high[channel]


def deep_chain(seed: int) -> Net:
    net = Net(seed)
    x = net.input((4,))
    for i in range(3):
        x = net.dense(f"fc{i}", x, 4, 4)
        x = net.call("ReLU", f"relu{i}", x) if i % 2 else net.call("LeakyReLU", f"leaky{i}", x, alpha=0.3)
    y = net.call("Add", "add", [x, "fc1"])
    y = net.call("Multiply", "mul", [y, "fc0"])
    net.call("Activation", "tanh", y, activation="tanh")
    return net


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(6, 20), fixed=input_types)
def test_no_edge_leaves_its_range(seed, width, fixed):
    project = project_of(deep_chain(seed).source("tanh", "add"), input_precision=str(fixed), default_width=width)
    x = np.random.default_rng(seed).uniform(float(fixed.min), float(fixed.max), (64, 4))
    x[0], x[1] = float(fixed.min), float(fixed.max)
    found = project.evaluate(x, raw=True)
    for key, value in project.trace_keys().items():
        assert value.type is not None and value.interval is not None
        low, high = value.interval.whole()
        assert value.type.min_mantissa <= low <= high <= value.type.max_mantissa, key
        assert (found[key] >= value.interval.low).all() and (found[key] <= value.interval.high).all(), key


def test_wishes_are_kept():
    wish = {"weight": "fixed<7,2>", "bias": "fixed<9,4>", "accum": "fixed<20,9>", "result": "fixed<11,5,RND,SAT>"}
    net = Net()
    net.dense("fc", net.input((4,)), 4, 3)
    node = project_of(net.source("fc"), layers={"fc": {"precision": wish}}).design.ops[-1]
    found = {
        "weight": node.layer.weight.type,
        "bias": node.layer.bias.type,
        "accum": node.output.typing.accum_type,
        "result": node.output.type,
    }
    assert {k: str(v) for k, v in found.items()} == wish


def test_the_most_specific_wish_counts():
    """The layer's name goes before its class, and its class before the model's default; roles are independent."""
    net = Net()
    x = net.call("ReLU", "relu", net.dense("named", net.dense("dense", net.input((4,)), 4, 3), 3, 3))
    net.conv("conv", net.call("Reshape", "image", x, target_shape=[3, 1, 1]), 1, 2, size=1)
    wishes = {
        "precision": {"weight": "fixed<13,3>", "result": "fixed<13,5>"},
        "layer_types": {"Dense": {"precision": {"weight": "fixed<12,3>", "result": "fixed<12,5>"}}},
        "layers": {"named": {"precision": {"weight": "fixed<11,3>"}}},
    }
    wished = {op.name: op.wish for op in project_of(net.source("conv"), **wishes).design}
    found = {
        name: tuple(str(wished[name].type(r)) for r in ("weight", "result")) for name in ("dense", "named", "conv")
    }
    assert found == {
        "dense": ("fixed<12,3,RND_CONV,SAT>", "fixed<12,5>"),
        "named": ("fixed<11,3,RND_CONV,SAT>", "fixed<12,5>"),
        "conv": ("fixed<13,3,RND_CONV,SAT>", "fixed<13,5>"),
    }
    assert str(wished["relu"].result) == "fixed<13,5>"


def test_a_wrapping_wish_is_reported():
    net = Net()
    net.dense("fc", net.input((4,)), 4, 3)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"result": "fixed<8,2>"}}})
    assert any("fc: result fixed<8,2> can wrap" in note for note in project.design.notes)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"result": "fixed<8,2,RND,SAT>"}}})
    assert not any("can wrap" in note for note in project.design.notes)


def test_a_fixed_narrow_accumulator_casts_the_exact_sum():
    """Rule 2: partial sums are never cast; the exact sum is, once."""
    net = Net()
    net.call("Dense", "fc", net.input((2,)), {"kernel": [[1.0], [-1.0]], "bias": [0.0]}, units=1)
    project = project_of(
        net.source("fc"), input_precision="fixed<8,6>", layers={"fc": {"precision": {"accum": "fixed<8,4,RND,SAT>"}}}
    )
    x = np.array(
        [[31.0, 30.0], [31.0, 0.0], [-32.0, 31.0]]
    )  # 31 and 30 both exceed the accumulator, their difference does not
    np.testing.assert_array_equal(project.evaluate(x)["fc"][:, 0], [1.0, 7.9375, -8.0])
    np.testing.assert_array_equal(project.predict(x)[:, 0], [1.0, 7.9375, -8.0])


def test_budget_limits_results_and_expectation_places_them():
    net = Net()
    x = net.input((64,))
    net.call("Dense", "a", x, {"kernel": net.rng.normal(size=(64, 64)), "bias": np.zeros(64)}, units=64)
    net.call("Dense", "b", "a", {"kernel": net.rng.normal(size=(64, 8)), "bias": np.zeros(8)}, units=8)
    project = project_of(net.source("b"), {"x": np.random.default_rng(0).normal(size=(200, 64))}, default_width=12)
    a, b = project.design.ops[1:]
    for node in (a, b):
        kind = node.output.type
        assert kind is not None and kind.width == 12
        assert (kind.rounding, kind.overflow) == (Rounding.RND, Overflow.SAT)
        assert kind.integer < node.output.typing.sum_type.integer, "placed by use, not by the worst case"
        assert float(kind.max) >= node.output.expected.reach - float(kind.step)


@pytest.mark.parametrize("shape", [(1,), (1, 1, 1)])
def test_single_elements_and_zero_weights(shape):
    net = Net()
    x = net.input(shape)
    net.call("Dense", "fc", x, {"kernel": np.zeros((1, 1)), "bias": np.zeros(1)}, units=1)
    project = project_of(net.source("fc"))
    data = grid(shape)
    np.testing.assert_array_equal(project.evaluate(data)["fc"], np.zeros((30, *shape)))
    np.testing.assert_array_equal(project.predict(data), np.zeros((30, *shape)))


def test_an_average_of_nothing_but_zeros_has_a_type():
    """What is proved to be zero needs fewer bits than the quotient keeps."""
    net = Net()
    x = net.call("Dense", "fc", net.input((6, 1)), {"kernel": [[-1.0]], "bias": [0.0]}, units=1)
    net.call("AveragePooling1D", "pool", net.call("ReLU", "relu", x), pool_size=3, strides=3)
    types = {"pool": {"precision": {"result": "fixed<8,4>"}}}
    project = project_of(net.source("pool"), input_precision="ufixed<3,0>", layers=types)
    assert not project.predict(np.full((2, 6, 1), 0.5)).any()
