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

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.expected import mean_square_slope
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.exponentials import GUARD, Exponentials
from hlsgen.layers.fit_pieces import FINEST, Argument, fit_in_pieces, own_rounding
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Piecewise

_DIRECT_BITS = 12
_RECIPROCAL = Unary("reciprocal", lambda s: 1.0 / np.maximum(s, 1.0), 0.0, 1.0)


def _of_two(difference: Floats) -> Floats:
    """The softmax of two classes, by the difference of their arguments."""
    return np.asarray((1.0 + np.tanh(difference / 2.0)) / 2.0)


@dataclass(frozen=True)
class Plan(Exponentials):
    """The types that follow from the input type, the number of classes and the result type."""

    inverse: FixedType
    deviation: float

    @classmethod
    def of(cls, x: FixedType, n: int, result: FixedType) -> Plan:
        shared = Exponentials.of_types(x, n, result.frac)
        width = max(min(result.frac, FINEST), 0) + GUARD + 1
        inverse = FixedType(width, 1, False, Rounding.RND, Overflow.SAT)
        plan = cls(**vars(shared), inverse=inverse, deviation=0.0)
        return replace(plan, deviation=plan._deviation(x, n, result))

    def _deviation(self, x: FixedType, n: int, result: FixedType) -> float:
        form, _ = self.reciprocal
        by_index = 0.25 * float(self.index.step) if self.index.frac < x.frac else 0.0
        by_inverse = form.deviation * float(self.inverse.step)
        return own_rounding(result) + (by_index + self.sum_error(n) + by_inverse) / float(result.step)

    @property
    def reciprocal(self) -> tuple[Piecewise, Ints]:
        """1 / s for sums from 1 on, and its coefficients."""
        return _reciprocal(self.sum, self.inverse)


@cache
def _reciprocal(total: FixedType, inverse: FixedType) -> tuple[Piecewise, Ints]:
    return fit_in_pieces(_RECIPROCAL, Argument(total, 1.0, float(total.max)), inverse, _DIRECT_BITS)


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

    @property
    def widest_word(self) -> int:  # type: ignore[override]
        """A place that does not count is the least number of its type."""
        return super().widest_word if self.mask is None else 64

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
        after = {f"sum_{name}": fixed for name, fixed in form.types().items()}
        return {**plan.types(), **after, "inverse": plan.inverse}

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        assert self.plan is not None
        plan, x = self.plan, inputs[0]
        if self.mask is not None:
            assert self.input_type is not None
            x = Exact(np.where(self.mask, x.mantissas, self.input_type.min_mantissa), x.frac)
        held = plan.steps(x, self.mask)
        total = Exact(held["sum"].mantissas, plan.sum.frac)
        form, table = plan.reciprocal
        after = {f"sum_{name}": step for name, step in form.steps(total).items()}
        return {**held, **after, "inverse": InnerStep(plan.inverse.cast(*form.exact(table, total)), plan.inverse)}

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
