"""Shared adders in place of products: the integers of the reference by the emulator, the vendor's headers and circuits."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.texts import emulation_files
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.project import Project
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, project_of

SETTINGS: dict[str, Any] = {"input_precision": "fixed<7,3>", "strategy": "distributed_arithmetic"}


def images() -> Any:
    """Convolutions with padding, strides, dilation and groups, a depthwise one, and a matrix behind a Flatten."""
    net = Net(seed=21)
    x = net.input((5, 6, 2))
    x = net.conv("padded", x, 2, 4, padding="same", activation="relu")
    weights = {"kernel": net.dyadic(2, 2, 2, 6, frac=4, bound=15), "bias": net.dyadic(6, frac=7, bound=99)}
    x = net.call("Conv2D", "grouped", x, weights, filters=6, kernel_size=[2, 2], groups=2, dilation_rate=[1, 2])
    weights = {"depthwise_kernel": net.dyadic(2, 3, 6, 2, frac=3, bound=9), "bias": net.dyadic(12)}
    x = net.call("DepthwiseConv2D", "depthwise", x, weights, kernel_size=[2, 3], depth_multiplier=2, padding="same")
    x = net.call("DepthwiseConv2D", "dilated", x, {"depthwise_kernel": net.dyadic(2, 2, 12, 1), "bias": net.dyadic(12)},
                 kernel_size=[2, 2], dilation_rate=[2, 2])  # fmt: skip
    x = net.call("Flatten", "flat", x)
    return net.source(net.dense("fc", x, 48, 5))


def lines(sign: int = 1) -> Any:
    """Along one axis, and a matrix at every position; some outputs are zero, or the negative of others."""
    net = Net(seed=22)
    x = net.input((7, 3))
    kernel = net.dyadic(3, 3, 4, frac=5, bound=31)
    kernel[..., 1] = -kernel[..., 0]
    kernel[..., 2] = 0
    weights = {"kernel": sign * kernel, "bias": net.dyadic(4)}
    x = net.call("Conv1D", "conv", x, weights, filters=4, kernel_size=[3], strides=[2], padding="same")
    return net.source(net.dense("each", x, 4, 3, activation="relu"))


def data(project: Project) -> np.ndarray:
    shape = project.design.inputs[0].shape
    x = np.random.default_rng(5).integers(-64, 64, (9, *shape)) / 16
    x[0], x[1] = -4, 63 / 16
    return x


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("make", [lines, pytest.param(images, marks=pytest.mark.slow)])
def test_same_integers(make: Any, io_type: str) -> None:
    project = project_of(make(), io_type=io_type, **SETTINGS)
    strategies = {op.strategy.value for op in project.design if op.layer.has_multiplier}
    assert strategies == {"distributed_arithmetic"}
    executors_agree(project, data(project))


@pytest.mark.slow
@pytest.mark.parametrize("make", [lines, images])
def test_circuits(make: Any) -> None:
    project = project_of(make(), backend="verilog", **SETTINGS)
    x = data(project)
    keys = {tensor: key for key, tensor in project.trace_keys().items()}
    expected = project.evaluate(x, raw=True)[keys[project.design.outputs[0]]]
    np.testing.assert_array_equal(project.simulate(x).result, expected)


@pytest.mark.parametrize("pipeline", ["auto", "flat"])
def test_one_pipeline(pipeline: str) -> None:
    """Nothing is multiplied, so that no limit of multipliers holds, and every loop is unrolled."""
    net = Net(seed=23)
    source = net.source(net.dense("second", net.dense("first", net.input((6,)), 6, 5), 5, 3))
    project = project_of(source, pipeline=pipeline, interval=2, **SETTINGS)
    assert not project.plan.dataflow
    assert [step.kernel.multipliers for step in project.plan.steps] == [0, 0]
    executors_agree(project, data(project))


def test_text() -> None:
    """Sums of exact types, no product and no weight."""
    files = project_of(lines(), **SETTINGS).files
    text = files["firmware/weights/conv_w.h"]
    assert text == project_of(lines(), **SETTINGS).files["firmware/weights/conv_w.h"]
    assert re.search(r"const ap_fixed<\d+,-?\d+> s0 = .*x\[\d+\].* [+-] .*x\[\d+\].*;", text)
    assert " * " not in text.partition("struct")[2]
    assert "// sum[2] is its bias" in text
    assert len(re.findall(r"hlsgen::(accumulate|deduct)\(sum\[[01]\], hlsgen::scaled<-\d>\(s\d+\)\)", text)) == 2
    assert "shared adders for 36 products a position" in files["firmware/net.cpp"]


def test_emulators_are_of_any_weights() -> None:
    """New weights of the same types are other adders, and the same emulator, which multiplies."""
    projects = [project_of(lines(sign), default_width=9, **SETTINGS) for sign in (1, -1)]
    adders, emulators = (
        [project.files["firmware/weights/conv_w.h"] for project in projects],
        [emulation_files(project.plan) for project in projects],
    )
    assert adders[0] != adders[1] and emulators[0] == emulators[1]


def large(rows: int, columns: int) -> Any:
    net = Net(seed=24)
    weights = {"kernel": net.dyadic(rows, columns, bound=3) + 8, "bias": net.dyadic(columns)}
    return net.source(net.call("Dense", "fc", net.input((rows,)), weights, units=columns))


def test_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"'fc' .*16,640 constants other than zero .*give it strategy 'latency'"):
        project_of(large(130, 128), **SETTINGS).plan  # noqa: B018
    for settings, text in (
        (
            {"reuse_factor": 2},
            r"layer 'fc': strategy 'distributed_arithmetic' .*reuse_factor 2 would .*leave reuse_factor",
        ),
        ({"weights": "bram_port"}, r"layer 'fc': weights 'bram_port' .*strategy 'distributed_arithmetic' has none"),
    ):
        with pytest.raises(ConfigError, match=text):
            project_of(large(3, 2), layers={"fc": {"strategy": "distributed_arithmetic", **settings}})


def test_not_of_what_the_chip_computes() -> None:
    """A product of two tensors has no constants: refused by name, else all of it at once as is nearest."""
    net = Net(seed=25)
    net.call("Dot", "dot", [net.input((3, 4), "a"), net.input((3, 4), "b")], axes=[2, 2])
    (op,) = (op for op in project_of(net.source("dot"), **SETTINGS).design if op.layer.has_multiplier)
    assert (op.strategy.value, op.reuse_factor) == ("latency", 1)
    with pytest.raises(ConfigError, match="layer 'dot': strategy 'distributed_arithmetic' is not there for MatMul"):
        project_of(net.source("dot"), layers={"dot": {"strategy": "distributed_arithmetic"}})


def test_a_reuse_factor_of_all_layers_is_left_out() -> None:
    design = project_of(large(3, 2), reuse_factor=3, **SETTINGS).design
    assert [op.reuse_factor for op in design if op.layer.has_multiplier] == [1]
    assert any("reuse_factor 3" in note and "fc takes 1" in note for note in design.notes)
