"""Arithmetic of whole numbers in 64 bits: for layers that round inside, and for sums that no float holds.

Every number comes with the ends of its range, so that nothing leaves the 64 bits; what would is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hlsgen.errors import UnsupportedError
from hlsgen.exports.onnx.kinds import Kind
from hlsgen.exports.onnx.nodes import Constants, Nodes
from hlsgen.ir.types import FixedType, Overflow, Rounding

_MOST = (1 << 63) - 1


@dataclass(frozen=True)
class Whole:
    """Mantissas under a name, of type int64: ``mantissas * 2**-frac``, from ``low`` to ``high``."""

    name: str
    frac: int
    low: int
    high: int
    cut: bool = False
    """Whether the last bit says if anything was behind the others: as good as all of that, for whoever rounds to a grid
    that is two bits coarser."""


@dataclass(frozen=True)
class Wholes:
    """What can be done with whole numbers; ``where`` begins the message of UnsupportedError for more than 64 bits."""

    where: str
    nodes: Nodes
    constants: Constants

    def known(self, name: str, frac: int, low: int, high: int) -> Whole:
        """Numbers of a range that is known. Raises UnsupportedError for more than 64 bits."""
        if max(-low, high) > _MOST:
            bits = max(-low, high).bit_length() + 1
            raise UnsupportedError(
                f"{self.where}: export onnx: it computes with whole numbers of {bits} bits, and runtimes have 64; give "
                "its input or its result fewer bits"
            )
        return Whole(name, frac, low, high)

    def number(self, values: ArrayLike, frac: int = 0) -> Whole:
        """Constants."""
        array = np.asarray(values, dtype=object)
        found = self.known("", frac, int(array.min()), int(array.max()))
        return replace(found, name=self.constants.add(array.astype(np.int64)))

    # -- from real numbers and back -------------------------------------------------------------

    def of_reals(self, name: str, kind: Kind, frac: int, low: int, high: int) -> Whole:
        """The mantissas of real numbers on a grid, which scaling by a power of two leaves exact."""
        factor = self.constants.add(np.asarray(np.ldexp(1.0, frac), dtype=kind.dtype))
        scaled = name if frac == 0 else self.nodes.one("Mul", name, factor)
        return self.known(self.nodes.one("Cast", scaled, to=Kind.WHOLE.onnx), frac, low, high)

    def reals(self, x: Whole, kind: Kind, hint: str) -> str:
        """The real numbers of mantissas that a kind holds."""
        cast = self.nodes.one("Cast", x.name, hint=hint, to=kind.onnx)
        factor = self.constants.add(np.asarray(np.ldexp(1.0, -x.frac), dtype=kind.dtype))
        return cast if x.frac == 0 else self.nodes.one("Mul", cast, factor, hint=hint)

    # -- arithmetic -----------------------------------------------------------------------------

    def plus(self, a: Whole, b: Whole) -> Whole:
        """The sum, on the finer of two grids."""
        a, b = self.aligned(a, b)
        found = self.known(self.nodes.one("Add", a.name, b.name), a.frac, a.low + b.low, a.high + b.high)
        return replace(found, cut=a.cut or b.cut)

    def minus(self, a: Whole, b: Whole) -> Whole:
        """The difference, on the finer of two grids."""
        a, b = self.aligned(a, b)
        return self.known(self.nodes.one("Sub", a.name, b.name), a.frac, a.low - b.high, a.high - b.low)

    def times(self, a: Whole, b: Whole) -> Whole:
        """The product."""
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        return self.known(self.nodes.one("Mul", a.name, b.name), a.frac + b.frac, min(ends), max(ends))

    def shifted(self, x: Whole, by: int) -> Whole:
        """Mantissas times a power of two; the grid stays."""
        if x.cut and by:
            self._refuse_cut()
        return x if by == 0 else replace(self.times(x, self.number(1 << by)), frac=x.frac)

    def finer(self, x: Whole, frac: int) -> Whole:
        """The same numbers on a finer grid."""
        return replace(self.shifted(x, frac - x.frac), frac=frac)

    def aligned(self, a: Whole, b: Whole) -> tuple[Whole, Whole]:
        """Two on the finer of their grids."""
        frac = max(a.frac, b.frac)
        return self.finer(a, frac), self.finer(b, frac)

    def low_bits(self, x: Whole, bits: int) -> Whole:
        """The last bits of mantissas, as a number from 0 on."""
        if x.low >= 0 and x.high < 1 << bits:
            return x
        return self.known(self.nodes.one("Mod", x.name, self.number(1 << bits).name), x.frac, 0, (1 << bits) - 1)

    def high_bits(self, x: Whole, bits: int) -> Whole:
        """Mantissas without their last bits, rounded down; the grid is as much coarser."""
        if bits == 0:
            return x
        cut = self.nodes.one("Sub", x.name, self.low_bits(x, bits).name)
        name = self.nodes.one("Div", cut, self.number(1 << bits).name)
        return self.known(name, x.frac - bits, x.low >> bits, x.high >> bits)

    def clipped(self, x: Whole, low: int | None, high: int | None) -> Whole:
        """Mantissas cut off at ends."""
        if low is not None and x.low < low:
            x = Whole(self.nodes.one("Max", x.name, self.number(low).name), x.frac, low, max(x.high, low))
        if high is not None and x.high > high:
            x = Whole(self.nodes.one("Min", x.name, self.number(high).name), x.frac, min(x.low, high), high)
        return x

    def of_all(self, operator: str, x: Whole, axes: Sequence[int], count: int, keepdims: int = 1) -> Whole:
        """The largest (``ReduceMax``) or the sum (``ReduceSum``) of so many numbers along axes."""
        name = self.nodes.one(operator, x.name, self.constants.add(np.array(axes, dtype=np.int64)), keepdims=keepdims)
        many = count if operator == "ReduceSum" else 1
        return self.known(name, x.frac, x.low * many, x.high * many)

    # -- choices --------------------------------------------------------------------------------

    def is_true(self, operator: str, x: Whole, y: Whole) -> str:
        """A comparison of mantissas: the name of a truth value."""
        return self.nodes.one(operator, x.name, y.name)

    def one_if(self, truth: str) -> Whole:
        """1 where it is true, else 0."""
        return Whole(self.nodes.one("Cast", truth, to=Kind.WHOLE.onnx), 0, 0, 1)

    def chosen(self, truth: str, a: Whole, b: Whole) -> Whole:
        """``a`` where it is true, else ``b``; on the finer of two grids."""
        a, b = self.aligned(a, b)
        name = self.nodes.one("Where", truth, a.name, b.name)
        return Whole(name, a.frac, min(a.low, b.low), max(a.high, b.high))

    def looked_up(self, table: Any, index: Whole, frac: int) -> Whole:
        """``table[index]`` of mantissas."""
        words = self.number(table, frac)
        return replace(words, name=self.nodes.one("Gather", words.name, index.name, axis=0))

    # -- casts ----------------------------------------------------------------------------------

    def cast(self, x: Whole, fixed: FixedType) -> Whole:
        """As :meth:`FixedType.cast`."""
        shift = x.frac - fixed.frac
        if x.cut and shift < 2:
            self._refuse_cut()
        floor = x
        if shift > 0:
            floor = self.high_bits(x, shift)
            x = self._rounded(x, floor, shift, fixed.rounding)
        elif shift < 0:
            floor = x = self._no_larger(x, fixed, -shift)
        low, high = fixed.min_mantissa, fixed.max_mantissa
        if low <= x.low and x.high <= high:
            return x
        match fixed.overflow:
            case Overflow.SAT | Overflow.SAT_SYM:
                return self.clipped(x, low, high)
            case Overflow.WRAP if fixed.saturation_bits == 0:
                bias = self.number(low)
                moved = self.low_bits(self.minus(replace(x, frac=0), bias), fixed.width)
                return replace(self.plus(moved, bias), frac=fixed.frac)
            case Overflow.SAT_ZERO:
                inside = self._inside(x, low, high)
                return replace(self.chosen(inside, x, self.number(0, x.frac)), low=low, high=high)
        inside = self._inside(x, low, high)
        guarded = self._guarded(replace(x, frac=0), replace(floor, frac=0), fixed)
        return Whole(self.nodes.one("Where", inside, x.name, guarded.name), fixed.frac, low, high)

    def _refuse_cut(self) -> None:
        raise UnsupportedError(
            f"{self.where}: export onnx: its polynomial has more than 64 bits, and its result too many of them; give "
            "its result fewer bits"
        )

    def _inside(self, x: Whole, low: int, high: int) -> str:
        """Whether mantissas are within ends."""
        above = self.is_true("GreaterOrEqual", x, self.number(low))
        return self.nodes.one("And", above, self.is_true("LessOrEqual", x, self.number(high)))

    def _guarded(self, x: Whole, floor: Whole, fixed: FixedType) -> Whole:
        """What becomes of a value beyond the range by WRAP with saturation bits, or by WRAP_SM.

        As :class:`FixedType` has it; ``floor`` is the value before it was rounded up.
        """
        width, count = fixed.width, fixed.saturation_bits
        kept, sign, ones = 1 << max(width - count, 0), 1 << (width - 1), (1 << width) - 1
        guard = ((1 << (width - fixed.signed)) - 1) & -kept
        bits = self.low_bits(x, width)
        if not fixed.signed:
            return self.plus(self.low_bits(bits, max(width - count, 0)), self.number(guard))
        negative = self.is_true("Less", x, self.number(0))
        top = self.is_true("GreaterOrEqual", bits, self.number(sign))
        inverted = self.minus(self.number(ones), bits)
        if fixed.overflow is Overflow.WRAP_SM and count == 0:
            deleted = self.low_bits(replace(self.high_bits(floor, width), frac=0), 1)
            differ = self.nodes.one("Xor", self.is_true("Equal", deleted, self.number(1)), top)
            turned = self.plus(self.low_bits(inverted, width - 1), self.times(deleted, self.number(sign)))
            return self._signed(self.chosen(differ, turned, bits), width)
        if fixed.overflow is Overflow.WRAP_SM:
            highest = replace(self.low_bits(self.high_bits(bits, width - count), 1), frac=0)
            other = top if count == 1 else self.is_true("Equal", highest, self.number(0))
            bits = self.chosen(self.nodes.one("Xor", negative, other), inverted, bits)
        low = self.low_bits(bits, max(width - count, 0) if count > 1 else width - 1)
        found = self.chosen(negative, self.plus(low, self.number(sign)), self.plus(low, self.number(guard)))
        return self._signed(found, width)

    def _signed(self, bits: Whole, width: int) -> Whole:
        """Bits from 0 on, in two's complement."""
        top = self.is_true("GreaterOrEqual", bits, self.number(1 << (width - 1)))
        return self.chosen(top, self.minus(bits, self.number(1 << width)), bits)

    def _no_larger(self, x: Whole, fixed: FixedType, by: int) -> Whole:
        """On a finer grid; what saturates there anyway is cut off before, so that it stays within 64 bits."""
        if fixed.saturates:
            x = self.clipped(x, (fixed.min_mantissa >> by) - 1, (fixed.max_mantissa >> by) + 1)
        return self.finer(x, fixed.frac)

    def _rounded(self, x: Whole, floor: Whole, shift: int, mode: Rounding) -> Whole:
        """Divided by ``2**shift`` and rounded; ``floor``: rounded down."""
        rest = self.low_bits(x, shift)
        if mode is Rounding.TRN:
            return floor
        half, negative = self.number(1 << (shift - 1)), ("Less", replace(x, frac=0), self.number(0))
        above = self.is_true("Greater", rest, half)
        tie = self.is_true("Equal", rest, half)
        match mode:
            case Rounding.TRN_ZERO:
                up = self.nodes.one("And", self.is_true("Greater", rest, self.number(0)), self.is_true(*negative))
            case Rounding.RND:
                up = self.nodes.one("Or", above, tie)
            case Rounding.RND_MIN_INF:
                up = above
            case Rounding.RND_ZERO:
                up = self._or_tie(above, tie, self.is_true(*negative))
            case Rounding.RND_INF:
                up = self._or_tie(above, tie, self.nodes.one("Not", self.is_true(*negative)))
            case Rounding.RND_CONV:
                odd = self.low_bits(replace(floor, frac=0), 1)
                up = self._or_tie(above, tie, self.is_true("Equal", odd, self.number(1)))
        one = replace(self.one_if(up), frac=floor.frac)
        return self.plus(floor, one)

    def _or_tie(self, above: str, tie: str, goes_up: str) -> str:
        return self.nodes.one("Or", above, self.nodes.one("And", tie, goes_up))
