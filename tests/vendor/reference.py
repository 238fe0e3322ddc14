"""The cast, written once more from the manual's words in rational numbers and strings of bits: slow, and independent.

Sources: AMD UG1399, "Quantization Modes" and "Overflow Modes", and IEEE 1666 (SystemC), "Overflow modes", which the
former repeats; where the vendor's headers differ from the manual, the headers decide and a comment says so.
"""

from __future__ import annotations

import math
from fractions import Fraction

from hlsgen.ir.types import FixedType, Overflow, Rounding

HALF = Fraction(1, 2)


def rounded(value: Fraction, mode: Rounding) -> int:
    """Return ``value`` as an integer."""
    below, above = math.floor(value), math.ceil(value)
    towards_zero = below if value > 0 else above
    away = above if value > 0 else below
    if mode is Rounding.TRN:
        return below
    if mode is Rounding.TRN_ZERO:
        return towards_zero
    if value - below != HALF:
        return below if value - below < HALF else above
    return {
        Rounding.RND: above,
        Rounding.RND_ZERO: towards_zero,
        Rounding.RND_INF: away,
        Rounding.RND_MIN_INF: below,
        Rounding.RND_CONV: below if below % 2 == 0 else above,
    }[mode]


def fitted(value: int, t: FixedType, deleted: str) -> int:
    """Return the mantissa that ``value`` (in steps of ``t``) becomes; ``deleted``: its lowest lost bit, '0' or '1'."""
    highest = 2 ** (t.width - 1) - 1 if t.signed else 2**t.width - 1
    lowest = -(2 ** (t.width - 1)) if t.signed else 0
    # A symmetric range of one bit would hold 0 alone; the headers keep -1 there.
    symmetric = t.overflow is Overflow.SAT_SYM and t.signed and t.width > 1
    if lowest + symmetric <= value <= highest:
        return value
    if t.overflow is Overflow.SAT_ZERO:
        return 0
    if t.overflow in (Overflow.SAT, Overflow.SAT_SYM):
        return highest if value > highest else lowest + symmetric
    bits = format(value % 2**t.width, f"0{t.width}b")
    kept = wrapped(bits, "1" if value < 0 else "0", deleted, t)
    return int(kept, 2) - (2**t.width if t.signed and kept[0] == "1" else 0)


def wrapped(bits: str, sign: str, deleted: str, t: FixedType) -> str:
    """Return the bits, highest first, of a value that does not fit; ``sign`` is the value's own."""
    n = t.saturation_bits
    if t.overflow is Overflow.WRAP and n == 0:
        return bits
    if not t.signed:  # the n highest bits become ones, in the headers below the range too
        return "1" * n + bits[n:]
    if t.overflow is Overflow.WRAP_SM and n == 0:  # the lowest lost bit becomes the sign
        return deleted + (inverted(bits[1:]) if deleted != bits[0] else bits[1:])
    if t.overflow is Overflow.WRAP_SM:  # mirrored instead of repeated
        flip = sign != bits[0] if n == 1 else sign == bits[n - 1]
        bits = inverted(bits) if flip else bits
    return sign + inverted(sign) * (n - 1) + bits[n:]


def inverted(bits: str) -> str:
    return bits.translate(str.maketrans("01", "10"))


def cast(t: FixedType, value: Fraction) -> int:
    """Return the mantissa of ``value`` in ``t``."""
    steps = value * Fraction(2) ** t.frac
    lowest_lost = str(math.floor(steps) >> t.width & 1)  # taken before rounding, as in the headers
    return fitted(rounded(steps, t.rounding), t, lowest_lost)


def cast_mantissa(t: FixedType, mantissa: int, frac: int) -> int:
    """Return the mantissa in ``t`` of ``mantissa * 2**-frac``."""
    return cast(t, Fraction(mantissa) / Fraction(2) ** frac)
