"""A softmax keeps the bits of its result, whatever the types of argument and result and the number of classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.types import FixedType
from hlsgen.layers.log_softmax import LogSoftmax
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


def log_definition(x: Any) -> Any:
    x = x.astype(np.longdouble)
    below = x - x.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


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


@pytest.mark.parametrize("result", ["fixed<16,6,RND_CONV,SAT>", "fixed<30,18,RND,SAT>", "fixed<8,9,TRN,SAT>"])
@pytest.mark.parametrize("n", [1, 2, 5, 100, 1000])
def test_logarithms_are_within_a_step_and_what_is_stated(n: int, result: str):
    """Far from the largest input as well, where a softmax has no bits left."""
    fixed_result = FixedType.parse(result)
    for fixed in map(FixedType.parse, TYPES):
        layer, x = replace(LogSoftmax(), input_type=fixed, classes=n).finished(fixed_result), rows(fixed, n)
        value = layer.exact([Exact(x, fixed.frac)])
        right = np.clip(log_definition(fixed.to_float(x)), float(fixed_result.min), 0) * 2.0**fixed_result.frac
        assert layer.deviation is not None and layer.deviation <= (1.8 if "TRN" in result else 1.3)
        assert np.abs(fixed_result.cast(*value) - right).max() <= layer.deviation
        proved = layer.interval([Interval.of_type(fixed, n)], [(n,)])
        assert proved.frac == value.frac and proved.lowest <= value.mantissas.min()
        assert value.mantissas.max() <= proved.highest == 0


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
def test_inner_steps_are_values_of_their_types(kind: Any):
    fixed = FixedType.parse("fixed<32,16>")
    layer = replace(kind(), input_type=fixed, classes=7).finished(FixedType.parse("fixed<32,16>"))
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
