"""What softmax and log-softmax share: exponentials of distances to the largest input, and their sum.

d_i = max(x) - x_i                                   exact
k_i = index(d_i)                                     as fine as the result's step needs
e_i = exponential(... (t0[top bits of k_i] * t1[next bits]) ... )    exp of a sum is a product; a cast each
s   = sum of e_i                                     exact, at least 1
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.layer import Exact, InnerStep
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.fit_pieces import FINEST

GUARD = 2
"""Bits by which each source of error is below the result's step: a fourth of it at most."""
_ONE_TABLE_BITS = 8
_TABLE_BITS = 11
_MOST_TABLES = 3
_FACTOR_BITS = 17
"""What the narrower port of a DSP multiplier takes of an unsigned factor (it has 18 bits, with the sign)."""


@dataclass(frozen=True)
class Exponentials:
    """The types that follow from the input type, the number of classes and the fraction bits of the result."""

    distance: FixedType
    index: FixedType
    tables: int
    """How many tables the exponential is the product of; each reads an equal share of the index, the first its top."""
    exponential: FixedType
    sum: FixedType

    @classmethod
    def of_types(cls, x: FixedType, n: int, result_frac: int) -> Exponentials:
        frac = min(result_frac, FINEST)
        distance = FixedType.covering(0, x.max_mantissa - x.min_mantissa, x.frac)
        # an error of each of n exponentials: of each table, of each product but the first
        errors = _MOST_TABLES if n > 1 else 1
        grid = max(frac + GUARD + ceil(log2(errors * (n + 1))), 1)
        if grid == _FACTOR_BITS:  # one bit too many, with that of 1.0; without it errors of a fourth of a step double
            grid -= 1
        wanted = min(x.frac, frac + GUARD - 1)  # a rounded index moves y by a fourth of its step
        reach = ceil(log2((grid + 1) * log(2.0) + 2.0**-wanted))  # at the last index, exp(-d) is below half a step
        width, tables = _shared(max(min(distance.integer, reach) + wanted, 1))
        index = FixedType(width, width - wanted, False, Rounding.RND, Overflow.SAT)
        exponential = FixedType(grid + 1, 1, False, Rounding.RND, Overflow.SAT)
        return cls(distance, index, tables, exponential, FixedType.covering(0, n << grid, grid))

    def sum_error(self, n: int) -> float:
        """How far off the sum can be, by the tables and the products of its exponentials."""
        return (self.tables - 0.5) * (n + 1) * float(self.exponential.step)

    @property
    def share(self) -> FixedType:
        """The bits of the index that one table reads, as a whole number."""
        bits = self.index.width // self.tables
        return FixedType(bits, bits, False)

    def words(self) -> Ints:
        """exp(-d) of each share of the index, (tables, entries); the first is of its top bits."""
        bits = self.share.width
        frac = self.index.frac - bits * np.arange(self.tables - 1, -1, -1)
        values = np.exp(-np.ldexp(np.arange(1 << bits, dtype=np.float64), -frac[:, None]))
        return self.exponential.with_modes(Rounding.RND_CONV, Overflow.SAT).quantize(values)

    def types(self) -> dict[str, FixedType]:
        """The inner steps, in order."""
        return {"distance": self.distance, "index": self.index, "exponential": self.exponential, "sum": self.sum}

    def steps(self, x: Exact, counts: NDArray[np.bool_] | None = None) -> dict[str, InnerStep]:
        """What those hold for integer inputs; the exponential is zero at places that do not count."""
        distance = integers(x.mantissas.max(axis=-1, keepdims=True) - x.mantissas)
        k = self.index.cast(distance, x.frac)
        e = self._exponentials(k) if counts is None else np.where(counts, self._exponentials(k), 0)
        held = (distance, k, e, e.sum(axis=-1, keepdims=True))
        return {name: InnerStep(v, t) for v, (name, t) in zip(held, self.types().items(), strict=True)}

    def _exponentials(self, k: Ints) -> Ints:
        bits = self.share.width
        shares = [(k >> bits * place) & ((1 << bits) - 1) for place in range(self.tables - 1, -1, -1)]
        first, *factors = (table[share] for table, share in zip(self.words(), shares, strict=True))
        e: Ints = first
        for factor in factors:
            e = self.exponential.cast(exact_product(e, factor), 2 * self.exponential.frac)
        return e


def _shared(width: int) -> tuple[int, int]:
    """The width of an index of at least ``width`` bits that tables share equally, and their number."""
    tables = 1 if width <= _ONE_TABLE_BITS else min(max(ceil(width / _TABLE_BITS), 2), _MOST_TABLES)
    return tables * ceil(width / tables), tables
