"""Real values to the words of a port, and back: NumPy alone. Written by hlsgen.

Elements of a word lie side by side without gaps, element 0 in the lowest bits, zeros above the last; a word lies in
memory with its lowest byte first. An element is an integer mantissa in two's complement (unsigned types: plain).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

_NATIVE_BITS = 62
"""Mantissas of more bits are Python integers."""
_EXACT = 2**53
"""Up to here floats hold every integer."""
_SPECK = 2.0**-10
"""Magnitude that stands for all smaller ones: no rounding mode tells them apart."""
_GIANT = 2.0**1000
"""Magnitude that stands for all larger ones: in every type its low bits are zeros, as theirs."""

_AT_TIES = {
    "RND": np.ceil,
    "RND_MIN_INF": np.floor,
    "RND_ZERO": np.trunc,
    "RND_INF": lambda x: np.copysign(np.ceil(np.abs(x)), x),
    "RND_CONV": np.rint,
}
_DIRECTED = {"TRN": np.floor, "TRN_ZERO": np.trunc}


@dataclass(frozen=True)
class Port:
    """What a port carries a sample: ``words`` of ``elements`` elements in ``bits`` bits, each of ``width`` bits.

    An element holds the real value times ``2**fraction``, of inputs with ``exponents`` also times
    ``2**exponents[c]`` for channel c (the last axis).
    """

    name: str
    shape: tuple[int, ...]
    width: int
    fraction: int
    signed: bool
    low: int
    high: int
    rounding: str
    overflow: str
    real: str
    elements: int
    bits: int
    words: int
    exponents: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """Elements of a sample."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of a sample."""
        return self.words * self.bits // 8


def quantize(port: Port, x: Any) -> np.ndarray:
    """Real values (samples, *shape) as mantissas (samples, size), rounded and limited as the port's type says.

    Raises ValueError for another shape, for NaN, and for integers that no float holds.
    """
    given = np.asarray(x)
    if given.dtype.kind not in "fiub":
        raise ValueError(f"{port.name}: dtype {given.dtype} holds no real numbers; give floats or integers")
    if given.shape[1:] != port.shape:
        raise ValueError(f"{port.name}: shape {given.shape}, expected (samples, {', '.join(map(str, port.shape))})")
    if given.dtype.kind in "iu" and given.size and max(int(given.max()), -int(given.min())) > _EXACT:
        raise ValueError(f"{port.name}: integers beyond 2**53 lose bits as floats; give smaller ones")
    values = given.astype(np.float64)
    if np.isnan(values).any():
        raise ValueError(f"{port.name}: a value is NaN, and fixed point has none; clean the data first")
    shift = port.fraction + np.array(port.exponents or 0)
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(values, shift)
    speck = (values != 0) & (np.abs(scaled) < _SPECK)
    scaled = np.where(speck, np.copysign(_SPECK, values), scaled)
    giant = np.isfinite(values) & (np.abs(scaled) > _GIANT)
    scaled = np.where(giant, np.copysign(_GIANT, values), scaled)
    return _limited(port, _rounded(port, scaled)).reshape(len(given), port.size)


def _rounded(port: Port, scaled: np.ndarray) -> np.ndarray:
    """Whole numbers as floats: exact, since the distance to the nearest one is."""
    if port.rounding in _DIRECTED:
        return _DIRECTED[port.rounding](scaled)
    nearest = np.rint(scaled)
    finite = np.isfinite(scaled)
    tie = np.abs(np.where(finite, scaled, 0) - np.where(finite, nearest, 0)) == 0.5
    return np.where(tie, _AT_TIES[port.rounding](scaled), nearest)


def _limited(port: Port, whole: np.ndarray) -> np.ndarray:
    """Integers within the type; infinities become the ends of its range whatever the overflow mode."""
    upper, lower = whole == np.inf, whole == -np.inf
    finite = np.where(upper | lower, 0.0, whole)
    native = port.width <= _NATIVE_BITS and np.abs(finite).max(initial=0) < 2.0**_NATIVE_BITS
    found = finite.astype(np.int64) if native else np.frompyfunc(int, 1, 1)(finite).astype(object)
    outside = (found < port.low) | (found > port.high)
    if port.overflow == "WRAP":
        found = _as_signed(port, found & ((1 << port.width) - 1))
    elif port.overflow == "SAT_ZERO":
        found = np.where(outside, 0, found)
    else:
        found = np.clip(found, port.low, port.high)
    ends = np.array([port.low, port.high], dtype=found.dtype)
    return np.where(upper, ends[1], np.where(lower, ends[0], found))


def _as_signed(port: Port, plain: np.ndarray) -> np.ndarray:
    sign = 1 << (port.width - 1)
    return (plain ^ sign) - sign if port.signed else plain


def pack(port: Port, mantissas: Any) -> np.ndarray:
    """Mantissas (samples, size) as bytes (samples, nbytes) of the port's words."""
    kind = np.int64 if port.width <= _NATIVE_BITS else object
    whole = np.asarray(mantissas).astype(kind).reshape(-1, port.words, port.elements, 1)
    places = np.arange(port.width).astype(kind)
    bits = ((whole >> places) & 1).astype(np.uint8)
    bits = bits.reshape(len(whole), port.words, port.elements * port.width)
    padded = np.zeros((len(whole), port.words, port.bits), dtype=np.uint8)
    padded[:, :, : bits.shape[-1]] = bits
    return np.packbits(padded, axis=-1, bitorder="little").reshape(len(whole), port.nbytes)


def unpack(port: Port, data: Any) -> np.ndarray:
    """Bytes (samples, nbytes) of the port's words as mantissas (samples, size). Raises ValueError for bits above."""
    words = np.asarray(data, dtype=np.uint8).reshape(-1, port.words, port.bits // 8)
    bits = np.unpackbits(words, axis=-1, bitorder="little")
    used = port.elements * port.width
    if bits[:, :, used:].any():
        raise ValueError(f"{port.name}: bits above the elements of a word are set; the bitstream is of another project")
    kind = np.int64 if port.width <= _NATIVE_BITS else object
    weights = np.array([1 << place for place in range(port.width)], dtype=kind)
    if port.signed:
        weights[-1] = -weights[-1]
    elements = bits[:, :, :used].reshape(len(words), port.size, port.width).astype(kind)
    return (elements * weights).sum(axis=-1)


def real(port: Port, mantissas: np.ndarray) -> np.ndarray:
    """Real values (samples, *shape) of the mantissas of an output."""
    values = np.ldexp(np.asarray(mantissas).astype(np.float64), -port.fraction)
    return values.astype(port.real).reshape(len(mantissas), *port.shape)
