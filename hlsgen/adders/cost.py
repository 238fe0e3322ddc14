"""What an adder costs: one full adder for each bit of its result that is not just passed on.

The C++ of the search has the same formulas (``hls_templates/adders/graph.h``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """The values that an operand takes: whole numbers from ``low`` to ``high``, the last ``zeros`` bits of all zero."""

    low: int
    high: int
    zeros: int

    @property
    def top(self) -> int:
        """Bits of a word for them, sign included."""
        return bits(self.low, self.high)

    def shifted(self, by: int) -> Word:
        """The same, ``by`` bits further up."""
        return Word(self.low << by, self.high << by, self.zeros + by)


def bits(low: int, high: int) -> int:
    """The width of a word that holds all whole numbers of a range; with a sign if there are negative ones."""
    return max(high, -low - 1).bit_length() + 1 if low < 0 else high.bit_length()


def full_adders(left: Word, right: Word, subtract: bool, result: Word) -> int:
    """Full adders of ``left ± right``: the bits of the result from where both operands have bits.

    Below, the bits of the lower operand are those of the result, unless it is subtracted. Nothing is to be done at all
    if an operand that is never negative ends below the other's first bit: both stand side by side.
    """
    lower, upper = (left, right) if left.zeros <= right.zeros else (right, left)
    if subtract:
        return max(0, result.top - right.zeros) if lower is right else max(0, result.top - upper.zeros)
    if lower.zeros != upper.zeros and lower.low >= 0 and lower.top <= upper.zeros:
        return 0
    return max(0, result.top - upper.zeros)


def negation(word: Word) -> int:
    """Full adders of ``0 - word``."""
    return max(0, bits(-word.high, -word.low) - word.zeros)


def in_units(full: int, unit: int) -> int:
    """Full adders that come in blocks of ``unit``, as carry chains do."""
    return -(-full // unit) * unit
