"""CastEach: every element is cast to a type of its own (a quantiser whose widths were trained one by one)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, Overflow, Rounding, integers

BY_SIGN = frozenset({Rounding.TRN_ZERO, Rounding.RND_ZERO, Rounding.RND_INF})
"""Rounding modes that look at the sign of what they round."""
OVERFLOWS = frozenset({Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM})
"""Overflow modes that every element may have."""
_MOST_FRACTION = 256


class Steps(NamedTuple):
    """How the casts of all elements are computed alike, on the grid of ``type``, in numbers that differ between them.

    ``((x + add) & mask) - low`` where types wrap, else ``(x + add) & mask`` cut off at ``low`` and ``high``. Of x that
    is odd (by the bit ``odd``), or below zero, by the rounding mode, ``other`` is added in place of ``add``. Each has
    the shape of the layer's tables; what the modes need no number for is None.
    """

    type: FixedType
    add: Ints
    mask: Ints
    low: Ints
    high: Ints | None
    other: Ints | None
    odd: Ints | None

    def columns(self) -> Ints:
        """The numbers that there are, side by side: (elements, numbers)."""
        return np.stack([column.reshape(-1) for column in self[1:] if column is not None], axis=1)


@dataclass(frozen=True, eq=False)
class CastEach(Layer):
    """Each element as ``fixed<widths, widths - fracs>`` (``ufixed`` where ``signs`` is 0), with one pair of modes.

    The tables have one entry for each channel, (channels,), or for each element, in the shape of the tensor. An element
    of no bits is zero. The result is exact on the finest of all grids.
    """

    kind = "CastEach"
    packing = Packing.CHANNELS
    pure = True
    casts = frozenset({"result"})
    widths: Ints
    fracs: Ints
    signs: Ints
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    def __post_init__(self) -> None:
        if self.overflow not in OVERFLOWS:
            raise ValueError(f"elements with types of their own cannot have {self.overflow.value}")
        if self.widths.size and not 0 <= int(self.widths.min()) <= int(self.widths.max()) <= MAX_WIDTH:
            raise ValueError(f"widths from {self.widths.min()} to {self.widths.max()} bits, expected 0 to {MAX_WIDTH}")
        if self.fracs.size and int(np.abs(self.fracs).max()) > _MOST_FRACTION:
            raise ValueError(f"{np.abs(self.fracs).max()} fraction bits, expected at most {_MOST_FRACTION}")

    @property
    def local(self) -> bool:  # type: ignore[override]
        return self.widths.ndim == 1

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        shape = shapes[0] if self.widths.ndim > 1 else shapes[0][-1:]
        return dict.fromkeys(("widths", "fracs", "signs"), shape)

    @cached_property
    def kinds(self) -> tuple[tuple[FixedType | None, ...], Ints]:
        """The different types (None: no bits), and which of them each entry of the tables has."""
        rows = np.stack([table.reshape(-1).astype(np.int64) for table in (self.widths, self.fracs, self.signs)], axis=1)
        rows[rows[:, 0] == 0] = 0
        found, which = np.unique(rows, axis=0, return_inverse=True)
        return tuple(self._type(*map(int, row)) for row in found), which.reshape(self.widths.shape)

    def _type(self, width: int, frac: int, sign: int) -> FixedType | None:
        if not width:
            return None
        fixed = FixedType(width, width - frac, bool(sign), self.rounding, self.overflow)
        # Of one bit with a symmetric range, zero is left; the type alone would keep its lowest value.
        return None if (fixed.overflow, width, fixed.signed) == (Overflow.SAT_SYM, 1, True) else fixed

    @cached_property
    def types(self) -> tuple[FixedType, ...]:
        """The different types of elements that have bits."""
        return tuple(fixed for fixed in self.kinds[0] if fixed is not None)

    @property
    def finest(self) -> int:
        """The fraction bits of the grid that all have in common."""
        return max((fixed.frac for fixed in self.types), default=0)

    @property
    def common(self) -> FixedType:
        """The narrowest type that holds all values of all elements."""
        ends = [(fixed.min_mantissa, fixed.max_mantissa, self.finest - fixed.frac) for fixed in self.types]
        low = min((low << finer for low, _, finer in ends), default=0)
        high = max((high << finer for _, high, finer in ends), default=0)
        return FixedType.covering(low, high, self.finest)

    def step_frac(self, result: FixedType | None) -> int | None:
        return self.finest

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        """No bit below those that rounding looks at; nothing beyond the widest range, if types saturate."""
        if not self.types:
            return EVERYTHING
        saturates = self.overflow is not Overflow.WRAP
        read = {
            Rounding.TRN: self.finest,
            Rounding.RND: self.finest + 1,
        }  # floor(x + half a step): the next bit decides
        return Demand(
            min(fixed.min for fixed in self.types) if saturates else None,
            max(fixed.max for fixed in self.types) if saturates else None,
            read.get(self.rounding),
        )

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        return self.steps(inputs[0]).type.width

    # -- meaning --------------------------------------------------------------------------------

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self._each(inputs[0], np.zeros(inputs[0].shape), lambda fixed, x: fixed.to_float(fixed.quantize(x)))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        finest, bits = self.finest, self.common.width
        cast = self._each(x, np.zeros(x.shape, dtype=object), lambda fixed, x: self._at_finest(fixed, x, frac))
        return Exact(integers(cast, bits), finest)

    def _at_finest(self, fixed: FixedType, x: Ints, frac: int) -> Ints:
        return integers(fixed.cast(x, frac), self.common.width) << (self.finest - fixed.frac)

    def _each(self, x: NDArray[Any], result: NDArray[Any], cast: Callable[[FixedType, Any], Any]) -> NDArray[Any]:
        """``result`` with what ``cast`` makes of the elements that have bits."""
        types, which = self.kinds
        places = np.broadcast_to(which, x.shape[1:])
        for index, fixed in enumerate(types):
            if fixed is not None:
                result[:, places == index] = cast(fixed, x[:, places == index])
        return result

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Of each channel, what the types of its elements leave of it."""
        x, (types, which) = inputs[0], self.kinds
        by_channel = which.reshape(-1, which.shape[-1])
        low, high = (np.zeros(x.channels, dtype=object) for _ in range(2))
        first = np.ones(x.channels, dtype=np.bool_)
        for index, fixed in enumerate(types):
            there = (by_channel == index).any(axis=0)
            lows, highs = self._reach(fixed, x, there)
            low[there] = np.where(first[there], lows, np.minimum(low[there], lows))
            high[there] = np.where(first[there], highs, np.maximum(high[there], highs))
            first &= ~there
        return Interval(integers(low), integers(high), self.finest)

    def overflowing(self, x: Ints, frac: int) -> NDArray[np.bool_]:
        """Which values (samples, *shape) round to none of their element's type; those of no bits are meant to be 0."""

        def beyond(fixed: FixedType, x: Ints) -> NDArray[np.bool_]:
            rounded = fixed.rounded(x, frac)
            return np.asarray((rounded < fixed.min_mantissa) | (rounded > fixed.max_mantissa))

        return self._each(x, np.zeros(x.shape, dtype=np.bool_), beyond)

    def can_overflow(self, x: Interval) -> bool:
        """Whether a value of the range does."""
        ends = np.stack([x.low.astype(object), x.high.astype(object)])
        shape = self.widths.shape
        return bool(
            self.overflowing(np.broadcast_to(ends.reshape(2, *[1] * (len(shape) - 1), -1), (2, *shape)), x.frac).any()
        )

    def _reach(self, fixed: FixedType | None, x: Interval, there: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """What a type leaves of some of the channels, on the finest grid."""
        if fixed is None:
            nothing = np.zeros(int(there.sum()), dtype=object)
            return nothing, nothing
        ends = [fixed.rounded(end[there], x.frac).astype(object) for end in (x.low, x.high)]
        least, most = fixed.min_mantissa, fixed.max_mantissa
        if fixed.saturates:
            low, high = (np.clip(end, least, most) for end in ends)
        else:
            kept = (ends[0] >= least) & (ends[1] <= most)
            low, high = np.where(kept, ends[0], least), np.where(kept, ends[1], most)
        finer = self.finest - fixed.frac
        return low << finer, high << finer

    # -- how it is computed ---------------------------------------------------------------------

    def steps(self, x: FixedType) -> Steps:
        """The numbers by which the casts of all elements of type ``x`` are one computation."""
        types, which = self.kinds
        grid = max(x.frac, self.finest)
        finer = grid - x.frac
        ends = x.min_mantissa << finer, x.max_mantissa << finer
        rows = [self._row(fixed, grid, *ends) for fixed in types]
        add, other, odd, mask, low, high = np.array(rows, dtype=object).T
        added = [int(v) for v in (*add, *other)]
        bounds = [int(v) for v in (*mask, *low, *high, *odd)]
        least, most = min(ends[0] + min(added), *bounds, -1), max(ends[1] + max(added), *bounds)
        saturates = self.overflow is not Overflow.WRAP
        by_parity = self.rounding is Rounding.RND_CONV
        return Steps(
            FixedType.covering(least, most, grid),
            add[which],
            mask[which],
            low[which],
            high[which] if saturates else None,
            other[which] if by_parity or self.rounding in BY_SIGN else None,
            odd[which] if by_parity else None,
        )

    def _row(self, fixed: FixedType | None, grid: int, least: int, most: int) -> tuple[int, int, int, int, int, int]:
        """(add, other, odd, mask, low, high) of a type, for values from ``least`` to ``most`` on a grid."""
        if fixed is None:
            return 0, 0, 0, 0, 0, 0
        one = 1 << (grid - fixed.frac)
        add, other = _added(self.rounding, one)
        ends = fixed.min_mantissa * one, fixed.max_mantissa * one
        rounded = [int(fixed.rounded(np.array([end], dtype=object), grid)[0]) * one for end in (least, most)]
        if fixed.saturates:
            low, high = (min(max(end, rounded[0]), rounded[1]) for end in ends)  # no wider than values get
            return add, other, one, -one, low, high
        if ends[0] <= rounded[0] and rounded[1] <= ends[1]:
            return add, other, one, -one, 0, 0
        bias, span = -ends[0], one << fixed.width
        return add + bias, other + bias, one, span - one, bias, 0

    def describe(self) -> str:
        counts = sorted({fixed.width for fixed in self.types}) or [0]
        bits = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"{len(self.kinds[0])} types of {bits} bits {self.rounding.value} {self.overflow.value}"


def _added(mode: Rounding, one: int) -> tuple[int, int]:
    """What is added before bits below ``one`` are cut off; and where the value is odd, or below zero."""
    half = one >> 1
    less = max(half - 1, 0)
    match mode:
        case Rounding.TRN:
            return 0, 0
        case Rounding.RND:
            return half, half
        case Rounding.RND_MIN_INF:
            return less, less
        case Rounding.RND_CONV | Rounding.RND_ZERO:
            return less, half
        case Rounding.RND_INF:
            return half, less
        case Rounding.TRN_ZERO:
            return 0, one - 1
