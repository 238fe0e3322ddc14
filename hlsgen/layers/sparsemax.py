"""Sparsemax over the last axis, in integers: the nearest probabilities (Martins and Astudillo, 2016), and Keras's.

    d_i = max(x) - x_i                                   exact
    d_(1) <= d_(2) <= ...                                sorted, cut off at about 1: from there on, none counts
    D_j = d_(1) + ... + d_(j)                            exact
    k   = the last j with 1 + D_j > j d_(j)              exact: how many are above zero
    t   = threshold((1 + D_k) * r_k)                     r_k: 1 / k, rounded
    y_i = result(max(t - d_i, 0))

With tau of the literature, t is max(x) - tau. The decision how many count is exact.

Keras up to 3.15 adds up the sums of the first j, for all j that count, where the k-th sum is meant (its issue 23425):
``(1 + D_1 + ... + D_k) r_k - max(x) (k - 1) / 2`` in place of t, so that the results do not sum to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, log2

import numpy as np

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.interval import Interval, aligned
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing, align
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.fit_pieces import FINEST, own_rounding

_GUARD = 2
"""Bits by which the threshold, and what the reciprocals add to it, are below the result's step."""


@dataclass(frozen=True)
class Plan:
    """The types that follow from the input type, the number of classes and the result type."""

    compared: FixedType
    """A distance as it is sorted."""
    distance: FixedType
    """A distance as it is taken off: the same, or exact however far."""
    sum: FixedType
    """Holds 1 + D_j and j d_(j), and the sum of those."""
    count: FixedType
    inverse: FixedType
    threshold: FixedType
    offset: FixedType
    """Holds max(x) (k - 1) / 2 exactly; not read where that is not taken off."""
    deviation: float

    @classmethod
    def of(cls, x: FixedType, n: int, result: FixedType, of_partial_sums: bool) -> Plan:
        frac, grid = max(min(result.frac, FINEST), 0), max(x.frac, 0)
        compared = FixedType(1 + grid, 1, False, Rounding.TRN, Overflow.SAT)
        exactly = FixedType.covering(0, x.max_mantissa - x.min_mantissa, x.frac)
        most, addends = _largest_total(n, of_partial_sums), n * (n + 1) // 2 if of_partial_sums else n
        inverse = FixedType(1 + frac + _GUARD + ceil(log2(most)), 1, False, Rounding.RND_CONV, Overflow.SAT)
        integer = magnitude_bits(most / n)
        threshold = FixedType(integer + frac + _GUARD, integer, False, Rounding.RND, Overflow.SAT)
        by_threshold = (float(threshold.step) + most * float(inverse.step)) / 2 if n > 1 else 0.0
        return cls(
            compared=compared,
            distance=exactly if of_partial_sums else compared,
            sum=FixedType.covering(0, (1 << grid) + addends * compared.max_mantissa, grid),
            count=FixedType(n.bit_length(), n.bit_length(), False),
            inverse=inverse,
            threshold=threshold,
            offset=FixedType.covering(min(x.min_mantissa, -1) * (n - 1), max(x.max_mantissa, 1) * (n - 1), x.frac + 1),
            deviation=own_rounding(result) + by_threshold / float(result.step),
        )

    def reciprocals(self, n: int) -> Ints:
        """1 / k for every value of the count up to ``n``; of 0, which none has, and beyond: 0."""
        counts = np.arange(1 << self.count.width)
        values = np.where((counts > 0) & (counts <= n), 1.0 / np.maximum(counts, 1), 0.0)
        return self.inverse.quantize(values)


def _largest_total(n: int, of_partial_sums: bool) -> int:
    """What 1 and the sums of up to ``n`` distances that count, all below 1, come to at most."""
    return 1 + n * (n + 1) // 2 if of_partial_sums else n


