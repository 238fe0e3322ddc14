"""Fixed-point types: what a number on the chip can be, and how a value becomes one.

A value is an integer *mantissa* times ``2**-frac``. The semantics of every rounding and
overflow mode are those of the vendor's ``ap_fixed`` and are proved against its headers in
``tests/vendor``.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hlsgen.errors import InputError, TypeSpecError, brief, nearest

Ints = NDArray[Any]
"""An array of exact integers: ``int64`` where everything fits, ``object`` (Python ints) beyond."""

MAX_WIDTH = 1024
_FLOAT64_BITS = 52  # integers of this width and their halves are exact in float64
_NATIVE_BITS = 62  # int64 arithmetic with a bit to spare for a rounding increment


class Rounding(enum.Enum):
    """What happens to bits below the finest step (AMD UG1399, "Quantization modes")."""

    TRN = "TRN"  # towards minus infinity
    TRN_ZERO = "TRN_ZERO"  # towards zero
    RND = "RND"  # nearest, ties towards plus infinity
    RND_ZERO = "RND_ZERO"  # nearest, ties towards zero
    RND_INF = "RND_INF"  # nearest, ties away from zero
    RND_MIN_INF = "RND_MIN_INF"  # nearest, ties towards minus infinity
    RND_CONV = "RND_CONV"  # nearest, ties to even


class Overflow(enum.Enum):
    """What happens to values outside the range (AMD UG1399, "Overflow modes")."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_ZERO = "SAT_ZERO"
    SAT_SYM = "SAT_SYM"
    WRAP_SM = "WRAP_SM"

    @property
    def effect(self) -> Effect:
        """What becomes of values outside the range, in words."""
        return _EFFECTS.get(self, _WRAPPING)


class Effect(NamedTuple):
    """A verb: values can ..., a value ..., values were ..."""

    infinitive: str
    present: str
    passive: str


_WRAPPING = Effect("wrap", "wraps", "wrapped")
_SATURATING = Effect("saturate", "saturates", "saturated")
_EFFECTS = {
    Overflow.SAT: _SATURATING,
    Overflow.SAT_SYM: _SATURATING,
    Overflow.SAT_ZERO: Effect("become zero", "becomes zero", "set to zero"),
}


M = TypeVar("M", Rounding, Overflow)


def integers(values: ArrayLike, bits: int | None = None) -> Ints:
    """Return ``values`` as exact integers, ``int64`` if ``bits`` (or the values) allow it."""
    array = np.asarray(values)
    if array.dtype != object:
        if array.dtype.kind == "u" and array.dtype.itemsize == 8:
            array = array.astype(object)
        else:
            array = array.astype(np.int64, copy=False)
    if bits is None:
        bits = bit_length(array)
    return array.astype(np.int64 if bits <= _NATIVE_BITS else object, copy=False)


def bit_length(values: Ints) -> int:
    """Return the bits (without sign) that the largest magnitude in ``values`` needs."""
    array = np.asarray(values)
    if array.size == 0:
        return 0
    return max(int(array.max()).bit_length(), int(array.min()).bit_length())


