"""Scenarios of QKeras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peer.scenario import (
    EQUAL,
    QKERAS,
    Differing,
    Draw,
    Floats,
    Kit,
    Scenario,
    Shape,
    Tolerance,
    Within,
    below_zero,
    normal,
    unit,
    unit_grid,
)

HALF_PERCENT = Differing(0.005)


def scenario(
    name: str, build: Callable[[Kit], Any], tolerance: Tolerance, draw: Draw = unit_grid, source: str = "qkeras",
    samples: int = 100, **settings: Any,
) -> Scenario:  # fmt: skip
    """All of them run with QKeras, and with default settings: the types are the quantisers'."""
    return Scenario(source, name, build, tolerance, draw, samples=samples, libraries=(QKERAS,), settings=settings)


def _activation(quantizer: str) -> Callable[[Kit], Any]:
    return lambda kit: kit.stack((1,), kit.qkeras.QActivation(quantizer))


def activations() -> list[Scenario]:
    exact = (
        "quantized_bits(8, 0)", "quantized_bits(8, 4)", "quantized_bits(4, 2)", "quantized_bits(4, 0)",
        "quantized_bits(10, 0)", "quantized_relu(4)", "quantized_relu(4, 2)", "quantized_relu(8)",
        "quantized_relu(8, 4)", "quantized_relu(10)", "quantized_relu(10, 5)",
    )  # fmt: skip
    slopes = ("4, negative_slope=0.5", "8, 4, negative_slope=1.0", "10, 2, negative_slope=0.25")
    more = (
        "4, negative_slope=0.5", "4, 2, negative_slope=0.5", "8, negative_slope=0.125", "8, 4, negative_slope=1.0",
        "10, negative_slope=0.25", "10, 5, negative_slope=0.5", "10, 5, negative_slope=0.25",
    )  # fmt: skip
    smooth = ("quantized_tanh(8)", "quantized_sigmoid(5)", "quantized_sigmoid(7, use_real_sigmoid=True)")
    found = [scenario(text, _activation(text), EQUAL, samples=1000) for text in exact]
    for text in (f"quantized_relu({given})" for given in slopes):
        found.append(scenario(text, _activation(text), EQUAL, below_zero, samples=1000))
    for text in (f"quantized_relu({given})" for given in more):
        found.append(scenario(text, _activation(text), EQUAL, unit_grid, "q_leaky_relu_test", 1000))
    return found + [scenario(text, _activation(text), Within(0.02, 0.01), samples=1000) for text in smooth]


# -- dense layers --------------------------------------------------------------------------------


def _dense_relu(alpha: str) -> Callable[[Kit], Any]:
    def build(kit: Kit) -> Any:
        bits = kit.qkeras.quantized_bits
        scale = 1 if alpha == "1" else alpha
        quantizers = {"kernel_quantizer": bits(4, 0, alpha=scale), "bias_quantizer": bits(4, 0, alpha=1)}
        dense = kit.qkeras.QDense(16, kernel_initializer="lecun_uniform", **quantizers)
        return kit.stack((16,), dense, kit.qkeras.QActivation("quantized_relu(4, 0)"))

    return build


def _bits_of_one(kernel: str, activation: str, normalised: bool) -> Callable[[Kit], Any]:
    def build(kit: Kit) -> Any:
        quantizers = {"kernel_quantizer": kernel, "bias_quantizer": "quantized_bits(5, 2)"}
        layers = [kit.qkeras.QDense(10, **quantizers)]
        if normalised:
            layers.append(kit.layers.BatchNormalization())
        return kit.stack((10,), *layers, kit.qkeras.QActivation(activation))

    return build


def _with_activation(weights: str | None, activation: str, units: int = 10) -> Callable[[Kit], Any]:
    def build(kit: Kit) -> Any:
        start = "ones" if weights is None else "lecun_uniform"
        options = {"activation": activation, "kernel_quantizer": weights, "bias_quantizer": weights}
        return kit.stack((10,), kit.qkeras.QDense(units, kernel_initializer=start, **options))

    return build


