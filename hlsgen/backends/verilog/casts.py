"""``FixedType.cast`` as logic: every rounding and overflow mode of :mod:`hlsgen.ir.types` (AMD UG1399)."""

from __future__ import annotations

from typing import NamedTuple

from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.ir.types import FixedType, Overflow, Rounding


class Number(NamedTuple):
    """A signal that stands for ``mantissa * 2**-frac``."""

    signal: Signal
    frac: int


def cast(logic: Logic, x: Number, to: FixedType) -> Number:
    """The value in another type; as a constant of Python where it never changes."""
    if x.signal.is_constant:
        return Number(constant(int(to.cast(x.signal.low, x.frac))), to.frac)
    shift = x.frac - to.frac
    if shift <= 0:
        exact = logic.shift_left(x.signal, -shift)
        return Number(_fitted(logic, exact, exact, to), to.frac)
    floor = logic.floor(x.signal, shift)
    return Number(_fitted(logic, _rounded(logic, x.signal, floor, shift, to.rounding), floor, to), to.frac)


def aligned(logic: Logic, a: Number, b: Number) -> tuple[Signal, Signal, int]:
    """Both on the finer of their grids."""
    frac = max(a.frac, b.frac)
    return logic.shift_left(a.signal, frac - a.frac), logic.shift_left(b.signal, frac - b.frac), frac


def _rounded(logic: Logic, x: Signal, floor: Signal, shift: int, mode: Rounding) -> Signal:
    """The floor, or one more."""
    if mode is Rounding.TRN or (mode is Rounding.TRN_ZERO and not x.is_signed):
        return floor
    rest = logic.bits(x, 0, shift, "rest")
    half = 1 << (shift - 1)

    def from_(least: int, hint: str = "up") -> Signal:
        return logic.at_least(rest, constant(least), hint)

    def negative() -> Signal:
        return logic.bits(x, x.width - 1, 1, "negative") if x.is_signed else constant(0)

    match mode:
        case Rounding.TRN_ZERO:
            up = _both(logic, from_(1, "inexact"), negative())
        case Rounding.RND:
            up = from_(half)
        case Rounding.RND_MIN_INF:
            up = from_(half + 1)
        case Rounding.RND_ZERO:
            up = logic.choose(negative(), from_(half), from_(half + 1), "up")
        case Rounding.RND_INF:
            up = logic.choose(negative(), from_(half + 1), from_(half), "up")
        case Rounding.RND_CONV:
            up = logic.choose(logic.bits(floor, 0, 1, "odd"), from_(half), from_(half + 1), "up")
    return logic.bounded(logic.add(floor, up, "rounded"), high=-(-x.high >> shift))  # no farther than the next step


def _both(logic: Logic, a: Signal, b: Signal) -> Signal:
    """Two bits that hold both."""
    return logic.choose(a, b, constant(0), "both")


def _fitted(logic: Logic, x: Signal, floor: Signal, to: FixedType) -> Signal:
    """A value within the range; ``floor``: before it was rounded up."""
    low, high = to.min_mantissa, to.max_mantissa
    if low <= x.low and x.high <= high:
        return x
    if to.overflow is Overflow.WRAP and not to.saturation_bits:
        return _wrapped(logic, logic.bits(x, 0, to.width, "kept"), to)
    above = logic.at_least(x, constant(high + 1), "above")
    below = constant(1) if x.high < low else _inverted(logic, logic.at_least(x, constant(low), "not_below"))
    match to.overflow:
        case Overflow.SAT | Overflow.SAT_SYM:
            beyond = constant(high), constant(low)
        case Overflow.SAT_ZERO:
            beyond = constant(0), constant(0)
        case _:
            wrong = _guarded(logic, x, floor, to)
            beyond = wrong, wrong
    kept = logic.choose(below, beyond[1], logic.choose(above, beyond[0], x, "limited"), "limited")
    return logic.bounded(kept, low, high)


def _wrapped(logic: Logic, bits: Signal, to: FixedType) -> Signal:
    return logic.as_signed(bits, to.width) if to.signed else bits


def _inverted(logic: Logic, bit: Signal) -> Signal:
    if bit.is_constant:
        return constant(1 - bit.low)
    return logic.define("inverted", (0, 1), 0, [bit], lambda p: f"~{p}")


def _guarded(logic: Logic, x: Signal, floor: Signal, to: FixedType) -> Signal:
    """What becomes of a value out of range under WRAP with saturation bits, and under WRAP_SM.

    The same steps as ``FixedType._wrap_guarded``.
    """
    width, kept = to.width, to.saturation_bits
    guard = ((1 << (width - to.signed)) - 1) & ~((1 << max(width - kept, 0)) - 1)
    bits = logic.bits(x, 0, width, "kept")
    if not to.signed:
        return _masked(logic, bits, "|", guard)
    sign, ones = 1 << (width - 1), (1 << width) - 1
    top = logic.bits(x, width - 1, 1, "top")
    negative = logic.bits(x, x.width - 1, 1, "negative") if x.is_signed else constant(0)
    if to.overflow is Overflow.WRAP_SM and not kept:
        deleted = logic.bits(floor, width, 1, "deleted")
        other = _masked(logic, _masked(logic, bits, "^", ones), "&", ones - sign)
        turned = logic.choose(deleted, _masked(logic, other, "|", sign), other, "turned")
        return _wrapped(logic, logic.choose(_differ(logic, deleted, top), turned, bits, "turned"), to)
    if to.overflow is Overflow.WRAP_SM:
        first = logic.bits(x, width - kept, 1, "first")
        flip = _differ(logic, negative, top if kept == 1 else _inverted(logic, first))
        bits = logic.choose(flip, _masked(logic, bits, "^", ones), bits, "flipped")
    lowest = _masked(logic, _masked(logic, bits, "&", ones & ~guard), "|", sign)
    highest = _masked(logic, _masked(logic, bits, "|", guard), "&", ones - sign)
    return _wrapped(logic, logic.choose(negative, lowest, highest, "guarded"), to)


def _differ(logic: Logic, a: Signal, b: Signal) -> Signal:
    """Whether two bits are not the same."""
    return logic.choose(a, _inverted(logic, b), b, "differ")


def _masked(logic: Logic, bits: Signal, operator: str, mask: int) -> Signal:
    """Bits (a number from 0 on) joined with a constant, bit by bit."""
    everything = (1 << max(bits.width, mask.bit_length())) - 1
    return logic.define("masked", (0, everything), 1, [bits, constant(mask)], lambda p, q: f"{p} {operator} {q}")
