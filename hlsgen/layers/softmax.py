"""Softmax over the last axis, in integers.

    d_i = max(x) - x_i                                   exact
    k_i = index(d_i)                                     as fine as the result's step needs
    e_i = exponential(... (t0[top bits of k_i] * t1[next bits]) ... )    exp of a sum is a product; a cast each
    s   = sum of e_i                                     exact, at least 1
    r   = inverse(1 / s)                                 in pieces
    y_i = result(e_i * r)

All y share one factor, so the order of the results is that of the exponentials. With a mask, places of a row that do
not count are left out of the largest and of the sum, and their result is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.expected import mean_square_slope
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.fit_pieces import FINEST, Argument, fit_in_pieces, own_rounding
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Piecewise

_ONE_TABLE_BITS = 8
_TABLE_BITS = 11
_MOST_TABLES = 3
_GUARD = 2
"""Bits by which each source of error is below the result's step: a fourth of it at most."""
_FACTOR_BITS = 17
"""What the narrower port of a DSP multiplier takes of an unsigned factor (it has 18 bits, with the sign)."""
_DIRECT_BITS = 12
_RECIPROCAL = Unary("reciprocal", lambda s: 1.0 / np.maximum(s, 1.0), 0.0, 1.0)


def _of_two(difference: Floats) -> Floats:
    """The softmax of two classes, by the difference of their arguments."""
    return np.asarray((1.0 + np.tanh(difference / 2.0)) / 2.0)


@dataclass(frozen=True)
class Plan:
    """The types that follow from the input type, the number of classes and the result type."""

    distance: FixedType
    index: FixedType
    tables: int
    """How many tables the exponential is the product of; each reads an equal share of the index, the first its top."""
    exponential: FixedType
    sum: FixedType
    inverse: FixedType
    deviation: float

    @classmethod
    def of(cls, x: FixedType, n: int, result: FixedType) -> Plan:
        frac = min(result.frac, FINEST)
        distance = FixedType.covering(0, x.max_mantissa - x.min_mantissa, x.frac)
        # an error of each of n exponentials: of each table, of each product but the first
        errors = _MOST_TABLES if n > 1 else 1
        grid = max(frac + _GUARD + ceil(log2(errors * (n + 1))), 1)
        if grid == _FACTOR_BITS:  # one bit too many, with that of 1.0; without it errors of a fourth of a step double
            grid -= 1
        wanted = min(x.frac, frac + _GUARD - 1)  # a rounded index moves y by a fourth of its step
        reach = ceil(log2((grid + 1) * log(2.0) + 2.0**-wanted))  # at the last index, exp(-d) is below half a step
        width, tables = _shared(max(min(distance.integer, reach) + wanted, 1))
        index = FixedType(width, width - wanted, False, Rounding.RND, Overflow.SAT)
        exponential = FixedType(grid + 1, 1, False, Rounding.RND, Overflow.SAT)
        total = FixedType.covering(0, n << grid, grid)
        inverse = FixedType(max(frac, 0) + _GUARD + 1, 1, False, Rounding.RND, Overflow.SAT)
        plan = cls(distance, index, tables, exponential, total, inverse, 0.0)
        return replace(plan, deviation=plan._deviation(x, n, result))

    def _deviation(self, x: FixedType, n: int, result: FixedType) -> float:
        form, _ = self.reciprocal
        by_index = 0.25 * float(self.index.step) if self.index.frac < x.frac else 0.0
        by_tables = (self.tables - 0.5) * (n + 1) * float(self.exponential.step)
        by_inverse = form.deviation * float(self.inverse.step)
        return own_rounding(result) + (by_index + by_tables + by_inverse) / float(result.step)

    @property
    def share(self) -> FixedType:
        """The bits of the index that one table reads, as a whole number."""
        bits = self.index.width // self.tables
        return FixedType(bits, bits, False)

    def exponentials(self) -> Ints:
        """exp(-d) of each share of the index, (tables, entries); the first is of its top bits."""
        bits = self.share.width
        frac = self.index.frac - bits * np.arange(self.tables - 1, -1, -1)
        values = np.exp(-np.ldexp(np.arange(1 << bits, dtype=np.float64), -frac[:, None]))
        return self.exponential.with_modes(Rounding.RND_CONV, Overflow.SAT).quantize(values)

    @property
    def reciprocal(self) -> tuple[Piecewise, Ints]:
        """1 / s for sums from 1 on, and its coefficients."""
        return _reciprocal(self.sum, self.inverse)


