"""Whole circuits in Verilator: integers of the exact reference, and the clocks that are stated, with and without stalls."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hlsgen.project import Project
from tests.passes.builders import Net, grid, project_of


def reference(project: Project, x) -> np.ndarray:
    keys = {tensor: key for key, tensor in project.trace_keys().items()}
    return project.evaluate(x, raw=True)[keys[project.design.outputs[0]]]


def check(project: Project, x) -> None:
    """Free running, with gaps, with stalls, with both."""
    expected, circuit = reference(project, x), project.circuit
    free = project.simulate(x)
    np.testing.assert_array_equal(free.result, expected)
    assert free.latency == circuit.latency
    assert free.interval == circuit.interval
    for gaps, stalls, seed in ((0.4, 0.0, 1), (0.0, 0.6, 2), (0.3, 0.5, 3), (0.9, 0.1, 4), (0.1, 0.9, 5)):
        run = project.simulate(x, gaps=gaps, stalls=stalls, seed=seed)
        np.testing.assert_array_equal(run.result, expected, err_msg=f"gaps {gaps}, stalls {stalls}")


def xor() -> Project:
    """XOR: the inputs' sum, less twice what of it is above one."""
    net = Net(name="xor")
    hidden = {"kernel": [[1, 1], [1, 1]], "bias": [0, -1]}
    x = net.call("Dense", "hidden", net.input((2,), "bits"), hidden, units=2, activation="relu")
    net.call("Dense", "out", x, {"kernel": [[1], [-2]], "bias": [0]}, units=1)
    return project_of(net.source("out"), backend="verilog", input_precision="ufixed<1,1>")


def test_xor():
    project = xor()
    x = np.tile([[0, 0], [0, 1], [1, 0], [1, 1]], (10, 1))
    np.testing.assert_array_equal(reference(project, x[:4]).ravel() != 0, [False, True, True, False])
    run = project.simulate(x)
    np.testing.assert_array_equal(run.result, reference(project, x))
    np.testing.assert_array_equal(run.result, project.predict(x, raw=True))
    assert str(run) == f"40 samples in {run.clocks} clocks: latency {run.latency}, interval 1, 1 stalls"


def mixed() -> Project:
    """Every core of vectors: folded over inputs, folded over outputs, unrolled, and pointwise ones between them."""
    net = Net(seed=3, name="mixed")
    x = net.input((6,), "x")
    x = net.dense("in_folds", x, 6, 8, activation="relu")
    x = net.dense("out_folds", x, 8, 6, activation="tanh")
    x = net.quantize("four_bits", x, 4)
    x = net.dense("unrolled", x, 6, 5)
    x = net.call("LeakyReLU", "leaky", x, alpha=0.3)
    x = net.batchnorm("scale", x, 5)
    x = net.call("Activation", "swish", x, activation="swish")
    net.call("Softmax", "softmax", x)
    layers = {
        "in_folds": {"strategy": "resource", "reuse_factor": 3},
        "out_folds": {"strategy": "resource", "reuse_factor": 16},
    }
    return project_of(
        net.source("softmax"), backend="verilog", input_precision="fixed<8,4>", layers=layers, clock_period=4
    )


@pytest.mark.slow
def test_cores_of_vectors():
    project = mixed()
    assert {op.layer.kind for op in project.design} >= {"Dense", "Relu", "Table", "Scale", "Softmax"}
    circuit = project.circuit
    assert circuit.interval == 16
    check(project, grid((6,), samples=60, bound=127))
    one = project.simulate(grid((6,))[:1])
    assert (len(one.result), one.interval) == (1, None)


def steps() -> Project:
    """Step functions, of one channel's thresholds and of each channel's own, and a rectifier with slope and ceiling."""
    net = Net(seed=11, name="steps")
    x = net.input((4,), "x")
    weights = {"kernel": net.dyadic(4, 5), "bias": net.dyadic(5)}
    x = net.call("QDense", "fc", x, weights, units=5, kernel_quantizer=net.quantized_bits(4, 1))
    x = net.batchnorm("norm", x, 5)
    x = net.call("QActivation", "ternary", x, activation="ternary(alpha=1)")
    x = net.dense("fc2", x, 5, 4)
    x = net.call("QActivation", "binary", x, activation="binary(alpha=1)")
    x = net.dense("fc3", x, 4, 3)
    net.call("ReLU", "relu", x, max_value=1.5, negative_slope=0.25)
    return project_of(net.source("relu"), backend="verilog", input_precision="fixed<6,3>")


