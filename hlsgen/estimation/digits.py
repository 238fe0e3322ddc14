"""Signed digits of constants: how many additions a product with a constant is.

A constant is a sum of powers of two with signs. In its canonical form (CSD, no two neighbours other than zero) it has
as few as can be, and a product with it is one addition less than it has digits. The form is G. W. Reitwiesner's,
"Binary arithmetic", Advances in Computers 1 (1960).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.types import Ints

_WORD = 61
"""Bits of a magnitude whose triple an int64 holds."""


def signed_digits(values: Ints) -> NDArray[np.int64]:
    """How many digits other than zero each whole number has, in canonical signed form; the shape is that of values.

    They are the bits in which a number and its triple differ.
    """
    magnitudes = np.abs(values)
    if magnitudes.dtype == object or int(magnitudes.max(initial=0)) >> _WORD:
        exact = [(int(v) ^ 3 * int(v)).bit_count() for v in magnitudes.reshape(-1)]
        return np.array(exact, dtype=np.int64).reshape(values.shape)
    return _ones(magnitudes ^ (3 * magnitudes))


def _ones(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bits of each word are set."""
    octets = np.ascontiguousarray(words).reshape(-1).view(np.uint8).reshape(-1, 8)
    counts = np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.int64)
    found: NDArray[np.int64] = counts.reshape(words.shape)
    return found
