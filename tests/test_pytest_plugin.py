"""The plugin's fixture, and what its comparison says."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError, HlsgenError
from hlsgen.project import Project
from hlsgen.pytest_plugin import assert_bit_exact
from tests.fuzz.files import write_model
from tests.passes.builders import Net

if not any(e.value == "hlsgen.pytest_plugin" for e in importlib.metadata.entry_points(group="pytest11")):
    from hlsgen.pytest_plugin import _assert_bit_exact, hls_project  # noqa: F401  (from a source tree)

MakeProject = Callable[..., Project]


@pytest.fixture
def digits(hls_project: MakeProject, examples: Path) -> Project:
    return hls_project(examples / "digits_mlp" / "model.keras", input_precision="ufixed<5,1>")


@pytest.fixture
def x(examples: Path) -> np.ndarray:
    return np.load(examples / "digits_mlp" / "x.npy")[:20]


def message(*args: object, **options: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_bit_exact(*args, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_same_arguments_give_the_same_project(hls_project: MakeProject, examples: Path) -> None:
    path = examples / "digits_mlp" / "model.keras"
    first = hls_project(path, input_precision="ufixed<5,1>")
    assert hls_project(str(path), input_precision="ufixed<5,1>") is first
    assert hls_project(path, input_precision="ufixed<6,2>") is not first


def test_arrays_that_only_look_the_same_are_others(hls_project: MakeProject, examples: Path, x: np.ndarray) -> None:
    """NumPy prints the corners of large arrays."""
    path, large = examples / "digits_mlp" / "model.keras", np.repeat(x, 4, axis=0)
    other = large.copy()
    other[40, 30] += 100.0
    assert repr(large) == repr(other)
    first, second, third = (hls_project(path, calibration={"pixels": data}) for data in (large, other, large))
    assert first is third and first is not second


def written(path: Path, scale: float) -> None:
    """A model of one Dense, as a file."""
    net = Net()
    weights = {"kernel": np.full((2, 1), scale), "bias": np.zeros(1)}
    net.call("Dense", "fc", net.input((2,)), weights, units=1)
    write_model(net.source("fc"), path.parent, "h5")


def value(project: Project) -> float:
    return float(project.evaluate([[1.0, 1.0]])["fc"][0, 0])


@pytest.mark.parametrize("form", ["file", "mapping", "object", "text"])
def test_what_changes_is_converted_anew_whoever_names_it(
    hls_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path, calibration = tmp_path / "model.h5", tmp_path / "c.npy"
    written(path, 1.0)
    np.save(calibration, [[1.0, 2.0]])
    Path("c.yml").write_text("model: model.h5\ncalibration: c.npy\n")
    settings = {"model": "model.h5", "calibration": "c.npy"}
    config = {
        "file": Path("c.yml"), "text": "c.yml", "mapping": settings, "object": hlsgen.Config(**settings)
    }[form]  # fmt: skip
    first = hls_project(None, config)
    assert hls_project(None, config) is first and value(first) == 2.0
    written(path, 3.0)
    second = hls_project(None, config)
    assert value(second) == 6.0 and hls_project(None, config) is second
    np.save(calibration, [[100.0, 200.0]])
    assert hls_project(None, config) is not second
    if form in ("file", "text"):
        Path("c.yml").write_text("model: model.h5\ncalibration: c.npy\nreuse_factor: 2\n")
        with pytest.raises(ConfigError, match="unknown key 'reuse_factor'"):
            hls_project(None, config)


def test_data_are_known_by_their_content(hls_project: MakeProject, tmp_path: Path) -> None:
    written(tmp_path / "model.h5", 1.0)
    rows = [[1.0, 2.0], [3.0, 4.0]]
    forms = [rows, np.array(rows), {"x": np.array(rows)}, [np.array(rows)]]
    for form in forms:
        assert hls_project(tmp_path / "model.h5", calibration=form) is hls_project(
            str(tmp_path / "model.h5"), calibration=form
        )
    array = np.array(rows)
    first = hls_project(tmp_path / "model.h5", calibration=array)
    array *= 100
    assert hls_project(tmp_path / "model.h5", calibration=array) is not first


def nested_in_itself() -> list[object]:
    made: list[object] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": "x" * 300},
        {"model": "nul\0"},
        {"part": "x" * 2000},
        {"part": ["x"]},
        {"config": {"layers": {1: {}, "a": {}}}},
        {"config": 3},
        {"config": "none.yml"},
        {"overwrite": []},
        {"after_pass": {}},
        {"calibration": nested_in_itself()},
        {"calibration": {1: [1.0], "x": [2.0]}},
        {"calibration": "x" * 300},
        {"weights": 5},
        {"nonsense": 1},
    ],
    ids=range(14),
)
def test_whatever_is_refused_is_refused_by_hlsgen(hls_project: MakeProject, tmp_path: Path, arguments: Any) -> None:
    written(tmp_path / "model.h5", 1.0)
    with pytest.raises(HlsgenError):
        hls_project(**{"model": tmp_path / "model.h5", **arguments})


def test_a_setting_that_looks_like_a_long_path(hls_project: MakeProject, tmp_path: Path) -> None:
    written(tmp_path / "model.h5", 1.0)
    assert hls_project(tmp_path / "model.h5", part="x" * 300) is hls_project(tmp_path / "model.h5", part="x" * 300)


@pytest.mark.parametrize("expected", [10**400, -(10**5000)], ids=["400 digits", "5000 digits"])
def test_mantissas_of_any_size_are_shown(digits: Project, x: np.ndarray, expected: int) -> None:
    wanted = digits.predict(x, raw=True).astype(object)
    wanted[0, 0] = expected
    assert ("= inf" if expected > 0 else "= -inf") in message(digits, x, wanted, raw=True)


def test_equal(digits: Project, x: np.ndarray) -> None:
    assert_bit_exact(digits, x, digits.predict(x))
    assert_bit_exact(digits, x, digits.predict(x, raw=True), raw=True)


def test_the_fixture_is_the_function(assert_bit_exact: object) -> None:
    from hlsgen import pytest_plugin

    assert assert_bit_exact is pytest_plugin.assert_bit_exact


@pytest.mark.parametrize("raw", [False, True])
def test_one_element_differs(digits: Project, x: np.ndarray, raw: bool) -> None:
    expected = digits.predict(x, raw=raw).copy()
    found = digits.predict(x, raw=True)[3, 2]
    output = digits.design.outputs[0].type
    assert output is not None
    expected[3, 2] += 1 if raw else 2.0**-output.frac
    text = message(digits, x, expected, raw=raw)
    assert "1 of 200 values differ, in 1 of 20 samples" in text
    assert f"[3, 2], {output}:" in text
    assert re.search(rf"found +{found} = {re.escape(str(0 if found == 0 else float(found) * 2.0**-output.frac))}", text)
    assert re.search(rf"expected +{found + 1} = ", text)
    assert "emulator and reference values agree on every layer compared" in text


def test_a_value_the_type_cannot_hold(digits: Project, x: np.ndarray) -> None:
    expected = digits.predict(x).astype(np.float64)
    expected[0, 0] += 1e-12
    assert "the expected value is none that" in message(digits, x, expected)


def test_the_first_layer_to_diverge(digits: Project, x: np.ndarray) -> None:
    layers = {name: values.copy() for name, values in digits.trace(x).items() if name in ("fc1", "relu1", "fc2")}
    layers["relu1"][5, 7] += 1 / 16
    layers["fc2"][5, 0] += 1.0
    expected = digits.predict(x).copy()
    expected[5] += 1.0
    text = message(digits, x, expected, layers=layers)
    assert "first layer to diverge from the expected values: 'relu1'" in text


def test_layers_that_are_none(digits: Project, x: np.ndarray) -> None:
    text = message(digits, x, digits.predict(x) + 1, layers={"fc9": x})
    assert "['fc9'] are no layers of this project" in text


def test_a_bug_of_the_emulator_is_called_one(digits: Project, x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = digits.predict(x, raw=True)
    trace, predict = digits.trace, digits.predict
    wrong = {key: values + (key == "fc2") for key, values in trace(x[:1], raw=True).items()}
    monkeypatch.setattr(digits, "trace", lambda x, raw: wrong)
    monkeypatch.setattr(digits, "predict", lambda x, raw: predict(x, raw=True) + 1)
    text = message(digits, x, expected, raw=True)
    assert "first layer to diverge from the reference values: 'fc2'" in text
    assert "this is a bug of hlsgen" in text


def test_shapes_and_counts(digits: Project, x: np.ndarray) -> None:
    assert "shape (20, 10), expected (10,)" in message(digits, x, digits.predict(x)[0])