@dataclass(frozen=True, eq=False)
class Sparsemax(Layer):
    """``max(x_i - tau, 0)`` over the last axis, with the tau for which they sum to 1, or that of Keras up to 3.15."""

    kind = "Sparsemax"
    packing = Packing.GATHERED
    pure = False
    casts = frozenset({"result"})
    flattens = True
    widest_word = 64
    of_partial_sums: bool = False
    """As Keras up to 3.15 has it."""
    input_type: FixedType | None = None
    classes: int = 0
    plan: Plan | None = None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        largest = inputs[0].max(axis=-1, keepdims=True)
        d = largest - inputs[0]
        ordered = np.sort(d, axis=-1)
        total, j = 1.0 + np.cumsum(ordered, axis=-1), np.arange(1, d.shape[-1] + 1)
        k = (total > j * ordered).sum(axis=-1, keepdims=True)
        if not self.of_partial_sums:
            return np.asarray(np.maximum(np.take_along_axis(total, k - 1, axis=-1) / k - d, 0.0))
        total = 1.0 + np.cumsum(total - 1.0, axis=-1)
        return np.asarray(np.maximum(np.take_along_axis(total, k - 1, axis=-1) / k - largest * (k - 1) / 2 - d, 0.0))

    def prepared(self, context: Context) -> Layer:
        return replace(self, input_type=context.input.type, classes=context.input.shape[-1])

    def natural_type(self, context: Context) -> FixedType | None:
        """Up to 1; Keras's as far as is expected, within what is proved."""
        width = min(context.width, FINEST) + 1
        integer = 1
        if self.of_partial_sums:
            integer = magnitude_bits(float(self._highest(context.input.interval, context.input.shape[-1])))
            if context.expected is not None:
                integer = max(min(integer, context.expected.integer_bits(width, False, width)), 1)
        return FixedType(min(width, context.widest or width), integer, False, Rounding.RND, Overflow.SAT)

    def _highest(self, x: Interval, n: int) -> Fraction:
        """What no result is above."""
        if not self.of_partial_sums:
            return Fraction(1)
        below = max(-x.lowest, 0) * Fraction(2) ** -x.frac
        return Fraction(_largest_total(n, True)) + below * (n - 1) / 2

    def finished(self, result: FixedType) -> Layer:
        assert self.input_type is not None
        return replace(self, plan=Plan.of(self.input_type, self.classes, result, self.of_partial_sums))

    @property
    def planned(self) -> Plan:
        """The plan, once types are known."""
        assert self.plan is not None
        return self.plan

    @property
    def bounded(self) -> bool:
        return not self.of_partial_sums

    @property
    def deviation(self) -> float | None:
        return None if self.plan is None else self.plan.deviation

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        held = self.inner_steps(inputs)
        names = ("threshold", "distance", "offset") if self.of_partial_sums else ("threshold", "distance")
        (threshold, *taken), frac = align([Exact(held[name].mantissas, held[name].type.frac) for name in names])
        return Exact(np.maximum(threshold - sum(taken[1:], start=taken[0]), 0), frac)

    def inner_types(self) -> dict[str, FixedType]:
        plan = self.planned
        types = {
            "distance": plan.distance,
            "count": plan.count,
            "total": plan.sum,
            "inverse": plan.inverse,
            "threshold": plan.threshold,
        }
        return {**types, "offset": plan.offset} if self.of_partial_sums else types

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        plan, (x, frac) = self.planned, inputs[0]
        largest = x.max(axis=-1, keepdims=True)
        distance = integers(largest - x)
        count, total = self._counted(plan.compared.cast(distance, frac))
        inverse = plan.reciprocals(self.classes)[count]
        threshold = plan.threshold.cast(exact_product(total, inverse), plan.sum.frac + plan.inverse.frac)
        held = {
            "distance": plan.distance.cast(distance, frac),
            "count": count,
            "total": total,
            "inverse": inverse,
            "threshold": threshold,
            "offset": exact_product(integers(largest), count - 1),
        }
        return {name: InnerStep(held[name], fixed) for name, fixed in self.inner_types().items()}

    def _counted(self, compared: Ints) -> tuple[Ints, Ints]:
        """How many distances count, and the total of 1 and their sums."""
        plan = self.planned
        ordered = integers(np.sort(compared, axis=-1), plan.sum.width)
        one = 1 << plan.sum.frac
        totals = one + np.cumsum(ordered, axis=-1)
        above = totals > np.arange(1, compared.shape[-1] + 1) * ordered
        count = above.sum(axis=-1, keepdims=True).astype(np.int64)
        if self.of_partial_sums:
            totals = one + np.cumsum(totals - one, axis=-1)
        return count, np.take_along_axis(totals, count - 1, axis=-1)

    def held(self, x: FixedType) -> FixedType:
        """A type that holds every threshold, and what is left of it, for inputs of a type."""
        plan = self.planned
        parts = [Interval.of_type(fixed, 1) for fixed in (plan.threshold, plan.distance, plan.offset)]
        threshold, distance, offset = aligned(parts)
        low, high = -distance.highest, threshold.highest
        if self.of_partial_sums:
            low, high = low - max(offset.highest, 0), high - min(offset.lowest, 0)
        return FixedType.covering(low, high, threshold.frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        plan = self.planned
        fracs = [plan.threshold.frac, plan.distance.frac, *([plan.offset.frac] if self.of_partial_sums else [])]
        frac = max(fracs)
        highest = ceil(self._highest(inputs[0], self.classes) * 2**frac)
        high = np.full(inputs[0].channels, highest, dtype=object)
        return Interval(integers(0 * high), integers(high), frac)

    def describe(self) -> str:
        return "as Keras up to 3.15" if self.of_partial_sums else ""