@dataclass(frozen=True)
class FixedType:
    """An ``ap_[u]fixed`` type.

    ``width`` counts all bits, ``integer`` those left of the binary point including the sign;
    it may be negative or exceed ``width``. ``saturation_bits`` is the fifth template argument
    and only has a meaning with ``WRAP`` and ``WRAP_SM``.
    """

    width: int
    integer: int
    signed: bool = True
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP
    saturation_bits: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise TypeSpecError(f"type {self._brief()}: width {self.width} is not between 1 and {MAX_WIDTH}")
        if not -4096 <= self.integer <= 4096:
            raise TypeSpecError(f"type {self._brief()}: {self.integer} integer bits are not between -4096 and 4096")
        if self.saturation_bits and self.overflow not in (Overflow.WRAP, Overflow.WRAP_SM):
            raise TypeSpecError(
                f"type {self._brief()}: saturation bits need WRAP or WRAP_SM, not {self.overflow.value}"
            )
        if not 0 <= self.saturation_bits <= self.width:
            raise TypeSpecError(
                f"type {self._brief()}: {self.saturation_bits} saturation bits do not fit width {self.width}"
            )
        if self.overflow is Overflow.WRAP_SM and not self.signed:
            raise TypeSpecError(f"type {self._brief()}: WRAP_SM is defined for signed types only")

    # -- spelling ---------------------------------------------------------------------------

    def _brief(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"

    @classmethod
    def parse(cls, text: str | FixedType) -> FixedType:
        """Read any spelling users write: ``ap_fixed<16,6,AP_RND,AP_SAT>``, ``ufixed<8,0>``, ``int<4>``.

        Upper and lower case and spaces do not matter. Raises TypeSpecError naming the part that is wrong.
        """
        if isinstance(text, FixedType):
            return text
        match = re.fullmatch(r"\s*(?:ap_)?(u?)(fixed|int)\s*<([^<>]*)>\s*", str(text).lower())
        shown = brief(str(text))
        if match is None and "<" in str(text) and ">" not in str(text):
            raise TypeSpecError(
                f"{shown} is not a fixed-point type: it ends before its '>'; in YAML's braces, put it into quotes"
            )
        if match is None:
            raise TypeSpecError(
                f"{shown} is not a fixed-point type; write it like 'fixed<16,6>', 'ufixed<8,2,RND,SAT>' or 'int<4>'"
            )
        unsigned, kind, inside = match.groups()
        parts = [part.strip() for part in inside.split(",")]
        limits, wanted = ((1, 1), "1 argument") if kind == "int" else ((2, 5), "2 to 5 arguments")
        if not limits[0] <= len(parts) <= limits[1]:
            raise TypeSpecError(f"{shown}: {kind} takes {wanted}, found {len(parts)}")
        if "" in parts:
            raise TypeSpecError(f"{shown}: argument {parts.index('') + 1} is empty; remove a comma or write a value")
        width = _parse_int(parts[0], "width", shown)
        if kind == "int":
            return cls(width, width, not unsigned)
        integer = _parse_int(parts[1], "integer bits", shown)
        rounding = _parse_mode(Rounding, parts[2], shown) if len(parts) > 2 else Rounding.TRN
        overflow = _parse_mode(Overflow, parts[3], shown) if len(parts) > 3 else Overflow.WRAP
        sat_bits = _parse_int(parts[4], "saturation bits", shown) if len(parts) > 4 else 0
        return cls(width, integer, not unsigned, rounding, overflow, sat_bits)

    def _arguments(self, prefix: str) -> str:
        parts = [str(self.width), str(self.integer)]
        modes = (self.rounding, self.overflow, self.saturation_bits)
        if modes != (Rounding.TRN, Overflow.WRAP, 0):
            parts += [prefix + self.rounding.value, prefix + self.overflow.value]
        if self.saturation_bits:
            parts.append(str(self.saturation_bits))
        return ",".join(parts)

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self._arguments('')}>"

    @property
    def cpp(self) -> str:
        """The vendor's spelling, as it stands in generated C++."""
        return f"ap_{'' if self.signed else 'u'}fixed<{self._arguments('AP_')}>"

    # -- range ------------------------------------------------------------------------------

    @cached_property
    def frac(self) -> int:
        """Bits right of the binary point (negative for steps above one)."""
        return self.width - self.integer

    @cached_property
    def min_mantissa(self) -> int:
        if not self.signed:
            return 0
        low = -(1 << (self.width - 1))
        # One bit keeps -1, as the vendor's: a symmetric range would hold 0 alone.
        return low + 1 if self.overflow is Overflow.SAT_SYM and self.width > 1 else low

    @cached_property
    def max_mantissa(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def step(self) -> Fraction:
        """The finest difference between two values."""
        return Fraction(2) ** -self.frac

    @property
    def min(self) -> Fraction:
        return self.min_mantissa * self.step

    @property
    def max(self) -> Fraction:
        return self.max_mantissa * self.step

    @property
    def saturates(self) -> bool:
        """Whether values beyond an end become that end: then a cast never falls."""
        return self.overflow in (Overflow.SAT, Overflow.SAT_SYM)

    def plain(self) -> FixedType:
        """The same grid without rounding and saturation hardware."""
        return FixedType(self.width, self.integer, self.signed)

    def with_modes(self, rounding: Rounding, overflow: Overflow) -> FixedType:
        return replace(self, rounding=rounding, overflow=overflow, saturation_bits=0)

    def holds(self, low: int, high: int, frac: int) -> bool:
        """Whether every multiple of ``2**-frac`` in ``low..high`` (mantissas) is a value of this type."""
        if frac > self.frac:
            return low == high == 0
        shift = self.frac - frac
        return self.min_mantissa <= low << shift and high << shift <= self.max_mantissa

    @classmethod
    def covering(cls, low: int, high: int, frac: int) -> FixedType:
        """The narrowest type for all mantissas ``low..high`` at ``frac``; neither overflows nor rounds."""
        signed = low < 0
        width = max(max(high, 0).bit_length(), (~low).bit_length() if signed else 0) + signed
        width = max(width, 1)
        return cls(width, width - frac, signed)

    # -- values -----------------------------------------------------------------------------

    def cast(self, mantissas: ArrayLike, frac: int) -> Ints:
        """Cast exact values ``mantissas * 2**-frac`` (of any shape) to this type, as an assignment in C++ does."""
        values = integers(mantissas)
        if values.ndim == 0:  # of which NumPy makes bare numbers on the way
            return self.cast(values.reshape(1), frac).reshape(())
        return integers(self._fit(*self._on_grid(values, frac)))

    def rounded(self, mantissas: ArrayLike, frac: int) -> Ints:
        """Round exact values ``mantissas * 2**-frac`` to the grid of this type, as a cast does before it looks at the
        range; the result may lie outside of it."""
        values = integers(mantissas)
        return self.rounded(values.reshape(1), frac).reshape(()) if values.ndim == 0 else self._on_grid(values, frac)[0]

    def _on_grid(self, values: Ints, frac: int) -> tuple[Ints, Ints]:
        """Rounded values, and the floors they were rounded from."""
        shift = frac - self.frac
        if shift > 0:
            return _round(values, shift, self.rounding)
        finer = integers(values, bit_length(values) - shift) << -shift
        return finer, finer

    def _fit(self, values: Ints, floor: Ints) -> Ints:
        low, high = self.min_mantissa, self.max_mantissa
        if values.size == 0 or (low <= int(values.min()) and int(values.max()) <= high):
            return values
        if self.width > _NATIVE_BITS:
            values = values.astype(object)
        match self.overflow:
            case Overflow.SAT | Overflow.SAT_SYM:
                return np.clip(values, low, high)
            case Overflow.SAT_ZERO:
                return np.where((values < low) | (values > high), 0, values)
            case Overflow.WRAP if self.saturation_bits == 0:
                return wrap(values, self.width, self.signed)
            case _:
                return np.where((values < low) | (values > high), self._wrap_guarded(values, floor), values)

    def _wrap_guarded(self, values: Ints, floor: Ints) -> Ints:
        """Return out-of-range ``values`` under WRAP with saturation bits, or WRAP_SM.

        Saturation bits are the upper bits (below the sign) that saturate while the rest wraps.
        WRAP_SM without them inverts the kept bits when the lowest deleted bit, taken *before*
        rounding (``floor``), differs from the kept sign: the vendor's definition.
        """
        width, count = self.width, self.saturation_bits
        if width >= _NATIVE_BITS:
            values, floor = values.astype(object), floor.astype(object)
        guard = ((1 << (width - self.signed)) - 1) & ~((1 << max(width - count, 0)) - 1)
        bits = wrap(values, width, signed=False)
        if not self.signed:
            return bits | guard
        sign, ones = 1 << (width - 1), (1 << width) - 1
        negative = values < 0
        top = (bits & sign) != 0
        if self.overflow is Overflow.WRAP_SM and count == 0:
            deleted = (floor >> width) & 1
            bits = np.where((deleted != 0) == top, bits, (~bits & (ones - sign)) | deleted * sign)
            return wrap(bits, width, signed=True)
        if self.overflow is Overflow.WRAP_SM:
            kept = ((bits >> (width - count)) & 1) != 0
            bits = np.where((negative != top) if count == 1 else (negative == kept), ~bits & ones, bits)
        bits = np.where(negative, (bits & ~guard) | sign, (bits | guard) & ~sign)
        return wrap(bits, width, signed=True)

    def quantize(self, values: ArrayLike) -> Ints:
        """Round numbers to mantissas of this type; floats (up to 64 bits) and integers are taken exactly.

        Infinities saturate to the ends of the range whatever the overflow mode; NaN raises InputError.
        """
        if np.asarray(values).dtype.kind in "iub":
            return self.cast(values, 0)
        x = np.asarray(values, dtype=np.float64)
        if np.isnan(x).any():
            raise InputError("a value is NaN; fixed point has no NaN, clean the data first")
        infinite = np.isinf(x)
        if infinite.any():
            low, high = (np.array(end, dtype=object) for end in (self.min_mantissa, self.max_mantissa))
            ends = np.where(x > 0, high, low)
            return integers(np.where(infinite, ends, self.quantize(np.where(infinite, 0.0, x))))
        if self.width <= _FLOAT64_BITS and self._rounds_to_nearest_and_saturates:
            return self._quantize_in_floats(x)
        fraction, exponent = np.frexp(x)
        mantissa = np.ldexp(fraction, 53).astype(np.int64)  # x == mantissa * 2**(exponent - 53), exactly
        frac = 53 - exponent.astype(np.int64)
        result: Ints = np.zeros(x.shape, dtype=np.int64 if self.width <= _NATIVE_BITS else object)
        for f in np.unique(frac):
            where = frac == f
            m, at = mantissa[where], int(f)
            if at - self.frac > 60:  # far below half a step: keep sign and inexactness only
                m, at = np.sign(m), self.frac + 4
            result[where] = self.cast(m, at)
        return result

    @property
    def _rounds_to_nearest_and_saturates(self) -> bool:
        return self.rounding in (Rounding.RND, Rounding.RND_CONV) and self.overflow is Overflow.SAT

    def _quantize_in_floats(self, x: NDArray[np.float64]) -> Ints:
        """The common case, exact in float64: scaling by a power of two and splitting off the fraction lose nothing."""
        with np.errstate(over="ignore"):
            scaled = np.clip(np.ldexp(x, self.frac), self.min_mantissa, self.max_mantissa)
        if self.rounding is Rounding.RND_CONV:
            return np.asarray(np.rint(scaled), dtype=np.int64)
        floor = np.floor(scaled)
        return np.asarray(floor + (scaled - floor >= 0.5), dtype=np.int64)

    def to_float(self, mantissas: ArrayLike) -> NDArray[np.float64]:
        """Return the real values of ``mantissas`` as float64 (exact up to 53 bits)."""
        return to_float(mantissas, self.frac)


def to_float(mantissas: ArrayLike, frac: int) -> NDArray[np.float64]:
    """Return ``mantissas * 2**-frac`` as float64, correctly rounded beyond 53 bits."""
    values = np.asarray(mantissas)
    return np.ldexp(values.astype(np.float64), -frac)


def wrap(values: Ints, width: int, signed: bool) -> Ints:
    """Keep the low ``width`` bits, in two's complement if ``signed``."""
    if values.ndim == 0:
        return wrap(values.reshape(1), width, signed).reshape(())
    mask = (1 << width) - 1
    if width > _NATIVE_BITS:
        values = values.astype(object)
    low = values & mask
    if not signed:
        return low
    sign = 1 << (width - 1)
    return (low ^ sign) - sign


def _round(values: Ints, shift: int, mode: Rounding) -> tuple[Ints, Ints]:
    """Divide by ``2**shift``; return the rounded integers and the floors."""
    if shift > _NATIVE_BITS:
        values = values.astype(object)
    floor = values >> shift
    rest = values - (floor << shift)
    half = 1 << (shift - 1)
    match mode:
        case Rounding.TRN:
            return floor, floor
        case Rounding.TRN_ZERO:
            up = (rest != 0) & (values < 0)
        case Rounding.RND:
            up = rest >= half
        case Rounding.RND_ZERO:
            up = (rest > half) | ((rest == half) & (values < 0))
        case Rounding.RND_INF:
            up = (rest > half) | ((rest == half) & (values >= 0))
        case Rounding.RND_MIN_INF:
            up = rest > half
        case Rounding.RND_CONV:
            up = (rest > half) | ((rest == half) & (floor % 2 == 1))
    return floor + up.astype(np.int64), floor


def _parse_int(text: str, what: str, whole: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise TypeSpecError(f"{whole}: {what} {brief(text)} is not a whole number of at most nine digits")
    return int(text)


def _parse_mode(kind: type[M], text: str, whole: str) -> M:
    name = text.removeprefix("ap_").upper()
    if name not in kind.__members__:
        raise TypeSpecError(f"{whole}: no {kind.__name__.lower()} mode {brief(name)}{nearest(name, kind.__members__)}")
    return kind[name]
