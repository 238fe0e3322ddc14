"""Functions that jump: they decide as real numbers do, at their ends and beside them, in every executor."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.ir.constant import Constant
from hlsgen.ir.demand import EVERYTHING
from hlsgen.ir.layer import Casts, Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers.gate import Gate
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, project_of

EVERY = np.arange(-128, 128)[:, None].astype(np.float32) / 16
"""Every value of fixed<8,4>."""
THRESHOLDS = (0.5, 0.3, 0.3125, 1e-8, 7.9375, 7.93, 8.0, 1e6)
"""On the grid, between its steps, at its ends and beyond."""


def outputs(model: Any, x: Any = EVERY, fixed: str = "fixed<8,4>", **settings: Any) -> list[Any]:
    project = hlsgen.convert(model, input_precision=fixed, **settings)
    values = project.evaluate(x)
    return [values[name] for name in project.design.output_names]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_as_keras_decides(library: str) -> None:
    """Every value of the input, thresholds on its grid and off it: the numbers of Keras, to the bit."""
    keras = pytest.importorskip(library)
    layers, x = keras.layers, keras.Input((1,))
    made = [layers.ReLU(threshold=t) for t in THRESHOLDS]
    made += [layers.ReLU(threshold=t, max_value=top) for t in (0.3, 4.0) for top in (0.0, 2.5, 6.0)]
    made += [layers.ReLU(threshold=0.5, max_value=2.0, negative_slope=0.5), layers.ReLU(threshold=1, negative_slope=2)]
    if library == "tf_keras":
        made += [layers.ThresholdedReLU(t) for t in (0.0, *THRESHOLDS)]
    results = [layer(x) for layer in made]
    if library == "keras":
        results += [keras.activations.hard_shrink(x, t) for t in (-1.0, 0.0, *THRESHOLDS)]
        results += [keras.activations.relu(x, a, top, -0.75) for a in (0.0, 0.5) for top in (None, 1.5)]
        results += [keras.ops.threshold(x, t, d) for t in (-100.0, -0.3, 0, 0.5) for d in (0, 0.25, -9.5)]
        results += [keras.layers.Activation("hard_shrink")(x), keras.layers.Dense(1, activation="hard_shrink")(x)]
    model = keras.Model(x, results)
    for weights in model.weights:
        weights.assign(np.full(weights.shape, 0.25))
    for result, wanted, found in zip(results, model(EVERY), outputs(model), strict=True):
        np.testing.assert_array_equal(found, np.asarray(wanted), err_msg=str(result))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_executors_agree_behind_sums(io_type: str) -> None:
    """A sum of which a gate reads only what lies above its threshold; and a quantiser behind a gate."""
    net = Net()
    x = net.dense("fc", net.input((3,)), 3, 4)
    net.call("ThresholdedReLU", "gated", x, theta=0.3)
    net.call("ReLU", "capped", net.dense("other", "x", 3, 4), threshold=0.7, max_value=1.5, negative_slope=0.25)
    net.quantize("steps", "capped", 4, 1)
    project = project_of(net.source("gated", "steps"), io_type=io_type, input_precision="fixed<8,4>")
    executors_agree(project, np.random.default_rng(0).integers(-128, 128, (200, 3)) / 16)


@pytest.mark.parametrize("level", [None, 1.5])
@pytest.mark.parametrize("low", [None, Fraction(-1, 2)])
@pytest.mark.parametrize("high", [Fraction(1, 3), Fraction(3)])
def test_what_it_can_tell_apart(high: Fraction, low: Fraction | None, level: float | None) -> None:
    """Arguments beyond what it wants, cut off there, give the same behind a cast that saturates."""
    gate = Gate(high, low, None if level is None else Constant.exactly(np.array(int(level * 16)), FixedType(8, 4)))
    for fixed in map(FixedType.parse, ("fixed<5,3,RND,SAT>", "ufixed<5,1,TRN,SAT>")):
        wanted = gate.wanted(Casts(fixed, None), EVERYTHING)
        x = np.arange(-128, 128)
        ends = (np.floor(float(v) * 16) if v is not None else v for v in (wanted.low, wanted.high))
        results = [fixed.cast(*gate.exact([Exact(v, 4)])) for v in (x, np.clip(x, *ends).astype(np.int64))]
        np.testing.assert_array_equal(*results)
    assert wanted.low == (high if low is None else None)


def test_an_empty_interval() -> None:
    with pytest.raises(ValueError, match="from 1 to 0 is empty"):
        Gate(Fraction(0), Fraction(1))
