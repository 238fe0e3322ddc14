"""Whole numbers in C: ranges that are proved, the words that hold them, casts as expressions, literals.

Everything is computed in signed words of 32 bits, or of 64 where a proved range asks for it; no operation overflows,
and none depends on what the C standard leaves open (helpers of ``hls_templates/c/helpers.j2`` shift and wrap).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.typing import Tensor, Typing

WIDEST = 64
_MOST_PLACES = WIDEST - 2
"""Places by which a word can be shifted right, with a bit for the sign and one for a half."""
_FEW_PLACES = 30
"""The same of a word of 32 bits."""

ROUNDINGS = {
    Rounding.TRN: "shift_down",
    Rounding.TRN_ZERO: "round_to_zero",
    Rounding.RND: "round_half_up",
    Rounding.RND_ZERO: "round_half_to_zero",
    Rounding.RND_INF: "round_half_from_zero",
    Rounding.RND_MIN_INF: "round_half_down",
    Rounding.RND_CONV: "round_half_even",
}
"""The helper for each rounding mode."""


class TooWideError(ValueError):
    """A number needs more bits than a word has."""


class Range(NamedTuple):
    """What an integer is proved to lie between, both ends included."""

    low: int
    high: int

    def times(self, factor: int) -> Range:
        ends = self.low * factor, self.high * factor
        return Range(min(ends), max(ends))

    def by(self, other: Range) -> Range:
        """Of products with another."""
        ends = [a * b for a in self for b in other]
        return Range(min(ends), max(ends))

    def plus(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def minus(self, other: Range) -> Range:
        return Range(self.low - other.high, self.high - other.low)

    def joined(self, other: Range) -> Range:
        return Range(min(self.low, other.low), max(self.high, other.high))

    @property
    def magnitude(self) -> int:
        return max(-self.low, self.high)

    @property
    def bits(self) -> int:
        """Of the two's complement that holds it."""
        return max(self.high.bit_length(), (~self.low).bit_length() if self.low < 0 else 0) + 1


def of_type(fixed: FixedType) -> Range:
    """All mantissas of a type."""
    return Range(fixed.min_mantissa, fixed.max_mantissa)


def of_values(values: Ints) -> Range:
    """The least and the greatest of some integers."""
    return Range(int(values.min()), int(values.max()))


def within(magnitude: int) -> Range:
    """Numbers up to a magnitude, of either sign."""
    return Range(-magnitude, magnitude)


def proved(typing: Typing, frac: int) -> Range:
    """The range of an exact result, on a grid that holds it."""
    low, high = typing.exact.whole()
    shift = frac - typing.exact.frac
    return Range(low << shift, high << shift) if shift >= 0 else Range(low >> -shift, -(-high >> -shift))


def word_of(ranges: Iterable[Range]) -> int:
    """Bits of the words in which all of this can be computed. Raises TooWideError."""
    bits = max(found.bits for found in ranges)
    if bits > WIDEST:
        raise TooWideError(f"numbers of {bits} bits")
    return 32 if bits <= 32 else 64


@dataclass(frozen=True)
class Storage:
    """The elements of an array."""

    bits: int
    signed: bool

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.bits}_t"

    @property
    def bytes(self) -> int:
        return self.bits // 8


def storage(found: Range) -> Storage:
    """The smallest type of stdint.h. Raises TooWideError."""
    for bits in (8, 16, 32):
        if found.low >= 0 and found.high < 1 << bits:
            return Storage(bits, signed=found.high < 1 << (bits - 1))
        if found.bits <= bits:
            return Storage(bits, signed=True)
    if found.bits > WIDEST:
        raise TooWideError(f"numbers of {found.bits} bits")
    return Storage(64, signed=True)


def storage_of(tensor: Tensor) -> Storage:
    """What holds the values of a tensor: all of its type, not only those that are proved to occur."""
    return storage(of_type(tensor.type))


def literal(value: int) -> str:
    """A constant, as C has none for the least number of a type."""
    if value in (-(1 << 31), -(1 << 63)):
        return f"({literal(value + 1)} - 1)"
    if -(1 << 31) <= value < 1 << 31:
        return str(value)
    return f"{'-' if value < 0 else ''}INT64_C({abs(value)})"


@dataclass(frozen=True)
class Step:
    """A call of a helper; ``times`` is a multiplication."""

    helper: str
    arguments: tuple[int, ...]

    def text(self, value: str, word: int) -> str:
        shown = ", ".join(map(literal, self.arguments))
        return f"({value} * {shown})" if self.helper == "times" else f"{self.helper}_{word}({value}, {shown})"