def _powers_of_two(kit: Kit) -> Any:
    quantizer = kit.qkeras.quantized_po2(18, max_value=2**20)
    model = kit.stack((26,), kit.qkeras.QDense(6, kernel_quantizer=quantizer))
    model.layers[-1].set_weights([2**18 * np.random.default_rng(3).random((26, 6)), np.zeros(6)])
    return model


def dense() -> list[Scenario]:
    found = [scenario(f"dense, relu, alpha {a}", _dense_relu(a), Within(2**-4), unit) for a in ("1", "auto_po2")]
    networks = (
        ("ternary(alpha=1)", "binary_tanh", False),
        ("binary()", "binary_tanh", False),
        ("ternary(alpha='auto')", "binary()", True),
        ("ternary(alpha='auto')", "ternary", True),
        ("ternary(alpha='auto')", "ternary(threshold=0.2)", True),
        ("ternary(alpha='auto')", "ternary(threshold=0.8)", True),
        ("binary()", "binary()", False),
    )
    for kernel, activation, normalised in networks:
        name = f"{kernel}{', batchnorm' if normalised else ''}, {activation}"
        found.append(scenario(name, _bits_of_one(kernel, activation, normalised), HALF_PERCENT, unit))
    for kind in ("binary", "ternary"):
        found.append(scenario(f"{kind} of {kind}", _with_activation(kind, kind), HALF_PERCENT))
    for bits in (2, 4, 8):
        model = _with_activation("quantized_bits(4, 0, alpha=1)", f"quantized_relu({bits}, 0)")
        found.append(scenario(f"quantized_relu({bits}, 0) of QDense", model, EQUAL))
    found.append(scenario("no quantisers", _with_activation(None, "quantized_relu(8, 0)", 8), EQUAL))
    found.append(scenario("quantized_po2 of 18 bits", _powers_of_two, Within(0.0, 0.02), unit))
    return found


# -- convolutions --------------------------------------------------------------------------------


def _eight_bits(rng: np.random.Generator, shape: Shape) -> Floats:
    """What quantized_bits(8, 0) makes of numbers from 0 to 1."""
    return np.minimum(np.round(rng.random(shape) * 2**7), 2**7 - 1) * 2.0**-7


def _conv_batchnorm(kit: Kit) -> Any:
    options = {f"{name}_quantizer": "quantized_bits(8, 0, alpha=1)" for name in ("kernel", "bias")}
    conv = kit.qkeras.QConv2DBatchnorm(4, 3, kernel_initializer="ones", activation="quantized_relu(8, 0)", **options)
    return kit.stack((8, 8, 1), conv)


def _depthwise(kit: Kit) -> Any:
    quantizers = {"depthwise_quantizer": "quantized_bits(6, 0, alpha=1)", "activation": "quantized_relu(3, 0)"}
    start = kit.keras.initializers.RandomNormal(0, 0.5)
    bias = {"bias_quantizer": "quantized_bits(4, 0, alpha=1)", "bias_initializer": start}
    return kit.stack((32, 32, 3), kit.qkeras.QDepthwiseConv2D(3, **quantizers, **bias))


def _separable(rank: int, shape: Shape) -> Callable[[Kit], Any]:
    def build(kit: Kit) -> Any:
        bits = kit.qkeras.quantized_bits
        options = {f"{name}_quantizer": bits(8, 3, alpha=1) for name in ("depthwise", "pointwise", "bias")}
        return kit.stack(shape, getattr(kit.qkeras, f"QSeparableConv{rank}D")(5, 3, **options))

    return build


def convolutions() -> list[Scenario]:
    held = {"input_precision": "fixed<8,1>"}
    line, image = _separable(1, (13, 20)), _separable(2, (13, 21, 20))
    return [
        scenario("QConv2DBatchnorm", _conv_batchnorm, EQUAL),
        scenario("QDepthwiseConv2D", _depthwise, Within(0.01, 0.01), samples=10),
        scenario("QSeparableConv1D", line, EQUAL, _eight_bits, samples=20, **held),
        scenario("QSeparableConv2D", image, EQUAL, _eight_bits, samples=4, **held),
    ]


