"""Sound designs: nothing is found in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from tests.diagnosis.models import EXAMPLES, example, normalised, onnx_images, onnx_perceptron, without_compiler

NAMES = ("digits_mlp", "iris_mlp", "mnist_cnn_bn", "mnist_qcnn", "mnist_gru", "residual_cnn", "xor_mlp")
SLOW = ("mnist_lstm", "mnist_transformer")


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    without_compiler(monkeypatch)


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_examples(name: str, calibrated: bool) -> None:
    model, x = example(name)
    project = hlsgen.convert(model, calibration=x[:64] if calibrated else None)
    assert project.diagnose(x, "graph") is None


@pytest.mark.parametrize("name", ["digits_mlp", "iris_mlp", "mnist_cnn_bn", "mnist_qcnn", "residual_cnn"])
def test_stock_configurations(name: str) -> None:
    config = hlsgen.load_config(EXAMPLES.parent / "configs" / f"{name}.yml")
    _, x = example(name)
    assert hlsgen.convert(None, config).diagnose(x, "graph") is None


@pytest.mark.parametrize("name", ["iris_mlp", "mnist_cnn_bn", "digits_mlp"])
def test_usual_types(name: str) -> None:
    """The types that people begin with."""
    model, x = example(name)
    assert hlsgen.convert(model, precision="fixed<16,6>").diagnose(x, "graph") is None


@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed: int) -> None:
    """Against Keras itself."""
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    rng = np.random.default_rng(seed)
    activations = ("relu", "tanh", "sigmoid", "linear", "softsign")
    made: list[Any] = [keras.Input((int(rng.integers(2, 9)),), name="x")]
    for place in range(int(rng.integers(1, 5))):
        made.append(keras.layers.Dense(int(rng.integers(2, 17)), str(rng.choice(activations)), name=f"d{place}"))
    model = keras.Sequential(made)
    x = rng.normal(size=(100, *model.input_shape[1:])).astype(np.float32)
    assert hlsgen.convert(model).diagnose(x) is None
    assert hlsgen.convert(model, calibration=x, default_width=12).diagnose(x) is None


def test_batch_normalisation_that_is_fused() -> None:
    model, x = normalised()
    assert hlsgen.convert(model).diagnose(x) is None


@pytest.mark.parametrize("make", [onnx_perceptron, onnx_images])
def test_onnx(make: Any) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = make()
    assert hlsgen.convert(model).diagnose(x) is None


def test_other_weights_in_kept_types() -> None:
    """A project whose types are not those of a new conversion is measured as it is."""
    model, x = normalised()
    project = hlsgen.convert(model).with_weights(model)
    assert project.diagnose(x) is None
