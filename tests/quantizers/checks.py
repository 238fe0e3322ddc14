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


REAL_FUNCTIONS = {"use_real_sigmoid": lambda x: 1 / (1 + np.exp(-x)), "use_real_tanh": np.tanh}
"""TensorFlow's own exponentials: a few units in the last place, that differ between processors, decide near ties."""


def check_activation(text: str, library: Library, bits: int, frac: int) -> None:
    """Every mantissa of an input type gives the library's result, ties included.

    Behind a function that TensorFlow approximates, values within four units in the last place of a tie may fall on
    either side of it.
    """
    act = _parsed(text, library).activation()
    mantissas = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
    ours = (act.type.to_float(act.apply(mantissas, frac)) * float(act.scale or 1)).astype(np.float32)
    theirs = call(text, mantissas * 2.0**-frac)
    unsure = _near_a_tie(text, mantissas * 2.0**-frac, float(act.type.step))
    assert unsure.mean() < 0.01
    assert (np.abs(ours - theirs)[unsure] <= float(act.type.step)).all()
    np.testing.assert_array_equal(ours[~unsure], theirs[~unsure])


def _near_a_tie(text: str, x: np.ndarray, step: float) -> np.ndarray:
    for option, function in REAL_FUNCTIONS.items():
        if option in text:
            steps = function(x) / step
            return np.abs(np.abs(steps - np.rint(steps)) - 0.5) <= np.abs(steps) * 2.0**-21
    return np.zeros(x.shape, dtype=bool)


def _parsed(text: str, library: Library):  # type: ignore[no-untyped-def]
    parsed = parse_quantizer(text, library=library)
    assert parsed is not None
    return parsed
