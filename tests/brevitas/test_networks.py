"""Networks of Brevitas: the module itself and the files that it exports, against its own forward pass and QONNX's executor.

``make test-brevitas`` makes the environment for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError, UnsupportedError

pytest.importorskip("brevitas", reason="Brevitas is not installed; run make test-brevitas")

import brevitas.nn as qnn
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8ActPerTensorFloat,
    Int8Bias,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFixedPoint,
    Int8WeightPerTensorFloat,
    Int16Bias,
    ShiftedUint8ActPerTensorFloat,
    ShiftedUint8WeightPerTensorFloat,
    SignedBinaryWeightPerTensorConst,
    SignedTernaryWeightPerTensorConst,
    Uint8ActPerTensorFixedPoint,
    Uint8ActPerTensorFloat,
)
from torch import nn

EXPORTS = {"qonnx": export_qonnx, "qcdq": export_onnx_qcdq}
Made = tuple[Any, tuple[int, ...]]


def linear(n_in: int, n_out: int, weights: Any = Int8WeightPerTensorFloat, bits: int = 4, bias: Any = None) -> Any:
    return qnn.QuantLinear(n_in, n_out, bias=True, weight_quant=weights, weight_bit_width=bits, bias_quant=bias)


def mlp(
    weights: Any = Int8WeightPerTensorFloat,
    values: Any = Uint8ActPerTensorFloat,
    inputs: Any = Int8ActPerTensorFloat,
    bits: tuple[int, int] = (4, 4),
    bias: Any = None,
    norm: bool = True,
) -> Made:
    """Three layers, with BatchNormalization or without."""
    layers: list[Any] = [qnn.QuantIdentity(act_quant=inputs, bit_width=8, return_quant_tensor=True)]
    for n_in, n_out in ((10, 16), (16, 12)):
        layers.append(linear(n_in, n_out, weights, bits[0], bias))
        layers += [nn.BatchNorm1d(n_out)] if norm else []
        layers.append(qnn.QuantReLU(act_quant=values, bit_width=bits[1], return_quant_tensor=True))
    return nn.Sequential(*layers, linear(12, 4, weights, bits[0], bias)), (10,)


def cnn(weights: Any) -> Made:
    """Convolutions, one of them depthwise, pooling, Flatten."""
    options = {"weight_quant": weights, "bias": False}
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=8, return_quant_tensor=True),
        qnn.QuantConv2d(2, 6, 3, weight_bit_width=5, **options),
        nn.BatchNorm2d(6),
        qnn.QuantReLU(bit_width=3, return_quant_tensor=True),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(6, 6, 3, groups=6, padding=1, weight_bit_width=3, **options),
        nn.BatchNorm2d(6),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
        nn.Flatten(),
        linear(54, 5),
    ), (2, 8, 8)


def averaged() -> Made:
    """An average that is truncated to fewer bits."""
    return nn.Sequential(
        qnn.QuantIdentity(bit_width=8, return_quant_tensor=True),
        qnn.QuantConv2d(2, 6, 3, weight_bit_width=4),
        qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
        qnn.TruncAvgPool2d(2),
        nn.Flatten(),
        linear(54, 3),
    ), (2, 8, 8)


class Residual(nn.Module):
    """Two branches on one grid, which a quantiser that is called twice makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = qnn.QuantIdentity(bit_width=8, return_quant_tensor=True)
        self.conv1 = qnn.QuantConv2d(3, 8, 3, padding=1, weight_bit_width=4, bias=False)
        self.norm1 = nn.BatchNorm2d(8)
        self.relu1 = qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.conv2 = qnn.QuantConv2d(8, 8, 3, padding=1, weight_bit_width=4, bias=False)
        self.norm2 = nn.BatchNorm2d(8)
        self.grid = qnn.QuantIdentity(bit_width=4, return_quant_tensor=True)
        self.short = qnn.QuantConv2d(8, 8, 1, weight_bit_width=4, bias=False)
        self.relu2 = qnn.QuantReLU(bit_width=4)
        self.fc = linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = self.relu1(self.norm1(self.conv1(self.inputs(x))))
        x = self.relu2(self.grid(self.norm2(self.conv2(x))) + self.grid(self.short(x)))
        return self.fc(torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


NETWORKS: dict[str, Any] = {
    "tensor": mlp,
    "channel": lambda: mlp(Int8WeightPerChannelFloat),
    "8 bits": lambda: mlp(bits=(8, 8)),
    "bias of 8 bits": lambda: mlp(bias=Int8Bias),
    "bias of 16 bits": lambda: mlp(bias=Int16Bias, norm=False),
    "binary": lambda: mlp(SignedBinaryWeightPerTensorConst, bits=(1, 2)),
    "ternary": lambda: mlp(SignedTernaryWeightPerTensorConst, bits=(2, 2)),
    "zero points": lambda: mlp(
        ShiftedUint8WeightPerTensorFloat, ShiftedUint8ActPerTensorFloat, ShiftedUint8ActPerTensorFloat
    ),
    "powers of two": lambda: mlp(
        Int8WeightPerTensorFixedPoint, Uint8ActPerTensorFixedPoint, Int8ActPerTensorFixedPoint
    ),
    "cnn": lambda: cnn(Int8WeightPerTensorFloat),
    "cnn, channel": lambda: cnn(Int8WeightPerChannelFloat),
    "average": averaged,
    "residual": lambda: (Residual(), (3, 8, 8)),
}
NO_QCDQ = {"bias of 8 bits", "bias of 16 bits", "binary"}
"""Brevitas does not export these so."""


def trained(name: str) -> Made:
    """With scales and statistics of some batches."""
    torch.manual_seed(len(name))
    module, shape = NETWORKS[name]()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, 0, 0.3)
    module.train()
    for _ in range(30):
        module(torch.randn(64, *shape))
    return module.eval(), shape


