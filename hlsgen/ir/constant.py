"""Constants of a layer: the real numbers they came from and, once their type is fixed, their mantissas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.placing import ALL, Placing
from hlsgen.ir.spelling import CONSTANT_MODES
from hlsgen.ir.types import FixedType, Ints, integers

Shape = tuple[int, ...]
Floats = NDArray[np.float64]

_MOST_SPREAD = 8
"""Weights of a channel may be this many octaves smaller than those of another before they lose bits: 16 + 8 bits
still fit the wide port of a multiplier."""
MOST_FRACTION = 48
"""Real numbers with more fraction bits are not taken for exact constants."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant of a layer: the real numbers it came from and, once its type is fixed, its mantissas.

    ``given`` tells that the model's own quantiser fixed the mantissas; such a constant is never
    quantised again, and it is changed only where the result stays identical.
    """

    values: Floats
    type: FixedType | None = None
    mantissas: Ints | None = None
    given: bool = False
    added: Floats | None = None
    """What of the values is a correction that the configuration asks for, and no part of what the model means."""

    @classmethod
    def of(cls, values: Any, added: Floats | None = None) -> Constant:
        return cls(np.asarray(values, dtype=np.float64), added=added)

    @classmethod
    def exactly(cls, mantissas: Ints, fixed: FixedType, *, given: bool = True) -> Constant:
        return cls(fixed.to_float(mantissas), fixed, mantissas, given)

    @property
    def shape(self) -> Shape:
        return self.values.shape

    @property
    def fixed(self) -> tuple[Ints, int]:
        """Mantissas and fraction, once they are known."""
        assert self.mantissas is not None and self.type is not None, "constant not quantised yet"
        return self.mantissas, self.type.frac

    @property
    def known_type(self) -> FixedType:
        """The type, once it is known."""
        assert self.type is not None, "constant not quantised yet"
        return self.type

    @property
    def meant(self) -> Floats:
        """The real numbers by which the model means it."""
        return self.values if self.added is None else self.values - self.added

    def times(self, factors: Floats) -> Constant:
        """Real numbers times others."""
        return Constant.of(self.effective * factors, None if self.added is None else self.added * factors)

    def shifted(self, by: Floats) -> Constant:
        """The constant with a correction, as real numbers whose type is found anew."""
        return Constant.of(self.effective + by, total(self.added, by))

    @property
    def effective(self) -> Floats:
        """The real numbers the chip will use (the float ones before quantisation)."""
        return self.values if self.mantissas is None or self.type is None else self.type.to_float(self.mantissas)

    def part(self, index: Any) -> Constant:
        """Some of the constants, as NumPy's indices say, in the same type."""
        return replace(
            self,
            values=self.values[index],
            mantissas=None if self.mantissas is None else self.mantissas[index],
            added=None if self.added is None else self.added[index],
        )

    def quantized(self, fixed: FixedType) -> Constant:
        """Fix the type: round and bring into range as its modes say. The words are of that type without modes."""
        return replace(self, type=fixed.plain(), mantissas=fixed.quantize(self.values), given=False)

    def rounded(self, fixed: FixedType) -> Constant:
        """Fix an inferred type: round to nearest even, saturate (docs/numerics.md, rule 3)."""
        return self.quantized(fixed.with_modes(*CONSTANT_MODES))

    def placed(self, width: int, placing: Placing = ALL) -> Constant:
        """Fix the narrowest placement: the integer bits the values need, the rest of ``width`` for the fraction."""
        return self.rounded(placed_type(self.values, width, placing))

    def placed_in_groups(self, groups: Ints, width: int, widest: int, placing: Placing = ALL) -> Constant:
        """Give each group ``width`` bits of its own, on one common grid: a power of two a group, shifted in exactly.

        The type is wider by the difference between the groups (low bits of a group with large values are zero),
        by at most ``_MOST_SPREAD`` bits and to ``widest`` bits; groups that are smaller still share the finest grid.
        """
        order = np.argsort(groups, axis=None, kind="stable")
        flat = self.values.reshape(-1)
        ends = np.flatnonzero(np.diff(groups.reshape(-1)[order])) + 1
        members = [member for member in np.split(order, ends) if flat[member].any()]
        if not members:
            return self.placed(width, placing)
        signed = bool((flat < 0).any())
        fracs = [_frac_within(flat[member], width, signed, placing) for member in members]
        finest = min(max(fracs), min(fracs) + min(_MOST_SPREAD, widest - width))
        mantissas = integers(np.zeros(self.values.size), width + _MOST_SPREAD)
        for member, frac in zip(members, fracs, strict=True):
            kept = min(frac, finest)
            fixed = FixedType(width, width - kept, signed, *CONSTANT_MODES)
            mantissas[member] = integers(fixed.quantize(flat[member]), width + _MOST_SPREAD) << (finest - kept)
        mantissas = mantissas.reshape(self.values.shape)
        low, high = min(int(mantissas.min()), 0), max(int(mantissas.max()), 0)
        fixed = _without_trailing_zeros(FixedType.covering(low, high, finest), mantissas)
        return replace(self, type=fixed, mantissas=mantissas >> (finest - fixed.frac))


