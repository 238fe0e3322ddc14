"""Permutations that undo each other are left out, and the numbers stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.project import Project
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of

FIRST = "channels_first"
INPUT = "fixed<8,4>"


def kinds(project: Project) -> list[str]:
    return [op.layer.kind for op in project.design]


def with_and_without(net: Net, *outputs: str, **settings: Any) -> Project:
    """The project, after comparing its outputs with those of the graph as it was read."""
    project, plain = (
        project_of(net.source(*outputs), input_precision=INPUT, skip_passes=skip, **settings)
        for skip in ([], ["cancel_permutes"])
    )
    x = grid(project.design.inputs[0].shape, bound=32)
    found, right = project.evaluate(x, raw=True), plain.evaluate(x, raw=True)
    for name in outputs:
        np.testing.assert_array_equal(found[name], right[name])
    return project


def network(seed: int = 0) -> Net:
    """A residual block with a concatenation and a normalisation, all channels_first, and a dense layer behind."""
    net = Net(seed)
    x = net.input((2, 6, 6))
    x = net.conv("stem", x, 2, 4, data_format=FIRST, padding="same")
    y = net.conv("branch", net.call("ReLU", "rectified", x), 4, 4, data_format=FIRST, padding="same", activation="relu")
    x = net.call("Add", "added", [x, y])
    y = net.call("MaxPooling2D", "pooled", x, data_format=FIRST, pool_size=[2, 2])
    y = net.call("UpSampling2D", "enlarged", y, data_format=FIRST, size=[2, 2])
    x = net.call("Concatenate", "joined", [x, y], axis=1)
    x = net.conv("end", x, 8, 3, data_format=FIRST)
    x = net.call("Flatten", "flat", net.call("Activation", "last", x, activation="relu"))
    net.dense("classes", x, 48, 3)
    return net


def test_a_network_has_one_permutation_at_its_border() -> None:
    project = with_and_without(network(), "classes")
    assert kinds(project).count("Permute") == 1
    assert kinds(project)[:2] == ["Input", "Permute"]
    assert {"stem", "branch", "added", "joined", "end", "classes"} <= set(project.trace_keys())


def test_an_output_gets_its_own_order_back() -> None:
    project = with_and_without(network(), "added", "classes")
    assert kinds(project).count("Permute") == 2
    assert project.evaluate(grid((2, 6, 6)))["added"].shape[1:] == (4, 6, 6)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_executors_agree(io_type: str) -> None:
    project = project_of(network().source("classes"), input_precision="fixed<5,3>", io_type=io_type)
    executors_agree(project, grid((2, 6, 6), samples=8))


def test_the_same_as_channels_last() -> None:
    net, x = Net(1), grid((2, 6, 6))
    net.conv("conv", net.input((2, 6, 6)), 2, 3, data_format=FIRST)
    last = Net(1)
    last.conv("conv", last.input((6, 6, 2)), 2, 3)
    found = with_and_without(net, "conv").evaluate(x)["conv"]
    right = project_of(last.source("conv"), input_precision=INPUT).evaluate(x.transpose(0, 2, 3, 1))["conv"]
    np.testing.assert_array_equal(found, right.transpose(0, 3, 1, 2))


def test_an_activation_goes_along_the_axis_that_it_has_in_keras() -> None:
    """A softmax of a channels_first convolution goes along the columns."""
    net = Net(2)
    net.conv("conv", net.input((2, 4, 5)), 2, 3, size=1, data_format=FIRST, activation="softmax")
    found = with_and_without(net, "conv").evaluate(grid((2, 4, 5)))["conv"]
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=2.0**-10)


def test_two_behind_each_other_are_one() -> None:
    net = Net(3)
    x = net.call("Permute", "one", net.input((2, 3, 4)), dims=[2, 3, 1])
    net.call("Permute", "two", net.call("ReLU", "between", x), dims=[2, 1, 3])
    assert kinds(with_and_without(net, "two")) == ["Input", "Relu", "Permute"]


def test_nothing_moves_where_nothing_is_gained() -> None:
    net = Net(4)
    x = net.call("Permute", "turned", net.input((3, 4)), dims=[2, 1])
    net.dense("dense", net.call("ReLU", "rectified", x), 3, 2)
    assert kinds(with_and_without(net, "dense")) == ["Input", "Permute", "Relu", "Dense"]


def test_a_value_that_is_read_in_both_orders_keeps_both() -> None:
    net = Net(5)
    x = net.conv("conv", net.input((2, 4, 4)), 2, 4, data_format=FIRST)
    a = net.dense("along_columns", x, 2, 2)
    b = net.conv("again", x, 4, 2, size=1, data_format=FIRST)
    project = with_and_without(net, a, b)
    assert kinds(project).count("Permute") == 3


def test_batch_normalisation_of_the_first_axis_is_fused() -> None:
    net = Net(6)
    x = net.conv("conv", net.input((2, 4, 4)), 2, 4, data_format=FIRST)
    weights = {"gamma": [1, 2, 0.5, 1], "beta": [0, 1, -1, 0.5], "moving_mean": [0] * 4, "moving_variance": [1] * 4}
    x = net.call("BatchNormalization", "normal", x, weights, axis=[1], epsilon=0.0)
    net.call("GlobalMaxPooling2D", "most", x, data_format=FIRST)
    assert kinds(with_and_without(net, "most")) == ["Input", "Permute", "Conv2D", "GlobalMaxPooling"]


def test_a_factor_for_all_channels_goes_along() -> None:
    net = Net(7)
    x = net.conv("conv", net.input((2, 4, 4)), 2, 3, data_format=FIRST)
    x = net.call("Activation", "hard", net.call("Rescaling", "half", x, scale=0.5, offset=1.0), activation="relu")
    net.call("GlobalMaxPooling2D", "most", x, data_format=FIRST)
    assert kinds(with_and_without(net, "most")).count("Permute") == 1


def test_one_value_a_channel_is_spread_by_the_merge() -> None:
    """As squeeze and excite does; a difference keeps its operands apart."""
    for name, count in (("Multiply", 1), ("Subtract", 1)):
        net = Net(8)
        x = net.conv("conv", net.input((2, 4, 4)), 2, 3, data_format=FIRST)
        y = net.call("GlobalMaxPooling2D", "most", x, data_format=FIRST, keepdims=True)
        x = net.call(name, "excited", [x, net.conv("squeezed", y, 3, 3, size=1, data_format=FIRST)])
        net.call("GlobalMaxPooling2D", "end", x, data_format=FIRST)
        project = with_and_without(net, "end")
        assert kinds(project).count("Permute") == count and "UpSampling" not in kinds(project)
    net = Net(9)
    x = net.conv("conv", net.input((2, 4, 4)), 2, 3, data_format=FIRST)
    y = net.call("GlobalMaxPooling2D", "most", x, data_format=FIRST, keepdims=True)
    x = net.call("Subtract", "rest", [y, x])
    net.call("GlobalMaxPooling2D", "end", x, data_format=FIRST)
    with_and_without(net, "end")


def test_folded_layers_of_qkeras_are_refused() -> None:
    """Whichever axis they normalise."""
    net = Net(10)
    net.conv("conv", net.input((2, 4, 4)), 2, 3, data_format=FIRST, axis=-1)
    with pytest.raises(UnsupportedError, match=r"layer 'conv' .*channels_first' and axis=-1"):
        project_of(net.source("conv"))
