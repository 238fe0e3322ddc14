"""Average pooling of QKeras: the sum of a window times a quantised reciprocal of its area."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import ANYTHING
from hlsgen.frontends.keras.readers.pooling import read_average_pooling, read_global_average, read_window
from hlsgen.ir.constant import Constant, exact_constant
from hlsgen.ir.graph import Value
from hlsgen.ir.types import integers
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling
from hlsgen.quantizers import Quantizer


@reads("QAveragePooling2D")
def read_quantized_average_pooling(call: Call) -> Value:
    """``mean * area * quantised(1 / area)``.

    ``area`` is that of the whole window: where padding cuts a window to ``count`` cells, their sum is
    multiplied by ``quantised(1 / area) * area / count``.
    """
    quantizer = call.quantizer("average_quantizer")
    activation = call.take("activation", ANYTHING, None)
    if quantizer is None:
        return call.apply_activation(read_average_pooling(call), activation)
    window = read_window(call)
    factor = _factor(call, quantizer, window.taps)
    counts = window.distinct_counts(call.input.shape)
    share = factor * window.taps
    factors = {c: share / c for c in counts}
    pooled = AveragePooling2D(_reciprocals(factors, window.taps + 1), share, window=window)
    return call.apply_activation(call.add(pooled), activation)


@reads("QGlobalAveragePooling2D")
def read_quantized_global_average(call: Call) -> Value:
    """The sum of a channel times ``quantised(1 / positions)``."""
    quantizer = call.quantizer("average_quantizer")
    activation = call.take("activation", ANYTHING, None)
    if quantizer is None:
        return call.apply_activation(read_global_average(call), activation)
    call.expect("data_format", "channels_last")
    factor = _factor(call, quantizer, prod(call.input.shape[:-1]))
    pooled = GlobalAveragePooling(_reciprocals({0: factor}, 1), keepdims=call.expect("keepdims", False, True))
    return call.apply_activation(call.add(pooled), activation)


def _factor(call: Call, quantizer: Quantizer, area: int) -> Fraction:
    """The quantised reciprocal, exactly."""
    if isinstance(getattr(quantizer, "alpha", None), str):
        raise UnsupportedError(
            f"{call.where}: average_quantizer with an alpha fitted to a single number; give alpha=None or a number"
        )
    value = quantizer.quantize_weights(np.asarray([1.0 / area], dtype=np.float32)).values()
    return Fraction(float(value.reshape(-1)[0]))


def _reciprocals(factors: dict[int, Fraction], size: int) -> Constant:
    """A table of factors by index: exact where each is a binary fraction, else real numbers."""
    values = np.zeros(size)
    values[list(factors)] = [float(f) for f in factors.values()]
    if any(f.denominator & (f.denominator - 1) for f in factors.values()):
        return Constant.of(values)
    frac = max(f.denominator.bit_length() - 1 for f in factors.values())
    mantissas = np.zeros(size, dtype=object)
    mantissas[list(factors)] = [int(f * 2**frac) for f in factors.values()]
    return exact_constant(integers(mantissas), frac)
