"""The example models as circuits, folded as far as their streams allow: every integer, every clock, any haste."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from tests.circuits import check_circuit

SAMPLES = 3
SLOWEST = {
    "digits_mlp": 1,
    "iris_mlp": 1,
    "jet_tagging": 1,
    "mnist_cnn_bn": 784,
    "mnist_gru": 728,
    "mnist_lstm": 560,
    "mnist_qcnn": 784,
    "mnist_transformer": 112,
    "residual_cnn": 784,
    "xor_mlp": 1,
}
"""Clocks a sample: the words of an image, or what the steps of a recurrent layer take."""


def test_every_example(examples: Path):
    assert {folder.parent.name for folder in examples.glob("*/model.keras")} == set(SLOWEST)


@pytest.mark.parametrize(
    "name", [n if n == "xor_mlp" else pytest.param(n, marks=pytest.mark.slow) for n in sorted(SLOWEST)]
)
def test_examples(name: str, examples: Path):
    folder = examples / name
    x = np.load(folder / "x.npy")
    project = hlsgen.convert(
        folder / "model.keras", backend="verilog", strategy="resource", reuse_factor="auto", calibration=x[:200]
    )
    assert project.circuit.interval <= 1.05 * SLOWEST[name]
    check_circuit(project, x[:SAMPLES])
