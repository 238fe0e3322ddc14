"""Layers of a live model: what they hand over, saved or live, is what they compute with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.quantizers.qkeras import parse_quantizer
from tests.quantizers.reference import installed_library, weights

LIBRARY = installed_library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")

LAYERS = [
    ("QDense", {"units": 5}, (8,), "kernel"),
    ("QConv1D", {"filters": 4, "kernel_size": 3}, (9, 4), "kernel"),
    ("QConv2D", {"filters": 4, "kernel_size": 3}, (6, 6, 3), "kernel"),
    ("QDepthwiseConv2D", {"kernel_size": 3}, (6, 6, 4), "depthwise"),
    ("QDepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, (6, 6, 4), "depthwise"),
]


def _layer(kind: str, options: dict[str, Any], shape: tuple[int, ...], which: str, text: str) -> Any:
    qkeras = pytest.importorskip("qkeras")
    layer = getattr(qkeras, kind)(**options, **{f"{which}_quantizer": text})
    layer.build((None, *shape))
    return layer


@pytest.mark.parametrize("text", ["quantized_bits(4,0,1)", "quantized_bits(4,0,1,alpha=1)", "binary", "ternary"])
@pytest.mark.parametrize(("kind", "options", "shape", "which"), LAYERS)
def test_kernel(kind: str, options: dict[str, Any], shape: tuple[int, ...], which: str, text: str) -> None:
    layer = _layer(kind, options, shape, which, text)
    saved = layer.get_config()[f"{which}_quantizer"]
    live = getattr(layer, f"{which}_quantizer_internal")
    given = parse_quantizer(text, library=LIBRARY)
    assert given is not None
    parsed = parse_quantizer(saved, library=LIBRARY)
    assert parsed == parse_quantizer(live) == given.trainable()
    w = weights(tuple(layer.weights[0].shape), kind + text)
    tf = pytest.importorskip("tensorflow")
    np.testing.assert_array_equal(parsed.quantize_weights(w).values(), np.asarray(live(tf.constant(w))))


def test_live_objects_tell_what_files_forget() -> None:
    """``get_config`` drops is_quantized_clip, scale_axis and more."""
    quantizers = pytest.importorskip("qkeras.quantizers")
    relu = quantizers.quantized_relu(6, 3, relu_upper_bound=6, is_quantized_clip=False)
    live = parse_quantizer(relu)
    saved = parse_quantizer({"class_name": "quantized_relu", "config": relu.get_config()})
    assert live is not None
    assert saved is not None
    assert live.activation().max_value == 6
    assert saved.activation().max_value == 8 - 1 / 8
    bits = parse_quantizer(quantizers.quantized_bits(4, alpha="auto", scale_axis=0))
    assert bits.scale_axis == 0  # type: ignore[union-attr]


def test_internal_sigmoid_is_read_from_the_live_library() -> None:
    quantizers = pytest.importorskip("qkeras.quantizers")
    tanh = quantizers.quantized_tanh(6)
    try:
        quantizers.set_internal_sigmoid("smooth")
        parsed = parse_quantizer(tanh)
        assert parsed is not None
        x = np.arange(-512, 512)
        tf = pytest.importorskip("tensorflow")
        theirs = np.asarray(tanh(tf.constant(x / 128, dtype=tf.float32)))
    finally:
        quantizers.set_internal_sigmoid("hard")
    act = parsed.activation()
    np.testing.assert_array_equal(act.type.to_float(act.apply(x, 7)), theirs)


def test_inference_of_the_stochastic_ones_in_a_model() -> None:
    """Called by a model outside of training, nothing is random."""
    qkeras = pytest.importorskip("qkeras")
    tf = pytest.importorskip("tensorflow")
    x = weights((200, 3), "stochastic")
    for text in ("stochastic_binary", "stochastic_ternary", "quantized_relu(4,use_stochastic_rounding=True)"):
        layer = qkeras.QActivation(text)
        parsed = parse_quantizer(text, library=LIBRARY)
        assert parsed is not None
        np.testing.assert_array_equal(parsed.quantize_weights(x).values(), np.asarray(layer(tf.constant(x))))