@pytest.mark.slow
def test_step_functions():
    project = steps()
    rows = [len(op.layer.thresholds.fixed[0]) for op in project.design if op.layer.kind == "Thresholds"]
    assert rows == [5, 1], "of each channel its own, of all channels one"
    check(project, grid((4,), samples=60, frac=3, bound=31))


def images() -> Project:
    """Windows with padding, strides and dilation; poolings; words that are gathered; a folded convolution."""
    net = Net(seed=5, name="images")
    x = net.input((9, 7, 2), "image")
    x = net.conv("same", x, 2, 3, padding="same", activation="relu")
    x = net.call("MaxPooling2D", "padded_pool", x, pool_size=[3, 2], strides=[2, 1], padding="same")
    x = net.conv("dilated", x, 3, 4, size=2, dilation_rate=[2, 3])
    x = net.call("AveragePooling2D", "average", x, pool_size=[1, 2], strides=[1, 2], padding="valid")
    x = net.call("Flatten", "flat", x)
    net.dense("classes", x, 24, 3)
    layers = {"dilated": {"strategy": "resource", "reuse_factor": 6}}
    return project_of(net.source("classes"), backend="verilog", input_precision="fixed<6,3>", layers=layers)


def lines() -> Project:
    """A convolution along one axis with a stride that leaves cells over, and one of an image of a single column."""
    net = Net(seed=6, name="lines")
    x = net.input((11, 2), "signal")
    kernel = {"kernel": net.dyadic(3, 2, 4), "bias": net.dyadic(4)}
    x = net.call(
        "Conv1D", "conv", x, kernel, filters=4, kernel_size=[3], strides=[3], padding="valid", activation="relu"
    )
    x = net.call("Reshape", "column", x, target_shape=[6, 1, 2])
    x = net.call("MaxPooling2D", "pool", x, pool_size=[3, 1], strides=[1, 1], padding="valid")
    net.call("GlobalMaxPooling2D", "largest", x)
    return project_of(net.source("largest"), backend="verilog", input_precision="fixed<6,3>")


def groups() -> Project:
    """Channels in groups, channels by themselves, and one number of each for the whole image."""
    net = Net(seed=7, name="groups")
    x = net.input((5, 4, 4), "image")
    weights = {"kernel": net.dyadic(2, 2, 2, 6), "bias": net.dyadic(6)}
    x = net.call("Conv2D", "grouped", x, weights, filters=6, kernel_size=[2, 2], groups=2)
    weights = {"depthwise_kernel": net.dyadic(3, 2, 6, 2), "bias": net.dyadic(12)}
    x = net.call("DepthwiseConv2D", "depthwise", x, weights, kernel_size=[3, 2], depth_multiplier=2, padding="same")
    x = net.call("GlobalAveragePooling2D", "mean", x)
    net.dense("classes", x, 12, 2)
    return project_of(net.source("classes"), backend="verilog", input_precision="fixed<6,3>")


@pytest.mark.slow
@pytest.mark.parametrize("network", [images, lines, groups])
def test_windows(network):
    project = network()
    x = grid(project.design.inputs[0].shape, samples=6, bound=40)
    check(project, x)


def hostile_names() -> Project:
    """Layers whose names are those that circuits give, words of Verilog, and ports."""
    net = Net(seed=8, name="model")
    x = net.input((3,), "signed")
    for name in ("fc", "fc_element", "axis", "logic", "model_fc", "signed_data", "tables", "clk"):
        x = net.dense(name, x, 3, 3, activation="relu")
    net.dense("relu", x, 3, 3)
    return project_of(net.source("relu"), backend="verilog", input_precision="fixed<4,2>")


def test_names_do_not_meet():
    project = hostile_names()
    modules = [word for text in project.files.values() for word in re.findall(r"^module (\w+)", text, re.MULTILINE)]
    assert len(set(modules)) == len(modules) == len({module.lower() for module in modules})
    top = project.files["rtl/model.v"]
    declared = re.findall(r"^    (?:input |output )?(?:wire|reg)(?: \[\d+:0\])? (\w+)[;,]?$", top, re.MULTILINE)
    instances = re.findall(r"^    \w+ (\w+) \($", top, re.MULTILINE) + re.findall(
        r"^    \) (\w+) \($", top, re.MULTILINE
    )
    assert len(declared) > 20 and len(instances) > 15
    assert len(set(declared + instances)) == len(declared + instances)


@pytest.mark.slow
def test_page(repository: Path, monkeypatch, capsys):
    """What docs/circuits.md shows is so."""
    monkeypatch.chdir(repository)
    page = (repository / "docs" / "circuits.md").read_text(encoding="utf-8")
    block, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block, "docs/circuits.md", "exec"), {})
    assert capsys.readouterr().out.startswith("50 samples in 243 clocks: latency 45, interval 4, ")
