"""Pooling, and layers that only move data."""

from __future__ import annotations

import keras
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder

INPUT = "fixed<8,5>"


def test_pooling_2d():
    x = keras.Input((6, 5, 3), name="image")
    outputs = [
        kl.MaxPooling2D(2, name="max2")(x),
        kl.MaxPooling2D((3, 2), strides=(1, 2), padding="same", name="max_same")(x),
        kl.MaxPooling2D(1, strides=2, name="max1")(x),
        kl.MaxPooling2D(2, strides=3, padding="same", name="max_gaps")(x),
        kl.AveragePooling2D(2, name="mean2")(x),
        kl.AveragePooling2D(3, strides=2, padding="same", name="mean_same")(x),
        kl.AveragePooling2D((1, 3), strides=1, name="mean3")(x),
        kl.GlobalMaxPooling2D(name="gmax")(x),
        kl.GlobalAveragePooling2D(keepdims=True, name="gmean")(x),
    ]
    model = keras.Model(x, outputs)
    data = grid_input((6, 5, 3))
    project = ladder(model, data, input_precision=INPUT)
    inexact = {"mean_same": 2.0**-9, "mean3": 2.0**-9, "gmean": 2.0**-9}  # 1/n rounded, |x| <= 2
    agrees_with_keras(project, model, data, inexact)


def test_pooling_1d():
    x = keras.Input((9, 2), name="signal")
    outputs = [
        kl.MaxPooling1D(2, strides=3, name="max_gaps")(x),
        kl.MaxPooling1D(4, strides=1, padding="same", name="max_same")(x),
        kl.AveragePooling1D(4, padding="same", name="mean_same")(x),
        kl.AveragePooling1D(2, strides=1, name="mean2")(x),
        kl.GlobalMaxPooling1D(keepdims=True, name="gmax")(x),
        kl.GlobalAveragePooling1D(name="gmean")(x),
    ]
    model = keras.Model(x, outputs)
    data = grid_input((9, 2))
    project = ladder(model, data, input_precision=INPUT)
    agrees_with_keras(project, model, data, {"gmean": 2.0**-9, "mean_same": 2.0**-9})


def test_shapes():
    x = keras.Input((4, 3, 2), name="image")
    up = kl.UpSampling2D((2, 3), name="up")(x)
    pad = kl.ZeroPadding2D(((1, 2), (0, 3)), name="pad")(x)
    turned = kl.Permute((2, 3, 1), name="turned")(x)
    flat = kl.Flatten(name="flat")(turned)
    line = kl.Reshape((6, 4), name="line")(x)
    outputs = [
        kl.Conv2D(2, 2, name="conv_up")(up),
        kl.MaxPooling2D(2, name="pool_pad")(pad),
        kl.Conv2D(2, 2, padding="same", name="conv_pad")(pad),
        kl.Dense(3, name="fc")(flat),
        kl.ZeroPadding1D((2, 1), name="pad1")(line),
        kl.UpSampling1D(2, name="up1")(line),
        kl.Permute((2, 1), name="transposed")(line),
        kl.Permute((3, 1, 2), name="channels_first")(x),
        kl.Dropout(0.5, name="dropped")(kl.Permute((2, 1, 3), name="swapped")(x)),
        line,
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((4, 3, 2))
    project = ladder(model, data, input_precision=INPUT)
    agrees_with_keras(project, model, data)


def test_packs_of_other_sizes():
    """Reshaped streams are regrouped: into packs smaller, larger, and with no common size."""
    x = keras.Input((2, 6), name="lines")
    outputs = [
        kl.Conv1D(2, 2, name="smaller")(kl.Reshape((4, 3), name="threes")(x)),
        kl.Conv1D(2, 1, name="larger")(kl.Reshape((1, 12), name="whole")(x)),
        kl.MaxPooling1D(2, name="crossing")(kl.Reshape((3, 4), name="fours")(x)),
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((2, 6))
    project = ladder(model, data, input_precision=INPUT)
    agrees_with_keras(project, model, data)
