"""Merges, broadcasting, several inputs and outputs, values that are read more than once."""

from __future__ import annotations

import keras
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder

INPUT = "fixed<8,5>"


def test_merges_of_two_to_four():
    shape = (3, 2, 4)
    a, b = keras.Input(shape, name="a"), keras.Input(shape, name="b")
    c = kl.Conv2D(4, 1, name="c")(a)
    d = kl.ReLU(name="d")(b)
    outputs = [
        kl.Add(name="add3")([a, b, c]),
        kl.Subtract(name="sub")([a, d]),
        kl.Multiply(name="mul3")([a, d, b]),
        kl.Average(name="avg4")([a, b, c, d]),
        kl.Average(name="avg3")([a, b, d]),
        kl.Maximum(name="max3")([c, a, b]),
        kl.Minimum(name="min2")([d, a]),
        kl.Maximum(name="max_unsigned")([d, b]),
        kl.Concatenate(name="cat_channels")([a, d, c]),
        kl.Concatenate(axis=1, name="cat_rows")([d, a]),
        kl.Concatenate(axis=2, name="cat_columns")([c, b, a]),
        kl.Add(name="twice")([a, a]),
    ]
    model = keras.Model([a, b], outputs)
    dyadic_weights(model)
    data = [grid_input(shape, 1), grid_input(shape, 2)]
    project = ladder(model, data, input_precision={"a": INPUT, "b": "fixed<6,3>"})
    agrees_with_keras(project, model, data, {"avg3": 2.0**-9})


def test_squeeze_and_excite():
    x = keras.Input((4, 4, 3), name="image")
    h = kl.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    s = kl.GlobalAveragePooling2D(keepdims=True, name="squeeze")(h)
    s = kl.Dense(2, activation="relu", name="fc1")(s)
    s = kl.Dense(4, activation="sigmoid", name="fc2")(s)
    h2 = kl.Multiply(name="excite")([h, s])
    h3 = kl.Add(name="skip")([h2, h])
    shifted = kl.Add(name="shifted")([s, h])
    less = kl.Subtract(name="less")([h3, s])
    most = kl.Maximum(name="most")([h, s])
    outputs = [kl.Conv2D(2, 3, name="head")(h3), shifted, less, most]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((4, 4, 3))
    project = ladder(model, data, input_precision=INPUT)
    near = 2.0**-4  # the sigmoid's table of 2^-8 steps, times h of at most 30, and what follows
    loose = dict.fromkeys(("fc2", "excite", "skip", "shifted", "less", "most", "head"), 30 * near)
    agrees_with_keras(project, model, data, loose)


def test_outputs_that_are_also_read():
    x, unused_shape = keras.Input((4,), name="x"), (2, 2)
    a = kl.Dense(4, name="a")(x)
    b = kl.Dense(3, activation="relu", name="b")(a)
    r = kl.Reshape(unused_shape, name="r")(a)
    model = keras.Model(x, [a, b, x, r, a])
    dyadic_weights(model)
    data = grid_input((4,))
    ladder(model, data, input_precision=INPUT)


def test_input_straight_to_output():
    x = keras.Input((3, 2), name="x")
    y = keras.Input((2,), name="y")
    model = keras.Model([x, y], [kl.Flatten(name="f")(x), y, kl.Dense(2, name="d")(x)])
    dyadic_weights(model)
    ladder(model, [grid_input((3, 2)), grid_input((2,), 3)], input_precision=INPUT)


def test_only_reshapes():
    x = keras.Input((4, 3), name="x")
    model = keras.Model(x, kl.Reshape((2, 6), name="second")(kl.Reshape((12,), name="first")(x)))
    ladder(model, grid_input((4, 3)), input_precision=INPUT)


def test_shared_layers_and_nested_models():
    inner_in = keras.Input((5,), name="inner_in")
    inner_h = kl.Dense(4, activation="relu", name="fc")(inner_in)
    inner = keras.Model(inner_in, kl.Dense(5, name="fc_out")(inner_h), name="inner")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    shared = kl.Dense(5, name="shared")
    h = kl.Add(name="sum")([shared(a), shared(b)])
    h = inner(inner(h))
    h = shared(h)
    sequential = keras.Sequential([keras.Input((5,)), kl.Dense(3, name="fc"), kl.ReLU(name="relu")], name="tail")
    model = keras.Model([a, b], [sequential(h), inner(a)])
    dyadic_weights(model, bound=2)
    data = [grid_input((5,), 1), grid_input((5,), 2)]
    project = ladder(model, data, input_precision="fixed<6,3>")
    wanted = [w.numpy() for w in model(data)]
    found = project.predict(data)
    for right, got in zip(wanted, found, strict=True):
        assert (right == got).all()
