"""A softmax keeps the bits of its result, whatever the types of argument and result and the number of classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.types import FixedType
from hlsgen.layers.softmax import Softmax
from tests.passes.builders import Net, project_of

TYPES = ["fixed<6,3>", "fixed<16,6>", "ufixed<12,2>", "fixed<24,12>", "fixed<32,16>", "fixed<6,9>", "fixed<1,1>"]
RESULTS = ["ufixed<17,1,RND,SAT>", "fixed<8,1,RND,SAT>", "fixed<24,2,RND,SAT>", "fixed<32,16,TRN,SAT>"]


def softmax_of(x: FixedType, n: int, result: FixedType) -> Layer:
    return replace(Softmax(), input_type=x, classes=n).finished(result)


def definition(x: Any) -> Any:
    x = x.astype(np.longdouble)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rows(fixed: FixedType, n: int) -> Any:
    """Rows of all scales: of one size, far apart, all equal, one above all others by one step."""
    rng = np.random.default_rng(n)
    drawn = rng.integers(fixed.min_mantissa, fixed.max_mantissa, (300, n), endpoint=True)
    drawn >>= rng.integers(0, fixed.width, (300, 1))
    drawn[0], drawn[1], drawn[2] = fixed.min_mantissa, fixed.max_mantissa, fixed.min_mantissa
    drawn[2, 0] = fixed.max_mantissa
    drawn[3] = fixed.min_mantissa
    drawn[3, -1] += 1
    return drawn


@pytest.mark.parametrize("result", map(FixedType.parse, RESULTS), ids=str)
@pytest.mark.parametrize("n", [1, 2, 5, 100, 1000])
def test_results_are_within_a_step_and_what_is_stated(n: int, result: FixedType):
    for fixed in map(FixedType.parse, TYPES):
        layer, x = softmax_of(fixed, n, result), rows(fixed, n)
        value = layer.exact([Exact(x, fixed.frac)])
        y = result.cast(*value)
        right = np.clip(definition(fixed.to_float(x)), 0, float(result.max)) * 2.0**result.frac
        assert layer.deviation is not None and layer.deviation <= (1.75 if "TRN" in str(result) else 1.25)
        assert np.abs(y - right).max() <= layer.deviation
        proved = layer.interval([Interval.of_type(fixed, n)], [(n,)])
        assert proved.frac == value.frac and value.mantissas.min() >= 0
        assert value.mantissas.max() <= proved.highest <= 1.01 * 2.0**proved.frac
        first = np.take_along_axis(y, x.argmax(axis=-1)[:, None], axis=-1)[:, 0]
        assert (first == y.max(axis=-1)).all(), "the winner is never another"


def test_inner_steps_are_values_of_their_types():
    fixed = FixedType.parse("fixed<32,16>")
    layer = softmax_of(fixed, 7, FixedType.parse("fixed<32,16>"))
    held = layer.inner_steps([Exact(rows(fixed, 7), fixed.frac)])
    types = layer.inner_types()
    assert set(held) == set(types)
    for name, step in held.items():
        assert step.type == types[name]
        assert types[name].min_mantissa <= step.mantissas.min() and step.mantissas.max() <= types[name].max_mantissa


def test_generous_types_keep_their_bits():
    net = Net(0)
    net.call("Softmax", "p", net.input((10,)))
    project = project_of(net.source("p"), input_precision="fixed<24,12>", precision="fixed<32,16,RND,SAT>")
    x = np.random.default_rng(1).normal(size=(200, 10))
    held = project.evaluate(x)
    assert np.abs(held["p"] - definition(held["x"])).max() <= 1.25 * 2.0**-16


def test_what_cannot_keep_its_bits_says_so():
    net = Net(0)
    net.call("Softmax", "p", net.input((10,)))
    project = project_of(net.source("p"), input_precision="fixed<48,8>", precision="fixed<42,2,RND,SAT>")
    (note,) = [note for note in project.design.notes if "off by" in note]
    assert note.startswith("warning: p: Softmax")
