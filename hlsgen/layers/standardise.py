"""Values divided by a statistic of themselves, over the last axis, in integers: no bit depends on how large they are.

    S = sum of x,  Q = sum of x^2                                   exact
    d = n x - S,   w = n Q - S^2 + n^2 epsilon                      by the deviation
    d = x,         w = Q + n epsilon,  or max(Q, epsilon)           by the root mean square, or the length
    s = even number of leading zeros of w;  m = w 2^s               both exact
    t = scaled(d 2^(s/2))                                           rounded
    r = inverse(gain / sqrt(m))                                     in pieces
    y = result(t * r)

All y of a position share one factor, so that their order is that of the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.expected import USEFUL_BITS, magnitude_bits
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding, integers
from hlsgen.layers.fit_pieces import FINEST
from hlsgen.layers.standardise_plan import Measure, Plan

_SPARE = 2
"""Of fewer bits than make a value useful, so many at most go to a range that was not met."""
_FEWEST = 16
"""Bits of a result that are kept where all of its values are below the finest step of functions."""


@dataclass(frozen=True, eq=False)
class Standardise(Layer):
    """``x``, or what it deviates from its mean, by its :class:`Measure` over the last axis.

    ``plan`` follows from the types of input and result.
    """

    kind = "Standardise"
    packing = Packing.PARTS
    pure = False
    casts = frozenset({"result"})
    measure: Measure
    epsilon: float
    """What is added to the mean of the squares; of a length, the least of their sum."""
    input_type: FixedType | None = None
    values: int = 0
    plan: Plan | None = None

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        if self.measure is Measure.DEVIATION:
            x = x - x.mean(axis=-1, keepdims=True)
        squares = np.square(x)
        if self.measure is Measure.LENGTH:
            power = np.maximum(squares.sum(axis=-1, keepdims=True), self.epsilon)
        else:
            power = squares.mean(axis=-1, keepdims=True) + self.epsilon
        return np.asarray(np.divide(x, np.sqrt(power), out=np.zeros_like(x), where=power > 0))

    def prepared(self, context: Context) -> Layer:
        return replace(self, input_type=context.input.type, values=context.input.shape[-1])

    def natural_type(self, context: Context) -> FixedType | None:
        """All of its range, as long as that leaves enough bits to what is expected."""
        signed = self.measure is Measure.DEVIATION or context.input.type.signed
        integer = magnitude_bits(max(self.measure.reach(self.values), 1.0)) + signed
        width = context.width
        if context.expected is not None:
            usual = context.expected.integer_bits(width, signed, width)
            integer = min(integer, usual + max(width - USEFUL_BITS, _SPARE))
        integer = max(integer, min(width, _FEWEST) - FINEST)
        return FixedType(min(width, integer + FINEST), integer, signed, Rounding.RND, Overflow.SAT)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """An error is divided by what the value is."""
        power = float(np.square(sizes[0]).mean())
        if self.measure is Measure.LENGTH:
            return (inputs[0] / max(power * inputs[0].shape[-1], self.epsilon, np.finfo(float).tiny),)
        return (inputs[0] / max(power + self.epsilon, np.finfo(float).tiny),)

    def finished(self, result: FixedType) -> Layer:
        assert self.input_type is not None
        return replace(self, plan=Plan.of(self.measure, self.epsilon, self.input_type, self.values, result))

    @property
    def known_plan(self) -> Plan:
        """The plan, once types are known."""
        assert self.plan is not None
        return self.plan

    @property
    def bounded(self) -> bool:
        return True

    @property
    def deviation(self) -> float | None:
        return None if self.plan is None else self.plan.error

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return 0 if self.plan is None else self.plan.widest

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        steps, plan = self.inner_steps(inputs), self.known_plan
        product = exact_product(steps["scaled"].mantissas, steps["inverse"].mantissas)
        return Exact(product, plan.scaled.frac + plan.inverse.frac)

    def inner_types(self) -> dict[str, FixedType]:
        plan = self.known_plan
        return {
            **({"sum": plan.total} if plan.centred else {}),
            "squares": plan.squares,
            "power": plan.power,
            "mantissa": plan.mantissa,
            **{f"mantissa_{name}": fixed for name, fixed in plan.root[0].types().items()},
            "inverse": plan.inverse,
            "scaled": plan.scaled,
        }

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        plan, (x, _) = self.known_plan, inputs[0]
        total = integers(x, plan.total.width).sum(axis=-1, keepdims=True)
        squares = integers(np.square(integers(x, plan.squares.width)).sum(axis=-1, keepdims=True))
        power = _power(plan, total, squares)
        mantissa, places = _normalised(plan, power)
        form, table = plan.root
        argument = Exact(mantissa, plan.power.width)
        deviation = exact_sum(exact_product(x, integers(np.array(plan.n))), -total) if plan.centred else x
        aligned = exact_product(deviation, integers(np.ones_like(places) << places, plan.most_places + 1))
        steps = {"sum": InnerStep(total, plan.total)} if plan.centred else {}
        return steps | {
            "squares": InnerStep(squares, plan.squares),
            "power": InnerStep(power, plan.power),
            "mantissa": InnerStep(mantissa, plan.mantissa),
            **{f"mantissa_{name}": step for name, step in form.steps(argument).items()},
            "inverse": InnerStep(plan.inverse.cast(*form.exact(table, argument)), plan.inverse),
            "scaled": InnerStep(plan.scaled.cast(aligned, plan.aligned.frac), plan.scaled),
        }

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        plan, channels = self.known_plan, shapes[0][-1]
        most = plan.largest()
        least = -most if plan.centred or plan.x.signed else 0
        low, high = (integers(np.array([end] * channels, dtype=object)) for end in (least, most))
        return Interval(low, high, plan.scaled.frac + plan.inverse.frac)

    def describe(self) -> str:
        return f"by its {self.measure.value} epsilon={self.epsilon:g}"


def _power(plan: Plan, total: Ints, squares: Ints) -> Ints:
    """``w`` on the grid of its type, which is no coarser than that of the squares."""
    finer = plan.power.frac - plan.squares.frac
    epsilon = integers(np.array(plan.epsilon, dtype=object))
    if plan.measure is Measure.LENGTH:
        return integers(np.maximum(shifted(squares, finer), epsilon))
    if plan.centred:
        squares = exact_sum(exact_product(squares, integers(np.array(plan.n))), -exact_product(total, total))
    return exact_sum(shifted(squares, finer), epsilon)


def _normalised(plan: Plan, power: Ints) -> tuple[Ints, Ints]:
    """``w`` shifted left by an even number of places until one of the first two bits is set, and half that number."""
    found = integers(power, plan.power.width)
    places = np.zeros(found.shape, dtype=np.int64)
    for stage in range(plan.stages, 0, -1):
        zeros = 1 << stage
        small = found < 1 << (plan.power.width - zeros)
        found = np.where(small, found << zeros, found)
        places += small.astype(np.int64) << (stage - 1)
    return found, places
