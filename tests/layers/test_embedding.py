"""Embedding: numbers of rows as inputs, those beyond the rows, and masks that somebody would use."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.errors import UnsupportedError
from hlsgen.project import ClippedInputWarning
from tests.ladder.harness import dyadic_weights

NUMBERS = np.array([[0, 1, 4], [2, 3, 4]], dtype=np.int32)


def looked_up(io_type: str = "io_parallel", **settings) -> tuple[keras.Model, hlsgen.Project]:
    x = keras.Input((3,), dtype="int32", name="words")
    model = keras.Model(x, kl.Conv1D(2, 2, name="conv")(kl.Embedding(5, 4, name="rows")(x)))
    dyadic_weights(model)
    return model, hlsgen.convert(model, io_type=io_type, **settings)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_numbers_of_rows(io_type):
    """The input has as many bits as the numbers take, and whole numbers are taken as they are."""
    model, project = looked_up(io_type)
    assert str(project.design.inputs[0].type) == "ufixed<3,3,TRN,SAT>"
    np.testing.assert_array_equal(project.predict(NUMBERS), np.asarray(model(NUMBERS)))


def test_numbers_beyond_the_rows():
    """They take the first or the last row, and predict says so where their bits do not fit."""
    _, project = looked_up()
    with pytest.warns(ClippedInputWarning, match="2 of 3 values are outside of ufixed<3,3"):
        beyond = project.predict(np.array([[-1, 7, 100]]))
    np.testing.assert_array_equal(beyond, project.predict(np.array([[0, 4, 4]])))


def test_a_stated_type_is_cast():
    """Fractions are cut off, as Keras does."""
    model, project = looked_up(input_precision="fixed<8,5>")
    np.testing.assert_array_equal(project.predict(NUMBERS + np.float32(0.75)), np.asarray(model(NUMBERS)))


def embedded(*sizes: int) -> tuple[keras.Model, np.ndarray]:
    """Tables read by one input, rows the larger the later they come, and what follows sums them up; all numbers."""
    keras.utils.set_random_seed(5)
    x = keras.Input((1,), dtype="int32")
    tables = [kl.Embedding(rows, 4) for rows in sizes]
    looked_up = [table(x) for table in tables]
    model = keras.Model(x, kl.Dense(3)(kl.Concatenate()(looked_up) if len(sizes) > 1 else looked_up[0]))
    for table, rows in zip(tables, sizes, strict=True):
        table.set_weights([np.linspace(0.1, 9, rows)[:, None] * np.random.default_rng(rows).normal(size=(rows, 4))])
    return model, np.arange(min(sizes))[:, None]


@pytest.mark.parametrize("settings", [{}, {"input_precision": "ufixed<12,12>"}])
def test_rows_are_expected_one_as_often_as_the_other(settings):
    """Else what lies behind a table is placed by its first rows, and saturates with others."""
    model, x = embedded(60)
    real = np.asarray(model(x))
    np.testing.assert_allclose(hlsgen.convert(model, **settings).predict(x), real, atol=abs(real).max() / 1024)


def test_tables_of_unlike_sizes_read_one_input():
    model, x = embedded(60, 90)
    project = hlsgen.convert(model)
    assert project.design.inputs[0].type.width == 7
    real = np.asarray(model(x))
    np.testing.assert_allclose(project.predict(x), real, atol=abs(real).max() / 1024)


@pytest.mark.parametrize("begin", [kl.Masking(name="mask"), kl.Embedding(5, 3, mask_zero=True, name="mask")])
def test_masks_that_are_used(begin):
    """In a Sequential, where no configuration says that the mask is handed on."""
    shape = (4, 3) if isinstance(begin, kl.Masking) else (4,)
    used = keras.Sequential([keras.Input(shape), begin, kl.Dense(3), kl.Dropout(0.5), kl.GRU(2, name="gru")])
    with pytest.raises(UnsupportedError, match="layer 'gru' .*'mask' masks"):
        hlsgen.convert(used)


def test_masks_that_meet_other_tensors():
    """Keras computes such a mask by operations of the model."""
    x = keras.Input((4, 3))
    both = kl.Concatenate()([kl.Masking()(x), x])
    with pytest.raises(UnsupportedError, match="true or false.*a mask.*no Masking layer"):
        hlsgen.convert(keras.Model(x, kl.GRU(2)(both)))
