"""The plugin's fixture, and what its comparison says."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hlsgen.project import Project
from hlsgen.pytest_plugin import assert_bit_exact

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
