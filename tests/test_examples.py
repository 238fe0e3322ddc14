"""Every example model, from its stored files alone: no framework, no tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "example-models"
QKERAS = {
    "digits_mlp/model.keras": "ufixed<5,1>",
    "digits_mlp/model.h5": "ufixed<5,1>",
    "mnist_qcnn/model.keras": "ufixed<8,0>",
}
"""Inputs on a binary grid: the input type that holds it."""
FLOAT = ("iris_mlp", "jet_tagging", "mnist_cnn_bn", "residual_cnn", "mnist_lstm", "mnist_gru", "mnist_transformer")
BITS = ("xor_mlp",)
"""A single output: no classes to compare."""
IO_TYPES = ("io_parallel", "io_stream")


def stored(folder: Path, name: str) -> Any:
    return np.load(folder / f"{name}.npy")


def test_every_example_is_tested():
    folders = {p.parent.name for p in EXAMPLES.glob("*/model.*")}
    assert folders == {Path(m).parent.name for m in QKERAS} | set(FLOAT) | set(BITS)


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("file", QKERAS)
def test_qkeras_logits_are_equal(file, io_type):
    path = EXAMPLES / file
    project = hlsgen.convert(path, input_precision=QKERAS[file], io_type=io_type)
    x, logits = stored(path.parent, "x"), stored(path.parent, "expected")
    got = project.trace(x)["logits"]
    assert got.dtype == np.float32 and got.shape == logits.shape
    np.testing.assert_array_equal(got, logits)
    # trace is its own build, always with arrays: predict runs the io type that was asked for
    np.testing.assert_array_equal(project.predict(x, raw=True), project.trace(x, raw=True)["softmax"])


@pytest.mark.parametrize("file", QKERAS)
def test_qkeras_logits_are_equal_with_the_default_input(file):
    """fixed<16,6> holds both grids too: exactness needs no tuning here."""
    path = EXAMPLES / file
    project = hlsgen.convert(path)
    np.testing.assert_array_equal(project.trace(stored(path.parent, "x"))["logits"], stored(path.parent, "expected"))


@pytest.mark.parametrize("file", QKERAS)
def test_qkeras_softmax_keeps_the_class(file):
    path = EXAMPLES / file
    x, y = stored(path.parent, "x"), stored(path.parent, "expected_softmax")
    got = hlsgen.convert(path).predict(x)
    assert np.abs(got - y).max() < 2**-10  # 18-bit exponentials, a 13-bit reciprocal
    ranked = np.sort(y, axis=-1)
    clear = ranked[:, -1] - ranked[:, -2] > 2**-9
    np.testing.assert_array_equal(got.argmax(-1)[clear], y.argmax(-1)[clear])


@pytest.mark.parametrize("io_type", IO_TYPES)
@pytest.mark.parametrize("name", FLOAT)
def test_float_example_agrees_with_keras(name, io_type):
    folder = EXAMPLES / name
    x, expected = stored(folder, "x"), stored(folder, "expected")
    project = hlsgen.convert(folder / "model.keras", io_type=io_type)
    got = project.predict(x)
    assert got.shape == expected.shape
    assert np.isfinite(got).all()
    agreement = (got.argmax(-1) == expected.argmax(-1)).mean()
    assert agreement >= 0.995, f"top-1 agreement {agreement:.4f}"


@pytest.mark.parametrize("name", BITS)
def test_example_of_bits(name):
    folder = EXAMPLES / name
    x, y, expected = (stored(folder, part) for part in ("x", "y", "expected"))
    got = hlsgen.convert(folder / "model.keras").predict(x)
    np.testing.assert_array_equal(np.rint(got[:, 0]), y)
    assert np.abs(got - expected).max() < 2**-9


@pytest.mark.parametrize("name", [*FLOAT, *BITS, "digits_mlp", "mnist_qcnn"])
def test_executors_agree(name):
    """NumPy and both emulators, on every trace key (the vendor's headers: tests/ladder)."""
    folder = EXAMPLES / name
    x = stored(folder, "x")[:20]
    parallel, stream = (hlsgen.convert(folder / "model.keras", io_type=io) for io in IO_TYPES)
    reference, traced = parallel.evaluate(x, raw=True), parallel.trace(x, raw=True)
    assert reference.keys() == traced.keys()
    for key, values in reference.items():
        np.testing.assert_array_equal(traced[key], values, err_msg=key)
    np.testing.assert_array_equal(parallel.predict(x, raw=True), stream.predict(x, raw=True))


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yml")), ids=lambda p: p.stem)
def test_configuration_keeps_accuracy(path):
    config = hlsgen.load_config(path)
    assert config.test_vectors is not None
    if config.test_vectors.x.parent.name in BITS:
        pytest.skip("a single output has no classes; test_example_of_bits")
    assert config.test_vectors.y is not None
    project = hlsgen.convert(None, config)
    x, y = np.load(config.test_vectors.x), np.load(config.test_vectors.y)
    expected = np.load(config.test_vectors.x.with_name("expected.npy"))
    classes = project.predict(x).argmax(-1)
    assert (classes == expected.argmax(-1)).mean() >= 0.995
    assert (classes == y).mean() >= (expected.argmax(-1) == y).mean() - 0.005