def forward(module: Any, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        made = module(torch.from_numpy(x))
    result: np.ndarray = (made if isinstance(made, torch.Tensor) else made.value).numpy()
    return result


def output_of(project: hlsgen.Project, x: np.ndarray) -> np.ndarray:
    (output,) = project.design.outputs
    by_key = project.evaluate(x)
    return next(by_key[key] for key, tensor in project.trace_keys().items() if tensor is output)


def assert_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Every level is the same; what float32 rounds in the last layer, 2^-22 of the largest, is left. A sum of float32
    beside a tie may have become the level next to it in theirs: in one sample of a hundred."""
    off = np.abs(ours - theirs).max(axis=1) > 2.0**-21 * np.abs(theirs).max()
    assert off.mean() <= 0.01
    assert (ours.argmax(1) == theirs.argmax(1)).mean() >= 0.99


@pytest.mark.parametrize("name", NETWORKS)
def test_module_and_files_compute_what_brevitas_does(tmp_path: Path, name: str) -> None:
    module, shape = trained(name)
    x = np.random.default_rng(1).normal(size=(200, *shape)).astype(np.float32)
    right = forward(module, x)
    example = torch.randn(1, *shape)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    live = hlsgen.convert(module, example_inputs=(torch.randn(4, *shape),))
    assert_same(output_of(live, x), right)
    assert all((module.state_dict()[key] == value).all() for key, value in before.items())
    np.testing.assert_array_equal(forward(module, x), right)
    for kind in EXPORTS if name not in NO_QCDQ else ["qonnx"]:
        file = tmp_path / f"{kind}.onnx"
        EXPORTS[kind](module, args=example, export_path=str(file))
        project = hlsgen.convert(file)
        assert_same(output_of(project, x), right)
        np.testing.assert_array_equal(output_of(project, x), output_of(live, x))


@pytest.mark.parametrize("name", ["tensor", "zero points", "powers of two", "cnn, channel", "average", "residual"])
def test_qonnx_executes_the_same(tmp_path: Path, name: str) -> None:
    """The executor of the package qonnx, one sample at a time."""
    execution = pytest.importorskip("qonnx.core.onnx_exec", reason="qonnx is not installed")
    from qonnx.core.modelwrapper import ModelWrapper

    module, shape = trained(name)
    file = tmp_path / "net.onnx"
    export_qonnx(module, args=torch.randn(1, *shape), export_path=str(file))
    x = np.random.default_rng(2).normal(size=(40, *shape)).astype(np.float32)
    model = ModelWrapper(str(file))
    given, made = model.graph.input[0].name, model.graph.output[0].name
    theirs = np.concatenate([execution.execute_onnx(model, {given: sample[None]})[made] for sample in x])
    assert_same(output_of(hlsgen.convert(file), x), theirs)


def test_layers_have_the_names_of_modules() -> None:
    module, shape = trained("residual")
    project = hlsgen.convert(
        module, example_inputs=(torch.randn(2, *shape),), layers={"conv2": {"reuse_factor": 8}}, backend="vitis"
    )
    assert {
        "inputs",
        "conv1",
        "norm1",
        "relu1",
        "relu1.relu",
        "conv2",
        "grid",
        "grid_1",
        "short",
        "relu2",
        "fc",
    } <= set(project.trace_keys())
    assert [op.reuse_factor for op in project.design.ops if op.name.startswith("conv2")] == [8]


def test_emulator_equals_the_reference() -> None:
    module, shape = trained("cnn")
    project = hlsgen.convert(module, example_inputs=(torch.randn(2, *shape),), input_precision="fixed<16,4>")
    x = np.random.default_rng(3).normal(size=(50, *shape))
    (output,) = project.design.outputs
    by_key = project.evaluate(x, raw=True)
    right = next(by_key[key] for key, tensor in project.trace_keys().items() if tensor is output)
    np.testing.assert_array_equal(project.predict(x, raw=True), right)


def test_what_cannot_be_exported_is_refused() -> None:
    with pytest.raises(ModelError, match="a module has no shapes; give example_inputs"):
        hlsgen.convert(trained("tensor")[0])
    module = nn.Sequential(qnn.QuantLSTM(4, 3, batch_first=True))
    with pytest.raises(UnsupportedError):
        hlsgen.convert(module, example_inputs=(torch.randn(2, 5, 4),))
