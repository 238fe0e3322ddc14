"""Where bits of one value lie: against every place that there is."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.explore.quantization.placement import Sample, around, cast, clips, place, place_input, squared_error, typed
from hlsgen.explore.quantization.simulation import sampled
from hlsgen.ir.types import FixedType


def values_of(kind: str, count: int = 500) -> np.ndarray:
    rng = np.random.default_rng(len(kind))
    return {
        "normal": rng.normal(size=count),
        "heavy": rng.standard_t(2, size=count),
        "positive": np.abs(rng.normal(size=count)) * 13,
        "uniform": rng.uniform(-0.3, 0.3, count),
        "outlier": np.append(rng.normal(size=count) / 8, [40.0]),
        "small": rng.normal(size=count) * 1e-4,
    }[kind]


KINDS = ("normal", "heavy", "positive", "uniform", "outlier", "small")


@pytest.mark.parametrize("width", [2, 3, 4, 6, 8, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_mse_is_the_best_of_all_places(kind: str, width: int) -> None:
    sample = sampled(values_of(kind))
    found = place(sample, width, "mse")
    signed = sample.low < 0
    every = [typed(width, integer, signed) for integer in range(-40, 20)]
    errors = [squared_error(sample.values, fixed) for fixed in every]
    assert squared_error(sample.values, found) == min(errors)
    assert (found.width, found.signed) == (width, signed)


@pytest.mark.parametrize("kind", KINDS)
def test_max_holds_the_largest_and_no_more(kind: str) -> None:
    sample = sampled(values_of(kind))
    found = place(sample, 8, "max")
    largest = max(sample.high, -sample.low)
    assert largest < 2.0 ** (found.integer - found.signed) <= 2 * largest


def test_percentile_gives_up_a_few() -> None:
    sample = sampled(values_of("outlier"))
    assert place(sample, 8, "percentile", 100.0) == place(sample, 8, "max")
    few = place(sample, 8, "percentile", 99.0)
    assert float(few.max) < 40 and (np.abs(sample.values) > float(few.max)).mean() <= 0.01


def test_what_is_read_above_zero_has_no_sign() -> None:
    sample = sampled(values_of("normal"))
    assert place(sample, 6, "max").signed and not place(sample.above_zero(), 6, "max").signed


def test_nothing_but_zeros_has_a_type() -> None:
    assert squared_error(np.zeros(5), place(Sample(np.zeros(5), 0.0, 0.0), 4, "mse")) == 0.0


@pytest.mark.parametrize("spelled", ["fixed<7,3,RND_CONV,SAT>", "ufixed<5,0,RND_CONV,SAT>", "fixed<4,6,RND_CONV,SAT>"])
def test_a_cast_is_that_of_the_type(spelled: str) -> None:
    fixed = FixedType.parse(spelled)
    rng = np.random.default_rng(3)
    halves = rng.integers(-200, 200, 400) * float(fixed.step) / 2  # ties among them
    values = np.concatenate([rng.normal(size=400) * 9, halves])
    assert np.array_equal(cast(values, fixed), fixed.to_float(fixed.quantize(values)))


def test_places_around_the_best_begin_with_it() -> None:
    sample = sampled(values_of("outlier"))
    found = around(sample, 5)
    assert found[0] == place(sample, 5, "mse") and len(set(found)) == len(found) > 2
    assert max(fixed.integer for fixed in found) <= place(sample, 5, "max").integer


def test_a_sample_of_much_meets_every_channel() -> None:
    values = np.tile(np.arange(64.0), 1 << 11)
    assert set(sampled(values).values) == set(range(64))


@pytest.mark.parametrize("width", [2, 3, 5, 7, 8, 10])
def test_pixels_are_not_clipped(width: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, 4000) / 256
    sample = sampled(np.append(pixels, 255 / 256))
    found = place_input(sample, width)
    assert not clips(sample, found) and float(cast(np.array([255 / 256]), found)[0]) >= 255 / 256 - 2.0**-found.frac / 2
    assert found.integer == (0 if width >= 8 else 1)


def test_an_input_is_clipped_where_that_is_worth_more_than_a_bit() -> None:
    sample = sampled(np.append(np.random.default_rng(0).normal(size=20_000), 12.0))
    found = place_input(sample, 4)
    assert clips(sample, found) and found == place(sample, 4, "mse")
    even = sampled(values_of("uniform"))
    assert not clips(even, place_input(even, 6))
