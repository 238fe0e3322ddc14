"""Inferred types of every kind: each binary point, a grid a channel, what only readers want; every executor agrees."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from tests.ladder.harness import DIAGONAL, ladder
from tests.passes.unequal_networks import normal_data, unequal


def scaled_channels(seed: int = 0, octaves: int = 6) -> Any:
    """Every linear kind, with activations inside of the layers; the channels' weights differ by powers of two."""
    rng = np.random.default_rng(seed)
    x = keras.Input((5, 5, 2), name="image")
    y = kl.Conv2D(4, 2, activation="relu", name="conv")(x)
    y = kl.DepthwiseConv2D(2, depth_multiplier=2, activation="relu6", name="dw")(y)
    y = kl.SeparableConv2D(5, 2, activation="tanh", name="sep")(y)
    y = kl.BatchNormalization(name="bn")(y)
    y = kl.Flatten(name="flat")(y)
    model = keras.Model(x, kl.Dense(4, name="fc")(y))
    for layer in model.layers:
        weights = []
        for w in layer.get_weights():
            gains = 2.0 ** rng.integers(-octaves, 1, w.shape[-1:])
            weights.append(np.abs(rng.normal(size=w.shape)) if w.ndim == 1 else rng.normal(size=w.shape) * gains)
        layer.set_weights(weights)
    return model


def data(samples: int = 24) -> Any:
    return np.random.default_rng(1).normal(size=(samples, 5, 5, 2)).astype(np.float32)


@pytest.mark.parametrize(("width", "octaves"), [(6, 4), (16, 12)])
def test_a_grid_for_each_channel(width, octaves):
    project = ladder(scaled_channels(octaves=octaves), data(), weight_granularity="channel", default_width=width)
    widths = [
        node.layer.weight.type.width
        for node in project.design
        if node.name.startswith(("conv", "fc")) and node.layer.has_multiplier
    ]
    assert widths and all(width < w <= width + 8 + 1 for w in widths)


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_places_by_calibration(method):
    x = data()
    x[0] *= 30
    ladder(scaled_channels(2), x, calibration=x, calibration_method=method, percentile=99.0, default_width=9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["residual", "cnn", "separable"])
def test_channels_held_times_powers_of_two(name):
    """Kernels see other weights and nothing else."""
    source = unequal(name, 5)
    project = ladder(source, normal_data(source, 24, 1), vendor=DIAGONAL)
    assert any(tensor.exponents for tensor in project.design.tensors)
