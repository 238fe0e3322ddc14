"""What random networks found once, each as the smallest model that shows it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tests.qkeras_layers.random_models import Generator
from tests.qkeras_layers.support import LIBRARY, frameworks, grid, project_of

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
SHORT = "quantized_bits(4,1,1,alpha=1)"


def chain(shape: tuple[int, ...], *layers: tuple[str, dict[str, Any]], seed: int = 0) -> Any:
    """A model of layers in a row, QKeras's by their names and Keras's by theirs, with seeded weights."""
    qkeras, keras = frameworks()
    inputs = x = keras.Input(shape)
    for kind, options in layers:
        x = (
            getattr(qkeras, kind, None)(**options)(x)
            if hasattr(qkeras, kind)
            else getattr(keras.layers, kind)(**options)(x)
        )
    model = keras.Model(inputs, x)
    Generator(seed).randomize(model)
    return model


def assert_equal(model: Any, shape: tuple[int, ...], samples: int = 64) -> None:
    x = grid(shape, samples=samples)
    ours = project_of(model).evaluate(x)[model.layers[-1].name]
    np.testing.assert_array_equal(ours, np.asarray(model(x, training=False), dtype=np.float64))


@pytest.mark.parametrize(
    "behind", ["quantized_po2(4,4)", "ternary(alpha=1)", "quantized_hswish(6,2)", "quantized_bits(5,2)"]
)
@pytest.mark.parametrize("normalised", [False, True])
def test_bias_of_real_numbers(behind: str, normalised: bool) -> None:
    """It was rounded to the grid of the products in front of what is no plain rounding."""
    norm = [("BatchNormalization", {})] if normalised else []
    dense = ("QDense", {"units": 6, "kernel_quantizer": "ternary(alpha=1)"})
    assert_equal(chain((5,), dense, *norm, ("QActivation", {"activation": behind})), (5,))


def test_options_that_get_config_forgets() -> None:
    qkeras, _ = frameworks()
    bounded = qkeras.quantized_relu(6, 3, relu_upper_bound=6, is_quantized_clip=False)
    assert_equal(chain((5,), ("QActivation", {"activation": bounded})), (5,))


def test_internal_sigmoid_of_a_live_model() -> None:
    quantizers = importlib.import_module("qkeras.quantizers") if frameworks() else None
    assert quantizers is not None
    quantizers.set_internal_sigmoid("smooth")
    try:
        assert_equal(chain((5,), ("QActivation", {"activation": "quantized_tanh(6)"})), (5,))
    finally:
        quantizers.set_internal_sigmoid("hard")


@pytest.mark.parametrize(
    "behind",
    [
        "quantized_relu(12,3,negative_slope=0.25)",
        "quantized_relu(5,1,negative_slope=0.5)",
        "quantized_relu(5,1,negative_slope=0.03125)",
        "quantized_hswish(8,2)",
        "quantized_sigmoid(12)",
        "quantized_sigmoid(6,symmetric=1)",
        "quantized_relu(6,2,use_sigmoid=1)",
    ],
)
def test_wide_inputs(behind: str) -> None:
    """Behind an accumulator, which is too wide for a table."""
    dense = ("QDense", {"units": 6, "kernel_quantizer": "quantized_bits(8,1,1,alpha=1)", "bias_quantizer": SHORT})
    assert_equal(chain((5,), dense, ("QActivation", {"activation": behind})), (5,))


@pytest.mark.parametrize("pool", [("AveragePooling2D", {"pool_size": 3}), ("GlobalAveragePooling2D", {})])
@pytest.mark.parametrize("behind", ["quantized_bits(4,3)", "quantized_bits(6,2,1)"])
def test_ties_of_means(pool: tuple[str, dict[str, Any]], behind: str) -> None:
    """Sums by 9: 4.5 / 9 is a tie, and nothing beside it is."""
    x = np.clip(np.round(grid((3, 3, 2), samples=400) * 2) / 2, -4, 3.5)  # 4 is beyond the input type
    model = chain((3, 3, 2), pool, ("QActivation", {"activation": behind}))
    ours = project_of(model).evaluate(x)[model.layers[-1].name]
    np.testing.assert_array_equal(ours, np.asarray(model(x, training=False), dtype=np.float64))


def test_scale_axis_of_a_separable_convolution() -> None:
    """QKeras gives 1D kernels a height first, so axis 0 is that height: one scale for all."""
    qkeras, _ = frameworks()
    kernel = qkeras.quantized_bits(4, 0, 1, alpha="auto_po2", scale_axis=0)
    options = {"filters": 3, "kernel_size": 2, "depthwise_quantizer": kernel, "pointwise_quantizer": SHORT}
    assert_equal(chain((6, 3), ("QSeparableConv1D", {**options, "use_bias": False})), (6, 3))
