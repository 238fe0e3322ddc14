"""Where the bits of inferred results lie, and how they are rounded: without a bias, exactly where that costs few bits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.expected import Expected, Origin
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason
from hlsgen.precision.placement import MERGE_GROWTH, Room, nearest, placed_in
from hlsgen.project import Project
from tests.passes.builders import Net, evaluate_float, graph_of, project_of

# -- rounding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dropped", range(1, 14))
def test_rounding_has_no_bias_worth_a_bit(dropped: int):
    """Over all patterns of the dropped bits, on average less than a thousandth of a step."""
    frac = 6
    fixed = FixedType(16, 16 - frac, True, nearest(dropped), Overflow.SAT)
    values = np.arange(-(1 << dropped), 1 << dropped)
    error = fixed.to_float(fixed.cast(values, frac + dropped)) - np.ldexp(values.astype(float), -frac - dropped)
    assert abs(error.mean()) * 2**frac < 1e-3


def sums(count: int) -> Net:
    """A chain of Adds that alternates between results of two layers."""
    net, rng = Net(3), np.random.default_rng(0)
    x = net.input((64,))
    for i in range(3):
        weights = {"kernel": rng.normal(size=(64, 64)) / 8 * (i + 1), "bias": rng.normal(size=64)}
        net.call("Dense", f"fc{i}", x, weights, units=64)
    y = "fc0"
    for i in range(count):
        y = net.call("Add", f"add{i}", [y, f"fc{1 + i % 2}"])
    return net


@pytest.mark.parametrize("settings", [{}, {"default_width": 24, "input_precision": "fixed<24,8>"}], ids=["16", "24"])
@pytest.mark.parametrize("count", [6, 12, 30])
def test_chains_of_adds_add_up_no_bias(count: int, settings: dict[str, Any]):
    last = f"add{count - 1}"
    project = project_of(sums(count).source(last), **settings)
    found = project.evaluate(np.random.default_rng(1).normal(size=(2000, 64)))
    right = found["fc0"] + sum(found[f"fc{1 + i % 2}"] for i in range(count))
    step = float(project.trace_keys()[last].type.step)
    assert abs((found[last] - right).mean()) < 0.02 * step  # rounding half up: 0.4 to 0.9 of a step


def test_emulator_and_reference_agree_on_ties():
    project = project_of(sums(6).source("add5"))
    x = np.random.default_rng(2).normal(size=(300, 64))
    modes = {tensor.type.rounding for tensor in project.design.tensors}
    assert Rounding.RND_CONV in modes
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["add5"])


# -- biases ----------------------------------------------------------------------------------------


def all_but_bias(class_name: str, bias: float) -> Net:
    """Layers whose products, on the coarse grid of large inputs, leave nothing but a bias."""
    net, x = Net(1), (8,)
    name, biases = net.input(x), np.array([bias, -bias / 3, bias / 7])
    match class_name:
        case "Dense":
            net.call("Dense", "y", name, {"kernel": np.zeros((8, 3)), "bias": biases}, units=3)
        case "cancelling":
            kernel = np.repeat([[1.0], [-1.0]], 4, axis=0) * np.ones(3)
            net.call("Dense", "y", name, {"kernel": kernel, "bias": biases}, units=3)
        case "Conv1D":
            name = net.call("Reshape", "shape", name, target_shape=[4, 2])
            weights = {"kernel": np.zeros((2, 2, 3)), "bias": biases}
            net.call("Conv1D", "y", name, weights, filters=3, kernel_size=[2])
        case "BatchNormalization":
            zeros, ones = np.zeros(8), np.ones(8)
            weights = {"gamma": zeros, "beta": ones * bias, "moving_mean": zeros, "moving_variance": ones}
            net.call("BatchNormalization", "y", name, weights, axis=-1)
    return net


@pytest.mark.parametrize("size", [3.0, 100.0, 1e5])
@pytest.mark.parametrize("class_name", ["Dense", "cancelling", "Conv1D", "BatchNormalization"])
def test_a_bias_is_as_fine_as_the_result(class_name: str, size: float):
    x = np.random.default_rng(0).normal(size=(50, 1)) * size * np.ones(8)
    source = all_but_bias(class_name, 0.01).source("y")
    project = project_of(source, {"x": x})
    right = list(evaluate_float(graph_of(source), {"x": x}).values())[-1]
    assert np.abs(project.evaluate(x)["y"] - right).max() <= 0.75 * float(project.design.outputs[0].type.step)
    assert project.design.outputs[0].type.step < 1e-6


def test_a_bias_makes_no_sum_finer_than_its_result_needs():
    source = all_but_bias("Dense", 0.01).source("y")
    fine = project_of(source, {"x": np.full((2, 8), 100.0)}, layers={"y": {"precision": {"result": "fixed<12,4>"}}})
    (op,) = (op for op in fine.design if op.name == "y")
    assert op.layer.constants()["bias"].known_type.frac <= 8 + 2


# -- growth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [8, 12, 16, 24])
def test_merges_are_exact_where_that_costs_few_bits(width: int):
    project = project_of(sums(4).source("add3"), default_width=width)
    names = ["fc0", *(f"add{i}" for i in range(4))]
    kinds = {name: project.trace_keys()[name].type for name in names}
    found = {name: kind.width for name, kind in kinds.items()}
    assert found["fc0"] == width and found["add0"] > width
    assert max(found.values()) <= width + MERGE_GROWTH
    for before, name in pairwise(names):  # beyond that, they are back in the budget
        finest = max(kinds[before].frac, *(project.trace_keys()[f"fc{i}"].type.frac for i in (1, 2)))
        assert found[name] <= width or kinds[name].frac == finest


def test_max_width_ends_the_growth():
    project = project_of(sums(4).source("add3"), max_width=17)
    assert max(op.output.type.width for op in project.design if op.layer.kind == "Merge") == 17


@pytest.mark.parametrize("stated", ["fixed<66,6,RND,SAT>", "fixed<80,6,RND,SAT>"])
@pytest.mark.parametrize("kind", ["Dense", "Add", "Average"])
def test_leading_bits_of_an_exact_result_saturate(kind: str, stated: str):
    """Rounding carries the largest values over the end of the type."""
    net = Net()
    x = net.input((1,))
    if kind == "Dense":
        net.call("Dense", "y", x, {"kernel": [[1.0]], "bias": [0.0]}, units=1)
    else:
        net.call(kind, "y", [x, x])
    project = project_of(net.source("y"), input_precision=stated)
    ends = np.array([[31.5], [40.0], [1e9], [-50.0]])
    times = 2 if kind == "Add" else 1
    right = times * np.array([31.5, 32.0, 32.0, -32.0])
    for found in (project.predict(ends), project.evaluate(ends)["y"]):
        np.testing.assert_array_equal(found.ravel(), right)


def test_nothing_but_a_merge_grows():
    project: Project = project_of(sums(1).source("add0"))
    assert {op.output.type.width for op in project.design if op.layer.kind == "Dense"} == {16}


# -- what only traces show -------------------------------------------------------------------------


def rectified(class_name: str = "ReLU", sums: int = 17, **options: Any) -> Net:
    """A named result that a ReLU reads, behind others."""
    net, rng = Net(3), np.random.default_rng(0)
    x = net.input((8,))
    for i in range(sums):
        weights = {"kernel": rng.normal(size=(8, 8)) / 2, "bias": rng.normal(size=8) / 4}
        last = i == sums - 1
        x = net.call("Dense", "fc" if last else f"before{i}", x, weights, units=8)
        x = net.call(class_name if last else "ReLU", "relu" if last else f"positive{i}", x, **(options if last else {}))
    return net


def test_a_sign_that_only_traces_show_takes_no_bit_of_what_is_read():
    project = project_of(rectified().source("relu"))
    named, read = (project.trace_keys()[name].type for name in ("fc", "relu"))
    assert (named.signed, named.width, read.signed, read.width, read.frac) == (True, 17, False, 16, named.frac)
    x = np.random.default_rng(1).normal(size=(50, 8)) * 4
    found = project.evaluate(x)
    assert (found["fc"] < 0).any()
    np.testing.assert_array_equal(found["relu"], np.maximum(found["fc"], 0))
    np.testing.assert_array_equal(project.predict(x), found["relu"])


def test_in_a_shallow_network_it_does():
    """Longer sums would cost more than the bit is worth."""
    assert project_of(rectified(sums=16).source("relu")).trace_keys()["fc"].type.width == 16


@pytest.mark.parametrize(("ceiling", "width"), [(6.0, 17), (1.0, 18), (0.01, 18)])
def test_nor_does_what_lies_above_a_ceiling(ceiling: float, width: int):
    """At most two bits come on top."""
    project = project_of(rectified(max_value=ceiling).source("relu"))
    assert project.trace_keys()["fc"].type.width == width


@pytest.mark.parametrize("readers", [["fc", "relu"], ["relu", "sum"]], ids=["output", "another reader"])
def test_what_somebody_reads_whole_gets_the_budget(readers: list[str]):
    net = rectified()
    net.call("Add", "sum", ["fc", "relu"])
    assert project_of(net.source(*readers)).trace_keys()["fc"].type.width == 16


def test_max_width_holds_for_what_traces_show():
    assert project_of(rectified().source("relu"), max_width=16).trace_keys()["fc"].type.width == 16


def test_a_slope_reads_the_sign():
    project = project_of(rectified("LeakyReLU", negative_slope=0.25).source("relu"))
    assert project.trace_keys()["fc"].type.width == 16


# -- the function ----------------------------------------------------------------------------------


def expected(reach: float) -> Expected:
    return Expected(reach / 2, reach, Origin.PROBE, reach / 8)


FULL = FixedType(30, 12, True)


@pytest.mark.parametrize(
    ("reach", "growth", "result", "reason"),
    [
        (7.0, 0, "fixed<16,4,RND_CONV,SAT>", Reason.BUDGET),
        (7.0, 5, "fixed<16,4,RND_CONV,SAT>", Reason.BUDGET),  # 6 bits would be needed
        (7.0, 6, "fixed<22,4,TRN,SAT>", Reason.BUDGET),
        (1e6, 0, "fixed<16,12,RND,SAT>", Reason.BUDGET),  # 14 bits are dropped: half up costs nothing
        (1e6, 14, "fixed<30,12>", Reason.EXACT),
        (1e-30, 0, "fixed<30,12>", Reason.EXACT),  # nothing would be left
    ],
)
def test_placed_in(reach: float, growth: int, result: str, reason: Reason):
    fixed, why = placed_in(Room(16, growth=growth), FULL, FULL, expected(reach))
    rounds = fixed.frac < FULL.frac
    shown = fixed if rounds or reason is Reason.EXACT else fixed.with_modes(Rounding.TRN, fixed.overflow)
    assert (str(shown), why) == (result, reason)


# -- functions -------------------------------------------------------------------------------------


def behind(
    activation: str, size: float, calibrated: bool = True, bias: float = 0.0, gain: float = 1.0
) -> tuple[Project, Any, Any]:
    """A function of a layer, the data it was placed by, and what it should make of them."""
    net, rng = Net(3), np.random.default_rng(0)
    weights = {"kernel": rng.normal(size=(8, 8)) * gain / np.sqrt(8), "bias": np.full(8, bias)}
    net.call("Dense", "a", net.input((8,)), weights, units=8)
    source = net.source(net.call("Activation", "y", "a", activation=activation))
    x = rng.normal(size=(200, 8)) * size
    right = evaluate_float(graph_of(source), {"x": x})
    return project_of(source, {"x": x} if calibrated else None), x, next(v for k, v in right.items() if k.name == "y")


def off(project: Project, x: Any, right: Any) -> float:
    return float(np.sqrt(np.square(project.evaluate(x)["y"] - right).mean() / np.square(right).mean()))


@pytest.mark.parametrize("activation", ["selu", "elu", "softplus", "silu", "log_sigmoid", "squareplus", "tanh_shrink"])
@pytest.mark.parametrize("size", [1e3, 1e5, 1e8])
def test_functions_without_bounds_reach_as_far_as_their_data(activation: str, size: float):
    assert off(*behind(activation, size)) < 0.001


@pytest.mark.parametrize("activation", ["tanh", "softsign", "elu", "gelu", "silu"])
@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6])
def test_functions_of_small_data_keep_their_bits(activation: str, size: float):
    assert off(*behind(activation, size)) < 0.005


def test_a_sigmoid_keeps_the_range_that_its_argument_can_reach():
    """Results that were small so far are no reason to expect no others."""
    project, _, _ = behind("sigmoid", 0.1, bias=-12.0)
    argument, held = project.design.ops[-1].input.interval, project.design.outputs[0].type
    assert float(held.max + held.step) >= 1 / (1 + np.exp(-np.ldexp(float(argument.highest), -argument.frac)))


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_function_that_was_only_seen_to_give_zero_holds_what_is_proved(calibrated: bool):
    """Such as a soft_shrink of small data: nothing is known of its results but their range."""
    project, x, right = behind("soft_shrink", 1.0, calibrated, bias=-1e-3, gain=0.01)
    assert not right.any() and not project.evaluate(x)["y"].any()
    assert float(project.design.outputs[0].type.max) >= float(project.design.ops[1].output.type.max) / 2 - 0.5