def total(*corrections: Floats | None) -> Floats | None:
    """Corrections that come together; None: there is none."""
    known = [correction for correction in corrections if correction is not None]
    return sum(known[1:], known[0]) if known else None


def placed_type(values: Floats, width: int, placing: Placing = ALL) -> FixedType:
    """The type of ``width`` bits (fewer if exact) whose range just holds ``values`` after rounding, or as much of them
    as ``placing`` says."""
    if placing != ALL:
        fixed = placing.finer(values, _holding(placing.held(values), width)[0])
        return _without_trailing_zeros(fixed, fixed.with_modes(*CONSTANT_MODES).quantize(values))
    return _without_trailing_zeros(*_holding(values, width))


def _holding(values: Floats, width: int) -> tuple[FixedType, Ints]:
    """The type of ``width`` bits whose range just holds ``values`` after rounding, and their mantissas."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0:
        return FixedType(1, 1, False), np.zeros(values.shape, dtype=np.int64)
    signed = bool((values < 0).any())
    integer = int(np.frexp(largest)[1]) + signed
    for candidate in (integer - 1, integer, integer + 1):
        fixed = FixedType(width, candidate, signed, *CONSTANT_MODES)
        wide = FixedType(width + 2, candidate + 2, signed, *CONSTANT_MODES)
        mantissas = wide.quantize(values)
        if fixed.min_mantissa <= mantissas.min() and mantissas.max() <= fixed.max_mantissa:
            return fixed.plain(), mantissas
    raise AssertionError("a placement always exists")


def _frac_within(values: Floats, width: int, signed: bool, placing: Placing) -> int:
    """The most fraction bits with which ``width`` bits hold the values after rounding, or as much as is to be held."""
    held = placing.held(values)
    frac = width - signed - magnitude_bits(float(np.abs(held).max()))
    ends = FixedType(width, width - frac, signed)
    rounded = FixedType(width + 2, width + 2 - frac, signed, *CONSTANT_MODES).quantize(held)
    frac -= bool(rounded.max() > ends.max_mantissa)
    return placing.finer(values, FixedType(width, width - frac, signed)).frac


def _without_trailing_zeros(fixed: FixedType, mantissas: Ints) -> FixedType:
    """Drop low bits that are zero in every mantissa (0.5 needs one bit, not sixteen)."""
    bits = int(np.bitwise_or.reduce(np.abs(mantissas), axis=None))
    zeros = (bits & -bits).bit_length() - 1 if bits else 0
    zeros = min(zeros, fixed.width - 1 - fixed.signed)
    return FixedType(fixed.width - zeros, fixed.integer, fixed.signed) if zeros > 0 else fixed


def rounded_to_odd(constant: Constant, frac: int) -> Constant:
    """Round real numbers to ``frac`` fraction bits: exactly where possible, else to the odd neighbour.

    Boldo and Melquiond, "When double rounding is odd" (2005).
    """
    scaled = np.ldexp(constant.values, frac)
    floor = integers(np.asarray([int(v) for v in np.floor(scaled).ravel()], dtype=object)).reshape(scaled.shape)
    exact = exact_constant(np.where(scaled == np.floor(scaled), floor, floor | 1), frac)
    return replace(exact, values=constant.values, given=False, added=constant.added)


def exact_constant(mantissas: Ints, frac: int) -> Constant:
    """Constants in the narrowest type that holds them: no high bit that none needs, no low bit that all have zero."""
    if not mantissas.any():
        return Constant.exactly(np.zeros(mantissas.shape, dtype=np.int64), FixedType(1, 1, False))
    bits = int(np.bitwise_or.reduce(mantissas, axis=None))
    zeros = (bits & -bits).bit_length() - 1
    odd = integers(mantissas >> zeros)
    low, high = min(int(odd.min()), 0), max(int(odd.max()), 0)
    return Constant.exactly(odd, FixedType.covering(low, high, frac - zeros))


def narrowest(constant: Constant) -> Constant:
    """The same constants in the narrowest type: a coarse kernel in a fine type would waste bits of every sum."""
    exact = exact_constant(*constant.fixed)
    return replace(exact, values=constant.values, given=constant.given, added=constant.added)


def as_exact(constant: Constant, widest: int) -> Constant | None:
    """The constant as exact constants if it has them, or if its real numbers need at most ``widest`` bits.

    Not where it is corrected: what the model means by it would be lost.
    """
    if constant.mantissas is not None:
        return constant
    if constant.added is not None:
        return None
    frac = MOST_FRACTION
    scaled = np.ldexp(constant.values, frac)
    if (np.abs(scaled) >= 2.0**62).any() or (scaled != np.floor(scaled)).any():
        return None
    exact = exact_constant(scaled.astype(np.int64), frac)
    assert exact.type is not None
    return replace(exact, given=False) if exact.type.width <= widest else None


def no_bias(units: int) -> Constant:
    """A bias of zeros, which costs nothing and keeps a layer's other constants as they are."""
    return Constant.exactly(np.zeros(units, dtype=np.int64), FixedType(1, 1, False), given=False)
