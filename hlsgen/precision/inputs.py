"""The types of the model's inputs."""

from __future__ import annotations

from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason

DEFAULT_INPUT = FixedType(16, 6, True, Rounding.RND, Overflow.SAT)
"""What inputs are where nobody says anything: enough for standardised data."""
_FINEST = 1024
"""Inputs are real numbers: no grid of theirs ends the fraction."""


def fills(value: Value) -> bool:
    """Whether the user stated the input type: then for data that may fill it. The default says nothing about them."""
    fixed = value.producer.wish.result
    return fixed is not None and fixed.plain() != DEFAULT_INPUT.plain()


def place_input(value: Value, calibrated_width: int | None) -> tuple[FixedType, Reason, str | None]:
    """The type of an input, who chose it, and what the user should know of that.

    ``calibrated_width``: bits to place by calibration data; None without such data. Then the default is taken.
    """
    wished = value.producer.wish.result
    if wished is not None:
        return wished, Reason.CONFIGURATION, None
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
