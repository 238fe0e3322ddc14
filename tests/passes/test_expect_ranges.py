"""ExpectRanges: what is expected in use, from calibration data or from a seeded probe."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.passes.expect_ranges import PROBE_MARGIN, ExpectRanges
from tests.passes.builders import Net, graph_of, outline, project_of


def chain(with_bn: bool = False) -> Net:
    net = Net()
    x = net.input((8,))
    x = net.dense("fc", x, 8, 6)
    if with_bn:
        x = net.batchnorm("bn", x, 6)
    x = net.call("ReLU", "relu", x)
    net.dense("out", x, 6, 3)
    return net


def expectations(graph) -> dict[str, float]:
    return {node.name: node.output.expected for node in graph}


def test_calibration_is_the_largest_magnitude_seen():
    x = np.random.default_rng(0).normal(size=(700, 8)) * 5  # more than one batch of observation
    graph = graph_of(chain().source("out"))
    before = outline(graph)
    ExpectRanges({"x": x}).run(graph)
    assert outline(graph) == before
    w, b = (graph.nodes[1].layer.weight.values, graph.nodes[1].layer.bias.values)
    seen = expectations(graph)
    assert seen["x"] == np.abs(x).max()
    assert seen["fc"] == pytest.approx(np.abs(x @ w + b).max(), rel=1e-12)
    assert seen["relu"] == pytest.approx(np.maximum(x @ w + b, 0).max(), rel=1e-12)


def test_probe_is_seeded_and_has_a_margin():
    first, second = (graph_of(chain().source("out")) for _ in range(2))
    for graph in (first, second):
        ExpectRanges().run(graph)
    assert expectations(first) == expectations(second)
    probe = np.abs(np.random.default_rng(20240229).standard_normal((256, 8))).max()
    assert expectations(first)["x"] == PROBE_MARGIN * probe


def test_probe_follows_the_statistics_of_batchnorm():
    """However large the input of a BatchNormalization is, what leaves it is as large as gamma and beta say."""

    def behind_bn(scale: float) -> float:
        net = chain(with_bn=True)
        net.calls[0].weights["kernel"] = net.calls[0].weights["kernel"] * scale
        net.calls[0].weights["bias"] = net.calls[0].weights["bias"] * scale
        graph = graph_of(net.source("out"))
        ExpectRanges().run(graph)
        return expectations(graph)["bn"]

    assert behind_bn(1000.0) == pytest.approx(behind_bn(1.0), rel=0.05)


def test_large_tensors_are_observed_in_small_batches():
    net = Net()
    x = net.input((96, 96, 3))
    net.conv("conv", x, 3, 16, padding="same")
    graph = graph_of(net.source("conv"))
    ExpectRanges().run(graph)
    assert expectations(graph)["conv"] > 0


def test_constant_zero_network():
    net = Net()
    x = net.input((4,))
    net.call("Dense", "fc", x, {"kernel": np.zeros((4, 2)), "bias": np.zeros(2)}, units=2)
    project = project_of(net.source("fc"), {"x": np.zeros((10, 4))})
    assert expectations(project.graph) == {"x": 0.0, "fc": 0.0}
    np.testing.assert_array_equal(project.evaluate(np.ones((3, 4)))["fc"], 0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_calibration_places_inputs_and_results(scale):
    x = np.random.default_rng(3).normal(size=(500, 8)) * scale
    project = project_of(chain().source("out"), {"x": x})
    (value,) = project.graph.inputs
    assert value.type is not None and value.type.width == 16
    assert float(value.type.max) >= np.abs(x).max() - float(value.type.step)
    assert float(value.type.max) < 4 * np.abs(x).max(), "no integer bit is wasted"
    graph = graph_of(chain().source("out"))
    w0, b0, w1, b1 = (p.values for n in (graph.nodes[1], graph.nodes[-1]) for p in (n.layer.weight, n.layer.bias))
    truth = np.maximum(x @ w0 + b0, 0) @ w1 + b1
    assert np.abs(project.evaluate(x)["out"] - truth).max() <= 2**-11 * np.abs(truth).max()


def test_the_probe_keeps_to_the_input_type():
    """What the input cannot hold is not expected behind it."""
    project = project_of(chain().source("out"), input_precision="ufixed<8,0>")
    assert expectations(project.graph)["x"] == PROBE_MARGIN * (1 - 2.0**-8)
