"""FuseBatchnorm: where it may fuse, where it must not, and how far apart the results may be."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.ir.graph import Graph
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.fuse_batchnorm import FuseBatchnorm
from hlsgen.project import Project
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of


def normalised() -> Net:
    net = Net()
    x = net.input((6,))
    x = net.call("Dense", "fc", x, {"kernel": net.rng.normal(size=(6, 5)), "bias": net.rng.normal(size=5)}, units=5)
    net.batchnorm("bn", x, 5)
    return net


def test_before_and_after():
    graph = graph_of(normalised().source("bn"))
    assert outline(graph) == expected_text("""
        x = Input()
        fc = Dense(x)
        bn = Scale(fc)
        -> bn
    """)
    assert FuseBatchnorm().run(graph)
    graph.verify()
    assert outline(graph) == expected_text("""
        x = Input()
        fc = Dense(x)
        -> fc
    """)
    assert graph.aliases["bn"] is graph.aliases["fc"] is graph.outputs[0]
    assert any("bn is fused into fc" in note for note in graph.notes)


def test_fused_weights_mean_the_same_real_function():
    """Before anything is rounded: equal up to float64."""
    x = grid((6,)).astype(np.float64)
    before, after = graph_of(normalised().source("bn")), graph_of(normalised().source("bn"))
    FuseBatchnorm().run(after)
    np.testing.assert_allclose(real_output(after, x), real_output(before, x), rtol=1e-12, atol=1e-12)


def test_a_scale_of_either_sign_goes_into_weights_and_bias():
    net = normalised()
    constants = net.calls[-1].weights
    constants["gamma"] = np.float32([1, -1, 2, -0.5, 0])
    x = grid((6,)).astype(np.float64)
    before, after = graph_of(net.source("bn")), graph_of(net.source("bn"))
    assert FuseBatchnorm().run(after)
    right = real_output(before, x)
    assert np.ptp(right[:, 1]) > 1
    np.testing.assert_allclose(real_output(after, x), right, rtol=1e-12, atol=1e-12)


def real_output(graph: Graph, x: np.ndarray) -> np.ndarray:
    for node in graph:
        if node.inputs:
            x = node.layer.evaluate_float([x])
    return x


def error_bound(project: Project, x: np.ndarray) -> np.ndarray:
    """The largest error that rounding constants and results of a chain can cause, (samples, outputs).

    A linear layer's constants are off by ``dW``, ``db`` and its input by ``e``:
    ``|(x + e)(W + dW) + b + db - (xW + b)| <= |e||W + dW| + |x||dW| + |db|``; its result is then rounded
    to nearest, half a step off at most, as long as nothing saturates.
    """
    error, value = np.zeros_like(x), x
    for node in project.design:
        if not node.inputs:
            continue
        layer = node.layer
        assert isinstance(layer, LinearLayer) and node.output.type is not None
        weight, bias = layer.weight, layer.bias
        dw, db = np.abs(weight.effective - weight.values), np.abs(bias.effective - bias.values)
        product = (lambda a, w: a * w) if weight.values.ndim == 1 else np.matmul
        error = product(error, np.abs(weight.effective)) + product(np.abs(value), dw) + db
        error = error + float(node.output.type.step) / 2
        value = product(value, weight.values) + bias.values
        held = float(node.output.type.min) <= value.min() and value.max() <= float(node.output.type.max)
        assert held, "the test's data saturate"
    return error


def test_difference_is_bounded_by_the_roundings():
    x = grid((6,), bound=16, samples=200)
    truth = real_output(graph_of(normalised().source("bn")), x.astype(np.float64))
    fused, plain = (
        project_of(normalised().source("bn")),
        project_of(normalised().source("bn"), skip_passes=["fuse_batchnorm"]),
    )
    assert [len(p.design) for p in (fused, plain)] == [2, 3]
    errors = []
    for project in (fused, plain):
        bound = error_bound(project, x.astype(np.float64))
        error = np.abs(project.evaluate(x)["bn"].astype(np.float64) - truth)
        assert (error <= bound + 1e-12).all()
        assert bound.max() < 2**-8, "the bound itself is tight enough to mean something"
        errors.append(error.max())
    assert errors[0] <= errors[1] * 1.5, "fusing rounds once instead of twice"


@pytest.mark.parametrize("setting", [{"result": "fixed<12,6>"}, {"accum": "fixed<24,12>"}])
def test_a_type_in_between_forbids_it(setting):
    project = project_of(normalised().source("bn"), layers={"fc": {"precision": setting}})
    assert "bn = Scale(fc)" in outline(project.design)


@pytest.mark.parametrize("setting", [{"weight": "fixed<12,6>"}, {"bias": "fixed<24,12>"}])
def test_a_type_wanted_for_its_constants_forbids_it(setting):
    project = project_of(normalised().source("bn"), layers={"bn": {"precision": setting}})
    assert "bn = Scale(fc)" in outline(project.design)


def test_a_default_for_all_layers_does_not_forbid_it():
    project = project_of(normalised().source("bn"), precision="fixed<16,6>")
    assert outline(project.design).count("Scale") == 0
    assert str(project.trace_keys()["bn"].type) == "fixed<16,6>"


def test_result_type_moves_to_the_producer():
    project = project_of(normalised().source("bn"), layers={"bn": {"precision": {"result": "fixed<12,6,RND,SAT>"}}})
    assert outline(project.design).count("Scale") == 0
    assert str(project.trace_keys()["bn"].type) == "fixed<12,6,RND,SAT>"


def test_a_sum_with_another_reader_is_left_alone():
    net = normalised()
    net.dense("other", "fc", 5, 2)
    graph = graph_of(net.source("bn", "other"))
    assert not FuseBatchnorm().run(graph)
    graph = graph_of(normalised().source("bn", "fc"))
    assert not FuseBatchnorm().run(graph), "the sum itself is an output"


def test_weights_that_the_model_quantised_are_left_alone():
    net = Net()
    x = net.input((6,))
    weights = {"kernel": net.dyadic(6, 5), "bias": net.dyadic(5)}
    bits = net.quantized_bits(6, 1)
    net.call("QDense", "fc", x, weights, units=5, kernel_quantizer=bits, bias_quantizer=bits, activation="linear")
    net.batchnorm("bn", "fc", 5)
    graph = graph_of(net.source("bn"))
    assert not FuseBatchnorm().run(graph)


def test_several_in_a_row():
    net = normalised()
    net.batchnorm("bn2", "bn", 5)
    x = grid((6,)).astype(np.float64)
    before, after = graph_of(net.source("bn2")), graph_of(net.source("bn2"))
    assert FuseBatchnorm().run(after)
    assert outline(after) == "x = Input()\nfc = Dense(x)\n-> fc"
    np.testing.assert_allclose(real_output(after, x), real_output(before, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_convolutions(kind):
    def net() -> Net:
        net = Net()
        x = net.input((5, 5, 2))
        if kind == "conv":
            net.conv("c", x, 2, 4, padding="same")
        else:
            weights = {"depthwise_kernel": net.dyadic(3, 3, 2, 2), "bias": net.dyadic(4)}
            net.call("DepthwiseConv2D", "c", x, weights, kernel_size=[3, 3], depth_multiplier=2, padding="same")
        net.batchnorm("bn", "c", 4)
        return net

    x = grid((5, 5, 2)).astype(np.float64)
    before, after = graph_of(net().source("bn")), graph_of(net().source("bn"))
    assert FuseBatchnorm().run(after)
    np.testing.assert_allclose(real_output(after, x), real_output(before, x), rtol=1e-12, atol=1e-12)
