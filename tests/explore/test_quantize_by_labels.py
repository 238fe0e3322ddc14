"""Labels of a model with one output are handed to ``quantize`` as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import hlsgen

FOLDER = Path(__file__).resolve().parents[2] / "example-models" / "jet_tagging"


def test_accuracy_is_held_against_labels() -> None:
    x, y = (np.load(FOLDER / f"{name}.npy")[:400] for name in "xy")
    found = hlsgen.quantize(FOLDER / "model.keras", x, y, metric="accuracy", target=0.95)
    meant = np.load(FOLDER / "expected.npy")[:400].argmax(axis=1) == y
    assert found.samples == 200 and found.float_accuracy is not None and found.accuracy is not None
    assert round(200 * found.float_accuracy) <= meant.sum()
    assert found.accuracy >= 0.95 * found.float_accuracy
