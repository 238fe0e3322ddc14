"""The float32 arithmetic that QKeras runs on, step by step in NumPy.

What QKeras computes is what TensorFlow's CPU kernels compute: the order of a sum, the polynomial
of a logarithm and the flush of subnormal powers decide last bits, so they are reproduced here.
The order of sums over columns and the logarithm are those of the x86 wheels (packets of 8).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.quantizers.base import Floats

EPSILON = np.float32(1e-7)
"""The backend's ``epsilon()``."""
LN2 = np.float32(np.log(2.0))
_SQRT_HALF = np.float32(0.5**0.5)
_PACKET = 8
_UNROLL_ROWS = 16
_LEAF = 1024 * _PACKET


def round_through(x: Floats) -> Floats:
    """Nearest integer, ties to even, by the straight-through detour (NaN for infinities)."""
    result: Floats = x + (-x + np.rint(x))
    return result


def straight_through(x: Floats, quantized: Floats) -> Floats:
    """What a straight-through layer returns: ``quantized``, but for the rounding of two additions."""
    result: Floats = x + (-x + quantized)
    return result


def power_of_two(exponents: Floats) -> Floats:
    """``2**exponents`` of whole exponents; subnormal results are flushed to zero."""
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.nan_to_num(exponents, nan=0.0, posinf=300, neginf=-300).astype(np.int64)
        result = np.ldexp(np.float32(1), np.clip(whole, -300, 300)).astype(np.float32)
    result = np.where(exponents < -126, np.float32(0), result)
    return np.where(np.isnan(exponents), np.float32(np.nan), result).astype(np.float32)


def log(x: Floats) -> Floats:
    """Natural logarithm as the kernels build it: ``exponent * ln 2 + log(mantissa)``.

    The mantissa lies in [sqrt(1/2), sqrt(2)) and its logarithm is rounded correctly here; that of the
    kernels is now and then one unit in the last place away, which decides values within 1e-6 of a
    tie and no others. The last elements of a tensor, which fill no packet, are the C library's.
    """
    flat = np.ascontiguousarray(x, dtype=np.float32).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.log(flat.astype(np.float64)).astype(np.float32)
    packed = np.isfinite(flat) & (flat > 0)
    packed[flat.size // _PACKET * _PACKET :] = False
    mantissa, exponent = np.frexp(flat[packed])
    low = mantissa < _SQRT_HALF
    reduced = np.where(low, 2 * mantissa, mantissa)
    logarithm = np.log(reduced.astype(np.float64)).astype(np.float32)
    logarithm[reduced == _SQRT_HALF] = -LN2 / 2  # one unit off, and a tie of quadratic_approximation
    result[packed] = (exponent - low).astype(np.float32) * LN2 + logarithm
    return result.reshape(np.shape(x))


def nearest_power_of_two(scale: Floats) -> Floats:
    """``2**round(log2(scale + epsilon))`` as QKeras rounds scales for ``auto_po2``."""
    return power_of_two(np.rint(log(scale + EPSILON) / LN2))


def mean(x: Floats, axes: Sequence[int]) -> Floats:
    """Mean over ``axes``, kept as dimensions of 1, summed in the order of TensorFlow's CPU kernels.

    The order is reproduced where the kept axes are the trailing ones; elsewhere float64 is used
    and the result may differ from TensorFlow's by a few units in the last place.
    """
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    count = x.size // int(np.prod(shape))
    kept = [a for a in range(x.ndim) if a not in axes]
    trailing = all(a >= x.ndim - len(kept) for a in kept)
    if not trailing:
        exact = np.asarray(np.mean(x, axis=tuple(axes), keepdims=True, dtype=np.float64))
        return exact.astype(np.float32)
    rows = x.reshape(count, -1)
    total: Floats = _sum_vector(rows[:, 0]) if rows.shape[1] == 1 else _sum_rows(rows)
    average: Floats = total / np.float32(count)
    return average.reshape(shape)


def _sum_rows(rows: Floats) -> Floats:
    """Sum (n, columns) to (columns,): whole packets of columns unrolled, the other columns in order."""
    packed = rows.shape[1] // _PACKET * _PACKET
    if len(rows) < _UNROLL_ROWS:
        return _sum_in_order(rows)
    return np.concatenate([_sum_unrolled(rows[:, :packed]), _sum_in_order(rows[:, packed:])])


def _sum_unrolled(rows: Floats) -> Floats:
    """Four running sums, added up, and then the rows left over."""
    unrolled = len(rows) // 4 * 4
    sums = [_sum_in_order(rows[i:unrolled:4]) for i in range(4)]
    total = ((sums[0] + sums[1]) + sums[2]) + sums[3]
    for row in rows[unrolled:]:
        total = total + row
    return total


def _sum_in_order(rows: Floats) -> Floats:
    total = np.zeros(rows.shape[1], dtype=np.float32)
    for row in rows:
        total = total + row
    return total


def _sum_vector(values: Floats) -> Floats:
    """Sum of a vector, shape (1,): halves while it is long, else packets, folded, and the rest."""
    if values.size > _LEAF:
        split = -(-((values.size + 1) // 2) // _PACKET) * _PACKET
        return _sum_vector(values[:split]) + _sum_vector(values[split:])
    packed = values.size // _PACKET * _PACKET
    lanes = _sum_unrolled(values[:packed].reshape(-1, _PACKET))
    half = lanes[:4] + lanes[4:]
    folded = (half[0] + half[2]) + (half[1] + half[3])
    rest = _sum_in_order(values[packed:].reshape(-1, 1))
    return np.asarray(rest + folded, dtype=np.float32)
