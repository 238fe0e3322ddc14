"""The script that draws jets: the same from a seed, and the same through a file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hlsgen import data

FOLDER = Path(__file__).resolve().parents[1] / "example-models" / "jet_tagging"


@pytest.fixture(scope="module")
def jets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("jets_of_the_example", FOLDER / "jets.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_a_seed_is_what_they_depend_on(jets: ModuleType) -> None:
    x, y = jets.make(500, 7)
    again, other = jets.make(500, 7), jets.make(500, 8)
    assert x.shape == (500, 16) and x.dtype == np.float32 and set(y) == set(range(5))
    np.testing.assert_array_equal(x, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(x, other[0])


def test_stored_samples_are_drawn_by_it(jets: ModuleType) -> None:
    """As train.py draws and normalises them."""
    raw, held_out = jets.make(40_000, 1)[0], jets.make(20_000, 2)
    mean, deviation = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
    stored = np.load(FOLDER / "x.npy")
    np.testing.assert_array_equal(np.load(FOLDER / "y.npy"), held_out[1][: len(stored)])
    np.testing.assert_allclose(stored, (held_out[0][: len(stored)] - mean) / deviation, rtol=1e-5, atol=1e-5)


def test_a_file_holds_all_of_them(jets: ModuleType, tmp_path: Path) -> None:
    jets.write(tmp_path / "jets.csv", 200, 3)
    read = data.load(tmp_path / "jets.csv", x=jets.FEATURES, y="label", classes=jets.CLASSES)
    x, y = jets.make(200, 3)
    np.testing.assert_array_equal(read.x.astype(np.float32), x)
    np.testing.assert_array_equal(read.y, y)
