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


def test_only_what_it_wrote_is_replaced(call, tmp_path, iris):  # noqa: F811
    """Before anything is computed: a target of 2 is told behind it."""
    model = ("quantize", iris / "model.keras", "--data", iris / "x.npy", "--target", "2")
    mine = tmp_path / "mine.yml"
    mine.write_text("model: model.keras\n")
    for name, said in (
        ("mine.yml", "is there already and is no configuration of a quantisation; give another name, or overwrite"),
        ("none/q.yml", "cannot be written (No such file or directory)"),
        ("q.txt", "ends in .txt, expected .yml"),
    ):
        result = call(*model, "-o", tmp_path / name)
        assert result.status != 0 and said in result.err
    assert mine.read_text() == "model: model.keras\n"
    assert "target is 2.0" in call(*model, "-o", mine, "--overwrite").err
    bits = ("quantize", iris / "model.keras", "--data", iris / "x.npy", "--weight-bits", "8", "--result-bits")
    first, second = (call(*bits, width, "-o", tmp_path / "q.yml") for width in ("7", "8"))
    assert f"written to {tmp_path / 'q.yml'}" in first.out and f"written to {tmp_path / 'q.yml'}" in second.out
    assert (tmp_path / "q.yml").read_text().startswith("# quantised for agreement of 99 % or more")


def test_wrong_use_is_said(call, tmp_path, iris):  # noqa: F811
    result = call("quantize", iris / "model.keras", "--data", iris / "x.npy", "--target", "2", "-o", tmp_path / "q.yml")
    assert result.status != 0 and "target is 2.0" in result.err and not (tmp_path / "q.yml").exists()


def test_raw_samples_and_how_far_types_reach(call, tmp_path, iris):  # noqa: F811
    scaling = tmp_path / "scaled.yml"
    scaling.write_text("input_scaling: {offset: [1, 2, 3, 4], scale: [2, 1, 0.5, 0.25]}\n")
    arguments = [
        "quantize",
        iris / "model.keras",
        "--data",
        iris / "x.npy",
        "-o",
        tmp_path / "q.yml",
        "--target",
        "0.9",
    ]
    result = call(*arguments, "--input-ranges", "robust", "--input-deviations", "2", "--input-scaling", "zscore")
    assert "robust" in result.out and "clipped" in result.out and "x_scaled" not in (tmp_path / "q.yml").read_text()
    found = hlsgen.load_config(tmp_path / "q.yml")
    (numbers,) = found.input_scaling.values()
    assert np.allclose(numbers.offset, np.load(iris / "x.npy").mean(axis=0), atol=0.4) and found.input_clipping
    call(*arguments, "--config", scaling)
    (numbers,) = hlsgen.load_config(tmp_path / "q.yml").input_scaling.values()
    assert numbers.offset == (1.0, 2.0, 3.0, 4.0), "a configuration needs no type beside it"


def test_limits_and_what_is_held_out(call, tmp_path, iris):  # noqa: F811
    file = tmp_path / "q.yml"
    result = call(
        "quantize", iris / "model.keras", "--data", iris / "x.npy", "--target", "0.95", "--held-out", "0.4",
        "--most-weight-bits", "5", "--most-result-bits", "6", "--calibration", "percentile", "--percentile", "99", "-o", file,
    )  # fmt: skip
    assert result.status == 0 and "of 60 held-out samples" in result.out
    settings = {"held_out": 0.4, "most_weight_bits": 5.0, "most_result_bits": 6.0}
    again = hlsgen.quantize(
        iris / "model.keras",
        np.load(iris / "x.npy"),
        target=0.95,
        calibration="percentile",
        percentile=99.0,
        **settings,
    )
    assert hlsgen.convert(None, file).design.digest == again.project.design.digest
    for word, wrong, said in (
        ("--held-out", "2", "held_out is 2.0, expected a part between 0 and 1"),
        ("--percentile", "0", "percentile is 0.0"),
        ("--most-weight-bits", "1", "most_weight_bits is 1.0"),
        ("--most-result-bits", "99", "most_result_bits is 99.0"),
    ):
        result = call(
            "quantize", iris / "model.keras", "--data", iris / "x.npy", word, wrong, "-o", tmp_path / "no.yml"
        )
        assert result.status != 0 and said in result.err and not (tmp_path / "no.yml").exists()
