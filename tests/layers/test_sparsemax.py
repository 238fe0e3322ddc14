"""A sparsemax keeps the bits of its result, and decides exactly what is zero."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers.sparsemax import Sparsemax

TYPES = ["fixed<6,1>", "fixed<16,6>", "ufixed<12,2>", "fixed<40,4>", "fixed<6,9>", "fixed<1,1>"]


def definition(row: Any, frac: int, as_keras: bool = False) -> list[Fraction]:
    """In rational numbers, as it is defined: the threshold by which what is left sums to 1. Or as Keras 3.15 has it."""
    z = [int(v) * Fraction(2) ** -frac for v in row]
    ordered = sorted(z, reverse=True)
    support = [j for j in range(1, len(z) + 1) if 1 + j * ordered[j - 1] > sum(ordered[:j])]
    if as_keras:
        tau = (sum(sum(ordered[:j]) for j in support) - 1) / len(support)
        return [max(v - tau, Fraction(0)) for v in z]
    tau = (sum(ordered[: len(support)]) - 1) / len(support)
    found = [max(v - tau, Fraction(0)) for v in z]
    assert sum(found) == 1
    return found


def rows(fixed: FixedType, n: int) -> Any:
    """Of one size, far apart, all equal, with ties, one step apart."""
    rng = np.random.default_rng(n)
    drawn = rng.integers(fixed.min_mantissa, fixed.max_mantissa, (60, n), endpoint=True)
    drawn >>= rng.integers(0, fixed.width, (60, 1))
    drawn[0], drawn[1], drawn[2] = fixed.min_mantissa, fixed.max_mantissa, fixed.min_mantissa
    drawn[2, 0], drawn[3, 1:] = fixed.max_mantissa, drawn[3, 0]
    drawn[3, -1] = fixed.min_mantissa
    return drawn


@pytest.mark.parametrize("as_keras", [False, True], ids=["defined", "keras"])
@pytest.mark.parametrize("result", ["ufixed<17,1,RND,SAT>", "fixed<8,4,RND,SAT>", "fixed<28,2,TRN,SAT>"])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 40])
def test_results_are_within_a_step_and_what_is_stated(n: int, result: str, as_keras: bool) -> None:
    output = FixedType.parse(result)
    for fixed in map(FixedType.parse, TYPES):
        layer = replace(Sparsemax(as_keras), input_type=fixed, classes=n).finished(output)
        x = rows(fixed, n)
        value = layer.exact([Exact(x, fixed.frac)])
        right = [[min(v, output.max) for v in definition(row, fixed.frac, as_keras)] for row in x]
        assert layer.deviation is not None and layer.deviation <= (1.5 if "TRN" in result else 1.0)
        off = np.abs(output.cast(*value) - np.array(right, dtype=np.float64) * 2.0**output.frac)
        assert off.max() <= layer.deviation
        proved = layer.interval([Interval.of_type(fixed, n)], [(n,)])
        assert proved.frac == value.frac and value.mantissas.min() >= 0 == proved.lowest
        assert value.mantissas.max() <= proved.highest


@pytest.mark.parametrize("as_keras", [False, True], ids=["defined", "keras"])
def test_inner_steps_are_values_of_their_types(as_keras: bool) -> None:
    fixed = FixedType.parse("fixed<32,16>")
    layer = replace(Sparsemax(as_keras), input_type=fixed, classes=7).finished(FixedType.parse("fixed<32,16>"))
    held = layer.inner_steps([Exact(rows(fixed, 7), fixed.frac)])
    assert list(held) == list(layer.inner_types())
    for name, step in held.items():
        assert step.type == layer.inner_types()[name]
        assert step.type.min_mantissa <= step.mantissas.min() and step.mantissas.max() <= step.type.max_mantissa


@pytest.mark.parametrize("as_keras", [False, True], ids=["defined", "keras"])
def test_real_numbers(as_keras: bool) -> None:
    x = np.random.default_rng(0).normal(size=(50, 6))
    wanted = [[float(v) for v in definition(np.round(row * 2**40), 40, as_keras)] for row in x]
    np.testing.assert_allclose(Sparsemax(as_keras).evaluate_float([x]), wanted, atol=1e-11)
