"""Slices, reductions and places of tensors in the middle of a network: arrays and streams of what they are composed of.

Their kernels meet the vendor's headers in test_kernels.py.
"""

from __future__ import annotations

import keras
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder

INPUT = "fixed<8,5>"


def test_slices_and_rearrangements():
    """Read by what multiplies, of packs that are other ones than before."""
    x = keras.Input((4, 3, 2), name="image")
    line = keras.ops.reshape(x[:, ::-2], (-1, 6, 2))
    outputs = [
        kl.Conv1D(2, 2, name="conv")(line),
        kl.Dense(2, name="fc")(keras.ops.concatenate([x[:, 0, :, 1], x[:, -1, ::2, 0]], axis=-1)),
        kl.Add(name="sum")([keras.ops.flip(x, axis=(2, 3)), keras.ops.roll(x, 1, axis=1)]),
        kl.ReLU(name="padded")(keras.ops.pad(x, ((0, 0), (1, 0), (0, 1), (2, 0)))),
        kl.ReLU(name="mirrored")(keras.ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="reflect")),
        kl.ReLU(name="tiled")(keras.ops.repeat(keras.ops.tile(x, (1, 1, 2, 1)), 2, axis=1)),
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((4, 3, 2))
    agrees_with_keras(ladder(model, data, vendor=False, input_precision=INPUT), model, data)


def test_reductions_and_places():
    x = keras.Input((4, 3, 2), name="image")
    ops = keras.ops
    outputs = [
        kl.Dense(2, name="of_sums")(ops.sum(x, axis=(1, 3))),
        kl.Dense(2, name="of_extremes")(ops.max(x, axis=2) - ops.min(x, axis=2)),
        kl.ReLU(name="means")(ops.mean(x, axis=(1, 2, 3), keepdims=True)),
        kl.ReLU(name="total")(ops.sum(x, axis=-1) + ops.prod(x, axis=-1)),
        kl.Embedding(4, 3, name="rows")(ops.argmax(x, axis=1)),
        kl.Dense(2, name="of_places")(ops.top_k(x[..., 0], 2)[1] * 1.0),
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((4, 3, 2))
    agrees_with_keras(ladder(model, data, vendor=False, input_precision=INPUT), model, data, {"means": 2.0**-9})