# -- recurrence ----------------------------------------------------------------------------------


def _line(end: float) -> Draw:
    """One sample of five steps, from ``-end`` to ``end``, in both features."""
    return lambda rng, shape: np.broadcast_to(np.linspace(-end, end, 5)[None, :, None], shape).copy()


def _recurrent(kind: str, bits: int, **options: Any) -> Callable[[Kit], Any]:
    def build(kit: Kit) -> Any:
        quantizer = f"quantized_bits({bits}, 0, alpha=1)"
        quantizers = {f"{name}_quantizer": quantizer for name in ("kernel", "recurrent", "bias", "state")}
        return kit.stack((5, 2), getattr(kit.qkeras, kind)(4, **quantizers, **options))

    return build


def recurrent() -> list[Scenario]:
    gates = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    tenth, simple = Within(0.1), _recurrent("QSimpleRNN", 16, activation="relu")
    return [
        scenario("QSimpleRNN", simple, tenth, _line(0.25), samples=1),
        scenario("QLSTM", _recurrent("QLSTM", 8, **gates), tenth, _line(0.5), samples=1),
        scenario("QGRU", _recurrent("QGRU", 8, **gates), tenth, _line(0.5), samples=1),
        scenario("QGRU reset before", _recurrent("QGRU", 8, **gates, reset_after=False), tenth, _line(0.5), samples=1),
    ]


# -- networks ------------------------------------------------------------------------------------


def _jets(kit: Kit) -> Any:
    q = kit.qkeras
    quantizers: dict[str, Any] = {f"{n}_quantizer": "quantized_bits(6, 0, alpha=1)" for n in ("kernel", "bias")}
    start: dict[str, Any] = {"kernel_initializer": "lecun_uniform"}
    layers: list[Any] = []
    for units in (64, 32, 32):
        layers += [q.QDense(units, **quantizers, **start), q.QActivation("quantized_relu(6)")]
    return kit.stack((16,), *layers, q.QDense(5, **quantizers, **start), kit.layers.Activation("softmax"))


def _mnist(kit: Kit) -> Any:
    q, kl = kit.qkeras, kit.layers
    quantizers: dict[str, Any] = {f"{n}_quantizer": "quantized_bits(6, 0, alpha=1)" for n in ("kernel", "bias")}
    layers: list[Any] = []
    for _ in range(2):
        conv = q.QConv2D(16, 3, activation="relu", kernel_initializer="he_normal", **quantizers)
        layers += [conv, q.QActivation("quantized_relu(6, 0)"), kl.MaxPooling2D(2)]
    dense = q.QDense(10, kernel_initializer="he_normal", **quantizers)
    return kit.stack((28, 28, 1), *layers, kl.Flatten(), kl.Dropout(0.5), dense, kl.Activation("softmax"))


def _binary(kit: Kit) -> Any:
    q, kl = kit.qkeras, kit.layers
    options: dict[str, Any] = {"kernel_quantizer": "binary", "use_bias": False}
    layers: list[Any] = []
    for filters, pooled in ((4, False), (8, True), (8, True)):
        layers += [q.QConv2D(filters, 3, **options), q.QBatchNormalization(), q.QActivation("binary")]
        layers += [kl.MaxPooling2D(2)] if pooled else []
    layers += [kl.Flatten(), q.QDense(10, **options), q.QBatchNormalization(), q.QActivation("binary_tanh")]
    return kit.stack((28, 28, 1), *layers, q.QDense(10, activation="softmax", **options))


def networks() -> list[Scenario]:
    """Where there the weights are trained, here they are drawn: what is asked for is what QKeras computes."""
    return [
        scenario("jets", _jets, Within(0.01), normal(1, -16, 15)),
        scenario("convolutions", _mnist, Within(0.01), unit, "cnn_mnist_qkeras", 20),
        scenario("binary convolutions", _binary, Within(0.01, 0.01), unit_grid, "binary_cnn", 5),
    ]


SCENARIOS = [*activations(), *dense(), *convolutions(), *recurrent(), *networks()]
