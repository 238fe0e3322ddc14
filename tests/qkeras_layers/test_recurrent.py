"""QSimpleRNN, QLSTM, QGRU and QBidirectional: with quantised states every step is exact, and so is the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from tests.qkeras_layers.support import (
    LIBRARY,
    answer,
    assert_same,
    frameworks,
    grid,
    project_of,
    restore_old_names,
    single,
)

pytestmark = pytest.mark.skipif(LIBRARY != "qkeras", reason="needs qkeras 0.9")
SHAPE, UNITS = (6, 3), 4
KERNEL, BIAS, STATE = "quantized_bits(4,0,1,alpha=1)", "quantized_bits(5,1,1,alpha=1)", "quantized_bits(6,1,1,alpha=1)"
QUANTIZED = {"kernel_quantizer": KERNEL, "recurrent_quantizer": KERNEL, "bias_quantizer": BIAS}
SHORT = "quantized_bits(6,0,1,alpha=1)"


@pytest.fixture(autouse=True)
def _old_names(monkeypatch: pytest.MonkeyPatch) -> None:
    restore_old_names(monkeypatch)


def layer(kind: str, **options: Any) -> Any:
    return single(kind, SHAPE, units=UNITS, **{**QUANTIZED, "state_quantizer": STATE, "activation": SHORT, **options})


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("kind", ["QSimpleRNN", "QLSTM", "QGRU"])
def test_exact(kind: str, every: bool) -> None:
    project = assert_same(layer(kind, return_sequences=every), SHAPE)
    states = [op for op in project.design if op.layer.kind == "State"]
    assert {op.output.type.plain() for op in states} == {states[0].output.type.plain()}
    assert states[0].output.type.width == 6, "what the state's quantiser keeps"


@pytest.mark.parametrize(
    "options",
    [
        {"use_bias": False},
        {"recurrent_activation": "quantized_relu(4,0)"},
        {"activation": "ternary(alpha=1)"},
        {"state_quantizer": "quantized_bits(4,0,0,alpha=1)"},
        {"kernel_quantizer": "quantized_po2(4,1)"},
        {"go_backwards": True, "return_sequences": True},
        {"return_sequences": True, "implementation": 2},
    ],
    ids=str,
)
def test_options(options: dict[str, Any]) -> None:
    assert_same(layer("QLSTM", **options), SHAPE)


def test_reset_after() -> None:
    assert_same(layer("QGRU", reset_after=True), SHAPE)


def test_both_ways() -> None:
    qkeras, keras = frameworks()
    inner = qkeras.QGRU(UNITS, **QUANTIZED, state_quantizer=STATE, activation=SHORT, return_sequences=True)
    x = keras.Input(SHAPE)
    model = keras.Model(x, qkeras.QBidirectional(inner, name="layer")(x))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    assert_same(model, SHAPE)


def test_states_that_no_quantiser_holds() -> None:
    """QKeras carries float32 on; with 24 bits a state differs by less than a quantised activation shows, mostly."""
    model = layer("QLSTM", state_quantizer=None)
    project = project_of(model).with_settings(default_width=24)
    x = grid(SHAPE, samples=64)
    same = project.evaluate(x)["layer"] - answer(model, x)
    assert np.mean(np.abs(same) < 2.0**-12) > 0.95


def test_a_kernel_in_place_of_the_recurrent_one() -> None:
    """QKeras's GRU takes the input's kernel for the state where that has no quantiser."""
    qkeras, keras = frameworks()
    x = keras.Input((6, UNITS))
    options = {**QUANTIZED, "recurrent_quantizer": None, "activation": SHORT}
    model = keras.Model(x, qkeras.QGRU(UNITS, **options, name="layer")(x))
    with pytest.raises(UnsupportedError, match="'layer' .*recurrent_quantizer"):
        project_of(model)
