"""Integer check of a QKeras model: float32 computes its logits without rounding, and integers give the same.

Every quantised number is an integer times a power of two. If inputs and activations lie on their grids and
the sum of absolute products stays below 2^24 units of its grid, then every partial sum, in any order, is a
float32 number: float32 arithmetic is exact. `integer_logits` evaluates the model in int64 alone and bounds
those sums for every input of the stated range, not only for the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from common import Array
from numpy.lib.stride_tricks import sliding_window_view

FLOAT32_INTEGERS = 2**24


@dataclass(frozen=True, eq=False)
class Fixed:
    """`values * 2**-fraction`: int64 values, none larger than `limit` in absolute value for any input."""

    values: Array
    fraction: int
    limit: int


def to_grid(x: Array, fraction: int, limit: int) -> Fixed:
    """The integers behind `x`; an error if one is off the grid 2**-fraction or beyond `limit`."""
    scaled = np.asarray(x, dtype=np.float64) * 2.0**fraction
    if not np.array_equal(scaled, np.rint(scaled)):
        raise ValueError(f"values are off the grid 2^-{fraction}")
    if np.abs(scaled).max() > limit:
        raise ValueError(f"values reach {np.abs(scaled).max():.0f} units of 2^-{fraction}, expected at most {limit}")
    return Fixed(scaled.astype(np.int64), fraction, limit)


def quantised(quantizer: Any, variable: Any) -> Fixed:
    """A kernel or bias as its `quantized_bits` quantiser (alpha = 1) gives it."""
    fraction = quantizer.bits - 1 - quantizer.integer
    return to_grid(np.asarray(quantizer(variable)), fraction, 2 ** (quantizer.bits - 1))


def weighted_sum(layer: Any, x: Fixed) -> Fixed:
    """Dense, or a convolution with stride 1 and no padding; the limit bounds the sum of absolute products."""
    kernel = quantised(layer.kernel_quantizer_internal, layer.kernel)
    bias = quantised(layer.bias_quantizer_internal, layer.bias)
    fraction = max(x.fraction + kernel.fraction, bias.fraction)
    w = kernel.values << (fraction - x.fraction - kernel.fraction)
    b = bias.values << (fraction - bias.fraction)
    inputs = x.values
    if w.ndim == 4:  # every 3x3 window flattened as the kernel is: row, column, channel
        windows = sliding_window_view(inputs, w.shape[:2], axis=(1, 2))
        inputs = np.moveaxis(windows, 3, -1).reshape(*windows.shape[:3], -1)
        w = w.reshape(-1, w.shape[-1])
    limit = int((x.limit * np.abs(w).sum(axis=0) + np.abs(b)).max())
    if limit >= FLOAT32_INTEGERS:
        raise ValueError(f"{layer.name}: sums reach {limit} units of 2^-{fraction}, expected fewer than 2^24")
    print(f"{layer.name}: no sum of absolute products exceeds {limit} units of 2^-{fraction}")
    return Fixed(inputs @ w + b, fraction, limit)


def relu(quantizer: Any, x: Fixed) -> Fixed:
    """`quantized_relu(bits, integer)`: nearest grid point, ties to even, clipped to 0..2^bits - 1 units."""
    limit = 2**quantizer.bits - 1
    fraction = quantizer.bits - quantizer.integer
    rounded = np.rint(x.values * 2.0 ** (fraction - x.fraction)).astype(np.int64)  # exact in float64
    return Fixed(np.clip(rounded, 0, limit), fraction, limit)


def max_pool(x: Fixed) -> Fixed:
    """2x2 pooling, an odd last row or column dropped."""
    n, rows, columns, channels = x.values.shape
    even = x.values[:, : rows // 2 * 2, : columns // 2 * 2]
    blocks = even.reshape(n, rows // 2, 2, columns // 2, 2, channels)
    return Fixed(blocks.max(axis=(2, 4)), x.fraction, x.limit)


def integer_logits(model: Any, x: Array, input_fraction: int, input_limit: int) -> Array:
    """Evaluate `model` up to its softmax in int64 and return the logits as float32.

    Inputs are integers up to `input_limit` in units of 2**-input_fraction. A value off its grid, or a sum
    that could reach 2^24 units, is a ValueError; a layer without an integer rule a TypeError.
    """
    state = to_grid(x, input_fraction, input_limit)
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("QDense", "QConv2D"):
            state = weighted_sum(layer, state)
        elif kind == "QActivation":
            state = relu(layer.quantizer, state)
        elif kind == "MaxPooling2D":
            state = max_pool(state)
        elif kind == "Flatten":
            state = Fixed(state.values.reshape(len(x), -1), state.fraction, state.limit)
        elif kind not in ("InputLayer", "Activation"):
            raise TypeError(f"{layer.name}: no integer rule for {kind}")
    return (state.values * 2.0**-state.fraction).astype(np.float32)
