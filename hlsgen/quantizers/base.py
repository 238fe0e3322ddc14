"""What a quantiser yields: quantised constants, and the meaning of an activation on integers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hlsgen.errors import InputError, UnsupportedError
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, bit_length, integers, to_float

Floats: TypeAlias = NDArray[np.float32]
Kind: TypeAlias = Literal["cast", "relu", "affine", "binary", "ternary", "po2", "sigmoid", "tanh", "hswish", "function"]


@dataclass(frozen=True, eq=False)
class Quantized:
    """A constant array as a quantiser leaves it: ``mantissas * 2**-type.frac * scale``.

    ``scale`` is None for 1, else float32 numbers (held as float64) that broadcast against
    ``mantissas``. ``type`` is the quantiser's declared type, not the narrowest for these values.
    """

    mantissas: Ints
    type: FixedType
    scale: NDArray[np.float64] | None = None

    def values(self) -> Floats:
        """The real values, multiplied in float32 as the frameworks do."""
        grid = to_float(self.mantissas, self.type.frac).astype(np.float32)
        if self.scale is None:
            return grid
        product: Floats = self.scale.astype(np.float32) * grid
        return product


@dataclass(frozen=True)
class PowersOfTwo:
    """How a power-of-two quantiser picks an exponent: ``clip(round(log2(min(|x|, max_value))))``.

    ``|x| < epsilon`` gets ``min_exponent``, or becomes 0 if ``tiny_is_zero``. Negative inputs keep their sign if
    ``signed``, are scaled by ``negative_slope`` first if that is not 0, and else count as 0.
    """

    min_exponent: int
    max_exponent: int
    max_value: Fraction | None
    epsilon: Fraction
    signed: bool
    negative_slope: Fraction = Fraction(1)
    tiny_is_zero: bool = False


@dataclass(frozen=True)
class Activation:
    """A quantiser on a data edge, exactly; ``apply`` is the definition.

    The result is ``clamp(step(x), low, high)`` in mantissas of ``type``, and the value that times
    ``scale`` if that is not None (an ``alpha`` that could not go into the type). ``step`` by kind:

    * ``cast``: ``type.cast(x)``
    * ``relu``: ``type.cast(x)`` for ``x >= 0``, else ``type.cast(negative_slope * x)``
    * ``affine``: ``type.cast(gain * x + offset)``
    * ``binary``: ``high`` for ``x >= 0`` (if ``beyond``: for ``x > 0``), else ``low``
    * ``ternary``: the sign of ``x`` where ``|x| >= threshold``, else 0
    * ``po2``: see :class:`PowersOfTwo`
    * ``sigmoid``, ``tanh``: ``type`` of that function of ``gain * x``
    * ``hswish``: ``type.cast(x * clip(x + shift, 0, upper) / upper)``
    * ``function``: any that a subclass has, of few arguments

    ``relu`` and ``affine`` step on a grid ``2**coarser`` times as wide as that of ``type``.
    ``exact`` is False where the library's own float32 function may fall on the other side of a tie. ``reach`` is the
    largest magnitude of an argument whose result the type holds; None: of any.
    """

    kind: Kind
    type: FixedType
    low: int
    high: int
    negative_slope: Fraction = Fraction(0)
    gain: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    threshold: Fraction = Fraction(0)
    beyond: bool = False
    coarser: int = 0
    shift: Fraction = Fraction(0)
    upper: Fraction = Fraction(0)
    powers: PowersOfTwo | None = None
    scale: Fraction | None = None
    exact: bool = True
    reach: Fraction | None = None

    @property
    def step_frac(self) -> int | None:
        """Fraction bits of a grid whose steps and half steps are where the result steps; None if unknown."""
        match self.kind:
            case "cast":
                return self.type.frac
            case "relu":
                return self.type.frac + max(_exponent(self.negative_slope or Fraction(1)), 0)
            case "binary":
                return 0
            case "affine" if _is_power_of_two(self.gain):
                return max(self.type.frac, _log2(self.offset.denominator)) + _exponent(self.gain)
            case "ternary":
                return _log2(self.threshold.denominator)
        return None

    @property
    def turning_point(self) -> Fraction | None:
        """Where the function ceases to fall and begins to rise; None if it never falls."""
        return -self.shift / 2 if self.kind == "hswish" else None

    @property
    def max_value(self) -> Fraction:
        """The largest result, without ``scale``."""
        return self.high * self.type.step

    def apply(self, mantissas: ArrayLike, frac: int) -> Ints:
        """Evaluate on exact inputs ``mantissas * 2**-frac``: mantissas of ``type``, before ``scale``."""
        x = integers(mantissas)
        match self.kind:
            case "cast":
                y = self.type.cast(x, frac)
            case "relu":
                y = np.where(x >= 0, self._stepped(x, frac), self._stepped(x, frac, self.negative_slope))
            case "affine":
                y = self._stepped(x, frac, self.gain, self.offset)
            case "binary":
                y = np.where(x >= self.beyond, self.high, self.low)
            case "ternary":
                y = np.where(_at_least(x, frac, self.threshold), np.sign(x), 0)
            case "po2":
                y = self._po2(x, frac)
            case "sigmoid" | "tanh":
                y = self._function(x, frac)
            case "hswish":
                y = self._hswish(x, frac)
            case "function":
                y = self._looked_up(x, frac)
        return integers(np.clip(y, self.low, self.high))

    def _stepped(self, x: Ints, frac: int, gain: Fraction = Fraction(1), offset: Fraction = Fraction(0)) -> Ints:
        """``gain * x + offset`` cast, on the coarser grid; both have a power of two as denominator."""
        if not self.coarser:
            return self._linear(x, frac, gain, offset)
        # One integer bit more than the type: what is beyond its end must not saturate below it.
        kind = replace(self.type, width=self.type.width - self.coarser + 1, integer=self.type.integer + 1)
        steps = replace(self, type=kind, coarser=0)._linear(x, frac, gain, offset)
        return integers(steps, kind.width + self.coarser) << self.coarser

    def _linear(self, x: Ints, frac: int, gain: Fraction, offset: Fraction) -> Ints:
        """The same on the grid of the type."""
        bits = max(_log2(gain.denominator), _log2(offset.denominator) - frac, 0)
        factor = int(gain * 2**bits)
        shift = offset * Fraction(2) ** (frac + bits)
        wide = integers(x, max(bit_length(x) + factor.bit_length(), int(shift).bit_length()) + 1)
        return self.type.cast(wide * factor + int(shift), frac + bits)

    def _po2(self, x: Ints, frac: int) -> Ints:
        assert self.powers is not None
        flat = [self._po2_of(int(m), frac) for m in x.ravel()]
        return np.asarray(flat, dtype=object).reshape(x.shape)

    def _po2_of(self, mantissa: int, frac: int) -> int:
        p = self.powers
        assert p is not None
        value = mantissa * Fraction(2) ** -frac
        negative = value < 0 and (p.signed or p.negative_slope != 0)
        size = -value * p.negative_slope if negative else abs(value) if p.signed else max(value, Fraction(0))
        if size < p.epsilon and p.tiny_is_zero:
            return 0
        exponent = p.min_exponent
        if size >= p.epsilon:
            nearest = round_log2(size if p.max_value is None else min(size, p.max_value))
            exponent = min(max(nearest, p.min_exponent), p.max_exponent)
        power = 1 << (exponent + self.type.frac)
        return -power if negative else power

    def _function(self, x: Ints, frac: int) -> Ints:
        real = to_float(x, frac) * float(self.gain)
        with np.errstate(over="ignore"):
            y = np.tanh(real) if self.kind == "tanh" else 1 / (1 + np.exp(-real))
        return self.type.quantize(y)

    def _looked_up(self, x: Ints, frac: int) -> Ints:
        """Of a subclass: the results of a function of its own, in mantissas of ``type``."""
        raise NotImplementedError

    def _hswish(self, x: Ints, frac: int) -> Ints:
        flat = [self._hswish_of(int(m) * Fraction(2) ** -frac) for m in x.ravel()]
        return np.asarray(flat, dtype=object).reshape(x.shape)

    def _hswish_of(self, x: Fraction) -> int:
        y = x * min(max(x + self.shift, Fraction(0)), self.upper) / self.upper
        return round(y / self.type.step)  # Fraction rounds ties to even


@dataclass(frozen=True)
class Quantizer:
    """One quantiser of a model. Each library's subclasses hold its options."""

    name: str

    def quantize_weights(self, w: Floats) -> Quantized:
        """Quantise the float32 array ``w`` with the arithmetic of the quantiser's own library.

        Raises InputError if ``w`` holds NaN or infinities, UnsupportedError if the library's result is
        not a number or cannot be stated exactly.
        """
        x = checked(self.name, w)
        if x.size == 0:
            return Quantized(integers(np.zeros(x.shape, dtype=np.int64)), FixedType(1, 1))
        return self._quantize(x)

    def _quantize(self, x: Floats) -> Quantized:
        """``quantize_weights`` of a finite array that is not empty."""
        raise NotImplementedError

    def activation(self) -> Activation:
        """What the quantiser does to data. Raises UnsupportedError if that depends on the data."""
        raise NotImplementedError

    def refusal(self, what: str, advice: str) -> UnsupportedError:
        """The error for an option this quantiser cannot honour exactly."""
        return UnsupportedError(f"quantizer {self.name}: {what}; {advice}")


