"""``hlsgen quantize`` as a user calls it."""

from __future__ import annotations

import numpy as np
import pytest

import hlsgen
from tests.test_cli import call  # noqa: F401  (a fixture)


@pytest.fixture
def iris(examples):
    return examples / "iris_mlp"


def test_a_model_and_its_samples_become_a_configuration(call, tmp_path, iris):  # noqa: F811
    file = tmp_path / "found" / "quantized.yml"
    file.parent.mkdir()
    result = call(
        "quantize", iris / "model.keras", "--data", iris / "x.npy", "--labels", iris / "y.npy", "--target", "0.95",
        "--output", file,
    )  # fmt: skip
    assert result.status == 0 and f"written to {file}" in result.out
    assert "of 75 held-out samples" in result.out and "accuracy: " in result.out
    x = np.load(iris / "x.npy")
    found = hlsgen.convert(None, file)
    again = hlsgen.quantize(iris / "model.keras", x, np.load(iris / "y.npy"), 0.95)
    assert found.design.digest == again.project.design.digest
    assert (found.evaluate(x)["classes"].argmax(axis=1) == np.load(iris / "y.npy")).mean() > 0.9


def test_a_target_out_of_reach_is_a_failure(call, tmp_path, iris):  # noqa: F811
    result = call(
        "quantize", iris / "model.keras", "--data", iris / "x.npy", "--weight-bits", "2", "--result-bits", "2",
        "-o", tmp_path / "q.yml",
    )  # fmt: skip
    assert result.status == 1 and "NOT MET" in result.out and (tmp_path / "q.yml").is_file()


def test_wrong_use_is_said(call, tmp_path, iris):  # noqa: F811
    result = call("quantize", iris / "model.keras", "--data", iris / "x.npy", "--target", "2", "-o", tmp_path / "q.yml")
    assert result.status != 0 and "target is 2.0" in result.err and not (tmp_path / "q.yml").exists()
