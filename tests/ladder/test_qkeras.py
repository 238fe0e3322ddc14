"""QKeras models: every quantiser and scale rule; all executors agree, and with QKeras itself, exactly."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

qkeras = pytest.importorskip("qkeras", exc_type=ImportError)
if not hasattr(qkeras, "QDepthwiseConv2D"):
    pytest.skip("this qkeras has no QDepthwiseConv2D", allow_module_level=True)
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
from tf_keras import layers as kl  # noqa: E402

from tests.ladder.harness import grid_input, ladder  # noqa: E402

INPUT = "fixed<8,4>"


def randomize(model, seed: int = 4, scale: float = 0.6):
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.get_weights()])


def check(model, shape, *, exact: bool = True, **settings):
    randomize(model)
    x = grid_input(shape, bound=16)
    project = ladder(model, x, input_precision=INPUT, **settings)
    wanted = model(x, training=False)
    wanted = [np.asarray(w) for w in (wanted if isinstance(wanted, list | tuple) else [wanted])]
    got = project.predict(x)
    got = got if isinstance(got, list) else [got]
    for right, found, value in zip(wanted, got, project.design.outputs, strict=True):
        worst = np.abs(right - found).max()
        assert worst == 0 if exact else worst <= 2.0**-6 * max(1.0, np.abs(right).max()), f"{value!r}: {worst}"


def test_dense_quantizers():
    x = tf_keras.Input((6,), name="x")
    outputs = []
    for index, (kernel, after) in enumerate(
        [
            ("quantized_bits(6,2,1,alpha=1)", "quantized_relu(6,3)"),
            ("quantized_bits(4,0,1,alpha='auto_po2')", "quantized_bits(8,4,1,alpha=1)"),
            ("binary(alpha=1)", "quantized_relu(4,2,negative_slope=0.25)"),
            ("ternary(alpha=1)", "quantized_bits(5,3,0,alpha=1)"),
            ("binary(alpha='auto_po2')", "binary(alpha=1)"),
            ("ternary(alpha='auto_po2')", "ternary(alpha=1)"),
            ("quantized_bits(3,1,0,alpha=1)", "quantized_tanh(5)"),
        ]
    ):
        h = qkeras.QDense(4, kernel_quantizer=kernel, bias_quantizer="quantized_bits(6,2,alpha=1)", name=f"fc{index}")(
            x
        )
        outputs.append(qkeras.QActivation(after, name=f"act{index}")(h))
    check(tf_keras.Model(x, outputs), (6,))


def test_convolution_quantizers():
    x = tf_keras.Input((5, 4, 2), name="x")
    bias = "quantized_bits(5,1,alpha=1)"
    a = qkeras.QConv2D(3, 2, kernel_quantizer="quantized_bits(4,1,alpha=1)", bias_quantizer=bias, name="conv")(x)
    a = qkeras.QActivation("quantized_relu(5,2)", name="relu")(a)
    b = qkeras.QDepthwiseConv2D(
        2, depthwise_quantizer="quantized_bits(4,1,alpha=1)", bias_quantizer=bias, padding="same", name="depthwise"
    )(a)
    b = qkeras.QActivation("quantized_bits(7,4,alpha=1)", name="bits")(b)
    c = kl.MaxPooling2D(2, name="pool")(b)
    c = kl.Flatten(name="flat")(c)
    c = qkeras.QDense(
        3, kernel_quantizer="ternary(alpha=1)", bias_quantizer=bias, activation="quantized_relu(6,4)", name="fc"
    )(c)
    line = kl.Reshape((5, 8), name="line")(x)
    d = qkeras.QConv1D(2, 3, kernel_quantizer="binary(alpha=1)", bias_quantizer=bias, strides=2, name="conv1d")(line)
    check(tf_keras.Model(x, [c, d, b]), (5, 4, 2))


def test_scales_that_are_no_powers_of_two():
    """alpha 'auto' and None: one float per channel, rounded by us, so only near."""
    x = tf_keras.Input((5,), name="x")
    outputs = [
        qkeras.QDense(4, kernel_quantizer=k, bias_quantizer="quantized_bits(6,2,alpha=1)", name=f"fc{i}")(x)
        for i, k in enumerate(
            [
                "quantized_bits(4,0,1,alpha='auto')",
                "binary(alpha='auto')",
                "ternary(alpha='auto')",
                "quantized_bits(4,0,1)",
                "binary()",
                "ternary()",
            ]
        )
    ]
    check(tf_keras.Model(x, outputs), (5,), exact=False)


FINE_RELUS = [
    "quantized_relu(4,1,negative_slope=0.0625)",
    "quantized_relu(2,0,negative_slope=0.03125)",
    "quantized_relu(4,1,negative_slope=0.0625,relu_upper_bound=1.40625,is_quantized_clip=False)",
    "quantized_relu(3,0,negative_slope=0.03125,relu_upper_bound=0.5,is_quantized_clip=False)",
    "quantized_relu(1,1,negative_slope=0.25)",
    "quantized_relu(1,1,negative_slope=1)",
    "quantized_relu(1,0,negative_slope=2)",
]
"""The negative side ends between two steps, or is all there is."""


def test_leaky_relus_that_end_between_two_steps():
    """On data behind a narrow input (a table) and a wide one (thresholds), and on constants."""
    x = tf_keras.Input((6,), name="x")
    kernel, bias = "quantized_bits(6,2,1,alpha=1)", "quantized_bits(6,2,alpha=1)"
    sums = qkeras.QDense(4, kernel_quantizer=kernel, bias_quantizer=bias, name="sums")(x)
    outputs = [
        qkeras.QActivation(text, name=f"{name}{index}")(value)
        for index, text in enumerate(FINE_RELUS)
        for name, value in (("narrow", x), ("wide", sums))
    ]
    kernel, bias = FINE_RELUS[:2]
    outputs.append(qkeras.QDense(4, kernel_quantizer=kernel, bias_quantizer=bias, name="constants")(x))
    check(tf_keras.Model(x, outputs), (6,))


def test_batchnorm_and_skip():
    x = tf_keras.Input((4, 4, 2), name="x")
    h = qkeras.QConv2D(
        2, 3, padding="same", kernel_quantizer="quantized_bits(4,1,alpha=1)", use_bias=False, name="conv"
    )(x)
    h = kl.Activation("relu", name="float_relu")(h)
    h = qkeras.QActivation("quantized_bits(6,3,alpha=1)", name="q")(h)
    s = kl.Add(name="skip")([h, x])
    s = qkeras.QActivation("quantized_relu(5,3)", name="qr")(s)
    m = kl.AveragePooling2D(2, name="mean")(s)
    g = kl.GlobalMaxPooling2D(name="gmax")(m)
    check(tf_keras.Model(x, [g, s, m]), (4, 4, 2))


def test_transposed_convolution(monkeypatch):
    # QKeras 0.9.0 still looks for a function that newer TensorFlows keep elsewhere
    monkeypatch.setattr(importlib.import_module("tensorflow.python.ops.array_ops"), "stack", tf.stack, raising=False)
    x = tf_keras.Input((3, 4, 2), name="x")
    bias = "quantized_bits(5,1,alpha=1)"
    a = qkeras.QConv2DTranspose(
        3, 3, strides=(2, 1), padding="same", kernel_quantizer="quantized_bits(4,1,alpha=1)", bias_quantizer=bias,
        activation="quantized_relu(5,2)", name="up",
    )(x)  # fmt: skip
    b = qkeras.QConv2DTranspose(2, 2, strides=3, kernel_quantizer="ternary(alpha=1)", use_bias=False, name="gaps")(x)
    check(tf_keras.Model(x, [a, b]), (3, 4, 2))
