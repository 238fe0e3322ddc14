"""QAdaptiveActivation: the integer bits follow from the moving range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.readers.qkeras_adaptive import integer_bits
from tests.qkeras_layers.support import LIBRARY, assert_same, frameworks, grid, project_of

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")


def adaptive(low: Any, high: Any, **options: Any) -> Any:
    """A model of one adapted layer. Training is over (step above ema_freeze_delay), else calls go on adapting;
    without that delay qkeras-v3 cannot say its configuration."""
    qkeras, keras = frameworks()
    inputs = keras.Input((6,))
    options |= {"ema_freeze_delay": 1, "current_step": 5}
    model = keras.Model(inputs, qkeras.QAdaptiveActivation(**options, name="layer")(inputs))
    layer = model.layers[-1]
    layer.ema_min.assign(np.broadcast_to(np.float32(low), tuple(layer.ema_min.shape)))
    layer.ema_max.assign(np.broadcast_to(np.float32(high), tuple(layer.ema_max.shape)))
    model(grid((6,)), training=False)  # QKeras moves the integer bits at the end of a call
    return model


@pytest.mark.parametrize("po2_rounding", [False, True])
@pytest.mark.parametrize("high", [0.0, 0.3, 1.0, 1.4, 1.5, 2.9, 4.0, 7.97])
@pytest.mark.parametrize("activation", ["quantized_bits", "quantized_relu"])
def test_learned_bits(activation: str, high: float, po2_rounding: bool) -> None:
    model = adaptive(-high / 2, high, activation=activation, total_bits=6, po2_rounding=po2_rounding)
    project, x = project_of(model), grid((6,))
    np.testing.assert_array_equal(project.evaluate(x)["layer"], np.asarray(model(x, training=False)))


def test_emulator() -> None:
    assert_same(adaptive(-2.2, 1.0, activation="quantized_bits", total_bits=6, symmetric=False), (6,))
    assert_same(adaptive(-0.2, 3.0, activation="quantized_relu", total_bits=5, relu_neg_slope=0.25), (6,))


def test_one_type_a_tensor() -> None:
    options = {"activation": "quantized_bits", "total_bits": 6, "per_channel": True}
    assert_same(adaptive(-1.5, [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], **options), (6,))
    with pytest.raises(UnsupportedError, match="per_channel=True learned different integer bits"):
        project_of(adaptive(-1.5, [1.0, 1.1, 1.2, 1.3, 1.4, 7.5], **options))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("keep_negative", [False, True])
@pytest.mark.parametrize("clipping", [False, True])
def test_rule_against_the_library(symmetric: bool, keep_negative: bool, clipping: bool) -> None:
    """At and around every power of two."""
    frameworks()
    quantizers = pytest.importorskip("qkeras.quantizers")
    powers = np.float32(2.0) ** np.arange(-3, 6, dtype=np.float32)
    ends = np.concatenate([powers, np.nextafter(powers, np.float32(0)), powers * np.float32(0.99), [0]])
    for low in -ends[::3]:
        for high in ends:
            mine = integer_bits(np.float32([low]), np.float32([high]), 8, symmetric=symmetric,
                                keep_negative=keep_negative, nearest=clipping)  # fmt: skip
            theirs = quantizers._get_integer_bits(np.float32([low]), np.float32([high]), 8, symmetric, keep_negative,
                                                  clipping)  # fmt: skip
            assert int(mine[0]) == int(np.asarray(theirs)[0]), (low, high)


def test_upper_bound_of_a_live_layer() -> None:
    """QKeras's own get_config leaves it out."""
    assert_same(adaptive(0, 3.0, activation="quantized_relu", total_bits=5, relu_upper_bound=1.5), (6,))
