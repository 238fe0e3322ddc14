"""QBatchNormalization, and the layers that fold one into their kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.layers.linear import LinearLayer
from tests.qkeras_layers.support import LIBRARY, answer, assert_same, grid, project_of, single

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
V3 = pytest.mark.skipif(LIBRARY != "qkeras-v3", reason="qkeras-v3 only")
NONE = dict.fromkeys(["gamma_quantizer", "beta_quantizer", "mean_quantizer", "variance_quantizer"])
SHORT = dict.fromkeys(NONE, "quantized_bits(8,2,1,alpha=1)")


def float32_bound(model: Any, x: Any) -> float:
    """What QKeras's own rounding may change in ``x * inverse + bias``.

    Two units in the last place of ``inverse`` (rsqrt), half a unit of the product and of the sum, and hlsgen's 24
    bits for the largest factor: together less than 2**-21 of the largest product and bias.
    """
    project = project_of(model)
    (layer,) = [n.layer for n in project.design if isinstance(n.layer, LinearLayer)]
    product = np.abs(x).max() * np.abs(layer.weight.effective).max()
    return float(2.0**-21 * (product + np.abs(layer.bias.effective).max()))


@pytest.mark.parametrize("shape", [(5,), (16,), (4, 3, 8)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        NONE,
        SHORT,
        {"center": False},
        {"scale": False},
        {"center": False, "scale": False, **NONE},
        {"gamma_quantizer": "quantized_bits(6,1,alpha='auto_po2')", "beta_quantizer": "ternary(alpha=1)"},
        {"variance_quantizer": None, "mean_quantizer": "quantized_po2(4,1)", "epsilon": 0.01},
        pytest.param({**NONE, "inverse_quantizer": "quantized_bits(16,4,1,alpha=1)"}, marks=V3),
    ],
)
def test_within_float32(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    model = single("QBatchNormalization", shape, seed=len(options), **options)
    assert_same(model, shape, float32_bound(model, grid(shape)))


def test_exact_where_every_factor_is_short() -> None:
    """Variances that are powers of four and no epsilon: nothing is rounded.

    TensorFlow's reciprocal root is not exact even here on some processors, so the formula is computed here, with the
    constants as QKeras's own quantisers round them; QKeras itself is within its bound.
    """
    model, x = single("QBatchNormalization", (5,), epsilon=0.0, **SHORT | {"variance_quantizer": None}), grid((5,))
    layer = model.layers[-1]
    variances = np.float32([0.25, 1, 4, 16, 0.0625])
    next(w for w in layer.weights if "variance" in str(getattr(w, "path", w.name))).assign(variances)
    gamma, beta, mean = (
        np.asarray(getattr(layer, f"{role}_quantizer_internal")(getattr(layer, weight)), dtype=np.float64)
        for role, weight in (("gamma", "gamma"), ("beta", "beta"), ("mean", "moving_mean"))
    )
    project = assert_same(model, (5,), float32_bound(model, x))
    exact = (x - mean) * gamma / np.sqrt(variances.astype(np.float64)) + beta
    np.testing.assert_array_equal(project.evaluate(x)["layer"], exact)
    (layer,) = [n.layer for n in project.design if isinstance(n.layer, LinearLayer)]
    assert layer.weight.given
    assert layer.bias.given


@V3
@pytest.mark.parametrize("quantizer", ["quantized_bits(8,3,1,alpha=1)", "quantized_po2(5)", "quantized_linear(8,3)"])
def test_inverse_quantizer_is_exact(quantizer: str) -> None:
    options = SHORT | {"gamma_quantizer": None, "variance_quantizer": None, "inverse_quantizer": quantizer}
    assert_same(single("QBatchNormalization", (4, 4, 6), **options), (4, 4, 6))


def test_other_axes_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="only the last axis"):
        project_of(single("QBatchNormalization", (4, 4, 4), axis=1))


# -- folded ---------------------------------------------------------------------------------

FOLDED = [
    ("QConv2DBatchnorm", {"filters": 5, "kernel_size": 3}, (6, 6, 2), "kernel_quantizer"),
    ("QConv2DBatchnorm", {"filters": 16, "kernel_size": 2, "strides": 2}, (6, 6, 2), "kernel_quantizer"),
    ("QDepthwiseConv2DBatchnorm", {"kernel_size": 3}, (6, 6, 4), "depthwise_quantizer"),
    ("QDepthwiseConv2DBatchnorm", {"kernel_size": 3, "depth_multiplier": 2}, (6, 6, 3), "depthwise_quantizer"),
    pytest.param("QDenseBatchnorm", {"units": 9}, (12,), "kernel_quantizer", marks=V3),
]


@pytest.mark.parametrize("mode", ["ema_stats_folding", "batch_stats_folding"])
@pytest.mark.parametrize("quantizer", ["quantized_bits(6,1,1)", "quantized_bits(5,0,alpha=1)", "ternary(alpha=1)"])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(("kind", "options", "shape", "which"), FOLDED)
def test_folded_is_exact(
    kind: str, options: dict[str, Any], shape: tuple[int, ...], which: str, use_bias: bool, quantizer: str, mode: str
) -> None:
    given = {which: quantizer, "bias_quantizer": "quantized_bits(10,4,1)", "use_bias": use_bias, "folding_mode": mode}
    model = single(kind, shape, seed=len(kind) + use_bias, **options, **given)
    project, x = project_of(model), grid(shape)
    np.testing.assert_array_equal(project.evaluate(x)["layer"], answer(model, x))


@pytest.mark.parametrize(("kind", "options", "shape", "which"), FOLDED)
def test_folded_in_the_emulator_with_a_float_bias(
    kind: str, options: dict[str, Any], shape: tuple[int, ...], which: str
) -> None:
    """Behind a float bias a cast rounds as it does in QKeras, ties included."""
    given = {
        which: "quantized_bits(4,1,1,alpha=1)",
        "bias_quantizer": None,
        "activation": "quantized_bits(8,4,alpha=1)",
    }
    assert_same(single(kind, shape, **options, **given), shape)


@pytest.mark.parametrize("scale", ["quantized_bits(6,1,1,alpha='auto')", None])
def test_folded_with_a_float_scale(scale: str | None) -> None:
    """A fitted scale, or no quantiser at all: at a tie the activation may fall one step aside."""
    options = {"filters": 5, "kernel_size": 3, "kernel_quantizer": scale, "bias_quantizer": None}
    model = single("QConv2DBatchnorm", (6, 6, 2), **options, activation="quantized_bits(8,4,alpha=1)")
    assert_same(model, (6, 6, 2), 0.125)


def test_center_is_required() -> None:
    """QKeras adds None where there is no beta: 0.9 when the model is built, v3 when it is called."""
    try:
        model = single("QConv2DBatchnorm", (6, 6, 2), filters=4, kernel_size=3, kernel_quantizer="binary", center=False)
    except (TypeError, ValueError, AttributeError) as error:
        assert "None" in str(error)
        return
    with pytest.raises(UnsupportedError, match="center=False"):
        project_of(model)


@V3
@pytest.mark.parametrize("axis", [-1, 3])
@pytest.mark.parametrize("alpha", ["auto", "auto_po2"])
def test_fitted_inverse(alpha: str, axis: int) -> None:
    """An axis counted from the end makes QKeras fit a scale per channel, else it fits one for all."""
    options = NONE | {"inverse_quantizer": f"quantized_bits(6,0,1,alpha='{alpha}')", "axis": axis}
    model, x = single("QBatchNormalization", (4, 3, 5), **options), grid((4, 3, 5))
    theirs = np.asarray(model(x, training=False))
    np.testing.assert_allclose(project_of(model).evaluate(x)["layer"], theirs, rtol=0, atol=float32_bound(model, x))
