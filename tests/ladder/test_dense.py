"""Dense at every rank, merges, activations, shapes: one model a test, all executors, and Keras."""

from __future__ import annotations

import keras
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder


def test_dense_ranks_and_relu():
    x = keras.Input((6,), name="x0")
    h = kl.Dense(8, activation="relu", name="fc1")(x)
    h = kl.Dense(6, use_bias=False, name="fc2")(h)
    r = kl.Reshape((3, 2), name="r2")(h)
    a = kl.Dense(4, name="fc_rank2")(r)
    a = kl.ReLU(max_value=3.0, name="relu_max")(a)
    b = kl.Reshape((2, 2, 3), name="r3")(a)
    b = kl.Dense(2, activation="relu", name="fc_rank3")(b)
    c = kl.Flatten(name="flat")(b)
    d = kl.Dense(3, name="fc_flat")(c)
    model = keras.Model(x, [d, a])
    dyadic_weights(model)
    data = grid_input((6,))
    project = ladder(model, data, input_precision="fixed<8,5>")
    agrees_with_keras(project, model, data)
