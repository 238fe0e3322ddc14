"""Float networks of every temper, and how often their default conversion agrees with them.

Weights by the usual initialisers, BatchNormalization fresh, random or as training would leave it, inputs of
many distributions. Built without any framework; the truth is the graph's own float64 meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hlsgen.frontends.keras.source import SourceModel
from hlsgen.project import Project
from tests.passes.builders import Net, evaluate_float, graph_of, project_of

Array = np.ndarray[Any, Any]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    field = int(np.prod(shape[:-2]))
    return shape[-2] * field, shape[-1] * field


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    q, _ = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    return (q if rows >= columns else q.T).reshape(shape)


INITS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "he": lambda rng, s: rng.normal(size=s) * np.sqrt(2.0 / _fans(s)[0]),
    "glorot": lambda rng, s: rng.uniform(-1, 1, s) * np.sqrt(6.0 / sum(_fans(s))),
    "lecun": lambda rng, s: rng.normal(size=s) * np.sqrt(1.0 / _fans(s)[0]),
    "large": lambda rng, s: rng.normal(size=s) * np.sqrt(8.0 / _fans(s)[0]),
    "orthogonal": _orthogonal,
}

INPUTS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "unit": lambda rng, s: rng.uniform(0, 1, s),
    "symmetric": lambda rng, s: rng.uniform(-1, 1, s),
    "normal": lambda rng, s: rng.normal(size=s),
    "sparse": lambda rng, s: rng.uniform(0, 1, s) * (rng.uniform(size=s) < 0.25),
    "smooth": lambda rng, s: _smooth(rng, s),
    "pixels": lambda rng, s: rng.integers(0, 256, s).astype(np.float64),
    "hundreds": lambda rng, s: rng.normal(size=s) * 40,
}
PRECISIONS = {"pixels": "ufixed<8,8>", "hundreds": "fixed<16,9>"}
"""What a user has to say about inputs that the default type cannot hold."""


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Like photographs: neighbours resemble each other, samples differ in brightness."""
    if len(shape) < 4:
        return np.clip(rng.normal(size=(shape[0], 1)) * 0.3 + 0.5 + 0.1 * rng.normal(size=shape), 0, 1)
    coarse = rng.uniform(0, 1, (shape[0], 2 + shape[1] // 4, 2 + shape[2] // 4, shape[3]))
    fine = coarse.repeat(4, axis=1).repeat(4, axis=2)[:, : shape[1], : shape[2]]
    return fine * rng.uniform(0.2, 1, (shape[0], 1, 1, 1))


@dataclass(frozen=True)
class Recipe:
    """How the weights of a network are made."""

    init: str = "he"
    norm: str = "none"
    """none, fresh (as initialised), random, tiny (variances down to 1e-4), trained (statistics of the data)."""
    activation: str = "relu"
    biased: bool = True


class Builder(Net):
    """A Net with weights by recipe."""

    def __init__(self, seed: int, recipe: Recipe) -> None:
        super().__init__(seed)
        self.recipe = recipe
        self.count = 0

    def weights(self, *shape: int, gain: float = 1.0) -> dict[str, Array]:
        bias = self.rng.normal(size=shape[-1]) * 0.1 if self.recipe.biased else np.zeros(shape[-1])
        return {"kernel": INITS[self.recipe.init](self.rng, shape) * gain, "bias": bias}

    def next(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def matrix(self, x: str, n_in: int, n_out: int) -> str:
        return self.call("Dense", self.next("fc"), x, self.weights(n_in, n_out), units=n_out)

    def window(self, x: str, n_in: int, n_out: int, size: int = 3, strides: int = 1) -> str:
        weights = self.weights(size, size, n_in, n_out)
        options = {"filters": n_out, "kernel_size": [size, size], "strides": [strides, strides], "padding": "same"}
        return self.call("Conv2D", self.next("conv"), x, weights, **options)

    def norm(self, x: str, channels: int) -> str:
        kind, rng = self.recipe.norm, self.rng
        if kind == "none":
            return x
        one, zero = np.ones(channels), np.zeros(channels)
        gamma, beta, mean, variance = one, zero, zero, one
        if kind in ("random", "tiny", "trained"):
            gamma, beta = rng.uniform(0.5, 1.5, channels), rng.normal(size=channels) * 0.5
        if kind == "random":
            mean, variance = rng.normal(size=channels), rng.uniform(0.3, 3.0, channels)
        if kind == "tiny":
            mean, variance = rng.normal(size=channels), 10.0 ** rng.uniform(-4, 0, channels)
        weights = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
        return self.call("BatchNormalization", self.next("bn"), x, weights, axis=-1, epsilon=1e-3)

    def act(self, x: str) -> str:
        if self.recipe.activation == "linear":
            return x
        return self.call("Activation", self.next("act"), x, activation=self.recipe.activation)

    def block(self, x: str, n_in: int, n_out: int) -> str:
        return self.act(self.norm(self.matrix(x, n_in, n_out), n_out))

    def conv_block(self, x: str, n_in: int, n_out: int, strides: int = 1) -> str:
        return self.act(self.norm(self.window(x, n_in, n_out, strides=strides), n_out))


def mlp(net: Builder, widths: tuple[int, ...] = (16, 64, 32, 32), classes: int = 5) -> str:
    x = net.input(widths[:1])
    for n_in, n_out in pairwise(widths):
        x = net.block(x, n_in, n_out)
    return net.matrix(x, widths[-1], classes)


def wide_mlp(net: Builder) -> str:
    return mlp(net, (64, 500, 500, 500, 500, 500), 10)


def deep_mlp(net: Builder) -> str:
    return mlp(net, (16, *[32] * 20), 5)


def cnn(net: Builder) -> str:
    x = net.input((12, 12, 3))
    x = net.conv_block(x, 3, 8)
    x = net.call("MaxPooling2D", net.next("pool"), x, pool_size=[2, 2])
    x = net.conv_block(x, 8, 16)
    x = net.call("MaxPooling2D", net.next("pool"), x, pool_size=[2, 2])
    x = net.block(net.call("Flatten", "flat", x), 144, 32)
    return net.matrix(x, 32, 10)


def resnet8(net: Builder, size: int = 12) -> str:
    x = net.input((size, size, 3))
    x, n_in = net.conv_block(x, 3, 16), 16
    for n_out in (16, 32, 64):
        strides = 1 if n_out == 16 else 2
        y = net.conv_block(x, n_in, n_out, strides)
        y = net.norm(net.window(y, n_out, n_out), n_out)
        if n_in != n_out:
            x = net.window(x, n_in, n_out, size=1, strides=strides)
        x = net.act(net.call("Add", net.next("add"), [x, y]))
        n_in = n_out
    x = net.call("GlobalAveragePooling2D", "gap", x)
    return net.matrix(x, 64, 10)


NETWORKS: dict[str, Callable[[Builder], str]] = {
    "mlp": mlp,
    "wide": wide_mlp,
    "deep": deep_mlp,
    "cnn": cnn,
    "resnet8": resnet8,
}


def _train_statistics(net: Builder, out: str, x: Array) -> None:
    """Give every BatchNormalization the mean and variance of its input on the data, first to last."""
    for call in net.calls:
        if call.class_name != "BatchNormalization":
            continue
        before = call.inputs[0].call
        graph = graph_of(net.source(before))
        y = evaluate_float(graph, {"x": x})[graph.outputs[0]]
        axes = tuple(range(y.ndim - 1))
        call.weights["moving_mean"][:] = y.mean(axis=axes)
        call.weights["moving_variance"][:] = y.var(axis=axes)


def network(name: str, recipe: Recipe, seed: int, inputs: str) -> SourceModel:
    """A network by name; ``inputs`` matters only for the statistics of norm='trained'."""
    net = Builder(seed, recipe)
    out = NETWORKS[name](net)
    if recipe.norm == "trained":
        _train_statistics(net, out, data(inputs, seed + 1, net.inputs[0].shape, 200))
    return net.source(out)


def data(inputs: str, seed: int, shape: tuple[int, ...], samples: int) -> Array:
    return INPUTS[inputs](np.random.default_rng(seed), (samples, *shape)).astype(np.float32)


@dataclass(frozen=True)
class Outcome:
    project: Project
    agreement: float
    noise: float
    """Standard deviation of the error over that of the result across samples."""


def outcome(
    name: str, recipe: Recipe, seed: int, inputs: str, samples: int = 300, calibration: Any = None, **settings: Any
) -> Outcome:
    source = network(name, recipe, seed, inputs)
    if inputs in PRECISIONS:
        settings.setdefault("input_precision", PRECISIONS[inputs])
    project = project_of(source, calibration, **settings)
    x = data(inputs, seed + 2, source.inputs[0].shape, samples)
    graph = graph_of(source)
    right = evaluate_float(graph, {"x": np.asarray(x, dtype=np.float64)})[graph.outputs[0]]
    got = project.evaluate(x)[project.design.outputs[0].name]
    agreed = float((got.argmax(-1) == right.argmax(-1)).mean())
    varying = (right - right.mean(axis=0)).std()
    return Outcome(project, agreed, float((got - right).std() / max(varying, 1e-30)))
