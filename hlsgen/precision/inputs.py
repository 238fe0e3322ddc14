"""The types of the model's inputs."""

from __future__ import annotations

from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason
from hlsgen.precision.readers import Readers

DEFAULT_INPUT = FixedType(16, 6, True, Rounding.RND, Overflow.SAT)
"""What inputs are where nobody says anything: enough for standardised data."""
_FLOAT32_BITS = 24
"""Of its mantissa."""
_FINEST = 1024
"""Inputs are real numbers: no grid of theirs ends the fraction."""


def fills(value: Value) -> bool:
    """Whether the user stated the input type: then for data that may fill it. The default says nothing about them."""
    fixed = value.producer.wish.result
    return fixed is not None and fixed.plain() != DEFAULT_INPUT.plain()


def place_input(value: Value, calibrated_width: int | None, readers: Readers) -> tuple[FixedType, Reason, str | None]:
    """The type of an input, who chose it, and what the user should know of that.

    ``calibrated_width``: bits to place by calibration data; None without such data. Then the default is taken.
    """
    wished = value.producer.wish.result
    if wished is not None:
        return wished, Reason.CONFIGURATION, None
    quantizer, steps = readers.quantizer(value), readers.read_frac(value)
    if quantizer is not None:
        return (
            quantizer,
            Reason.MODEL,
            f"{value.name}: the model quantises it to {quantizer} and reads nothing else of it",
        )
    number = readers.number(value)
    if number is not None:
        note = f"{value.name}: whole numbers from 0 on are read of it, {number}; others are cut off, and predict warns"
        return number, Reason.DEFAULT, note
    if steps is not None and readers.cast(value):
        fine = _undecided(steps)
        return fine, Reason.DEFAULT, f"{value.name}: only quantisers read it; {fine} takes them no bit of a float32"
    if calibrated_width is None:
        note = (
            f"{value.name}: no input_precision and no calibration data; inputs are {DEFAULT_INPUT} "
            f"({float(DEFAULT_INPUT.min):g} .. {float(DEFAULT_INPUT.max):g})"
        )
        return DEFAULT_INPUT, Reason.DEFAULT, note
    if value.expected is None or not value.expected.largest:
        return DEFAULT_INPUT, Reason.BUDGET, None
    integer = value.expected.integer_bits(calibrated_width, True, _FINEST)
    return FixedType(calibrated_width, integer, True, Rounding.RND, Overflow.SAT), Reason.BUDGET, None


def _undecided(frac: int) -> FixedType:
    """A type in which no float32 comes to lie on a step or a tie of a grid of ``frac`` bits unless it is there.

    Next to the smallest tie, 2**-(frac + 1), a float32 has 24 bits below that; next to larger ones less. What is closer
    to zero is rounded down, so that a step at zero does not see it either. A grid as fine as a float32 is that of one
    number, a threshold, whose neighbours are half its step away or more.
    """
    finest = frac + 1 + (_FLOAT32_BITS if frac < _FLOAT32_BITS else 0)
    integer = DEFAULT_INPUT.integer
    return FixedType(integer + max(finest, DEFAULT_INPUT.frac), integer, True, Rounding.TRN, Overflow.SAT)
