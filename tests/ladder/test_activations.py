"""Activations, tables, softmax, BatchNormalization."""

from __future__ import annotations

import keras
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, executors_agree, grid_input, ladder
from tests.passes.builders import Net, project_of

INPUT = "fixed<8,4>"


def test_activations():
    x = keras.Input((3, 4), name="x")
    wide = kl.Dense(5, name="wide")(x)
    outputs = [
        kl.ReLU(name="relu")(x),
        kl.ReLU(max_value=1.5, name="relu_max")(x),
        kl.ReLU(negative_slope=0.25, name="relu_slope")(wide),
        kl.ReLU(negative_slope=0.5, max_value=1.25, name="relu_both")(x),
        kl.ReLU(max_value=6.0, name="relu_of_unsigned")(kl.ReLU(name="first_relu")(wide)),
        kl.LeakyReLU(name="leaky")(wide),
        kl.Activation("leaky_relu", name="leaky_by_name")(x),
        kl.Activation("relu6", name="relu6")(wide),
        kl.Softmax(name="softmax")(x),
        kl.Activation("softmax", name="softmax_wide")(wide),
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((3, 4), bound=32)
    project = ladder(model, data, input_precision=INPUT)
    near = {"leaky": 2.0**-7, "leaky_by_name": 2.0**-9, "softmax": 2.0**-8, "softmax_wide": 2.0**-8}
    agrees_with_keras(project, model, data, near)


def test_tables():
    x = keras.Input((6,), name="x")
    wide = kl.Dense(5, name="wide")(x)
    names = ("sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "silu", "gelu")
    outputs = [kl.Activation(n, name=n)(x) for n in names]
    outputs += [kl.Activation(n, name=f"{n}_wide")(wide) for n in ("sigmoid", "tanh", "elu", "gelu")]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((6,), bound=32)
    project = ladder(model, data, input_precision=INPUT)
    near = dict.fromkeys(names, 2.0 ** (-8)) | {f"{n}_wide": 2.0**-5 for n in names}
    agrees_with_keras(project, model, data, near)


def test_batch_normalization():
    x = keras.Input((4, 3, 2), name="x")
    alone = kl.BatchNormalization(epsilon=0.0, name="alone")(x)
    behind = kl.BatchNormalization(epsilon=0.0, scale=False, name="behind")(kl.Conv2D(3, 2, name="conv")(x))
    before = kl.Conv2D(2, 2, padding="same", name="conv_behind")(alone)
    after_relu = kl.BatchNormalization(epsilon=0.0, center=False, name="after_relu")(kl.ReLU(name="r")(behind))
    flat = kl.BatchNormalization(epsilon=0.0, name="flat_bn")(kl.Flatten(name="f")(before))
    deep = kl.BatchNormalization(name="inexact")(kl.DepthwiseConv2D(2, depth_multiplier=2, name="dw")(x))
    model = keras.Model(x, [alone, behind, before, after_relu, flat, deep])
    dyadic_weights(model)
    data = grid_input((4, 3, 2))
    project = ladder(model, data, input_precision=INPUT)
    agrees_with_keras(project, model, data, {"inexact": 2.0**-7})


def test_a_ceiling_behind_words_of_any_width():
    """On the grid of such an input, the ceiling's mantissa has more than 64 bits."""
    net = Net()
    x = net.input((3,))
    outputs = [net.call("ReLU", "relu6", x, max_value=6.0), net.call("ReLU", "low", x, max_value=0.75)]
    outputs.append(net.call("ReLU", "both", x, max_value=3.0, negative_slope=0.25))
    types = {name: {"precision": {"result": "fixed<30,10>"}} for name in outputs}
    for text in ("fixed<64,2>", "fixed<70,4>", "ufixed<90,3>"):
        project = project_of(net.source(*outputs), input_precision=text, layers=types)
        executors_agree(project, grid_input((3,), frac=2, bound=31))
