"""Scales on their way to weights: through what they may pass, what stops them, what is left where."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Graph, Source
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.take import Take
from hlsgen.passes.base import Pass
from hlsgen.passes.fuse_batchnorm import FuseBatchnorm
from hlsgen.passes.fuse_exact_scales import FuseExactScales
from hlsgen.project import Project
from tests.passes.builders import Net, expected_text, graph_of, grid, outline, project_of
from tests.passes.test_every_pass import real_outputs

IMAGE = (4, 6, 3)


def fuse(source: SourceModel, step: Pass | None = None) -> tuple[Graph, bool]:
    """The graph with the scales moved; its real-number meaning is as before."""
    graph = graph_of(source)
    x = {v.name: grid(v.shape, samples=6).astype(np.float64) for v in graph.inputs}
    right = real_outputs(graph_of(source), x)
    changed = (step or FuseBatchnorm()).run(graph)
    graph.verify()
    for got, wanted in zip(real_outputs(graph, x), right, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
    return graph, changed


def real_conv(net: Net, name: str, x: str, channels: int, filters: int, **config: Any) -> str:
    weights = {"kernel": net.rng.normal(size=(3, 3, channels, filters)), "bias": net.rng.normal(size=filters)}
    return net.call("Conv2D", name, x, weights, filters=filters, kernel_size=[3, 3], **config)


def test_what_is_expected_of_channels_that_are_left_out_goes_with_them() -> None:
    """A scale that passes a choice of the first channels: what is expected behind that is of as many channels."""
    graph, source = Graph("net"), Source("net", "made")
    rng = np.random.default_rng(0)
    x = graph.add(Input((4,)), [], "x", source)
    dense = graph.add(Dense(Constant.of(rng.normal(size=(4, 4))), no_bias(4)), [x], "first", source)
    relu = graph.add(Relu(), [dense], "relu", source)
    scale = graph.add(Scale(Constant.of(np.full(4, 0.7)), Constant.of(np.arange(4.0))), [relu], "scale", source)
    chosen = graph.add(Take(0, (0, 1)), [scale], "chosen", source)
    result = graph.add(Dense(Constant.of(rng.normal(size=(2, 3))), no_bias(3)), [chosen], "second", source)
    graph.set_outputs([result], ["second"])
    project = Project(graph, make_config(), {"x": rng.normal(size=(50, 4))})
    assert "Scale" not in [op.layer.kind for op in project.design]
    taken = next(op.output for op in project.design if op.layer.kind == "Take")
    known = taken.expected
    assert known is not None and (known.channel_rms is None or len(known.channel_rms) == 2)


def scales(graph: Graph) -> list[str]:
    return [node.name for node in graph if node.layer.kind == "Scale"]


def flip(net: Net) -> None:
    """Let the last BatchNormalization turn its first channel around."""
    net.calls[-1].weights["gamma"][0] *= -1


BETWEEN = {
    "max": ("MaxPooling2D", {"pool_size": [2, 2]}),
    "average": ("AveragePooling2D", {"pool_size": [2, 3], "strides": 1, "padding": "same"}),
    "global max": ("GlobalMaxPooling2D", {}),
    "global average": ("GlobalAveragePooling2D", {"keepdims": True}),
    "up": ("UpSampling2D", {"size": [2, 2]}),
    "crop": ("Cropping2D", {"cropping": [[1, 0], [0, 1]]}),
    "transpose": ("Permute", {"dims": [2, 1, 3]}),
    "reshape": ("Reshape", {"target_shape": [2, 12, 4]}),
    "relu": ("ReLU", {}),
}


@pytest.mark.parametrize("kind", [k for k in BETWEEN if k != "relu"])
def test_back_through(kind: str):
    net = Net()
    x = real_conv(net, "conv", net.input(IMAGE), 3, 4, padding="same")
    class_name, options = BETWEEN[kind]
    x = net.call(class_name, "between", x, **options)
    net.batchnorm("bn", x, 4)
    graph, changed = fuse(net.source("bn"))
    assert changed and not scales(graph)
    assert graph.aliases["bn"] is graph.aliases["between"] is graph.outputs[0]


@pytest.mark.parametrize("kind", ["max", "average", "up", "transpose", "global average"])
def test_ahead_through(kind: str):
    """Nothing in front takes the scale in (a ReLU with a shift behind it): the layer behind does."""
    net = Net()
    x = net.call("ReLU", "relu", real_conv(net, "conv", net.input(IMAGE), 3, 4, padding="same"))
    x = net.batchnorm("bn", x, 4)
    class_name, options = BETWEEN[kind]
    x = net.call(class_name, "between", x, **options)
    net.dense("fc", x, 4, 2)
    graph, changed = fuse(net.source("fc"))
    assert changed and not scales(graph)
    assert graph.aliases["bn"] is graph.aliases["fc"]


@pytest.mark.parametrize("kind", ["max", "global max", "relu"])
def test_what_picks_the_largest_needs_rising_scales(kind: str):
    net = Net()
    x = real_conv(net, "conv", net.input(IMAGE), 3, 4)
    class_name, options = BETWEEN[kind]
    net.batchnorm("bn", net.call(class_name, "between", x, **options), 4)
    flip(net)
    graph, changed = fuse(net.source("bn"))
    assert not changed and scales(graph) == ["bn"]


def test_flatten_back_only_where_all_positions_agree():
    """A BatchNormalization behind Flatten has a scale for every position."""
    net = Net()
    x = net.call("Flatten", "flat", real_conv(net, "conv", net.input(IMAGE), 3, 2))
    net.batchnorm("bn", x, 16)
    assert not fuse(net.source("bn"))[1]
    for role, values in net.calls[-1].weights.items():
        net.calls[-1].weights[role] = np.tile(values[:2], 8)
    graph, changed = fuse(net.source("bn"))
    assert changed and outline(graph) == expected_text("""
        x = Input()
        conv = Conv2D(x)
        flat = Reshape(conv)
        -> flat
    """)


def test_flatten_ahead():
    net = Net()
    x = net.call("ReLU", "relu", real_conv(net, "conv", net.input(IMAGE), 3, 2))
    x = net.call("Flatten", "flat", net.batchnorm("bn", x, 2))
    net.dense("fc", x, 16, 3)
    graph, changed = fuse(net.source("fc"))
    assert changed and not scales(graph)


@pytest.mark.parametrize("layer", ["dense", "conv", "depthwise", "separable", "transposed", "bn"])
def test_in_front_of(layer: str):
    net = Net()
    x = net.batchnorm("bn", net.input(IMAGE), 3)
    rng = net.rng
    match layer:
        case "dense":
            net.dense("y", x, 3, 2)
        case "conv":
            net.conv("y", x, 3, 2, strides=2)
        case "depthwise":
            weights = {"depthwise_kernel": rng.normal(size=(2, 3, 3, 2)), "bias": rng.normal(size=6)}
            net.call("DepthwiseConv2D", "y", x, weights, kernel_size=[2, 3], depth_multiplier=2)
        case "separable":
            kernels = {
                "depthwise_kernel": rng.normal(size=(2, 2, 3, 1)),
                "pointwise_kernel": rng.normal(size=(1, 1, 3, 2)),
            }
            weights = {**kernels, "bias": rng.normal(size=2)}
            net.call("SeparableConv2D", "y", x, weights, filters=2, kernel_size=[2, 2])
        case "transposed":
            weights = {"kernel": rng.normal(size=(1, 1, 2, 3)), "bias": rng.normal(size=2)}
            net.call("Conv2DTranspose", "y", x, weights, filters=2, kernel_size=[1, 1], strides=2)
        case "bn":
            net.batchnorm("y", x, 3)
    graph, changed = fuse(net.source("y"))
    assert changed and scales(graph) == (["y"] if layer == "bn" else [])
    assert graph.aliases["bn"] in [node.output for node in graph]


def test_behind_a_transposed_convolution():
    net = Net()
    weights = {"kernel": net.rng.normal(size=(3, 2, 4, 3)), "bias": net.rng.normal(size=4)}
    x = net.call(
        "Conv2DTranspose", "up", net.input(IMAGE), weights, filters=4, kernel_size=[3, 2], strides=2, padding="same"
    )
    net.batchnorm("bn", x, 4)
    graph, changed = fuse(net.source("bn"))
    assert changed and outline(graph) == expected_text("""
        x = Input()
        up_blocks = Conv2D(x)
        up = DepthToSpace(up_blocks)
        -> up
    """)


@pytest.mark.parametrize("shifted", [True, False])
def test_padding_stops_a_shift(shifted: bool):
    """Zeros around the image are not what the shift makes of zeros; a scale alone leaves them zero."""
    net = Net()
    x = net.batchnorm("bn", net.input(IMAGE), 3)
    if not shifted:
        net.calls[-1].weights["beta"] = net.calls[-1].weights["moving_mean"] = np.zeros(3)
    net.conv("conv", x, 3, 2, padding="same")
    padded = net.call("ZeroPadding2D", "pad", x, padding=[[1, 0], [0, 1]])
    net.dense("fc", padded, 3, 2)
    graph, changed = fuse(net.source("conv", "fc"))
    assert changed == (not shifted) and scales(graph) == (["bn"] if shifted else [])


def test_every_reader_has_to_take_it():
    net = Net()
    x = net.batchnorm("bn", net.input(IMAGE), 3)
    net.dense("a", x, 3, 2)
    net.conv("b", x, 3, 2)
    assert not scales(fuse(net.source("a", "b"))[0])
    net.call("Activation", "tanh", x, activation="tanh")
    assert scales(fuse(net.source("a", "b", "tanh"))[0]) == ["bn"]
    assert scales(fuse(net.source("a", "bn"))[0]) == ["bn"], "the scaled value is an output"


def test_uneven_scales_stay_in_front():
    """Weights of one type would hold the products of small factors with few bits."""
    net = Net()
    x = net.batchnorm("bn", net.input((4,)), 4)
    net.calls[-1].weights["gamma"][0] = 100.0
    net.calls[-1].weights["moving_mean"][0] = 0.0
    net.dense("fc", x, 4, 2)
    assert not fuse(net.source("fc"))[1]
    assert fuse(net.source("fc"), FuseBatchnorm(most_spread=1e6))[1]


def test_large_means_stay_in_front():
    """Rounded weights times a mean of many deviations would be a large error."""
    net = Net()
    x = net.batchnorm("bn", net.input((4,)), 4)
    net.calls[-1].weights["moving_mean"][0] = 50.0
    net.dense("fc", x, 4, 2)
    assert not fuse(net.source("fc"))[1]
    assert fuse(net.source("fc"), FuseBatchnorm(most_shift=1e6))[1]


def concatenated(*branches: str, axis: int = 3) -> Net:
    net = Net()
    x = net.input(IMAGE)
    for name in branches:
        if name.startswith("conv"):
            real_conv(net, name, x, 3, 3, padding="same")
        else:
            net.call("Activation", name, x, activation="tanh")
    net.call("Concatenate", "cat", branches, axis=axis)
    return net


@pytest.mark.parametrize("axis", [3, 1])
def test_back_through_concatenation(axis: int):
    net = concatenated("conv", "conv_b", axis=axis)
    net.batchnorm("bn", "cat", 6 if axis == 3 else 3)
    graph, changed = fuse(net.source("bn"))
    assert changed and not scales(graph)
    net = concatenated("conv", "tanh", axis=axis)
    net.batchnorm("bn", "cat", 6 if axis == 3 else 3)
    graph, changed = fuse(net.source("bn"))
    assert changed and scales(graph) == ["bn_part"] and graph.outputs[0].producer.name == "cat"
    net = concatenated("tanh", "tanh_b", axis=axis)
    net.batchnorm("bn", "cat", 6 if axis == 3 else 3)
    assert not fuse(net.source("bn"))[1]


def test_ahead_through_concatenation():
    """The other branch is scaled by one."""
    net = Net()
    x = net.input(IMAGE)
    net.call("Concatenate", "cat", [net.batchnorm("bn", x, 3), x], axis=3)
    net.dense("fc", "cat", 6, 2)
    graph, changed = fuse(net.source("fc"))
    assert changed and not scales(graph)
    net.call("Concatenate", "both", ["bn", net.call("MaxPooling2D", "p", "bn", pool_size=1)], axis=3)
    net.dense("out", "both", 6, 2)
    assert scales(fuse(net.source("fc", "out"))[0]) == ["bn"], "two ways meet: refused"


@pytest.mark.parametrize("precision", [{"result": "fixed<10,5,RND,SAT>"}, {"accum": "fixed<20,8>"}])
def test_a_type_on_the_way_stops_it(precision: dict[str, str]):
    net = Net()
    x = real_conv(net, "conv", net.input(IMAGE), 3, 4)
    x = net.call("AveragePooling2D", "mean", x, pool_size=[2, 2])
    net.batchnorm("bn", x, 4)
    project = project_of(net.source("bn"), layers={"conv": {"precision": precision}})
    assert "bn = Scale(mean)" in outline(project.design)


def test_the_result_type_stays_behind_a_pooling():
    """A cast in front of a mean is not the cast of the mean; of moved values it is."""
    for kind, wanted in (("average", "bn = Convert(between)"), ("transpose", "between = Permute(conv)")):
        net = Net()
        class_name, options = BETWEEN[kind]
        x = net.call(class_name, "between", real_conv(net, "conv", net.input(IMAGE), 3, 4, padding="same"), **options)
        net.batchnorm("bn", x, 4)
        project = project_of(net.source("bn"), layers={"bn": {"precision": {"result": "fixed<9,4,RND,SAT>"}}})
        assert outline(project.design).splitlines()[-2] == wanted
        assert str(project.trace_keys()["bn"].type).startswith("fixed<9,4")


def test_ranges_expected_before_a_pooling_hold():
    """What the convolution computes with the scale inside does not saturate where the means do not."""
    net = Net()
    x = net.call("AveragePooling2D", "mean", real_conv(net, "conv", net.input(IMAGE), 3, 4), pool_size=[2, 4])
    net.batchnorm("bn", x, 4)
    data = np.random.default_rng(3).normal(size=(300, *IMAGE))
    project = project_of(net.source("bn"), {"x": data})
    (conv,) = [n for n in project.design if n.layer.kind == "Conv2D"]
    got = project.evaluate(data, raw=True)["conv"]
    assert conv.output.type is not None
    inside = (got > conv.output.type.min_mantissa) & (got < conv.output.type.max_mantissa)
    assert inside.mean() > 0.9999
    whole = project_of(net.source("bn"), {"x": data}, skip_passes=["fuse_batchnorm"])
    np.testing.assert_allclose(project.evaluate(data)["bn"], whole.evaluate(data)["bn"], atol=2**-7)


# -- exact constants -----------------------------------------------------------------------------


def quantised_behind(class_name: str, **options: Any) -> Net:
    net = Net(3)
    bits = net.quantized_bits(5, 2)
    weights = {"kernel": net.dyadic(3, 3, 3, 4), "bias": net.dyadic(4)}
    x = net.call(
        "QConv2D", "conv", net.input(IMAGE), weights, filters=4, kernel_size=[3, 3], padding="same",
        kernel_quantizer=bits, bias_quantizer=bits,
    )  # fmt: skip
    x = net.call(class_name, "between", x, **options)
    net.batchnorm("bn", x, 4)
    net.calls[-1].weights.update(gamma=np.array([0.5, 1.5, 0.0, 2.0]), moving_variance=np.array([1.0, 4.0, 1.0, 0.25]))
    net.calls[-1].weights.update(beta=np.zeros(4), moving_mean=np.zeros(4))
    net.calls[-1].config["epsilon"] = 0.0
    return net


@pytest.mark.parametrize("kind", ["max", "average even", "up", "transpose"])
def test_exact_scales_change_no_bit_through(kind: str):
    even = ("AveragePooling2D", {"pool_size": [2, 2]})
    class_name, options = even if kind == "average even" else BETWEEN[kind]
    net = quantised_behind(class_name, **options)
    assert not scales(fuse(net.source("bn"), FuseExactScales())[0])
    x = grid(IMAGE, samples=100)
    fused, plain = (
        project_of(net.source("bn"), input_precision="fixed<7,3>", skip_passes=skip)
        for skip in (["fuse_batchnorm"], ["fuse_batchnorm", "fuse_exact_scales"])
    )
    assert "Scale" in outline(plain.design) and "Scale" not in outline(fused.design)
    np.testing.assert_array_equal(fused.evaluate(x)["bn"], plain.evaluate(x)["bn"])


def test_exact_scales_in_front():
    net = Net(4)
    x = net.batchnorm("bn", net.input((4,)), 4)
    net.calls[-1].weights.update(gamma=np.array([0.5, -1.5, 0.0, 2.0]), moving_variance=np.ones(4))
    net.calls[-1].weights.update(beta=np.array([1.0, -0.5, 0.25, 0.0]), moving_mean=np.array([0.5, 1.0, 0.0, -2.0]))
    net.calls[-1].config.update(scale_quantizer=net.quantized_bits(5, 2), bias_quantizer=net.quantized_bits(7, 3))
    net.calls[-1].config["epsilon"] = 0.0
    net.calls[-1] = replace(net.calls[-1], class_name="QBatchNormalization")
    bits = net.quantized_bits(5, 2)
    weights = {"kernel": net.dyadic(4, 3), "bias": net.dyadic(3)}
    net.call("QDense", "fc", x, weights, units=3, kernel_quantizer=bits, bias_quantizer=bits)
    data = grid((4,), samples=200)
    fused, plain = (
        project_of(net.source("fc"), input_precision="fixed<7,3>", skip_passes=skip)
        for skip in (["fuse_batchnorm"], ["fuse_batchnorm", "fuse_exact_scales"])
    )
    assert not scales(fused.design) and scales(plain.design) == ["bn"]
    np.testing.assert_array_equal(fused.evaluate(data)["fc"], plain.evaluate(data)["fc"])


# -- quantised weights at the user's wish ----------------------------------------------------------


def quantised_and_normalised() -> Net:
    net = Net(7)
    bits = net.quantized_bits(6, 1)
    weights = {"kernel": net.dyadic(6, 5), "bias": net.dyadic(5)}
    net.call("QDense", "fc", net.input((6,)), weights, units=5, kernel_quantizer=bits, bias_quantizer=bits)
    net.batchnorm("bn", "fc", 5)
    return net


def test_quantised_weights_are_fused_only_if_asked_for():
    plain = project_of(quantised_and_normalised().source("bn"), input_precision="fixed<8,3>")
    assert scales(plain.design) == ["bn"]
    project = project_of(quantised_and_normalised().source("bn"), input_precision="fixed<8,3>", fuse_quantized=True)
    assert not scales(project.design)
    weight = project.design.ops[-1].layer.constants()["weight"]
    assert not weight.given and weight.type is not None and weight.type.width > 6, "types are inferred anew"


def test_the_largest_deviation_is_stated_and_true():
    net = quantised_and_normalised()
    project = project_of(net.source("bn"), input_precision="fixed<8,3>", fuse_quantized=True)
    (note,) = [n for n in project.design.notes if "fuse_quantized" in n]
    assert note in project.summary()
    stated = float(note.split("at most ")[1].split()[0])
    node = project.design.ops[-1]
    x = grid((6,), samples=2000, frac=5, bound=127)
    sums, frac = node.layer.exact([_exact(project, x)])
    right = real_outputs(graph_of(net.source("bn")), {"x": x.astype(np.float64)})[0]
    worst = np.abs(sums * 2.0**-frac - right).max()
    assert 0 < worst <= stated * (1 + 1e-6) and stated < 20 * worst


def _exact(project: Any, x: np.ndarray) -> Any:
    from hlsgen.ir.layer import Exact

    fixed = project.design.inputs[0].type
    return Exact(fixed.quantize(x), fixed.frac)
