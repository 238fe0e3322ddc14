"""Float networks whose channels differ by many octaves: ordinary ones, rewritten such that the function is the same.

A channel of a hidden layer is multiplied by a factor, and what reads it is divided by it: through ReLU, pooling and sums
the function of the network stays what it was. Built without any framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hlsgen.frontends.keras.source import SourceModel
from hlsgen.project import Project
from tests.passes.builders import Net, evaluate_float, graph_of, project_of

Array = np.ndarray[Any, Any]


class UnequalNet(Net):
    """A Net with He weights, whose hidden channels are multiplied by ``10**uniform(low, high)``."""

    def __init__(self, seed: int, low: float = -4.0, high: float = 1.0) -> None:
        super().__init__(seed)
        self.low, self.high = low, high

    def factors(self, channels: int) -> Array:
        return 10.0 ** self.rng.uniform(self.low, self.high, channels)

    def kernel(self, *shape: int) -> Array:
        return self.rng.normal(size=shape) * np.sqrt(2.0 / np.prod(shape[:-1]))

    def bias(self, units: int) -> Array:
        return self.rng.normal(size=units) * 0.1

    def fc(self, name: str, x: str, before: Array, after: Array) -> str:
        """A Dense from channels times ``before`` to channels times ``after``."""
        kernel = self.kernel(len(before), len(after)) / before[:, None] * after
        return self.call("Dense", name, x, {"kernel": kernel, "bias": self.bias(len(after)) * after}, units=len(after))

    def window(self, name: str, x: str, before: Array, after: Array, size: int = 3) -> str:
        kernel = self.kernel(size, size, len(before), len(after)) / before[:, None] * after
        weights = {"kernel": kernel, "bias": self.bias(len(after)) * after}
        return self.call("Conv2D", name, x, weights, filters=len(after), kernel_size=[size, size], padding="same")

    def depthwise(self, name: str, x: str, before: Array, after: Array) -> str:
        kernel = self.rng.normal(size=(3, 3, len(before), 1)) / 3.0 / before[:, None] * after[:, None]
        weights = {"depthwise_kernel": kernel, "bias": self.bias(len(after)) * after}
        return self.call("DepthwiseConv2D", name, x, weights, kernel_size=[3, 3], padding="same")

    def norm(self, name: str, x: str, before: Array, after: Array) -> str:
        """A BatchNormalization that has seen channels of deviation ``before``, and makes them ``after``."""
        channels = len(before)
        weights = {
            "gamma": self.rng.uniform(0.5, 1.5, channels) * after,
            "beta": self.rng.normal(size=channels) * 0.5 * after,
            "moving_mean": self.rng.normal(size=channels) * 0.3 * before,
            "moving_variance": self.rng.uniform(0.5, 2.0, channels) * before**2,
        }
        return self.call("BatchNormalization", name, x, weights, axis=-1, epsilon=1e-12)

    def relu(self, name: str, x: str) -> str:
        return self.call("ReLU", name, x)


def mlp(net: UnequalNet, features: Array | None = None) -> str:
    """``features``: how large those of the input are; the first weights are divided by them."""
    before, x = np.ones(16) if features is None else features, net.input((16,))
    for number, units in enumerate((64, 32, 32)):
        after = net.factors(units)
        x, before = net.relu(f"relu{number}", net.fc(f"fc{number}", x, before, after)), after
    return net.fc("out", x, before, np.ones(5))


def cnn(net: UnequalNet) -> str:
    a, b, c = net.factors(8), net.factors(16), net.factors(32)
    x = net.relu("relu0", net.window("conv0", net.input((8, 8, 3)), np.ones(3), a))
    x = net.call("MaxPooling2D", "pool0", x, pool_size=[2, 2])
    x = net.relu("relu1", net.window("conv1", x, a, b))
    x = net.call("Flatten", "flat", net.call("AveragePooling2D", "pool1", x, pool_size=[2, 2]))
    x = net.relu("relu2", net.fc("fc", x, np.tile(b, 4), c))
    return net.fc("out", x, c, np.ones(10))


def residual(net: UnequalNet) -> str:
    stream, inner = net.factors(8), [net.factors(8) for _ in range(2)]
    x = net.relu("stem_relu", net.window("stem", net.input((6, 6, 3)), np.ones(3), stream))
    for number, factors in enumerate(inner):
        y = net.relu(f"relu{number}a", net.window(f"conv{number}a", x, stream, factors))
        y = net.window(f"conv{number}b", y, factors, stream)
        x = net.relu(f"relu{number}b", net.call("Add", f"add{number}", [x, y]))
    return net.fc("out", net.call("GlobalAveragePooling2D", "gap", x), stream, np.ones(10))


def normalised(net: UnequalNet) -> str:
    x, before = net.input((6, 6, 3)), np.ones(3)
    for number, channels in enumerate((8, 16)):
        middle, after = net.factors(channels), net.factors(channels)
        x = net.norm(f"bn{number}", net.window(f"conv{number}", x, before, middle), middle, after)
        x, before = net.relu(f"relu{number}", x), after
    return net.fc("out", net.call("GlobalAveragePooling2D", "gap", x), before, np.ones(10))


def separable(net: UnequalNet) -> str:
    a, b, c = net.factors(8), net.factors(8), net.factors(16)
    x = net.relu("relu0", net.window("conv", net.input((6, 6, 3)), np.ones(3), a))
    x = net.relu("relu1", net.depthwise("depthwise", x, a, b))
    x = net.relu("relu2", net.window("pointwise", x, b, c, size=1))
    return net.fc("out", net.call("GlobalMaxPooling2D", "gmp", x), c, np.ones(10))


NETWORKS: dict[str, Callable[[UnequalNet], str]] = {
    "mlp": mlp,
    "cnn": cnn,
    "residual": residual,
    "normalised": normalised,
    "separable": separable,
}


def unequal(name: str, seed: int, low: float = -4.0, high: float = 1.0) -> SourceModel:
    net = UnequalNet(seed, low, high)
    return net.source(NETWORKS[name](net))


def unequal_features(seed: int, low: float = -3.0, high: float = 2.0) -> tuple[SourceModel, Array]:
    """An ordinary MLP for features of very different sizes, and those sizes."""
    net = UnequalNet(seed, 0.0, 0.0)
    features = 10.0 ** net.rng.uniform(low, high, 16)
    return net.source(mlp(net, features)), features


def normal_data(source: SourceModel, samples: int, seed: int, features: Array | float = 1.0) -> Array:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(samples, *source.inputs[0].shape)) * features).astype(np.float32)


def float_outputs(source: SourceModel, x: Array) -> Array:
    graph = graph_of(source)
    found: Array = evaluate_float(graph, {"x": x})[graph.outputs[0]]
    return found


def deviation(project: Project, source: SourceModel, x: Array) -> float:
    """The root mean square of the output's error over that of the output, per channel; the worst of them."""
    right = float_outputs(source, x)
    got = project.evaluate(x)[project.design.outputs[0].name]
    return float(np.sqrt(np.square(got - right).mean() / np.square(right - right.mean(axis=0)).mean()))


def converted(source: SourceModel, calibration: Array | None = None, **settings: Any) -> Project:
    return project_of(source, None if calibration is None else {"x": calibration}, **settings)
