"""Convolutions with every kind of window, in one and two dimensions."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers as kl

import hlsgen
from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder

INPUT = "fixed<8,5>"


def check(model: Any, shape: tuple[int, ...]) -> None:
    dyadic_weights(model)
    data = grid_input(shape)
    project = ladder(model, data, input_precision=INPUT)
    agrees_with_keras(project, model, data)


def test_conv2d_windows():
    x = keras.Input((6, 5, 3), name="image")
    same = kl.Conv2D(4, 3, padding="same", activation="relu", name="same3")(x)
    outputs = [
        kl.Conv2D(2, (2, 3), strides=(2, 1), name="even_valid")(same),
        kl.Conv2D(3, 2, strides=3, padding="same", use_bias=False, name="stride_over_kernel")(same),
        kl.Conv2D(2, 1, strides=2, name="pointwise_strided")(same),
        kl.Conv2D(2, (2, 2), dilation_rate=(2, 1), padding="same", name="dilated")(x),
        kl.Conv2D(2, (6, 5), name="whole")(x),
        kl.Conv2D(2, 4, padding="same", strides=(1, 2), name="even_same")(x),
    ]
    check(keras.Model(x, outputs), (6, 5, 3))


def test_conv1d_windows():
    x = keras.Input((9, 2), name="signal")
    causal = kl.Conv1D(4, 3, padding="causal", name="causal")(x)
    outputs = [
        kl.Conv1D(3, 2, padding="causal", dilation_rate=3, activation="relu", name="causal_dilated")(causal),
        kl.Conv1D(2, 4, padding="same", strides=2, name="even_same")(causal),
        kl.Conv1D(2, 2, strides=5, name="stride_over_kernel")(causal),
        kl.Conv1D(3, 1, name="pointwise")(x),
        kl.Conv1D(2, 9, name="whole")(x),
    ]
    check(keras.Model(x, outputs), (9, 2))


def test_depthwise_and_separable():
    x = keras.Input((5, 6, 3), name="image")
    depthwise = kl.DepthwiseConv2D((3, 2), depth_multiplier=2, padding="same", name="depthwise")(x)
    outputs = [
        kl.DepthwiseConv2D(2, strides=2, activation="relu", name="depthwise_strided")(depthwise),
        kl.SeparableConv2D(4, (2, 3), padding="same", name="separable")(x),
        kl.SeparableConv2D(2, 3, depth_multiplier=2, strides=2, name="separable_strided")(x),
        kl.DepthwiseConv2D(2, dilation_rate=2, padding="same", name="depthwise_dilated")(x),
    ]
    check(keras.Model(x, outputs), (5, 6, 3))


def test_depthwise_and_separable_1d():
    x = keras.Input((8, 3), name="signal")
    depthwise = kl.DepthwiseConv1D(3, depth_multiplier=3, padding="same", name="depthwise")(x)
    outputs = [
        kl.DepthwiseConv1D(2, strides=3, use_bias=False, name="depthwise_strided")(depthwise),
        kl.SeparableConv1D(4, 3, padding="same", strides=2, name="separable")(x),
        kl.SeparableConv1D(2, 2, depth_multiplier=2, dilation_rate=2, name="separable_dilated")(x),
    ]
    check(keras.Model(x, outputs), (8, 3))


def test_transposed():
    x = keras.Input((4, 3, 2), name="image")
    same = kl.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu", name="same3")(x)
    outputs = [
        kl.Conv2DTranspose(2, (2, 3), strides=(1, 2), name="rows_only_columns")(same),
        kl.Conv2DTranspose(2, 2, strides=3, padding="same", use_bias=False, name="stride_over_kernel")(x),
        kl.Conv2DTranspose(2, 3, name="no_stride")(x),
        kl.Conv2DTranspose(2, 2, dilation_rate=(2, 1), padding="same", name="dilated")(x),
        kl.Conv2DTranspose(2, 4, strides=2, padding="same", output_padding=1, name="cut")(x),
        kl.Conv2DTranspose(1, 1, strides=2, name="pointwise")(x),
        kl.Cropping2D(((1, 2), (0, 1)), name="crop")(same),
    ]
    check(keras.Model(x, outputs), (4, 3, 2))


def test_transposed_1d():
    x = keras.Input((5, 2), name="signal")
    same = kl.Conv1DTranspose(3, 4, strides=2, padding="same", name="same4")(x)
    outputs = [
        kl.Conv1DTranspose(2, 3, strides=3, output_padding=2, activation="relu", name="longer")(same),
        kl.Conv1DTranspose(2, 5, name="no_stride")(x),
        kl.Cropping1D((3, 1), name="crop")(same),
    ]
    check(keras.Model(x, outputs), (5, 2))


def test_what_is_asked_of_a_transposed_convolution_reaches_it():
    """The layer becomes two nodes; types, strategy and reuse factor are for the one that computes."""
    x = keras.Input((3, 2), name="signal")
    model = keras.Model(x, kl.Conv1DTranspose(2, 3, strides=2, name="up")(x))
    dyadic_weights(model)
    wish = {"weight": "fixed<5,3>", "accum": "fixed<14,9>", "result": "fixed<7,5,RND,SAT>"}
    settings = {"precision": wish, "reuse_factor": 2, "strategy": "resource"}
    project = hlsgen.convert(model, input_precision=INPUT, layers={"up": settings})
    blocks, pixels = project.design.ops[1:]
    assert str(blocks.output.type) == "fixed<7,5,RND,SAT>" and pixels.output.type == blocks.output.type.plain()
    assert (str(blocks.layer.constants()["weight"].type), str(blocks.output.typing.accum_type)) == (
        "fixed<5,3>",
        "fixed<14,9>",
    )
    assert (blocks.reuse_factor, blocks.strategy) == (2, "resource")