@dataclass(frozen=True)
class Guarded:
    """A wrap that looks at bits beside those it keeps: saturation bits, or a sign that is kept."""

    rounding: Step | None
    fixed: FixedType

    def text(self, value: str, word: int) -> str:
        rounded, floor = value, value
        if self.rounding is not None:
            rounded = self.rounding.text(value, word)
            floor = Step("shift_down", self.rounding.arguments).text(value, word)
        fixed = self.fixed
        flags = (fixed.width, int(fixed.signed), int(fixed.overflow is Overflow.WRAP_SM), fixed.saturation_bits)
        return f"wrap_guarded_{word}({rounded}, {floor}, {', '.join(map(str, flags))})"


@dataclass(frozen=True)
class Cast:
    """A chain of casts, as an expression of C."""

    steps: tuple[Step | Guarded, ...]
    ranges: tuple[Range, ...]
    """Of all that is computed on the way, the result last."""

    @property
    def result(self) -> Range:
        return self.ranges[-1]

    def text(self, value: str, word: int) -> str:
        for step in self.steps:
            value = step.text(value, word)
        return value


def cast_to(found: Range, frac: int, *types: FixedType) -> Cast:
    """Casts of ``found * 2**-frac`` to types, one behind the other. Raises TooWideError."""
    steps: list[Step | Guarded] = []
    ranges = [found]
    for fixed in types:
        made = _cast(ranges[-1], frac, fixed)
        steps += made.steps
        ranges += made.ranges
        frac = fixed.frac
    return Cast(tuple(steps), tuple(ranges))


def _cast(found: Range, frac: int, fixed: FixedType) -> Cast:
    on_grid = _on_grid(found, frac, fixed)
    rounded, whole = on_grid.result, of_type(fixed)
    if whole.low <= rounded.low and rounded.high <= whole.high:
        return on_grid
    match fixed.overflow:
        case Overflow.SAT | Overflow.SAT_SYM:
            step: Step | Guarded = Step("clamp", whole)
            kept = Range(*(min(max(end, whole.low), whole.high) for end in rounded))
        case Overflow.SAT_ZERO:
            step, kept = Step("zero_beyond", whole), whole
        case Overflow.WRAP if not fixed.saturation_bits:
            step, kept = Step("wrap_signed" if fixed.signed else "wrap_unsigned", (fixed.width,)), whole
        case _:
            return _guarded(on_grid, fixed)
    return Cast((*on_grid.steps, step), (*on_grid.ranges, whole, kept))


def _on_grid(found: Range, frac: int, fixed: FixedType) -> Cast:
    places = frac - fixed.frac
    if places == 0:
        return Cast((), (found,))
    if places < 0:
        return Cast((Step("times", (1 << -places,)),), (found, found.times(1 << -places)))
    if places > _MOST_PLACES:
        if found.bits >= _MOST_PLACES:
            raise TooWideError(f"numbers of {found.bits} bits of which {places} are dropped")
        places = _MOST_PLACES  # all that is left is the sign, and how near to a half
    low, high = fixed.rounded(np.array(found, dtype=object), frac)
    wide = (within(1 << 32),) if places > _FEW_PLACES else ()
    return Cast((Step(ROUNDINGS[fixed.rounding], (places,)),), (found, *wide, Range(int(low), int(high))))


def _guarded(on_grid: Cast, fixed: FixedType) -> Cast:
    (rounding,) = on_grid.steps or (None,)
    ranges = (*on_grid.ranges, within(1 << fixed.width), of_type(fixed))
    if isinstance(rounding, Step) and rounding.helper != "times":
        return Cast((Guarded(rounding, fixed),), ranges)
    return Cast((*on_grid.steps, Guarded(None, fixed)), ranges)


def casts_of(typing: Typing) -> tuple[FixedType, ...]:
    """The accumulator, if there is one, and the result."""
    return (typing.result,) if typing.accum is None else (typing.accum, typing.result)


def on_common_grid(*fracs: int) -> tuple[list[int], int]:
    """What mantissas of some grids have to be multiplied by to be on the finest of them, and that."""
    finest = max(fracs)
    return [1 << (finest - frac) for frac in fracs], finest


def on_grid(values: Ints, frac: int, finer: int) -> Ints:
    """Mantissas on a grid that is no coarser, as Python's integers where they need it."""
    lifted: Ints = values.astype(object) << (finer - frac)
    return lifted