@cache
def _reciprocal(total: FixedType, inverse: FixedType) -> tuple[Piecewise, Ints]:
    return fit_in_pieces(_RECIPROCAL, Argument(total, 1.0, float(total.max)), inverse, _DIRECT_BITS)


def _shared(width: int) -> tuple[int, int]:
    """The width of an index of at least ``width`` bits that tables share equally, and their number."""
    tables = 1 if width <= _ONE_TABLE_BITS else min(max(ceil(width / _TABLE_BITS), 2), _MOST_TABLES)
    return tables * ceil(width / tables), tables


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """``exp(x_i) / sum(exp(x))`` over the last axis; ``plan`` follows from the types of input and result.

    ``mask`` (rows, classes) says which places count, at least one in every row; the last but one axis of the input has
    as many.
    """

    kind = "Softmax"
    packing = Packing.GATHERED
    pure = False
    casts = frozenset({"result"})
    flattens = True
    mask: NDArray[np.bool_] | None = None
    input_type: FixedType | None = None
    classes: int = 0
    plan: Plan | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {} if self.mask is None else {"mask": shapes[0][-2:]}

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0] if self.mask is None else np.where(self.mask, inputs[0], -np.inf)
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))

    def prepared(self, context: Context) -> Layer:
        return replace(self, input_type=context.input.type, classes=context.input.shape[-1])

    def natural_type(self, context: Context) -> FixedType | None:
        width = min(context.width, FINEST) + 1
        return FixedType(min(width, context.widest or width), 1, False, Rounding.RND, Overflow.SAT)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """The slope of a class is y (1 - y), at most a quarter; rarely so much where arguments are large."""
        return (inputs[0] * mean_square_slope(_of_two, sizes[0]),)

    def finished(self, result: FixedType) -> Layer:
        assert self.input_type is not None
        return replace(self, plan=Plan.of(self.input_type, self.classes, result))

    @property
    def bounded(self) -> bool:
        return True

    @property
    def deviation(self) -> float | None:
        return None if self.plan is None else self.plan.deviation

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.plan is not None
        steps = self.inner_steps(inputs)
        product = exact_product(steps["exponential"].mantissas, steps["inverse"].mantissas)
        return Exact(product, self.plan.exponential.frac + self.plan.inverse.frac)

    def inner_types(self) -> dict[str, FixedType]:
        assert self.plan is not None
        plan = self.plan
        form, _ = plan.reciprocal
        return {
            "distance": plan.distance,
            "index": plan.index,
            "exponential": plan.exponential,
            "sum": plan.sum,
            **{f"sum_{name}": fixed for name, fixed in form.types().items()},
            "inverse": plan.inverse,
        }

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        assert self.plan is not None
        plan, (x, frac) = self.plan, inputs[0]
        if self.mask is not None:
            assert self.input_type is not None
            x = np.where(self.mask, x, self.input_type.min_mantissa)
        distance = integers(x.max(axis=-1, keepdims=True) - x)
        k = plan.index.cast(distance, frac)
        e = self._exponentials(k)
        if self.mask is not None:
            e = np.where(self.mask, e, 0)
        total = Exact(e.sum(axis=-1, keepdims=True), plan.exponential.frac)
        form, table = plan.reciprocal
        return {
            "distance": InnerStep(distance, plan.distance),
            "index": InnerStep(k, plan.index),
            "exponential": InnerStep(e, plan.exponential),
            "sum": InnerStep(total.mantissas, plan.sum),
            **{f"sum_{name}": step for name, step in form.steps(total).items()},
            "inverse": InnerStep(plan.inverse.cast(*form.exact(table, total)), plan.inverse),
        }

    def _exponentials(self, k: Ints) -> Ints:
        assert self.plan is not None
        plan, bits = self.plan, self.plan.share.width
        shares = [(k >> bits * place) & ((1 << bits) - 1) for place in range(plan.tables - 1, -1, -1)]
        first, *factors = (table[share] for table, share in zip(plan.exponentials(), shares, strict=True))
        e: Ints = first
        for factor in factors:
            e = plan.exponential.cast(exact_product(e, factor), 2 * plan.exponential.frac)
        return e

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        assert self.plan is not None
        form, table = self.plan.reciprocal
        frac = self.plan.exponential.frac
        sums = Interval(integers(np.array([1 << frac])), integers(np.array([self.classes << frac])), frac)
        inverse = form.interval(table, sums).cast(self.plan.inverse)
        one = np.full(inputs[0].channels, inverse.highest << frac, dtype=object)
        return Interval(integers(0 * one), integers(one), frac + inverse.frac)

    def describe(self) -> str:
        return "" if self.mask is None else f"{int(self.mask.sum())} of {self.mask.size} places"
