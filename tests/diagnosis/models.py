"""Small models and data in which faults are planted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.analysis.diagnosis import diagnose as module
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.reference import evaluate
from hlsgen.project import Project

EXAMPLES = Path(__file__).parents[2] / "example-models"


def example(name: str) -> tuple[str, Array]:
    """The path of a model, and its data."""
    return str(EXAMPLES / name / "model.keras"), np.load(EXAMPLES / name / "x.npy")


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the exact evaluation stand in for the emulator, which it is equal to: others test that."""

    def exact(project: Project, inputs: dict[str, Array]) -> Sequence[Array]:
        design = project.design
        known = evaluate(design, arrays.mantissas(design.inputs, inputs))
        return [arrays.in_model_units(t.type.to_float(known[t]), t) for t in design.outputs]

    monkeypatch.setattr(module, "_emulated", exact)


def small_channel() -> tuple[Any, Array]:
    """A live Keras model with a channel whose weights are small, and that counts much behind."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    rng = np.random.default_rng(1)
    model = keras.Sequential(
        [keras.Input((6,), name="x"), keras.layers.Dense(8, "relu", name="a"), keras.layers.Dense(3, name="b")]
    )
    first, second = rng.normal(size=(6, 8)), rng.normal(size=(8, 3))
    first[:, 3] *= 0.01
    second[3] *= 60
    bias = np.abs(rng.normal(size=8)) * [1, 1, 1, 0.01, 1, 1, 1, 1]
    model.get_layer("a").set_weights([first, bias])
    model.get_layer("b").set_weights([second, rng.normal(size=3)])
    return model, rng.normal(size=(200, 6)).astype(np.float32)


def normalised() -> tuple[Any, Array]:
    """A live Keras model whose BatchNormalization is fused into a Dense: channels differ widely once it is."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    rng = np.random.default_rng(2)
    model = keras.Sequential(
        [
            keras.Input((6,), name="x"),
            keras.layers.Dense(8, use_bias=False, name="fc"),
            keras.layers.BatchNormalization(name="bn"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Dense(4, "softmax", name="out"),
        ]
    )
    model.get_layer("fc").set_weights([rng.normal(size=(6, 8)) / 2])
    gamma = np.geomspace(0.5, 4, 8)
    model.get_layer("bn").set_weights([gamma, rng.normal(size=8), rng.normal(size=8), rng.uniform(0.5, 2, 8)])
    model.get_layer("out").set_weights([rng.normal(size=(8, 4)) / 3, rng.normal(size=4)])
    return model, rng.normal(size=(150, 6)).astype(np.float32)


def cube() -> tuple[Any, Array, Array]:
    """A live Keras model of 4x4x4 inputs, images, and the classes that it gives them."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    rng = np.random.default_rng(3)
    model = keras.Sequential(
        [
            keras.Input((4, 4, 4), name="image"),
            keras.layers.Conv2D(6, 3, activation="relu", name="conv"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(5, name="out"),
        ]
    )
    for layer in model.layers:
        layer.set_weights([rng.normal(size=w.shape) / 3 for w in layer.get_weights()])
    x = rng.normal(size=(200, 4, 4, 4)).astype(np.float32)
    return model, x, np.asarray(model.predict(x, verbose=0)).argmax(axis=1)


def onnx_perceptron() -> tuple[Any, Array]:
    """An ONNX model of two products, and data."""
    from tests.onnx.nets import Net

    rng = np.random.default_rng(4)
    net = Net()
    x = net.input(5, name="x")
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((5, 7), (7,), (7, 3), (3,))]
    hidden = net("Gemm", x, net.weight(values=weights[0]), net.weight(values=weights[1]), name="first")
    rectified = net("Relu", hidden, name="rectified")
    scores = net("Gemm", rectified, net.weight(values=weights[2]), net.weight(values=weights[3]), name="second")
    net.output(net("Softmax", scores, name="classes", axis=1))
    return net.model(), rng.normal(size=(120, 5)).astype(np.float32)


def onnx_images() -> tuple[Any, Array]:
    """An ONNX model of images, whose channels come first, and data."""
    from tests.onnx.nets import Net

    rng = np.random.default_rng(5)
    net = Net()
    x = net.input(2, 6, 6, name="x")
    kernel = rng.normal(size=(4, 2, 3, 3)).astype(np.float32) / 2
    hidden = net("Relu", net("Conv", x, net.weight(values=kernel), name="conv"), name="rectified")
    flat = net("Flatten", net("MaxPool", hidden, name="pool", kernel_shape=[2, 2], strides=[2, 2]), name="flat")
    last = rng.normal(size=(16, 3)).astype(np.float32) / 2
    net.output(net("MatMul", flat, net.weight(values=last), name="scores"))
    return net.model(), rng.normal(size=(100, 2, 6, 6)).astype(np.float32)
