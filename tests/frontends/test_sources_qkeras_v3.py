"""qkeras-v3 on Keras 3: live models against every file format."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from tests.frontends.compare import assert_formats_agree, randomize

try:
    importlib.metadata.distribution("qkeras-v3")
except importlib.metadata.PackageNotFoundError:
    pytest.skip("qkeras-v3 is not installed", allow_module_level=True)
keras = pytest.importorskip("keras", minversion="3")
qkeras = pytest.importorskip("qkeras")
BITS = "quantized_bits(4,0,1,alpha=1)"


def test_every_quantized_layer(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3), name="image")
    x = qkeras.QConv2D(4, 3, kernel_quantizer=qkeras.quantized_bits(4, 0, alpha="auto"), bias_quantizer=BITS)(image)
    x = qkeras.QActivation(qkeras.quantized_relu(4), name="relu")(x)
    x = qkeras.QDepthwiseConv2D(3, depthwise_quantizer=BITS, bias_quantizer=BITS)(x)
    x = qkeras.QBatchNormalization()(x)
    x = keras.layers.Flatten()(x)
    x = qkeras.QDense(2, kernel_quantizer=BITS, bias_quantizer="ternary", activation="quantized_relu(3)")(x)
    live = assert_formats_agree(randomize(keras.Model(image, x)), tmp_path)
    assert live.flavour == "keras3+qkeras"
    roles = {c.class_name: list(c.weights) for c in live.calls}
    assert roles["QDense"] == ["kernel", "bias"]
    assert roles["QDepthwiseConv2D"] == ["depthwise_kernel", "bias"]


@pytest.mark.parametrize("name", ["QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm", "QDenseBatchnorm"])
def test_fused_batchnorm(tmp_path: Path, name: str) -> None:
    image = keras.Input((8,) if name == "QDenseBatchnorm" else (4, 4, 2))
    kernel = "depthwise_quantizer" if name.startswith("QDepthwise") else "kernel_quantizer"
    sizes = (1,) if name.startswith("QDepthwise") else (2,) if name == "QDenseBatchnorm" else (2, 1)
    layer = getattr(qkeras, name)(*sizes, **{kernel: BITS, "bias_quantizer": BITS})
    assert_formats_agree(randomize(keras.Model(image, layer(image))), tmp_path)


@pytest.mark.parametrize("name", ["QSeparableConv2D", "QSeparableConv1D"])
def test_separable(tmp_path: Path, name: str) -> None:
    image = keras.Input((4, 4, 2) if name.endswith("2D") else (4, 2))
    layer = getattr(qkeras, name)(2, 1, depthwise_quantizer=BITS, pointwise_quantizer=BITS)
    assert_formats_agree(randomize(keras.Model(image, layer(image))), tmp_path)


@pytest.mark.parametrize("name", ["QLSTM", "QGRU", "QSimpleRNN"])
def test_recurrent(tmp_path: Path, name: str) -> None:
    x = keras.Input((4, 2))
    layer = getattr(qkeras, name)(3, kernel_quantizer=BITS, recurrent_quantizer=BITS, bias_quantizer=BITS)
    assert_formats_agree(randomize(keras.Model(x, layer(x))), tmp_path)
