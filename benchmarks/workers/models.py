"""Build the benchmark's networks once, with fixed weights, for every contender to read.

Runs in the peer's environment (TensorFlow 2.14, Keras 2, QKeras 0.9): ``models.py FOLDER NAME...`` writes
``FOLDER/NAME.h5``, ``NAME.npy`` (float32 inputs: samples, *shape) and ``NAME.json`` (the number of
multiply-accumulates of one sample). What is there already is kept.
"""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import h5py
import numpy as np
import tensorflow as tf
from qkeras import QActivation, QConv2D, QDense, quantized_bits

keras = tf.keras
layers = keras.layers
Builder = Callable[[], Any]

EXAMPLES = Path(__file__).resolve().parents[2] / "example-models"
INPUT_STEP = 2.0**-10
"""Inputs lie on the grid of fixed<16,6>, so that no contender rounds them differently."""


def mlp(inputs: int, hidden: list[int], outputs: int) -> Any:
    stack = [keras.Input((inputs,))]
    stack += [layers.Dense(n, activation="relu", name=f"fc{i}") for i, n in enumerate(hidden)]
    return keras.Sequential([*stack, *classifier(outputs)])


def classifier(classes: int) -> list[Any]:
    return [layers.Dense(classes, name="logits"), layers.Activation("softmax", name="softmax")]


def svhn_cnn() -> Any:
    """The CNN of hls4ml's own tutorial (SVHN): three convolutions and three dense layers."""
    stack = [keras.Input((32, 32, 3))]
    for i, filters in enumerate((16, 16, 24)):
        stack += [
            layers.Conv2D(filters, 3, use_bias=False, name=f"conv{i}"),
            layers.BatchNormalization(name=f"conv{i}_bn"),
            layers.Activation("relu", name=f"conv{i}_relu"),
            layers.MaxPooling2D(2, name=f"pool{i}"),
        ]
    stack.append(layers.Flatten(name="flatten"))
    for i, size in enumerate((42, 64)):
        stack += [
            layers.Dense(size, use_bias=False, name=f"fc{i}"),
            layers.BatchNormalization(name=f"fc{i}_bn"),
            layers.Activation("relu", name=f"fc{i}_relu"),
        ]
    return keras.Sequential([*stack, *classifier(10)])


def cnn_1d() -> Any:
    """Windows of 128 steps of 9 sensors, six classes."""
    return keras.Sequential(
        [
            keras.Input((128, 9)),
            layers.Conv1D(16, 5, activation="relu", name="conv0"),
            layers.MaxPooling1D(2, name="pool0"),
            layers.Conv1D(32, 5, activation="relu", name="conv1"),
            layers.MaxPooling1D(2, name="pool1"),
            layers.Conv1D(32, 3, activation="relu", name="conv2"),
            layers.MaxPooling1D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(32, activation="relu", name="fc0"),
            *classifier(6),
        ]
    )


def resnet8() -> Any:
    """ResNet-8 for 32x32x3 images: three stages of 16, 32 and 64 channels, one residual block each."""
    x = source = keras.Input((32, 32, 3))
    x = _conv_bn(x, 16, 3, 1, "stem")
    x = layers.Activation("relu", name="stem_relu")(x)
    for i, filters in enumerate((16, 32, 64)):
        stride = 1 if i == 0 else 2
        y = _conv_bn(x, filters, 3, stride, f"block{i}_a")
        y = layers.Activation("relu", name=f"block{i}_a_relu")(y)
        y = _conv_bn(y, filters, 3, 1, f"block{i}_b")
        if stride != 1:
            x = layers.Conv2D(filters, 1, strides=stride, padding="same", name=f"block{i}_skip")(x)
        x = layers.Activation("relu", name=f"block{i}_relu")(layers.Add(name=f"block{i}_add")([x, y]))
    x = layers.AveragePooling2D(8, name="pool")(x)
    x = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(x))
    return keras.Model(source, layers.Activation("softmax", name="softmax")(x))


