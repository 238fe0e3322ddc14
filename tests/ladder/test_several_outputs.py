"""Layers with several outputs: split along any axis, parts read once, twice, as outputs of the model, or by nobody."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import dyadic_weights, grid_input, ladder

INPUT = "fixed<8,5>"


def test_split_and_joined_again():
    """The second part first, which stalls unless a stream holds a whole part; one part is read by nobody."""
    x = keras.Input((6, 5, 4), name="x")
    a, b, _ = keras.ops.split(x, 3, axis=1)
    turned = kl.Concatenate(axis=1, name="turned")([b, a])
    c, d = keras.ops.split(turned, [1], axis=3)
    e, f = keras.ops.split(kl.Conv2D(4, 2, name="conv")(d), [3], axis=2)
    outputs = [c, kl.Flatten(name="flat")(e), kl.Add(name="twice")([f, f]), kl.ReLU(name="relu")(e)]
    model = keras.Model(x, outputs)
    dyadic_weights(model)
    data = grid_input((6, 5, 4))
    project = ladder(model, data, input_precision=INPUT, thorough=True)
    found = project.predict(data)
    for got, right in zip(found, model(data), strict=True):
        np.testing.assert_array_equal(got, np.asarray(right))


def test_every_output_has_its_own_type():
    """Channels of different ranges part: each part is as narrow as its own channels."""
    x = keras.Input((4,), name="x")
    y = kl.Dense(4, use_bias=False, name="fc")(x)
    a, b = keras.ops.split(y, 2, axis=-1)
    model = keras.Model(x, [a, b])
    model.layers[1].set_weights([np.diag([1.0, 1.0, 16.0, 16.0])])
    project = ladder(model, grid_input((4,)), input_precision=INPUT)
    narrow, wide = project.design.outputs
    assert (str(narrow.type), str(wide.type)) == ("fixed<8,5>", "fixed<12,9>")


def test_names_that_collide_with_numbered_outputs():
    x = keras.Input((4,), name="x")
    a, b = keras.ops.split(kl.ReLU(name="split:0")(x), 2, axis=-1)
    model = keras.Model(x, kl.Subtract(name="sub")([a, b]))
    data = grid_input((4,))
    project = ladder(model, data, input_precision=INPUT)
    x = np.maximum(data, 0)
    np.testing.assert_array_equal(project.predict(data), x[:, :2] - x[:, 2:])
    assert project.trace_keys()["split:0"].size == 4, "the layer of that name, not the part"


@pytest.mark.parametrize(("cuts", "axis"), [(2, 0), ([2, 2], 1), ([0], 1), ([9], 1)])
def test_cuts_that_leave_nothing(cuts, axis):
    x = keras.Input((4, 3), batch_size=2, name="x")
    try:
        parts = keras.ops.split(x, cuts, axis=axis)
        model = keras.Model(x, [part for part in parts if 0 not in part.shape])
    except (ValueError, TypeError) as error:
        pytest.skip(f"Keras refuses it: {error}")
    with pytest.raises(UnsupportedError, match="split.*(axis 0 is that of the batch|no part may be empty)"):
        hlsgen.convert(model)
