"""Quantisers of HGQ2: a fixed-point type for each element, by bits that were trained and are rounded at inference.

The bits: ``k`` (0 or 1: negative values are kept), ``i`` (in front of the binary point, without the sign) and ``f``
(behind it), of which the kind ``kbi`` holds ``b = i + f`` in place of ``f``. Nothing of the library is imported; what a
layer's configuration says and its variables hold is all there is to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers, to_float
from hlsgen.quantizers.base import Activation, Floats

RealFunction = Callable[[NDArray[Any]], NDArray[Any]]
"""Of float64 numbers; its results are rounded to float32."""
_MOST_BITS = 256
"""Of ``i`` and ``f``; trained ones stay below 24."""
_OVERFLOWS = {"WRAP": Overflow.WRAP, "SAT": Overflow.SAT, "SAT_SYM": Overflow.SAT_SYM}


@dataclass(frozen=True, eq=False)
class ElementTypes:
    """The types of a quantiser: ``signs`` (0 or 1), ``widths`` (0: the element is zero) and ``fracs``, of one shape.

    Of weights whose types wrap, HGQ2 makes ``i`` as large as they need: then ``unbounded`` is True, and only rounding
    is done.
    """

    signs: Ints
    widths: Ints
    fracs: Ints
    rounding: Rounding
    overflow: Overflow
    unbounded: bool = False

    @property
    def single(self) -> FixedType | None:
        """The one type of all elements; None where they differ, or are all zero."""
        tables = [table.reshape(-1) for table in (self.signs, self.widths, self.fracs)]
        if any((table != table[0]).any() for table in tables):
            return None
        sign, width, frac = (int(table[0]) for table in tables)
        return None if self.is_zero else FixedType(width, width - frac, bool(sign), self.rounding, self.overflow)

    @property
    def is_zero(self) -> bool:
        """Whether no element has another value than zero: they have no bits, or a sign alone in a symmetric range."""
        signs_alone = (self.widths == 1) & (self.signs == 1) & (self.overflow is Overflow.SAT_SYM)
        return bool(((self.widths == 0) | signs_alone).all())

    def spread(self, shape: Shape) -> ElementTypes:
        """The same for elements of ``shape``: the types of axes of 1 are those of all along them. Raises ValueError."""
        signs, widths, fracs = (np.broadcast_to(table, shape) for table in (self.signs, self.widths, self.fracs))
        return replace(self, signs=signs, widths=widths, fracs=fracs)

    def quantize(self, values: NDArray[Any]) -> Floats:
        """Constants as the library makes them of float32 numbers, in its float32 steps."""
        types = self.spread(values.shape)
        scale = np.exp2(types.fracs).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            steps = _rounded(values.astype(np.float32) * scale, self.rounding)
        if not self.unbounded:
            steps = types._fitted(steps)
        result: Floats = np.where(steps == 0, np.float32(0), steps / scale).astype(np.float32)
        return result

    def _fitted(self, steps: Floats) -> Floats:
        """Whole numbers of steps within the range of each element."""
        bits = (self.widths - self.signs).astype(np.float64)
        span, wide = np.exp2(bits), steps.astype(np.float64)
        low, high = -span * self.signs, span - 1
        if self.overflow is Overflow.WRAP:
            found = np.mod(wide - low, high - low + 1) + low
        else:
            found = np.clip(wide, low + (self.signs if self.overflow is Overflow.SAT_SYM else 0), high)
        return np.where(self.widths == 0, 0, found).astype(np.float32)


@dataclass(frozen=True)
class LookedUp(Activation):
    """A function of float32 numbers and the quantiser behind it, as a table over all arguments."""

    real: RealFunction = field(default=np.asarray, repr=False)

    @classmethod
    def of(cls, real: RealFunction, fixed: FixedType) -> LookedUp:
        return cls("function", fixed, fixed.min_mantissa, fixed.max_mantissa, exact=False, real=real)

    def _looked_up(self, x: Ints, frac: int) -> Ints:
        with np.errstate(all="ignore"):
            return self.type.quantize(np.asarray(self.real(to_float(x, frac)), dtype=np.float32))


def parse_element_types(config: Mapping[str, Any], bits: Mapping[str, NDArray[Any]]) -> ElementTypes | None:
    """A quantiser by its configuration (a ``QuantizerConfig``'s own) and its variables; None for a dummy.

    Raises UnsupportedError for what has no fixed-point meaning, ModelError for what cannot be.
    """
    kind = config.get("q_type")
    if kind == "dummy":
        return None
    if kind == "float":
        raise UnsupportedError(
            "quantisers of kind 'float' round to floating-point numbers, which no design computes with; train with "
            "'kbi' or 'kif'"
        )
    if kind not in ("kbi", "kif"):
        raise ModelError(f"a quantiser of kind {brief(kind)}; expected 'kbi' or 'kif'; the file is damaged")
    rounding, overflow = _modes(config)
    missing = [name for name in kind if name not in bits]
    if missing:
        raise ModelError(f"the bits {', '.join(missing)} of its quantiser are missing; the file is damaged")
    k, i = (_whole(name, bits[name]) for name in "ki")
    f = _whole("f", bits["f"]) if kind == "kif" else _whole("b", bits["b"]) - i
    if not k.shape == i.shape == f.shape or ((k != 0) & (k != 1)).any():
        raise ModelError("the bits of its quantiser do not go together; the file is damaged")
    scale = _power(config.get("scaler"))
    if config.get("affine") is not None:
        raise UnsupportedError(f"option affine={brief(config['affine'])} of a quantiser is not supported")
    widths = np.maximum(k + i + f, 0)
    unbounded = bool(config.get("is_weight")) and overflow is Overflow.WRAP and bool(config.get("trainable", True))
    # of this kind, all modes but RND have the range kept
    unbounded = unbounded and (kind == "kif" or rounding is Rounding.RND)
    return ElementTypes(k, widths, f - scale, rounding, overflow, unbounded)


def _modes(config: Mapping[str, Any]) -> tuple[Rounding, Overflow]:
    rounding = str(config.get("round_mode")).upper().removeprefix("S_")  # which is stochastic in training only
    overflow = str(config.get("overflow_mode")).upper()
    if rounding not in Rounding.__members__:
        raise UnsupportedError(f"round_mode {brief(config.get('round_mode'))} of a quantiser is not supported")
    if overflow not in _OVERFLOWS:
        raise UnsupportedError(
            f"overflow_mode {brief(config.get('overflow_mode'))} of a quantiser is not supported; expected "
            f"{', '.join(_OVERFLOWS)}"
        )
    mapper = config.get("bw_mapper")
    if mapper is not None and not (isinstance(mapper, Mapping) and mapper.get("class_name") == "DefaultBitwidthMapper"):
        raise UnsupportedError(
            f"option bw_mapper={brief(mapper)} of a quantiser is code of your own, which is never run"
        )
    return Rounding[rounding], _OVERFLOWS[overflow]


def _power(scaler: object) -> int:
    """The exponent of a scaler. Raises UnsupportedError for one that is no power of two."""
    if scaler is None:
        return 0
    fraction, exponent = np.frexp(scaler) if isinstance(scaler, int | float) else (0.0, 0)
    if fraction != 0.5:
        raise UnsupportedError(
            f"option scaler={brief(scaler)} of a quantiser is not supported; expected a power of two"
        )
    return int(exponent) - 1


def _whole(name: str, trained: NDArray[Any]) -> Ints:
    """Trained bits as inference takes them: rounded to nearest, ties to even."""
    found = np.rint(np.asarray(trained, dtype=np.float32))
    if not np.isfinite(found).all() or (np.abs(found) > _MOST_BITS).any():
        raise ModelError(
            f"bits '{name}' of a quantiser beyond {_MOST_BITS}; the training diverged or the file is damaged"
        )
    return integers(found.astype(np.int64))


def _rounded(x: Floats, mode: Rounding) -> Floats:
    """To whole numbers, in float32 as the library does."""
    half, size, sign = np.float32(0.5), np.abs(x), np.sign(x)
    match mode:
        case Rounding.TRN:
            return np.floor(x)
        case Rounding.RND:
            return np.asarray(np.floor(x + half))
        case Rounding.RND_CONV:
            return np.asarray(np.rint(x))
        case Rounding.TRN_ZERO:
            return np.trunc(x)
        case Rounding.RND_ZERO:
            return np.asarray(-np.floor(-size + half) * sign)
        case Rounding.RND_MIN_INF:
            return np.asarray(-np.floor(-x + half))
        case Rounding.RND_INF:
            return np.asarray(np.floor(size + half) * sign)
