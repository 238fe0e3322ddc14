"""``hlsgen profile``, ``compare`` and ``sensitivity`` as a user calls them."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import yaml

import hlsgen
from tests.test_cli import call, config_file  # noqa: F401  (a fixture)


@pytest.fixture
def digits(examples):
    return examples / "digits_mlp"


def test_profile(call, tmp_path, digits):  # noqa: F811
    pytest.importorskip("matplotlib")
    result = call(
        "profile", digits / "model.keras", "--data", digits / "x.npy", "--input-precision", "ufixed<5,1>",
        "--plot", tmp_path / "p.png", "--csv", tmp_path / "p.csv",
    )  # fmt: skip
    assert result.status == 0 and "fc1.weight" in result.out and "300 samples" in result.out
    assert f"drawn to {tmp_path / 'p.png'}" in result.out and (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text().splitlines()))
    assert rows[0]["name"] == "pixels" and float(rows[0]["max"]) == 1.0


def test_compare_with_the_test_vectors_of_a_configuration(call, tmp_path, digits):  # noqa: F811
    result = call("compare", config_file(tmp_path, digits, input_precision="ufixed<5,1>"))
    assert result.status == 0 and "98.33%" in result.out and "Source model (" in result.out
    given = call("compare", tmp_path / "c.yml", "--outputs", digits / "expected_softmax.npy")
    assert given.status == 0 and "100.00% of 300" in given.out and "outputs as they were given" in given.out


def test_sensitivity(call, tmp_path, digits):  # noqa: F811
    path = config_file(tmp_path, digits, input_precision="ufixed<5,1>")
    result = call("sensitivity", path, "--widths", "3,5-6", "--layer", "fc1", "--csv", tmp_path / "s.csv")
    assert result.status == 0 and "accuracy against labels, 300 samples: 98.3 % as it is" in result.out
    project = hlsgen.convert(None, path)
    found = project.sensitivity(np.load(digits / "x.npy"), np.load(digits / "y.npy"), widths=(3, 5, 6), layers=["fc1"])
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [float(r["accuracy"]) for r in rows] == [p.value for p in found]
    suggested = result.out.partition("\nlayers:")
    said = yaml.safe_load(suggested[1] + suggested[2].partition("written to")[0])
    assert said == yaml.safe_load(found.suggest(0.01).yaml)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--widths", "2..10"], "--widths: expected bits such as '2-10' or '4,6,8', found '2..10'"),
        (["--widths", "10-2"], "no widths given"),
        (["--widths", "99"], "a width is 99"),
        (["--layer", "nope"], "nothing of 'nope' can be varied"),
        (["--loss", "-1"], "loss is -1.0"),
    ],
)
def test_what_is_refused(call, tmp_path, digits, words, message):  # noqa: F811
    path = config_file(tmp_path, digits, input_precision="ufixed<5,1>")
    more = [] if "--widths" in words else ["--widths", "8"]
    result = call("sensitivity", path, *words, *more)
    assert result.status in (1, 2) and message in result.err and "Traceback" not in result.err


def test_samples_are_needed(call, digits):  # noqa: F811
    for command in ("profile", "compare", "sensitivity"):
        result = call(command, digits / "model.keras")
        assert result.status == 2 and f"{command}: no samples given; name a .npy by --data" in result.err
