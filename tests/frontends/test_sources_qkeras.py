"""QKeras 0.9 on tf_keras: live models against every file format."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.model import read_keras
from tests.frontends.compare import assert_formats_agree, randomize


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


if not _version("qkeras").startswith("0.9"):
    pytest.skip("qkeras 0.9 is not installed", allow_module_level=True)
keras = pytest.importorskip("tf_keras")
qkeras = pytest.importorskip("qkeras")
BITS = "quantized_bits(4,0,1,alpha=1)"


def quantized_cnn() -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = qkeras.QConv2DBatchnorm(
        4,
        3,
        kernel_quantizer=qkeras.quantized_bits(4, 0, alpha="auto"),
        bias_quantizer=qkeras.quantized_bits(8, 2),
    )(image)
    x = qkeras.QActivation(qkeras.quantized_relu(4), name="relu")(x)
    x = qkeras.QDepthwiseConv2D(3, depthwise_quantizer=BITS, bias_quantizer="quantized_po2(4)")(x)
    x = qkeras.QAdaptiveActivation("quantized_relu", 8)(x)
    x = qkeras.QBatchNormalization()(x)
    x = qkeras.QSeparableConv2D(4, 1, depthwise_quantizer=BITS, pointwise_quantizer=BITS, use_bias=False)(x)
    x = qkeras.QDepthwiseConv2DBatchnorm(1, depthwise_quantizer=BITS, bias_quantizer=BITS)(x)
    x = qkeras.QActivation("quantized_bits(8)")(x)
    x = keras.layers.Reshape((-1, 4))(x)
    x = qkeras.QConv1D(3, 2, kernel_quantizer=BITS)(x)
    x = qkeras.QBidirectional(
        qkeras.QLSTM(2, kernel_quantizer=BITS, recurrent_quantizer=BITS, bias_quantizer=BITS, return_sequences=True)
    )(x)
    x = qkeras.QLSTM(2, kernel_quantizer=BITS, recurrent_quantizer=BITS, bias_quantizer=BITS)(x)
    x = qkeras.QDense(2, kernel_quantizer=BITS, bias_quantizer="ternary", activation="quantized_relu(3)")(x)
    return keras.Model(image, x)


def test_every_quantized_layer(tmp_path: Path) -> None:
    live = assert_formats_agree(randomize(quantized_cnn()), tmp_path)
    roles = {c.class_name: list(c.weights) for c in live.calls}
    assert roles["QConv2DBatchnorm"] == [
        "kernel", "bias", "iteration", "gamma", "beta", "moving_mean", "moving_variance"
    ]  # fmt: skip
    assert roles["QAdaptiveActivation"] == ["step", "ema_min", "ema_max"]
    assert roles["QDense"] == ["kernel", "bias"]
    assert live.flavour == "keras2+qkeras"
    assert {c.module.partition(".")[0] for c in live.calls if c.class_name.startswith("Q")} == {"qkeras"}


@pytest.mark.parametrize("frozen", [False, True])
def test_batchnorm_parts_inside_nested_models(tmp_path: Path, frozen: bool) -> None:
    image, inner_in = keras.Input((4, 4, 2)), keras.Input((4, 4, 2))
    layer = qkeras.QConv2DBatchnorm(2, 1, kernel_quantizer=BITS, bias_quantizer=BITS, name="fused")
    inner = keras.Model(
        inner_in, qkeras.QConv2D(2, 1, kernel_quantizer=BITS, name="after")(layer(inner_in)), name="inner"
    )
    layer.trainable = not frozen
    assert_formats_agree(randomize(keras.Model(image, inner(image))), tmp_path)


def test_quantizer_configurations_are_plain() -> None:
    calls = {c.name: c for c in read_keras(quantized_cnn()).calls}
    assert calls["relu"].config["activation"]["class_name"] == "quantized_relu"
    assert calls["relu"].config["activation"]["config"]["bits"] == 4


def test_wrong_shape_against_the_configuration() -> None:
    model = keras.Sequential([keras.Input((3,)), qkeras.QDense(2, kernel_quantizer=BITS, name="d")])
    model.layers[0].units = 5
    with pytest.raises(ModelError, match=r"layer 'd'.*'kernel' has shape \(3, 2\).*gives \(3, 5\)"):
        read_keras(model)
    assert np.all(np.isfinite(model.get_weights()[0]))