def _conv_bn(x: Any, filters: int, size: int, stride: int, name: str) -> Any:
    x = layers.Conv2D(filters, size, strides=stride, padding="same", name=name)(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def mnist_qcnn() -> Any:
    """The architecture of example-models/mnist_qcnn; its trained weights are read from there."""

    def quantizers() -> dict[str, Any]:
        return {
            "kernel_quantizer": quantized_bits(4, 0, alpha=1),
            "bias_quantizer": quantized_bits(8, 3, alpha=1),
        }

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            QConv2D(8, (3, 3), name="conv1", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu1"),
            layers.MaxPooling2D(name="pool1"),
            QConv2D(16, (3, 3), name="conv2", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            QDense(32, name="fc1", **quantizers()),
            QActivation("quantized_relu(4,2)", name="relu3"),
            QDense(10, name="logits", **quantizers()),
            layers.Activation("softmax", name="softmax"),
        ]
    )
    _read_keras_weights(model, EXAMPLES / "mnist_qcnn" / "model.keras")
    return model


def _read_keras_weights(model: Any, path: Path) -> None:
    """The weights of mnist_qcnn's ``.keras`` file, whose layers are numbered within their class."""
    with zipfile.ZipFile(path) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    stored = {"conv1": "q_conv2d", "conv2": "q_conv2d_1", "fc1": "q_dense", "logits": "q_dense_1"}
    for name, group in stored.items():
        variables = file["layers"][group]["vars"]
        model.get_layer(name).set_weights([np.asarray(variables[k]) for k in ("0", "1")])


def quantized(bits: int) -> dict[str, Any]:
    """Weights and biases of these bits between -1 and 1, steps of a power of two."""
    return {
        "kernel_quantizer": quantized_bits(bits, 0, alpha=1),
        "bias_quantizer": quantized_bits(bits, 0, alpha=1),
    }


def jet_qmlp6() -> Any:
    """The jet tagger of hls4ml's own tutorial, quantised: 16 features, five classes, 6 bits."""
    stack = [keras.Input((16,))]
    for i, size in enumerate((64, 32, 32)):
        stack += [QDense(size, name=f"fc{i}", **quantized(6)), QActivation("quantized_relu(6)", name=f"relu{i}")]
    stack += [QDense(5, name="logits", **quantized(6)), layers.Activation("softmax", name="softmax")]
    return keras.Sequential(stack)


def svhn_qcnn8() -> Any:
    """svhn_cnn in 8 bits, without BatchNormalization; activations between 0 and 4."""
    stack = [keras.Input((32, 32, 3))]
    for i, filters in enumerate((16, 16, 24)):
        stack += [
            QConv2D(filters, 3, name=f"conv{i}", **quantized(8)),
            QActivation("quantized_relu(8,2)", name=f"conv{i}_relu"),
            layers.MaxPooling2D(2, name=f"pool{i}"),
        ]
    stack.append(layers.Flatten(name="flatten"))
    for i, size in enumerate((42, 64)):
        stack += [QDense(size, name=f"fc{i}", **quantized(8)), QActivation("quantized_relu(8,2)", name=f"fc{i}_relu")]
    stack += [QDense(10, name="logits", **quantized(8)), layers.Activation("softmax", name="softmax")]
    return keras.Sequential(stack)


def lstm() -> Any:
    """A classifier of 20 steps of 16 features."""
    return keras.Sequential([keras.Input((20, 16)), layers.LSTM(32, name="lstm"), *classifier(5)])


def attention() -> Any:
    """An encoder block over 64 places of 64 features: attention, normalisation, two dense layers."""
    source = keras.Input((64, 64))
    x = layers.MultiHeadAttention(4, 16, name="attention")(source, source)
    x = layers.LayerNormalization(name="norm0")(layers.Add(name="add0")([source, x]))
    y = layers.Dense(64, name="back")(layers.Dense(128, activation="relu", name="hidden")(x))
    return keras.Model(source, layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([x, y])))


def residual(blocks: int) -> Any:
    """Blocks of two convolutions and a skip, on 8x8 images of 8 channels."""
    x = source = keras.Input((8, 8, 8))
    for i in range(blocks):
        y = layers.Activation("relu", name=f"block{i}_a_relu")(_conv_bn(x, 8, 3, 1, f"block{i}_a"))
        y = _conv_bn(y, 8, 3, 1, f"block{i}_b")
        x = layers.Activation("relu", name=f"block{i}_relu")(layers.Add(name=f"block{i}_add")([x, y]))
    return keras.Model(source, x)


