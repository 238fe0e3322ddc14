"""A type that is fixed for a layer's result, where the layer joins or moves parts at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.narrowing import result_operations
from hlsgen.ir.types import FixedType

RESULT = "fixed<26,6,RND,SAT>"


def _einsum(keras: Any) -> Any:
    """A Dense at each place of one axis, joined and permuted."""
    return keras.layers.EinsumDense("bcd,cde->bec", output_shape=(5, 4), name="parts")


def _both_ways(keras: Any) -> Any:
    return keras.layers.Bidirectional(keras.layers.LSTM(2), name="parts")


@pytest.fixture(scope="module", params=[_einsum, _both_ways], ids=["EinsumDense", "Bidirectional"])
def model(request: pytest.FixtureRequest) -> Any:
    keras = pytest.importorskip("keras")
    x = keras.Input((4, 3))
    return keras.Model(x, request.param(keras)(x))


@pytest.mark.parametrize(
    "settings",
    [{"layers": {"parts": {"precision": {"result": RESULT}}}}, {"precision": RESULT}],
    ids=["layer", "model"],
)
def test_parts_have_it(model: Any, settings: dict[str, Any]) -> None:
    project = hlsgen.convert(model, **settings)
    assert not [note for note in project.design.notes if "no effect" in note]
    (output,) = project.design.outputs
    wanted = FixedType.parse(RESULT)
    assert (output.type.frac, output.type.integer <= wanted.integer) == (wanted.frac, True)
    x = np.random.default_rng(0).random((50, 4, 3)).astype(np.float32)
    got = project.evaluate(x)["parts"]
    # the input's steps of 2^-10 by default, and nothing that rounds more than that
    assert np.abs(got - np.asarray(model(x))).max() < 2.0**-8


def test_steps_inside_follow_it(model: Any) -> None:
    """With the input as fine, what is left are the weights and the tables."""
    project = hlsgen.convert(model, precision=RESULT, input_precision=RESULT)
    x = np.random.default_rng(0).random((50, 4, 3)).astype(np.float32)
    got = project.evaluate(x)["parts"]
    assert np.abs(got - np.asarray(model(x))).max() < 2.0**-16


def test_a_design_knows_which_operations_have_it(model: Any) -> None:
    design = hlsgen.convert(model, layers={"parts": {"precision": {"result": RESULT}}}).design
    having = [op for op in design if "result" in op.wish.configured()]
    assert len(having) > 1
    last = [op for op in design if op.source.final and not op.is_input]
    assert list(dict.fromkeys(given for op in last for given in result_operations(design, op))) == having
