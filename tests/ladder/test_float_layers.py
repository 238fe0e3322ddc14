"""Layers of float models that are built from others: PReLU, straight pieces, spread merges, preprocessing, operators."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers as kl

from tests.ladder.harness import agrees_with_keras, dyadic_weights, grid_input, ladder

INPUT = "fixed<8,4>"


def test_trained_slopes() -> None:
    """Slopes by channel, by element, shared in rows; inputs signed and unsigned, slopes above and below zero."""
    x = keras.Input((3, 2, 4), name="x")
    wide = kl.Dense(4, name="wide")(x)
    outputs = [
        kl.PReLU(shared_axes=[1, 2], name="by_channel")(x),
        kl.PReLU(name="by_element")(x),
        kl.PReLU(shared_axes=[1], name="by_column")(wide),
        kl.PReLU(name="of_unsigned")(kl.ReLU(name="r")(x)),
        kl.PReLU(name="flat")(kl.Flatten(name="f")(wide)),
    ]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((3, 2, 4), bound=32)
    agrees_with_keras(ladder(model, data, input_precision=INPUT), model, data)


def test_straight_pieces_and_tables() -> None:
    x = keras.Input((3, 4), name="x")
    hard = ("hard_sigmoid", "hard_silu", "hard_tanh")
    tables = ("mish", "log_sigmoid", "tanh_shrink", "squareplus")
    outputs = [kl.Activation(n, name=n)(x) for n in hard + tables]
    outputs += [kl.ELU(0.5, name="elu"), kl.Softmax(axis=1, name="columns"), kl.Softmax(axis=[1, 2], name="whole")]
    outputs = [y(x) if isinstance(y, kl.Layer) else y for y in outputs]
    model = keras.Model(x, outputs)
    data = grid_input((3, 4), bound=32)
    near = {layer.name: 2.0**-9 for layer in model.layers} | {"hard_tanh": 0.0}
    agrees_with_keras(ladder(model, data, input_precision=INPUT), model, data, near)


def test_spread_operands() -> None:
    """Each operand may be spread over the other's rows, columns and channels; both may be."""
    shapes = {
        "image": (3, 2, 4),
        "gate": (3, 2, 1),
        "row": (1, 2, 4),
        "column": (3, 1, 1),
        "vector": (4,),
        "line": (5,),
    }
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    image, gate, row, column, vector, line = inputs.values()
    outputs = [
        kl.Multiply(name="gated")([image, gate]),
        kl.Subtract(name="from_row")([row, image]),
        kl.Maximum(name="both")([row, column]),
        kl.Add(name="lifted")([vector, image]),
        kl.Average(name="mean")([gate, column]),
        kl.Dot(1, name="dot")([line, line]),
        kl.Multiply(name="by_one")([line, kl.Dot(1, name="one")([line, line])]),
        kl.RepeatVector(3, name="rows")(vector),
    ]
    model = keras.Model(list(inputs.values()), outputs)
    data = [grid_input(shape, seed=i, bound=32) for i, shape in enumerate(shapes.values())]
    agrees_with_keras(ladder(model, data, input_precision=INPUT), model, data)


def test_preprocessing_and_operators() -> None:
    x = keras.Input((4, 3), name="x")
    rescaled = kl.Rescaling(0.5, offset=[-1.0, 0.0, 2.0], name="rescaled")(x)
    normalised = kl.Normalization(mean=[1.0, 2.0, -1.0], variance=[4.0, 0.25, 1.0], name="normalised")(x)
    each = kl.TimeDistributed(kl.Dense(2), name="each")(rescaled)
    lines = 1.0 - (2.0 * x) / 4.0
    clipped = keras.ops.clip(normalised, -1.0, 1.5)
    outputs = [each, lines, normalised, clipped, keras.ops.minimum(x, -0.5) * keras.ops.maximum(x, 0.25), -clipped]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((4, 3), bound=32)
    agrees_with_keras(ladder(model, data, input_precision=INPUT), model, data)


def test_a_bias_beyond_its_sum() -> None:
    """Behind a sigmoid of positive values nothing is near zero, so the sums need fewer bits than their biases."""
    x = keras.Input((2, 3, 4), name="x")
    high = kl.Activation("sigmoid", name="high")(x)
    outputs = [
        kl.Dense(3, name="dense")(high),
        kl.DepthwiseConv2D(2, name="depthwise")(high),
        kl.BatchNormalization(epsilon=0.0, name="norm")(high),
    ]
    model = keras.Model(x, outputs)
    for name, weight in (("dense", -0.5), ("depthwise", -0.5), ("norm", -1.5)):
        first, bias, *rest = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([np.full_like(first, weight), np.full_like(bias, 2.2), *rest])
    project = ladder(model, abs(grid_input((2, 3, 4), bound=15)), input_precision="ufixed<5,2>")
    for name in ("dense", "depthwise", "norm"):
        node = next(n for n in project.design if n.name == name)
        assert not node.output.typing.sum_type.signed and float(node.output.typing.sum_type.max) < 2.2