def chain(nodes: int) -> Any:
    """A chain of Dense(8) and ReLU layers, ``nodes`` in all."""
    stack = [keras.Input((8,))]
    for i in range(nodes // 2):
        stack += [layers.Dense(8, name=f"fc{i}"), layers.Activation("relu", name=f"relu{i}")]
    return keras.Sequential(stack)


def small_cnn(depth: int, width: int) -> Any:
    stack = [keras.Input((16, 16, width))]
    stack += [layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{i}") for i in range(depth)]
    return keras.Sequential(stack)


BUILDERS: dict[str, Builder] = {
    "mlp_16x64x32x32x5": lambda: mlp(16, [64, 32, 32], 5),
    "mlp_16x500x5": lambda: mlp(16, [500] * 5, 5),
    "svhn_cnn": svhn_cnn,
    "cnn_1d": cnn_1d,
    "resnet8": resnet8,
    "mnist_qcnn": mnist_qcnn,
    "jet_qmlp6": jet_qmlp6,
    "lstm_20x32": lstm,
    "attention_64x64": attention,
    "svhn_qcnn8": svhn_qcnn8,
    "growth_mlp": lambda: mlp(128, [128] * 8, 128),
    "growth_mlp_layers": lambda: mlp(128, [128] * 16, 128),
    "growth_mlp_width": lambda: mlp(256, [256] * 8, 256),
    "growth_cnn": lambda: small_cnn(4, 16),
    "growth_cnn_layers": lambda: small_cnn(8, 16),
    "growth_cnn_width": lambda: small_cnn(4, 32),
    "chain_500": lambda: chain(500),
    "chain_1000": lambda: chain(1000),
    "residual_13": lambda: residual(13),
    "residual_26": lambda: residual(26),
}


def macs(model: Any) -> int:
    """Multiply-accumulates of one sample: of dense, convolution and recurrent layers, and of attention."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.LSTM):
            kernels = (layer.cell.kernel, layer.cell.recurrent_kernel)
            total += layer.input_shape[1] * sum(int(np.prod(kernel.shape)) for kernel in kernels)
        if isinstance(layer, layers.MultiHeadAttention):
            places = layer.output_shape[1]
            total += places * sum(int(np.prod(w.shape)) for w in layer.weights if "kernel" in w.name)
            total += 2 * places * places * layer._num_heads * layer._key_dim
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            positions = int(np.prod(layer.output_shape[1:-1]))
            total += positions * int(np.prod(kernel.shape))
    return total


def settle(model: Any, x: Any, seed: int) -> None:
    """Give biases and BatchNormalization values that do something, and statistics that fit the data."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.gamma.assign(rng.uniform(0.7, 1.3, shape))
            layer.beta.assign(rng.uniform(-0.2, 0.2, shape))
            layer.momentum = 0.0
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.uniform(-0.1, 0.1, layer.bias.shape))
    for _ in range(len(model.layers)):
        if not model.updates:
            break
        model(x[:64], training=True)


def inputs(name: str, shape: tuple[int, ...]) -> Any:
    """256 samples: MNIST's for the MNIST network, pixels for svhn_qcnn8, else noise on the grid of fixed<16,6>."""
    if name == "mnist_qcnn":
        return np.load(EXAMPLES / "mnist_qcnn" / "x.npy")[:256].astype(np.float32).reshape(-1, 28, 28, 1)
    if name == "svhn_qcnn8":
        return (np.random.default_rng(1).integers(0, 256, (256, *shape)) / 256).astype(np.float32)
    noise = np.clip(np.random.default_rng(1).normal(0, 1, (256, *shape)), -4, 4)
    return (np.round(noise / INPUT_STEP) * INPUT_STEP).astype(np.float32)


def write(folder: Path, name: str) -> None:
    """Write the network ``name`` unless it is there."""
    facts = folder / f"{name}.json"
    if facts.exists():
        return
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model = BUILDERS[name]()
    x = inputs(name, model.input_shape[1:])
    if name != "mnist_qcnn":
        settle(model, x, seed=7)
    model.save(folder / f"{name}.h5", include_optimizer=False)
    np.save(folder / f"{name}.npy", x)
    facts.write_text(json.dumps({"macs": macs(model), "parameters": model.count_params()}), encoding="utf-8")


def main() -> None:
    """Write the networks named on the command line."""
    sys.setrecursionlimit(100_000)  # Keras copies chains recursively
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        write(folder, name)


if __name__ == "__main__":
    main()
