"""Other weights for QKeras models: constants of the model's quantisers go in exactly, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

qkeras = pytest.importorskip("qkeras", exc_type=ImportError)
import tf_keras  # noqa: E402
from tf_keras import layers as kl  # noqa: E402

import hlsgen  # noqa: E402
from hlsgen.backends.hls.texts import emulation_files  # noqa: E402
from hlsgen.errors import WeightsError  # noqa: E402
from tests.ladder.harness import grid_input  # noqa: E402

INPUT = "fixed<8,4>"


def filled(model: Any, turn: int) -> Any:
    """Other weights of the same ranges: the units of each layer change places, in the order of the turn."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        found = [np.roll(rng.normal(0, 0.6, w.shape), turn, axis=-1) for w in layer.get_weights()]
        if isinstance(layer, kl.BatchNormalization):
            gamma, beta, mean, variance = found
            found = [np.abs(gamma) + 0.1, beta, mean, np.abs(variance) + 0.1]
        layer.set_weights(found)
    return model


def thresholds(turn: int = 0, bits: int = 4) -> Any:
    """Binary and ternary weights, normalised and compared."""
    x = tf_keras.Input((8,), name="x")
    bias = "quantized_bits(6,2,alpha=1)"
    h = qkeras.QDense(16, kernel_quantizer="binary(alpha=1)", bias_quantizer=bias, name="first")(x)
    h = qkeras.QActivation("binary(alpha=1)", name="sign")(kl.BatchNormalization(name="bn")(h))
    h = qkeras.QDense(16, kernel_quantizer="ternary(alpha=1)", bias_quantizer=bias, name="second")(h)
    h = qkeras.QActivation("quantized_relu(2,1)", name="steps")(kl.BatchNormalization(name="bn2")(h))
    kernel = f"quantized_bits({bits},0,1,alpha=1)"
    return filled(tf_keras.Model(x, qkeras.QDense(5, kernel_quantizer=kernel, name="last")(h)), turn)


def scaled(turn: int = 0) -> Any:
    """A convolution with scales of its own, a BatchNormalization, and a real bias beside quantised weights."""
    x = tf_keras.Input((6, 5, 2), name="x")
    kernel = "quantized_bits(4,0,1,alpha='auto_po2')"
    h = qkeras.QConv2D(4, 3, kernel_quantizer=kernel, bias_quantizer="quantized_bits(6,2,alpha=1)", name="conv")(x)
    h = qkeras.QActivation("quantized_relu(6,2)", name="relu")(kl.BatchNormalization(name="bn")(h))
    h = qkeras.QDense(5, kernel_quantizer="quantized_bits(6,0,1,alpha=1)", name="last")(kl.Flatten(name="flat")(h))
    return filled(tf_keras.Model(x, qkeras.QActivation("quantized_bits(8,3,alpha=1)", name="out")(h)), turn)


@pytest.mark.parametrize(("make", "io_type"), [(thresholds, "io_parallel"), (scaled, "io_stream")])
def test_as_the_model_and_as_converted(make: Any, io_type: str) -> None:
    first = hlsgen.convert(make(), input_precision=INPUT, io_type=io_type)
    x = grid_input(first.design.inputs[0].shape, bound=16)
    assert np.ptp(first.predict(x), axis=0).all()
    taken = 0
    for turn in (1, 2):
        try:
            second = first.with_weights(make(turn))
        except WeightsError as error:
            assert "layer '" in str(error)
            continue
        taken += 1
        assert emulation_files(second.plan) == emulation_files(first.plan)
        known = second.evaluate(x, raw=True)
        for key, found in second.trace(x, raw=True).items():
            np.testing.assert_array_equal(found, known[key])
        fresh = hlsgen.convert(make(turn), input_precision=INPUT, io_type=io_type)
        np.testing.assert_array_equal(second.predict(x), fresh.predict(x))
        np.testing.assert_allclose(second.predict(x), np.asarray(make(turn)(x)), atol=2.0**-5)
    assert taken


def test_another_quantiser_is_another_model() -> None:
    first = hlsgen.convert(thresholds(), input_precision=INPUT)
    with pytest.raises(
        WeightsError, match=r"layer 'last' \(QDense\): its weight is fixed by the model's quantiser and "
    ):
        first.with_weights(thresholds(bits=6))


def test_plain_weights_are_no_quantised_ones() -> None:
    x = tf_keras.Input((4,), name="x")
    quantised = tf_keras.Model(x, qkeras.QDense(3, kernel_quantizer="quantized_bits(4,0,1,alpha=1)", name="fc")(x))
    plain = tf_keras.Model(x, kl.Dense(3, name="fc")(x))
    first = hlsgen.convert(filled(quantised, 0), input_precision=INPUT)
    with pytest.raises(
        WeightsError, match=r"'weight' is of shape \(4, 3\) \(real numbers\), and was .*model's quantiser"
    ):
        first.with_weights(filled(plain, 0))
