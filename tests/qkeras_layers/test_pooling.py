"""QAveragePooling2D and QGlobalAveragePooling2D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from tests.qkeras_layers.support import LIBRARY, answer, assert_same, grid, project_of, single

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
FACTOR = "quantized_bits(8,0,1,alpha=1)"
SHAPE = (9, 8, 3)


@pytest.mark.parametrize("strides", [None, 1])
@pytest.mark.parametrize("size", [2, 3, (2, 3), 4, (1, 4)])
def test_quantized_average_is_exact(size: Any, strides: int | None) -> None:
    """A sum times a short factor; QKeras 0.9 divides by the area and multiplies again, which rounds in float32."""
    model = single("QAveragePooling2D", SHAPE, pool_size=size, strides=strides, average_quantizer=FACTOR)
    assert_same(model, SHAPE, 2.0**-20 if LIBRARY == "qkeras" and size in (3, (2, 3)) else 0.0)


@pytest.mark.parametrize("average", ["quantized_bits(6,0,alpha=1)", "quantized_bits(4,0,alpha=1)", "binary(alpha=1)"])
def test_activation_follows(average: str) -> None:
    options = {"average_quantizer": average, "activation": "quantized_relu(5,3)"}
    assert_same(single("QAveragePooling2D", SHAPE, **options), SHAPE)
    assert_same(single("QGlobalAveragePooling2D", SHAPE, **options), SHAPE)


@pytest.mark.skipif(LIBRARY != "qkeras-v3", reason="qkeras 0.9 fails on a power of two for the factor")
def test_power_of_two_factor() -> None:
    assert_same(single("QAveragePooling2D", SHAPE, pool_size=3, average_quantizer="quantized_po2(4)"), SHAPE)


@pytest.mark.parametrize("average", [FACTOR, None])
def test_cut_windows(average: str | None) -> None:
    """Padding cuts windows to counts that are no powers of two: 1/count is held in 16 bits, rounded to nearest."""
    model = single("QAveragePooling2D", SHAPE, pool_size=4, padding="same", average_quantizer=average)
    largest = float(np.abs(answer(model, grid(SHAPE))).max())
    assert_same(model, SHAPE, 2.0**-14 * max(largest, 4.0) * 16)


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_average_is_exact(keepdims: bool) -> None:
    """A power of two of positions, so that QKeras 0.9's mean is exact too."""
    model = single("QGlobalAveragePooling2D", (8, 4, 3), average_quantizer=FACTOR, keepdims=keepdims)
    assert_same(model, (8, 4, 3))


def test_global_average_of_any_area() -> None:
    """QKeras 0.9 divides by 63 and multiplies by 63: its own rounding, at most a unit in the last place of the sum."""
    model = single("QGlobalAveragePooling2D", (9, 7, 3), average_quantizer=FACTOR)
    assert_same(model, (9, 7, 3), 0.0 if LIBRARY == "qkeras-v3" else 2.0**-23 * 4)


@pytest.mark.skipif(LIBRARY != "qkeras-v3", reason="qkeras 0.9 fails on it itself")
def test_fitted_factor_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="average_quantizer"):
        project_of(single("QGlobalAveragePooling2D", (4, 4, 2), average_quantizer="quantized_bits(8,0,alpha='auto')"))