def checked(name: str, w: ArrayLike) -> Floats:
    """``w`` as finite float32. Raises InputError."""
    x = np.asarray(w, dtype=np.float32)
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).sum())
        raise InputError(f"quantizer {name}: {bad} of {x.size} weights are NaN or infinite; repair the model")
    return x


def fixed_scale(scale: Floats | float | None) -> NDArray[np.float64] | None:
    """A scale as :class:`Quantized` holds it; None for 1."""
    if scale is None:
        return None
    array = np.asarray(scale, dtype=np.float32).astype(np.float64)
    return None if (array == 1).all() else array


def split_scale(kind: FixedType, alpha: float | None) -> tuple[FixedType, Fraction | None]:
    """Put a positive power of two ``alpha`` into the type's binary point; leave others as a scale."""
    if alpha is None:
        return kind, None
    value = Fraction(float(np.float32(alpha)))
    if _is_power_of_two(value):
        return replace(kind, integer=kind.integer + _exponent(value)), None
    return kind, value


def rounding_type(width: int, integer: int, signed: bool, symmetric: bool = False) -> FixedType:
    """The saturating type that rounds to nearest, ties to even."""
    overflow = Overflow.SAT_SYM if symmetric and signed else Overflow.SAT
    return FixedType(width, integer, signed, Rounding.RND_CONV, overflow)


def _log2(power: int) -> int:
    return power.bit_length() - 1


def _is_power_of_two(value: Fraction) -> bool:
    return value > 0 and all(part & (part - 1) == 0 for part in (value.numerator, value.denominator))


def _exponent(power: Fraction) -> int:
    return _log2(power.numerator) - _log2(power.denominator)


def _at_least(x: Ints, frac: int, threshold: Fraction) -> NDArray[np.bool_]:
    """``|x| * 2**-frac >= threshold``, exactly."""
    least = -((-threshold * Fraction(2) ** frac) // 1)
    return np.asarray(np.abs(x) >= int(least), dtype=np.bool_)


def round_log2(value: Fraction) -> int:
    """Nearest whole ``log2(value)``: 2 log2 v is compared with odd numbers, so no tie is possible."""
    square = value * value
    floor = square.numerator.bit_length() - square.denominator.bit_length()
    if square < Fraction(2) ** floor:
        floor -= 1
    return (floor + 1) // 2
