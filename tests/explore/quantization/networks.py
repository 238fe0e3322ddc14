"""Small float networks that decide between classes, and data for them, made without a framework."""

from __future__ import annotations

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.project import Project
from tests.passes.builders import Net, project_of


def real(net: Net, name: str, x: str, n_in: int, n_out: int, **config: object) -> str:
    """A dense layer whose weights are no short numbers."""
    weights = {"kernel": net.rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), "bias": net.rng.normal(size=n_out) / 4}
    return net.call("Dense", name, x, weights, units=n_out, **config)


def perceptron(seed: int = 0, **settings: object) -> Project:
    """Two hidden layers, one of them with BatchNormalization, and a softmax of four classes."""
    net = Net(seed)
    hidden = real(net, "fc1", net.input((6,)), 6, 12, activation="relu")
    hidden = net.call("ReLU", "relu2", net.batchnorm("bn2", real(net, "fc2", hidden, 12, 10), 10))
    return project_of(net.source(real(net, "classes", hidden, 10, 4, activation="softmax")), **settings)


def image_network(seed: int = 3) -> Project:
    """A convolution with BatchNormalization, a residual one, pooling, a softmax."""
    net = Net(seed)
    x = net.input((6, 6, 1))

    def conv(name: str, x: str, channels: int, filters: int) -> str:
        size = np.sqrt(9 * channels)
        weights = {"kernel": net.rng.normal(size=(3, 3, channels, filters)) / size, "bias": np.zeros(filters)}
        return net.call("Conv2D", name, x, weights, filters=filters, kernel_size=[3, 3], padding="same")

    x = net.call("ReLU", "relu1", net.batchnorm("bn1", conv("conv1", x, 1, 4), 4))
    y = net.batchnorm("bn2", conv("conv2", x, 4, 4), 4)
    x = net.call("ReLU", "relu2", net.call("Add", "add", [x, y]))
    x = net.call("GlobalAveragePooling2D", "mean", x)
    return project_of(net.source(real(net, "classes", x, 4, 3, activation="softmax")))


def two_ways() -> Project:
    """Two inputs, and two outputs: a decision and numbers."""
    net = Net(5)
    a = real(net, "fa", net.input((5,), "a"), 5, 8, activation="relu")
    b = real(net, "fb", net.input((3,), "b"), 3, 8, activation="relu")
    both = net.call("Add", "both", [a, b])
    return project_of(
        net.source(real(net, "classes", both, 8, 3, activation="softmax"), real(net, "numbers", both, 8, 2))
    )


def samples(shape: tuple[int, ...] = (6,), count: int = 600, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)
