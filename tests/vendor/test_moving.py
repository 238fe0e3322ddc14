"""Permutations and regrouped packs: the firmware's text, its emulation without banks and shifting, and NumPy agree."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from tests.vendor.differential import Case, check

SHAPES = [(2, 3, 4), (4, 3, 2), (3, 8, 5), (1, 6, 1), (5, 1, 3), (2, 2, 2), (1, 1, 7)]
PACKS = [(12, 3, 12), (12, 12, 1), (12, 6, 4), (24, 4, 3), (6, 2, 2), (10, 1, 5)]
"""Elements of the tensor, of a pack taken, of a pack given."""
SAMPLES = 35  # more than one group of lanes, and a ragged end


def samples(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(-(2**23), 2**23, (SAMPLES, size))


def permutation(shape: tuple[int, ...], order: tuple[int, ...]) -> Case:
    x = samples(int(np.prod(shape)))
    expected = x.reshape(SAMPLES, *shape).transpose(0, *(axis + 1 for axis in order))
    names = ", ".join(map(str, (*shape, *order)))
    return Case(f"permuted<turned<{names}>>", x.ravel().tolist(), expected=expected.ravel().tolist())


def regrouping(size: int, taken: int, given: int) -> Case:
    x = samples(size).ravel().tolist()
    return Case(f"repacked<{size}, {taken}, {given}>", x, expected=x)


@pytest.mark.parametrize("options", ["", "-DHLSGEN_PLAIN_MATVEC"])
def test_moving_agrees(tmp_path: Path, options: str) -> None:
    cases = [permutation(shape, order) for shape in SHAPES for order in permutations(range(3))]
    cases += [regrouping(*packs) for packs in PACKS]
    assert check(cases, tmp_path, header="moving.h", options=options.split(), with_vendor=not options) > 0
