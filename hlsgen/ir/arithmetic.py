"""Exact integer linear algebra on whichever NumPy dtype is fast and still exact."""

from __future__ import annotations

import numpy as np

from hlsgen.ir.types import Ints, bit_length, integers

_FLOAT64_BITS = 53


def exact_matmul(x: Ints, w: Ints) -> Ints:
    """Return ``x @ w`` exactly, x (..., n), w (n, m): BLAS where float64 holds every partial sum."""
    bits = bit_length(x) + bit_length(w) + int(w.shape[0]).bit_length()
    if bits <= _FLOAT64_BITS:
        rows = x.reshape(-1, w.shape[0]).astype(np.float64)  # one product: many small ones take ten times as long
        return np.rint(rows @ w.astype(np.float64)).astype(np.int64).reshape(*x.shape[:-1], w.shape[1])
    return np.asarray(integers(x, bits) @ integers(w, bits))


def exact_matmuls(x: Ints, y: Ints) -> Ints:
    """Return ``x @ y`` exactly for stacks of matrices, x (..., n, k) and y (..., k, m), in the same way."""
    bits = bit_length(x) + bit_length(y) + int(y.shape[-2]).bit_length()
    if bits <= _FLOAT64_BITS:
        return np.rint(x.astype(np.float64) @ y.astype(np.float64)).astype(np.int64)
    return np.asarray(integers(x, bits) @ integers(y, bits))


def exact_product(x: Ints, w: Ints) -> Ints:
    """Return ``x * w`` without overflow."""
    bits = bit_length(x) + bit_length(w)
    return integers(integers(x, bits) * integers(w, bits), bits)


def exact_sum(x: Ints, y: Ints) -> Ints:
    """Return ``x + y`` without overflow."""
    bits = max(bit_length(x), bit_length(y)) + 1
    return integers(integers(x, bits) + integers(y, bits), bits)


def shifted(x: Ints, by: int) -> Ints:
    """Return ``x << by`` without overflow."""
    bits = bit_length(x) + by
    return integers(integers(x, bits) << by, bits) if by else x
