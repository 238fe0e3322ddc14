"""Operands: every value of a small type; ends, ties, their neighbours and random values of a wide one."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from hlsgen.ir.types import FixedType, Ints

NATIVE = 64


def every(t: FixedType) -> Ints:
    """All mantissas of ``t``."""
    return np.arange(t.plain().min_mantissa, t.max_mantissa + 1)


def folded(words: Ints, t: FixedType) -> Ints:
    """The low bits of int64 ``words`` as mantissas of ``t`` (int64, or uint64 for 64 bits without sign)."""
    spare = np.int64(NATIVE - t.width)
    if t.signed:
        return (words << spare) >> spare
    bits = (words.view(np.uint64) << spare.astype(np.uint64)) >> spare.astype(np.uint64)
    return bits if t.width == NATIVE else bits.view(np.int64)


def as_words(values: Iterable[int]) -> Ints:
    """Python integers, modulo 2**64, as int64."""
    return np.array([v & (2**NATIVE - 1) for v in values], dtype=np.uint64).view(np.int64)


def landmarks(t: FixedType) -> list[int]:
    """Ends and powers of two."""
    ends = [t.plain().min_mantissa, t.max_mantissa, 0]
    return ends + [s << k for k in range(t.width) for s in (1, -1)]


def cast_landmarks(source: FixedType, target: FixedType) -> list[int]:
    """Mantissas of ``source`` where a cast to ``target`` starts to round or to overflow otherwise."""
    shift = source.frac - target.frac
    w = target.width
    steps = [target.plain().min_mantissa, target.max_mantissa, 0, 1 << w, -(1 << w), 3 << w, 1 << w - 1, -1, 5 << w - 1]
    if shift <= 0:
        return landmarks(source) + [k >> -shift for k in steps]
    half = 1 << (shift - 1)
    return landmarks(source) + [(k << shift) + d for k in steps for d in (0, half, half - 1, half + 1)]


def mantissas(t: FixedType, n: int, rng: np.random.Generator, marks: Sequence[int] = (), tie: int = 0) -> Ints:
    """``n`` mantissas; a third of them near ``marks``, and some in the middle between multiples of ``2**tie``."""
    if t.width > NATIVE:
        return _wide(t, n, random.Random(int(rng.integers(2**62))), marks, tie)
    words = rng.integers(-(2**63), 2**63 - 1, n, dtype=np.int64, endpoint=True)
    places = as_words(marks or landmarks(t))
    near = n // 3
    words[:near] = places[rng.integers(0, len(places), near)] + rng.integers(-2, 3, near)
    scaled = slice(near, near + n // 4)  # of every magnitude
    words[scaled] >>= rng.integers(0, NATIVE, n // 4)
    if 0 < tie < NATIVE:
        tied = slice(near + n // 8, near + n // 2)
        low = (1 << tie) - 1
        words[tied] = (words[tied] & ~np.int64(low) | np.int64(1 << (tie - 1))) + rng.integers(-1, 2, words[tied].size)
    return folded(words, t)


def _wide(t: FixedType, n: int, rng: random.Random, marks: Sequence[int], tie: int) -> Ints:
    low, span = t.plain().min_mantissa, 1 << t.width
    places = marks or landmarks(t)

    def one(kind: int) -> int:
        if kind == 0:
            return rng.choice(places) + rng.randint(-2, 2)
        value = rng.randrange(span)
        if kind == 1:
            return (low + value) >> rng.randrange(t.width)
        if kind == 2 and tie > 0:
            return (value >> tie << tie) + (1 << (tie - 1)) + rng.randint(-1, 1)
        return value

    return np.array([(one(i % 4) - low) % span + low for i in range(n)], dtype=object)


def doubles(t: FixedType, n: int, rng: np.random.Generator) -> np.ndarray:
    """Ties of ``t`` and their neighbours, values of every magnitude, tiny, huge and signed zeros."""
    steps = mantissas(FixedType(min(t.width + 4, 53), 0), n, rng, _quarter_landmarks(t))
    x = np.ldexp(steps.astype(np.float64), -t.frac - 2)
    x[1::4] = np.nextafter(x[1::4], np.where(rng.random(x[1::4].size) < 0.5, np.inf, -np.inf))
    any_magnitude = rng.normal(size=x[2::4].size)
    x[2::4] = np.ldexp(any_magnitude, rng.integers(-t.frac - 60, t.integer + 70, any_magnitude.size))
    special = [0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e300, -1e300, float(t.max), float(t.min)]
    x[: len(special)] = special[:n]
    return x


def _quarter_landmarks(t: FixedType) -> list[int]:
    ends = [t.plain().min_mantissa, t.max_mantissa, 0, 1 << t.width, -(1 << t.width)]
    return [4 * k + d for k in ends for d in (0, 2)]


def exact(word: int) -> Fraction:
    """The double whose bits are ``word``."""
    return Fraction(struct.unpack("<d", struct.pack("<q", word))[0])
