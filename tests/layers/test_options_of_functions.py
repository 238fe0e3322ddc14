"""Functions with axes and constants of their own, as operations and as layers, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input

SHAPE = (4, 2, 6, 2)


def check(keras: Any, build: Any, near: float = 2.0**-10) -> None:
    """``build`` makes several results of one tensor; all are near those of Keras, in parts of the largest."""
    x = keras.Input(SHAPE)
    model = keras.Model(x, build(x))
    data = grid_input(SHAPE, bound=24, samples=6)
    project = hlsgen.convert(model, input_precision="fixed<8,4>")
    found = project.evaluate(data)
    for name, wanted in zip(project.design.output_names, model(data), strict=True):
        right = np.asarray(wanted)
        assert found[name].shape == right.shape
        assert np.abs(found[name] - right).max() <= near * max(1.0, np.abs(right).max()), name


def test_of_keras3() -> None:
    keras = pytest.importorskip("keras")
    ops = keras.ops
    check(
        keras,
        lambda x: [
            *(ops.log_softmax(x, axis=axis) for axis in (-1, 1, 2, -2)),
            *(ops.sparsemax(x, axis=axis) for axis in (-1, 1, 3)),
            *(ops.glu(x, axis=axis) for axis in (-1, 1, 3)),
            *(ops.softmax(x, axis=axis) for axis in (1, -3)),
            keras.layers.Softmax(axis=[2, 4])(x),
            ops.transpose(x, (0, 4, 2, 3, 1)),
            keras.layers.Dense(6, activation="log_softmax")(x),
            ops.celu(x, 0.5),
            ops.celu(x, 2.0),
            ops.squareplus(x, 1.0),
            ops.squareplus(x, 0.25),
            ops.soft_shrink(x, 0.0),
            ops.soft_shrink(x, 0.3),
            ops.leaky_relu(x, 0.25),
            ops.elu(x, 0.5),
        ],
    )


def test_of_keras2() -> None:
    keras, tf = pytest.importorskip("tf_keras"), pytest.importorskip("tensorflow")
    check(
        keras,
        lambda x: [
            tf.nn.log_softmax(x),
            keras.layers.Softmax(axis=[1, 3])(x),
            keras.layers.Permute((4, 3, 2, 1))(x),
        ],
    )


@pytest.mark.parametrize(
    ("name", "options"), [("celu", {"alpha": -1.0}), ("squareplus", {"b": 0}), ("glu", {"axis": 0})]
)
def test_what_has_no_meaning_is_refused(name: str, options: dict[str, float]) -> None:
    keras = pytest.importorskip("keras")
    (key,) = options
    x = keras.Input((4,), batch_size=2)
    model = keras.Model(x, getattr(keras.ops, name)(x, **options))
    with pytest.raises(UnsupportedError, match=rf"{key}[= ]"):
        hlsgen.convert(model)
