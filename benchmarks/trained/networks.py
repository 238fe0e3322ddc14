"""The networks of the comparison: what people quantise, each of which learns a task (``tasks.LEARNT``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
from files import ROOT, module_of
from keras import layers

MLPERF: dict[str, Callable[[], keras.Model]] = {
    name: network.build for name, network in module_of(ROOT / "example-models" / "networks.py").NETWORKS.items()
}


@dataclass(frozen=True)
class Network:
    """``build`` makes the model, which learns its task in ``epochs``."""

    build: Callable[[], keras.Model]
    epochs: int
    rate: float = 0.003
    batch: int = 64


def _perceptron(inputs: int, *units: int) -> keras.Model:
    hidden = [layers.Dense(n, activation="relu", name=f"fc{i}") for i, n in enumerate(units[:-1], 1)]
    last = layers.Dense(units[-1], activation="softmax", name="classes")
    return keras.Sequential([keras.Input((inputs,), name="features"), *hidden, last], name="mlp")


def jet_mlp() -> keras.Model:
    return _perceptron(16, 64, 32, 32, 5)


def mnist_mlp() -> keras.Model:
    return _perceptron(784, 128, 64, 10)


def _cnn(shape: tuple[int, ...], filters: tuple[int, ...], normalised: bool) -> keras.Model:
    parts: list[layers.Layer] = [keras.Input(shape, name="image")]
    for i, n in enumerate(filters, 1):
        parts.append(layers.Conv2D(n, 3, use_bias=not normalised, name=f"conv{i}"))
        if normalised:
            parts.append(layers.BatchNormalization(momentum=0.9, name=f"bn{i}"))
        parts += [layers.ReLU(name=f"relu{i}"), layers.MaxPooling2D(name=f"pool{i}")]
    parts += [layers.Flatten(name="flatten"), layers.Dense(32, activation="relu", name="fc")]
    return keras.Sequential([*parts, layers.Dense(10, activation="softmax", name="classes")], name="cnn")


def mnist_cnn() -> keras.Model:
    return _cnn((28, 28, 1), (8, 16), normalised=False)


def mnist_cnn_bn() -> keras.Model:
    return _cnn((28, 28, 1), (8, 16), normalised=True)


def colour_cnn() -> keras.Model:
    """As small networks for SVHN or CIFAR are: three convolutions, normalised."""
    return _cnn((32, 32, 3), (16, 32, 32), normalised=True)


def _recurrent(shape: tuple[int, int], *cells: layers.Layer, classes: int) -> keras.Model:
    last = layers.Dense(classes, activation="softmax", name="classes")
    return keras.Sequential([keras.Input(shape, name="steps"), *cells, last], name="recurrent")


def row_lstm() -> keras.Model:
    return _recurrent((28, 28), layers.LSTM(32, name="lstm"), classes=10)


def motion_lstm() -> keras.Model:
    """Two layers, the first with all its steps."""
    cells = layers.LSTM(24, return_sequences=True, name="lstm0"), layers.LSTM(24, name="lstm1")
    return _recurrent((20, 6), *cells, classes=5)


def motion_gru() -> keras.Model:
    """From each end."""
    return _recurrent((20, 6), layers.Bidirectional(layers.GRU(20), name="gru"), classes=5)


NETWORKS = {
    "jet_mlp": Network(jet_mlp, 15),
    "mnist_mlp": Network(mnist_mlp, 8),
    "mnist_cnn": Network(mnist_cnn, 6),
    "mnist_cnn_bn": Network(mnist_cnn_bn, 6),
    "colour_cnn": Network(colour_cnn, 16),
    "resnet8": Network(MLPERF["resnet8"], 10),
    "row_lstm": Network(row_lstm, 8),
    "motion_lstm": Network(motion_lstm, 12),
    "motion_gru": Network(motion_gru, 12),
    "ds_cnn": Network(MLPERF["ds_cnn"], 8),
    "autoencoder": Network(MLPERF["autoencoder"], 20),
}
