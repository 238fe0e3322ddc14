"""Grouped convolutions: every strategy at every kind of reuse factor, and what the passes make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.window import Window
from tests.ladder.harness import executors_agree
from tests.layers.instances import dyadic
from tests.passes.builders import Net, grid, project_of

SHAPE = (4, 5, 6)


def grouped(filters: int, groups: int) -> Net:
    """A convolution of 2 x 2 in groups of the six channels, called ``conv``."""
    net = Net(4)
    net.input(SHAPE)
    kernel = net.dyadic(2, 2, 6 // groups, filters)
    weights = {"kernel": kernel, "bias": net.dyadic(filters)}
    net.call("Conv2D", "conv", "x", weights, filters=filters, kernel_size=[2, 2], groups=groups, padding="same")
    return net


@pytest.mark.parametrize(
    ("strategy", "factor", "io_type"),
    [
        ("resource", 4, "io_parallel"),  # a third of a row a turn
        ("resource", 12, "io_stream"),  # an input a turn
        ("resource", 24, "io_stream"),  # two rows one after the other
        ("unrolled", 5, "io_parallel"),
        ("latency", 3, "io_stream"),
    ],
)
def test_strategies(strategy: str, factor: int, io_type: str) -> None:
    """Twelve inputs for each of eight outputs, in two groups."""
    settings = {"strategy": strategy, "reuse_factor": factor, "io_type": io_type}
    executors_agree(project_of(grouped(8, 2).source("conv"), input_precision="fixed<7,3>", **settings), grid(SHAPE, 9))


def test_factors_are_those_of_a_group() -> None:
    layer = Conv2D(dyadic(2, 2, 3, 8), dyadic(8), Window((2, 2)), group_count=2)
    assert layer.valid_reuse_factors() == [1, 2, 3, 4, 6, 12, 24, 48]
    assert layer.products == 96, "half of what one group would take"


@pytest.mark.parametrize("source", ["bram_port", "axi"])
def test_weights_from_outside(source: str) -> None:
    settings = {"layers": {"conv": {"weights": source, "strategy": "resource", "reuse_factor": 4}}}
    project = project_of(grouped(4, 2).source("conv"), input_precision="fixed<7,3>", io_type="io_stream", **settings)
    data = grid(SHAPE, 9)
    np.testing.assert_array_equal(project.predict(data, raw=True), project.evaluate(data, raw=True)["conv"])


@pytest.mark.parametrize("settings", [{}, {"weight_granularity": "channel"}])
def test_scales_are_folded_into_the_right_channels(settings: dict[str, Any]) -> None:
    """A BatchNormalization in front and one behind, of very unequal channels."""
    net = grouped(6, 3)
    net.batchnorm("behind", "conv", 6)
    source = net.source("behind")
    project = project_of(source, input_precision="fixed<9,3>", **settings)
    assert [op.layer.kind for op in project.design.ops] == ["Input", "Conv2D"]
    data = grid(SHAPE, 9)
    executors_agree(project, data)
    x, conv, norm = np.pad(data, ((0, 0), (0, 1), (0, 1), (0, 0))), net.calls[0].weights, net.calls[1].weights
    kernel = np.zeros((2, 2, 6, 6))
    for group in range(3):
        part = slice(2 * group, 2 * group + 2)
        kernel[:, :, part, part] = conv["kernel"][:, :, :, part]
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))
    summed = np.einsum("nrcikl,klio->nrco", windows, kernel) + conv["bias"]
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + 1e-3)
    expected = (summed - norm["moving_mean"]) * scale + norm["beta"]
    assert np.abs(project.predict(data) - expected).max() < 2.0**-10 * np.abs(expected).max()


def test_powers_stay_within_a_group() -> None:
    """What passes ask about channels is what a whole kernel with zeros between the groups would say."""
    layer = Conv2D(dyadic(2, 2, 2, 6), dyadic(6), Window((2, 2)), group_count=3)
    whole = np.zeros((2, 2, 6, 6))
    for group in range(3):
        part = slice(2 * group, 2 * group + 2)
        whole[:, :, part, part] = layer.weight.values[:, :, :, part]
    np.testing.assert_array_equal(layer.powers(), (whole**2).sum(axis=(0, 1)))
    rows, columns = np.arange(1.0, 7), np.ones(6)
    scaled = layer.weight.values * layer.per_input(rows)
    expected = whole * rows[:, None] * columns
    np.testing.assert_array_equal(layer.summed(scaled), expected.sum(axis=(0, 1, 2)))


def test_a_group_a_channel_is_depthwise() -> None:
    project = project_of(grouped(12, 6).source("conv"), input_precision="fixed<7,3>")
    (_, op) = project.design.ops
    assert isinstance(op.layer, DepthwiseConv2D) and op.layer.multiplier == 2
    executors_agree(project, grid(SHAPE, 9))


def test_groups_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ModelError, match=r"groups=4 does not divide 6 channels in and 8 out"):
        project_of(grouped(8, 4).source("conv"))
