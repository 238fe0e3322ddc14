"""The same network from Keras and from ONNX, under the same names, becomes the same C++, but for its comments."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import hlsgen
from tests.ladder.harness import grid_input
from tests.onnx.nets import Net

SHAPE = (9, 9, 2)
"""Of images, channels last."""
At = tuple[Any, str]
"""A tensor of Keras, and its name in ONNX."""


@pytest.fixture
def keras() -> Any:
    return pytest.importorskip("keras", reason="Keras is not installed")


class Pair:
    """A network that is built in both at once, layer by layer, with the same weights and names."""

    def __init__(self, keras: Any, shape: tuple[int, ...]) -> None:
        self.keras, self.net, self.shape = keras, Net(), shape
        self.inputs = [keras.Input(shape, name="x0")]
        self.rng = np.random.default_rng(5)
        self.at: At = self.inputs[0], self.net.input(*self.order(shape))

    def order(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """As ONNX has it: channels first."""
        return (shape[-1], *shape[:-1])

    def weights(self, *shape: int) -> np.ndarray:
        return (self.rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)

    def layer(self, kind: str, *weights: np.ndarray, of: Any = None, **options: Any) -> Any:
        """A layer of Keras."""
        layer = getattr(self.keras.layers, kind)(**options)
        result = layer(self.at[0] if of is None else of)
        layer.set_weights(list(weights))
        return result

    def op(self, kind: str, name: str, *constants: np.ndarray, of: str = "", **attributes: Any) -> str:
        """An operator of ONNX."""
        held = [self.net.weight(values=array) for array in constants]
        made: str = self.net(kind, of or self.at[1], *held, name=name, **attributes)
        return made

    def dense(self, name: str, units: int, flattened: tuple[int, ...] = ()) -> At:
        """``flattened``: behind an image of that shape, whose elements ONNX has in another order."""
        weight, bias = self.weights(self.at[0].shape[-1], units), self.weights(units)
        other = weight
        if flattened:
            other = weight.reshape(*flattened, units).transpose(2, 0, 1, 3).reshape(-1, units)
        return (
            self.layer("Dense", weight, bias, units=units, name=name),
            self.op("Gemm", name, np.ascontiguousarray(other.T), bias, transB=1),
        )

    def conv(self, name: str, filters: int, stride: int = 1, groups: int = 1, of: At | None = None) -> At:
        """3 x 3; padded where it keeps the extents."""
        value, tensor = of or self.at
        kernel, bias = self.weights(3, 3, value.shape[-1] // groups, filters), self.weights(filters)
        padding = "same" if stride == 1 else "valid"
        options = {"filters": filters, "kernel_size": 3, "strides": stride, "padding": padding, "groups": groups}
        attributes = {"strides": [stride] * 2, "pads": [int(padding == "same")] * 4, "group": groups}
        return (
            self.layer("Conv2D", kernel, bias, of=value, name=name, **options),
            self.op("Conv", name, kernel.transpose(3, 2, 0, 1), bias, of=tensor, **attributes),
        )

    def normal(self, name: str) -> At:
        arrays = [self.rng.uniform(0.5, 1.5, self.at[0].shape[-1]).astype(np.float32) for _ in range(4)]
        return (
            self.layer("BatchNormalization", *arrays, epsilon=1e-3, name=name),
            self.op("BatchNormalization", name, *arrays, epsilon=1e-3),
        )

    def plain(self, kind: str, op: str, name: str, options: dict[str, Any] | None = None, **attributes: Any) -> At:
        """A layer without weights."""
        return self.layer(kind, name=name, **(options or {})), self.op(op, name, **attributes)

    def sum(self, name: str, first: At, second: At) -> At:
        return self.keras.layers.Add(name=name)([first[0], second[0]]), self.net("Add", first[1], second[1], name=name)

    def models(self) -> tuple[Any, Any]:
        self.net.output(self.at[1])
        return self.keras.Model(self.inputs, self.at[0], name="net"), self.net.model()


def mlp(keras: Any) -> Pair:
    pair = Pair(keras, (10,))
    for place, units in enumerate((16, 12)):
        pair.at = pair.dense(f"fc{place}", units)
        pair.at = pair.normal(f"norm{place}")
        pair.at = pair.plain("ReLU", "Relu", f"relu{place}")
    pair.at = pair.dense("last", 5)
    pair.at = pair.plain("Softmax", "Softmax", "softmax", axis=-1)
    return pair


def cnn(keras: Any) -> Pair:
    pair = Pair(keras, SHAPE)
    pair.at = pair.conv("conv1", 6)
    pair.at = pair.normal("norm1")
    pair.at = pair.plain("ReLU", "Relu", "relu1")
    pair.at = pair.plain("MaxPooling2D", "MaxPool", "pool", {"pool_size": 2}, kernel_shape=[2, 2], strides=[2, 2])
    pair.at = pair.conv("conv2", 4, groups=2)
    pair.at = pair.plain("Activation", "Tanh", "tanh", {"activation": "tanh"})
    pair.at = pair.plain("Flatten", "Flatten", "flat")
    pair.at = pair.dense("fc", 4, flattened=(4, 4, 4))
    return pair


def residual(keras: Any) -> Pair:
    pair = Pair(keras, SHAPE)
    pair.at = pair.conv("conv1", 4)
    pair.at = pair.plain("ReLU", "Relu", "relu1")
    pair.at = pair.sum("sum", pair.conv("conv2", 4), pair.conv("conv3", 4))
    pair.at = pair.plain("LeakyReLU", "LeakyRelu", "leaky", {"negative_slope": 0.25}, alpha=0.25)
    pair.at = pair.conv("conv4", 3, stride=2)
    pair.at = pair.plain("GlobalAveragePooling2D", "GlobalAveragePool", "mean")
    pair.at = pair.at[0], pair.op("Flatten", "flat")
    pair.at = pair.dense("fc", 4)
    return pair


def code(project: hlsgen.Project) -> dict[str, str]:
    """The C++ files, without their comments."""
    texts = {name: text for name, text in project.files.items() if name.endswith((".cpp", ".h"))}
    return {name: re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S) for name, text in texts.items()}


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("make", [mlp, cnn, residual])
def test_the_same_code(keras: Any, make: Any, io_type: str) -> None:
    pair = make(keras)
    settings = {"io_type": io_type, "input_precision": "fixed<8,4>", "project_name": "net"}
    ours, theirs = (hlsgen.convert(model, **settings) for model in pair.models())
    assert code(ours).keys() == code(theirs).keys()
    for name, text in code(ours).items():
        assert text == code(theirs)[name], name
    x = grid_input(pair.shape, samples=6)
    turned = np.moveaxis(x, -1, 1) if len(pair.shape) == 3 else x
    np.testing.assert_array_equal(ours.predict(x, raw=True), theirs.predict(turned, raw=True))
