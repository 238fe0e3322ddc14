"""FusePadding: convolutions take the zeros in front of them, poolings do not, and nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.passes.fuse_padding import FusePadding
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of


def padded_net(pool: bool = True) -> tuple[Net, list[str]]:
    net = Net()
    x = net.input((5, 6, 2))
    pad = net.call("ZeroPadding2D", "pad", x, padding=[[1, 2], [0, 1]])
    outputs = [net.conv("conv", pad, 2, 3), net.conv("strided", pad, 2, 2, strides=[2, 2])]
    if pool:
        outputs.append(net.call("MaxPooling2D", "pool", pad, pool_size=[2, 2], strides=[2, 2], padding="valid"))
    return net, outputs


def test_conv_and_pool_read_the_same_padding():
    net, outputs = padded_net()
    graph = graph_of(net.source(*outputs))
    assert FusePadding().run(graph)
    graph.verify()
    assert outline(graph) == expected_text("""
        x = Input()
        pad = ZeroPadding(x)
        conv = Conv2D(x)
        strided = Conv2D(x)
        pool = MaxPooling2D(pad)
        -> conv, strided, pool
    """)


def test_padding_read_by_convolutions_only_goes():
    net, outputs = padded_net(pool=False)
    graph = graph_of(net.source(*outputs))
    assert FusePadding().run(graph)
    graph.verify()
    assert outline(graph) == expected_text("""
        x = Input()
        conv = Conv2D(x)
        strided = Conv2D(x)
        -> conv, strided
    """)
    assert [n.layer.window.padding for n in graph.nodes[1:]] == [(1, 2, 0, 1)] * 2
    assert "pad" not in graph.aliases, "nothing carries the padded tensor any more"


@pytest.mark.parametrize("pool", [True, False])
def test_exact(pool):
    net, outputs = padded_net(pool)
    x = grid((5, 6, 2))
    before = project_of(net.source(*outputs), skip_passes=["fuse_padding"])
    after = project_of(net.source(*outputs))
    first, second = before.evaluate(x, raw=True), after.evaluate(x, raw=True)
    for key in outputs:
        np.testing.assert_array_equal(first[key], second[key], err_msg=key)
        assert before.trace_keys()[key].type == after.trace_keys()[key].type
    for a, b in zip(before.predict(x, raw=True), after.predict(x, raw=True), strict=True):
        np.testing.assert_array_equal(a, b)


def test_padding_that_is_an_output_stays():
    net, outputs = padded_net(pool=False)
    graph = graph_of(net.source("pad", *outputs))
    FusePadding().run(graph)
    graph.verify()
    assert "pad = ZeroPadding(x)" in outline(graph)
    assert "conv = Conv2D(x)" in outline(graph)


def test_padding_of_a_padded_convolution_adds_up():
    net = Net()
    x = net.input((4, 4, 1))
    pad = net.call("ZeroPadding2D", "pad", x, padding=[[1, 0], [2, 0]])
    net.conv("conv", pad, 1, 2, padding="same")
    data = grid((4, 4, 1))
    before = project_of(net.source("conv"), skip_passes=["fuse_padding"])
    after = project_of(net.source("conv"))
    np.testing.assert_array_equal(before.evaluate(data, raw=True)["conv"], after.evaluate(data, raw=True)["conv"])


def test_two_paddings_in_a_row():

    net = Net()
    x = net.input((4, 4, 1))
    x = net.call("ZeroPadding2D", "pad1", x, padding=[[1, 0], [2, 0]])
    x = net.call("ZeroPadding2D", "pad2", x, padding=[[0, 1], [0, 2]])
    net.conv("conv", x, 1, 2)
    data = grid((4, 4, 1))
    before = project_of(net.source("conv"), skip_passes=["fuse_padding"])
    after = project_of(net.source("conv"))
    np.testing.assert_array_equal(before.evaluate(data, raw=True)["conv"], after.evaluate(data, raw=True)["conv"])


def test_depthwise_and_one_dimension():
    net = Net()
    x = net.input((6, 2))
    pad = net.call("ZeroPadding1D", "pad", x, padding=[2, 1])
    weights = {"kernel": net.dyadic(3, 2, 3), "bias": net.dyadic(3)}
    net.call("Conv1D", "conv", pad, weights, filters=3, kernel_size=[3], strides=[1], padding="valid")
    taps = {"depthwise_kernel": net.dyadic(3, 2, 2), "bias": net.dyadic(4)}
    net.call("DepthwiseConv1D", "deep", pad, taps, kernel_size=[3], depth_multiplier=2, padding="valid")
    data = grid((6, 2))
    before = project_of(net.source("conv", "deep"), skip_passes=["fuse_padding"])
    after = project_of(net.source("conv", "deep"))
    assert "ZeroPadding" not in outline(after.design)
    first, second = before.evaluate(data, raw=True), after.evaluate(data, raw=True)
    for key in ("conv", "deep"):
        np.testing.assert_array_equal(first[key], second[key])
