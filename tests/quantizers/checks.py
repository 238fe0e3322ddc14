"""The comparisons with a real library, shared by both libraries' tests."""

from __future__ import annotations

import numpy as np

from hlsgen.quantizers.qkeras import Library, parse_quantizer
from hlsgen.quantizers.qkeras import float32 as f32
from tests.quantizers.reference import SHAPES, call, weights


def check_weights_exact(text: str, shape: str, library: Library) -> None:
    """``Quantized.values`` is the library's result, bit for bit."""
    w = weights(SHAPES[shape], text + shape)
    ours = _parsed(text, library).quantize_weights(w)
    assert ours.mantissas.shape == w.shape
    low, high = int(ours.mantissas.min()), int(ours.mantissas.max())
    assert ours.type.holds(low, high, ours.type.frac)
    np.testing.assert_array_equal(ours.values(), call(text, w))


def check_weights_fitted(text: str, shape: str, library: Library) -> None:
    """The library's result is ours sent through its straight-through additions, bit for bit."""
    w = weights(SHAPES[shape], text + shape)
    ours = _parsed(text, library).quantize_weights(w).values()
    theirs = call(text, w)
    np.testing.assert_array_equal(f32.straight_through(w, ours), theirs)
    assert (np.abs(ours - theirs) <= np.maximum(np.abs(w), np.abs(ours)) * 2.0**-23).all()


def check_activation(text: str, library: Library, bits: int, frac: int) -> None:
    """Every mantissa of an input type gives the library's result, ties included."""
    act = _parsed(text, library).activation()
    mantissas = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    ours = act.type.to_float(act.apply(mantissas, frac)) * float(act.scale or 1)
    theirs = call(text, mantissas * 2.0**-frac)
    np.testing.assert_array_equal(ours.astype(np.float32), theirs)


def _parsed(text: str, library: Library):  # type: ignore[no-untyped-def]
    parsed = parse_quantizer(text, library=library)
    assert parsed is not None
    return parsed
