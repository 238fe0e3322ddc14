"""``quantized_relu`` whose negative side ends between two steps, against the library that is installed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hlsgen.quantizers import Activation
from hlsgen.quantizers.base import Floats
from hlsgen.quantizers.qkeras import QuantizedRelu, parse_quantizer
from tests.quantizers.reference import call, installed_library

LIBRARY = installed_library()
pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")

FINEST = 20
"""Bits that the end of the negative side may lie below the grid."""


def relu(bits: int, integer: int, fall: int, bound: float | None = None) -> str:
    """The quantiser with slope ``2**-fall``; a bound counts as given only without is_quantized_clip."""
    bounded = "" if bound is None else f",relu_upper_bound={bound!r},is_quantized_clip=False"
    return f"quantized_relu({bits},{integer},negative_slope={2.0**-fall!r}{bounded})"


def inputs(bits: int, integer: int, fall: int) -> Floats:
    """Multiples of an eighth of a step on either side, all ties among them, and their nearest neighbours.

    None beyond 2**24 times the range, where QKeras adds and takes away an x that swallows the result.
    """
    step = 2.0 ** (integer - bits + 1)
    positive = np.arange(0, 8 * 2**bits + 9) * (step / 8)
    negative = -np.arange(0, 8 * 40) * (step / 8) * 2.0**fall  # falls by an eighth of a step
    dense = -np.arange(0, 8 * 40) * (step / 8)
    far = np.array([1, -1, 3, -3]) * 2.0**22 * step
    x = np.concatenate([positive, negative, dense, far]).astype(np.float32)
    up, down = np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(-np.inf))
    every = np.concatenate([x, up, down])
    size = np.abs(every)
    return every[(size == 0) | (size >= 2.0**-100) & (size <= 2.0 ** (integer + 24))]


def on_data(act: Activation, x: Floats) -> Floats:
    """What the activation makes of float32 values, each taken exactly."""
    fraction, exponent = np.frexp(x)
    frac = int(24 - exponent.min())
    mantissas = np.array([int(m) << int(e) + frac - 24 for m, e in zip(fraction * 2.0**24, exponent, strict=True)])
    result: Floats = act.type.to_float(act.apply(mantissas, frac)).astype(np.float32)
    return result


def cases() -> Iterator[tuple[int, int]]:
    yield from ((bits, integer) for bits in (1, 2, 3, 6) for integer in (0, 2, 9))


def check(text: str, bits: int, integer: int, fall: int) -> None:
    quantizer = parse_quantizer(text, library=LIBRARY)
    assert isinstance(quantizer, QuantizedRelu)
    x = inputs(bits, integer, fall)
    theirs = call(text, x)
    np.testing.assert_array_equal(quantizer.quantize_weights(x).values(), theirs, err_msg=text)
    np.testing.assert_array_equal(on_data(quantizer.activation(), x), theirs, err_msg=text)


@pytest.mark.parametrize(("bits", "integer"), cases())
def test_every_slope(bits: int, integer: int) -> None:
    """From the last slope that ends on the grid to the finest."""
    for fall in range(max(bits - 1, 0), bits - 1 + FINEST + 1):
        check(relu(bits, integer, fall), bits, integer, fall)


@pytest.mark.parametrize(("bits", "integer"), cases())
def test_with_an_upper_bound(bits: int, integer: int) -> None:
    """On the grid and off it, coarser and finer than the end of the negative side, at the type's end and beyond."""
    top = 2.0**integer
    for bound in (top / 2, top * 0.6875, top * (1 - 2.0**-9), top, 2 * top):
        for fall in range(max(bits - 1, 0), bits + 7):
            check(relu(bits, integer, fall, bound), bits, integer, fall)


def test_the_bound_is_left_out_where_the_clip_is_quantised() -> None:
    text = "quantized_relu(4,2,negative_slope=0.03125,relu_upper_bound=2.75)"
    check(text, 4, 2, 5)
