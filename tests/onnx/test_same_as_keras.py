"""The same network from Keras and from ONNX, with the same weights, is the same design: operations, types, integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.frontends.keras.model import read_keras
from hlsgen.frontends.keras.source import LayerCall, SourceModel
from tests.onnx.nets import Net


def as_onnx(source: SourceModel) -> Any:
    """A chain of layers of Keras as exporters write it: the channels first, rows of a Flatten in that order."""
    net = Net()
    *extents, channels = source.inputs[0].shape
    x = net.input(channels, *extents, name=source.inputs[0].name)
    image: tuple[int, ...] = ()
    shapes = {op.source.name: op.output.shape for op in hlsgen.Project(*graph_and_config(source)).design}
    for call in source.calls:
        image = shapes.get(call.layer_name, image) if call.class_name.startswith("MaxPooling") else image
        x = operator(net, call, x, image)
    net.output(x)
    return net.model()


def graph_and_config(source: SourceModel) -> tuple[Any, Any]:
    from hlsgen.config import make_config
    from hlsgen.frontends.keras.build import build_graph

    return build_graph(source), make_config()


def operator(net: Net, call: LayerCall, x: str, image: tuple[int, ...]) -> str:
    """One layer, with its activation behind it; ``image`` is the last shape before a Flatten."""
    name, weights = call.layer_name, {role: np.asarray(array) for role, array in call.weights.items()}
    match call.class_name:
        case "Conv2D":
            kernel = weights["kernel"].transpose(3, 2, 0, 1)
            constants = [
                net.weight(values=kernel),
                *([net.weight(values=weights["bias"])] if "bias" in weights else []),
            ]
            x = net("Conv", x, *constants, name=name)
        case "BatchNormalization":
            roles = ("gamma", "beta", "moving_mean", "moving_variance")
            constants = [net.weight(values=weights[role]) for role in roles]
            x = net("BatchNormalization", x, *constants, name=name, epsilon=call.config["epsilon"])
        case "MaxPooling2D":
            size = list(call.config["pool_size"])
            x = net("MaxPool", x, kernel_shape=size, strides=list(call.config["strides"]), name=name)
        case "Flatten":
            x = net("Flatten", x, name=name)
        case "Dense":
            kernel = weights["kernel"].reshape(*image, -1)
            kernel = kernel.transpose(2, 0, 1, 3).reshape(weights["kernel"].shape)
            x = net("Gemm", x, net.weight(values=kernel), net.weight(values=weights["bias"]), name=name)
        case "ReLU" | "Activation" | "Softmax":
            pass
        case other:
            raise AssertionError(f"{other} is not written here")
    function = call.config.get("activation") or {"ReLU": "relu", "Softmax": "softmax"}.get(call.class_name, "linear")
    return x if function == "linear" else net({"relu": "Relu", "softmax": "Softmax"}[function], x, name=f"{name}_a")


def facts(project: hlsgen.Project) -> list[Any]:
    """What is built, without the names: every operation that is no other name of a wire."""
    return [
        (
            op.layer.kind,
            [(role, str(c.type), c.fixed[0].tolist()) for role, c in op.layer.constants().items()],
            [(str(tensor.type), str(tensor.typing.accum_type), tensor.shape) for tensor in op.outputs],
        )
        for op in project.design
        if not op.layer.renames
    ]


@pytest.mark.parametrize("settings", [{}, {"default_width": 10, "input_precision": "ufixed<8,0>"}])
def test_a_convolutional_network(repository: Path, settings: dict[str, Any]) -> None:
    folder = repository / "example-models" / "mnist_cnn_bn"
    x = np.load(folder / "x.npy")[:20]
    keras = hlsgen.convert(folder / "model.keras", calibration=x, **settings)
    model = as_onnx(read_keras(folder / "model.keras"))
    turned = x.transpose(0, 3, 1, 2)
    project = hlsgen.convert(model, calibration=turned, **settings)
    assert facts(project) == facts(keras)
    np.testing.assert_array_equal(project.predict(turned, raw=True), keras.predict(x, raw=True))
