"""Log-softmax over the last axis, in integers.

    d_i, k_i, e_i, s                                     as of a softmax (exponentials.py)
    L   = logarithm(log s)                               in pieces
    y_i = result(-(d_i + L))                             exact up to here

The distances are exact, so far from the largest input as well, and all y share one logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import log

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing, align
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.exponentials import GUARD, Exponentials
from hlsgen.layers.fit_pieces import FINEST, Argument, fit_in_pieces, own_rounding
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Piecewise

_DIRECT_BITS = 12
_LARGEST = 256 * log(2.0)
"""The logarithm of more classes than there are."""
_LOGARITHM = Unary("logarithm", lambda s: np.log(np.maximum(s, 1.0)), 0.0, _LARGEST)


@dataclass(frozen=True)
class Plan(Exponentials):
    """The types that follow from the input type, the number of classes and the result type."""

    logarithm: FixedType
    deviation: float

    @classmethod
    def of(cls, x: FixedType, n: int, result: FixedType) -> Plan:
        shared = Exponentials.of_types(x, n, result.frac)
        frac, integer = max(min(result.frac, FINEST), 0) + GUARD, magnitude_bits(log(n)) if n > 1 else 0
        logarithm = FixedType(max(integer, 0) + frac, max(integer, 0), False, Rounding.RND, Overflow.SAT)
        plan = cls(**vars(shared), logarithm=logarithm, deviation=0.0)
        return replace(plan, deviation=plan._deviation(x, n, result))

    def _deviation(self, x: FixedType, n: int, result: FixedType) -> float:
        """A rounded index moves every exponential by half its step at most, relative to it, and so the logarithm."""
        form, _ = self.of_sum
        by_index = 0.5 * float(self.index.step) if self.index.frac < x.frac else 0.0
        by_logarithm = form.deviation * float(self.logarithm.step)
        return own_rounding(result) + (by_index + self.sum_error(n) + by_logarithm) / float(result.step)

    @property
    def of_sum(self) -> tuple[Piecewise, Ints]:
        """log(s) for sums from 1 on, and its coefficients."""
        return _logarithm(self.sum, self.logarithm)


@cache
def _logarithm(total: FixedType, logarithm: FixedType) -> tuple[Piecewise, Ints]:
    return fit_in_pieces(_LOGARITHM, Argument(total, 1.0, float(total.max)), logarithm, _DIRECT_BITS)


@dataclass(frozen=True, eq=False)
class LogSoftmax(Layer):
    """``x_i - log(sum(exp(x)))`` over the last axis; ``plan`` follows from the types of input and result."""

    kind = "LogSoftmax"
    packing = Packing.GATHERED
    pure = False
    casts = frozenset({"result"})
    input_type: FixedType | None = None
    classes: int = 0
    plan: Plan | None = None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        below = inputs[0] - inputs[0].max(axis=-1, keepdims=True)
        return np.asarray(below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))

    def prepared(self, context: Context) -> Layer:
        return replace(self, input_type=context.input.type, classes=context.input.shape[-1])

    def natural_type(self, context: Context) -> FixedType | None:
        """What is expected of the result, within what is proved of it; no finer than functions are computed."""
        x = context.input.interval
        reach = float(np.ldexp(float(x.highest - x.lowest), -x.frac)) + log(context.input.shape[-1])
        width, integer = context.width, magnitude_bits(reach) + 1
        if context.expected is not None:
            integer = max(min(integer, context.expected.integer_bits(width, True, width)), 1)
        return FixedType(min(width, integer + FINEST), integer, True, Rounding.RND_CONV, Overflow.SAT)

    def finished(self, result: FixedType) -> Layer:
        assert self.input_type is not None
        return replace(self, plan=Plan.of(self.input_type, self.classes, result))

    @property
    def planned(self) -> Plan:
        """The plan, once types are known."""
        assert self.plan is not None
        return self.plan

    @property
    def deviation(self) -> float | None:
        return None if self.plan is None else self.plan.deviation

    def difference(self, x: FixedType) -> FixedType:
        """A type that holds every ``-d_i`` for inputs of a type."""
        return FixedType.covering(x.min_mantissa - x.max_mantissa, 0, x.frac)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        held = self.inner_steps(inputs)
        distance, logarithm = (Exact(held[n].mantissas, held[n].type.frac) for n in ("distance", "logarithm"))
        (d, of_sum), frac = align([distance, logarithm])
        return Exact(-(d + of_sum), frac)

    def inner_types(self) -> dict[str, FixedType]:
        plan = self.planned
        form, _ = plan.of_sum
        after = {f"sum_{name}": fixed for name, fixed in form.types().items()}
        return {**plan.types(), **after, "logarithm": plan.logarithm}

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        plan = self.planned
        held = plan.steps(inputs[0])
        total = Exact(held["sum"].mantissas, plan.sum.frac)
        form, table = plan.of_sum
        after = {f"sum_{name}": step for name, step in form.steps(total).items()}
        found = plan.logarithm.cast(*form.exact(table, total))
        return {**held, **after, "logarithm": InnerStep(found, plan.logarithm)}

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x, plan = inputs[0], self.planned
        form, table = plan.of_sum
        frac = plan.exponential.frac
        sums = Interval(integers(np.array([1 << frac])), integers(np.array([self.classes << frac])), frac)
        logarithm = form.interval(table, sums).cast(plan.logarithm)
        (farthest, largest), frac = align(
            [Exact(integers(np.array([x.highest - x.lowest])), x.frac), Exact(logarithm.high, logarithm.frac)]
        )
        lowest = np.full(x.channels, -(int(farthest[0]) + int(largest.max())), dtype=object)
        return Interval(integers(lowest), integers(0 * lowest), frac)

    def describe(self) -> str:
        return ""
