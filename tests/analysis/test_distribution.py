"""The distribution of numbers, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.analysis.distribution import QUANTILES, distribution


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_in_one_bin_and_in_one_octave(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(7, 11, 3)) * 2.0 ** rng.integers(-90, 60, (7, 11, 3)) * rng.integers(0, 2, (7, 11, 3))
    found = distribution(values)
    flat = values.reshape(-1)
    assert (found.count, found.zeros) == (flat.size, int((flat == 0).sum()))
    assert (found.low, found.high, found.largest) == (flat.min(), flat.max(), np.abs(flat).max())
    assert sum(found.counts) == flat.size and len(found.edges) == len(found.counts) + 1
    expected, _ = np.histogram(flat, found.edges)
    assert list(found.counts) == expected.tolist()
    octaves = {i + found.first_octave: n for i, n in enumerate(found.octaves) if n}
    by_hand: dict[int, int] = {}
    for v in np.abs(flat[flat != 0]):
        octave = min(max(int(np.floor(np.log2(v))), -80), 80)
        by_hand[octave] = by_hand.get(octave, 0) + 1
    assert octaves == by_hand
    assert list(found.quantiles) == np.quantile(flat, QUANTILES).tolist()
    assert found.sparsity == found.zeros / found.count


def test_numbers_that_are_all_equal_have_one_bin():
    found = distribution(np.full((3, 2), -1.5))
    assert (found.edges, found.counts) == ((-1.5, -1.5), (6,))
    assert (found.first_octave, found.octaves, found.rms) == (0, (6,), 1.5)


def test_zeros_have_no_octave():
    found = distribution(np.zeros(5))
    assert (found.zeros, found.octaves, found.counts, found.rms) == (5, (), (5,), 0.0)


def test_neighbours_that_floats_cannot_part_have_one_bin():
    found = distribution(np.array([1.0, np.nextafter(1.0, 2.0)]))
    assert (len(found.edges), found.counts) == (2, (2,))
