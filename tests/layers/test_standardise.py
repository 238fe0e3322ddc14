"""A standardisation keeps the bits of its result, whatever the types, the number and the size of its values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure
from tests.passes.builders import Net, project_of

TYPES = ["fixed<6,3>", "fixed<16,6>", "ufixed<12,2>", "fixed<24,12>", "fixed<32,16>", "fixed<6,9>", "fixed<1,1>"]
RESULTS = ["fixed<16,4,RND,SAT>", "fixed<8,3,RND,SAT>", "fixed<24,6,RND,SAT>", "fixed<12,8,TRN,SAT>"]
EPSILONS = [0.0, 1e-12, 1e-3, 0.5]


def standardise(measure: Measure, epsilon: float, x: FixedType, n: int, result: FixedType) -> Standardise:
    layer = replace(Standardise(measure, epsilon), input_type=x, values=n).finished(result)
    assert isinstance(layer, Standardise)
    return layer


def rows(fixed: FixedType, n: int) -> Any:
    """Rows of all sizes: large and small ones, all equal, zeros, one that stands alone, one a step beside the others."""
    rng = np.random.default_rng(n)
    drawn = rng.integers(fixed.min_mantissa, fixed.max_mantissa, (60, n), endpoint=True)
    drawn >>= rng.integers(0, fixed.width, (60, 1))
    drawn[0], drawn[1], drawn[2], drawn[3] = fixed.min_mantissa, fixed.max_mantissa, 0, fixed.min_mantissa
    drawn[3, 0] = fixed.max_mantissa
    drawn[4] = fixed.min_mantissa
    drawn[4, -1] += 1
    return drawn


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("measure", Measure)
def test_results_are_within_what_is_stated_and_proved(measure: Measure, n: int) -> None:
    results = list(map(FixedType.parse, RESULTS))
    for number, fixed in enumerate(map(FixedType.parse, TYPES)):
        for place, epsilon in enumerate(EPSILONS):
            result = results[(number + place) % len(results)]
            layer, x = standardise(measure, epsilon, fixed, n, result), rows(fixed, n)
            value = layer.exact([Exact(x, fixed.frac)])
            right = layer.evaluate_float([fixed.to_float(x).astype(np.longdouble)])
            right = np.clip(right, float(result.min), float(result.max)) * 2.0**result.frac
            assert layer.deviation is not None and layer.deviation <= (1.5 if "TRN" in str(result) else 1.0)
            assert np.abs(result.cast(*value) - right).max() <= layer.deviation
            proved = layer.interval([Interval.of_type(fixed, n)], [(n,)])
            assert proved.frac == value.frac
            assert proved.lowest <= value.mantissas.min() and value.mantissas.max() <= proved.highest


@pytest.mark.parametrize("measure", Measure)
def test_inner_steps_are_values_of_their_types(measure: Measure) -> None:
    fixed = FixedType.parse("fixed<24,12>")
    layer = standardise(measure, 1e-6, fixed, 7, FixedType.parse("fixed<16,4>"))
    held, types = layer.inner_steps([Exact(rows(fixed, 7), fixed.frac)]), layer.inner_types()
    assert list(held) == list(types)
    for name, step in held.items():
        assert step.type == types[name]
        assert types[name].min_mantissa <= step.mantissas.min() and step.mantissas.max() <= types[name].max_mantissa
    front = held["mantissa"].mantissas >> types["mantissa"].width - 2
    assert (front > 0).all(), "one of the first two bits is set"


@pytest.mark.parametrize("size", [2.0**-12, 1.0, 2.0**12])
def test_no_bit_depends_on_the_size_of_the_inputs(size: float) -> None:
    """Inputs times a power of two, in types times the same, with epsilon times its square: the same integers."""
    x = rows(FixedType.parse("fixed<16,6>"), 9)
    shift = int(np.log2(size))
    found = [
        standardise(
            Measure.DEVIATION, 2.0**-10 * factor**2, FixedType(16, 6 + by), 9, FixedType.parse("fixed<16,4>")
        ).exact([Exact(x, 10 - by)])
        for factor, by in ((1.0, 0), (size, shift))
    ]
    assert found[0].frac == found[1].frac
    np.testing.assert_array_equal(found[0].mantissas, found[1].mantissas)


def network(class_name: str, shape: tuple[int, ...], **options: Any) -> Any:
    net = Net(0)
    net.call(class_name, "y", net.input(shape), **options)
    return net.source("y")


@pytest.mark.parametrize(("class_name", "reach"), [("LayerNormalization", 63**0.5), ("UnitNormalization", 1.0)])
def test_a_value_that_stands_alone_is_held(class_name: str, reach: float) -> None:
    """By the range of the layer itself, which no estimate of what is usual may cut."""
    options = {"epsilon": 1e-9, "scale": False, "center": False} if class_name == "LayerNormalization" else {}
    project = project_of(network(class_name, (64,), **options))
    x = np.zeros((1, 64))
    x[0, 5] = 3.0
    assert project.evaluate(x)["y"][0, 5] == pytest.approx(reach, abs=2.0**-10)


def test_what_is_too_wide_is_refused_by_name() -> None:
    source = network("LayerNormalization", (4096,), scale=False, center=False)
    with pytest.raises(UnsupportedError, match=r"layer 'y': a product of Standardise has \d+ bits.*narrower types"):
        project_of(source, input_precision="fixed<60,30>").summary()


@pytest.mark.parametrize(
    ("axis", "rank", "words"), [(0, 2, "axis=\\[0\\]"), (4, 3, "from 1 to 3"), ([1, -3], 3, "axis")]
)
def test_axes_that_there_are_not(axis: Any, rank: int, words: str) -> None:
    with pytest.raises(UnsupportedError, match=f"layer 'y' .LayerNormalization.: option axis=.*{words}|{words}"):
        project_of(network("LayerNormalization", (4,) * rank, axis=axis, scale=False, center=False))


def test_factors_of_rms_normalization_belong_to_the_last_axes() -> None:
    """Along which Keras multiplies, whatever was normalised."""
    with pytest.raises(UnsupportedError, match="normalise the last ones"):
        project_of(network("RMSNormalization", (4, 4), axis=1))
