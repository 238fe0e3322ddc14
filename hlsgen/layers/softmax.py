"""Softmax over the last axis, in integers.

    d = max(x) - x_i                     exact
    k = index_t(d)                       at most 16 bits; beyond its range exp(-d) is below the result's step
    e_i = exp_t(high[k >> L] * low[k & (2^L - 1)])      exp(-d) as a product of two short tables
    y_i = result(e_i * inverse[inverse_index_t(sum e)])

All y share one factor, so the order of the results is that of the exponentials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding

_TABLE_BITS = 18
_INVERSE_BITS = 13
_REACH_BITS = 4  # exp(-16) is 1e-7, below half a step of a 16-bit result
_INDEX_BITS = 16
EXPONENTIAL = FixedType(_TABLE_BITS, 1, False, Rounding.RND, Overflow.SAT)
INVERSE = FixedType(_TABLE_BITS, 1, False, Rounding.RND, Overflow.SAT)


@dataclass(frozen=True)
class Plan:
    """The types that follow from the input type and the number of classes."""

    distance: FixedType
    index: FixedType
    low_bits: int
    sum: FixedType
    inverse_index: FixedType

    @classmethod
    def of(cls, x: FixedType, n: int) -> Plan:
        span = x.max_mantissa - x.min_mantissa
        distance = FixedType.covering(0, span, x.frac)
        integer = min(distance.integer, _REACH_BITS)
        frac = max(min(x.frac, _INDEX_BITS - integer), 1 - integer)
        index = FixedType(integer + frac, integer, False, Rounding.RND, Overflow.SAT)
        total = FixedType.covering(0, n << EXPONENTIAL.frac, EXPONENTIAL.frac)
        inverse_index = FixedType(_INVERSE_BITS, total.integer, False, Rounding.RND, Overflow.SAT)
        low_bits = 0 if index.width <= 8 else index.width // 2
        return cls(distance, index, low_bits, total, inverse_index)

    @property
    def high_bits(self) -> int:
        return self.index.width - self.low_bits

    @property
    def high_index(self) -> FixedType:
        return FixedType(self.high_bits, self.index.integer, False)

    @property
    def low_index(self) -> FixedType:
        return FixedType(max(self.low_bits, 1), max(self.low_bits, 1) - self.index.frac, False)

    def tables(self) -> tuple[Ints, Ints, Ints]:
        """exp(-d) of the high bits, of the low bits, and 1/s."""
        high = np.exp(-self.high_index.to_float(np.arange(1 << self.high_bits)))
        low = np.exp(-self.low_index.to_float(np.arange(1 << self.low_bits)))
        sums = self.inverse_index.to_float(np.arange(1 << self.inverse_index.width))
        inverse = 1.0 / np.maximum(sums, 1.0)  # a sum below 1 cannot occur: the largest input has exp(0)
        even = EXPONENTIAL.with_modes(Rounding.RND_CONV, Overflow.SAT)
        return even.quantize(high), even.quantize(low), even.quantize(inverse)


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """``exp(x_i) / sum(exp(x))`` over the last axis; ``plan`` follows from the input type."""

    kind = "Softmax"
    packing = Packing.GATHERED
    pure = False
    casts = frozenset({"result"})
    plan: Plan | None = None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))

    def prepared(self, context: Context) -> Layer:
        return replace(self, plan=Plan.of(context.input.type, context.input.shape[-1]))

    def natural_type(self, context: Context) -> FixedType | None:
        return FixedType(context.width + 1, 1, False, Rounding.RND, Overflow.SAT)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """The slope of a class is y (1 - y): at most a quarter."""
        return (inputs[0] / 16,)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.plan is not None
        steps = self.inner_steps(inputs)
        product = steps["exponential"].mantissas * steps["inverse"].mantissas
        return Exact(product, EXPONENTIAL.frac + INVERSE.frac)

    def inner_types(self) -> dict[str, FixedType]:
        assert self.plan is not None
        plan = self.plan
        return {
            "distance": plan.distance,
            "index": plan.index,
            "exponential": EXPONENTIAL,
            "sum": plan.sum,
            "sum_index": plan.inverse_index,
            "inverse": INVERSE,
        }

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        assert self.plan is not None
        plan, (x, frac) = self.plan, inputs[0]
        high, low, inverse = plan.tables()
        distance = x.max(axis=-1, keepdims=True) - x
        k = plan.index.cast(distance, frac)
        e = EXPONENTIAL.cast(high[k >> plan.low_bits] * low[k & ((1 << plan.low_bits) - 1)], 2 * EXPONENTIAL.frac)
        total = e.sum(axis=-1, keepdims=True)
        place = plan.inverse_index.cast(total, EXPONENTIAL.frac)
        held = (distance, k, e, total, place, inverse[place])
        return {name: InnerStep(m, fixed) for (name, fixed), m in zip(self.inner_types().items(), held, strict=True)}

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        one = np.full(inputs[0].channels, 1 << (EXPONENTIAL.frac + INVERSE.frac), dtype=np.int64)
        return Interval(0 * one, one, EXPONENTIAL.frac + INVERSE.frac)

    def describe(self) -> str:
        return ""
