"""Standardisation: the steps of :mod:`hlsgen.layers.standardise`, unrolled over the values of a position."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.backends.verilog.casts import Number, cast
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure, Plan


@core_of(Standardise)
def standardise(layer: Standardise, op: Op, place: Place) -> Core:
    plan = layer.known_plan

    def values(logic: Logic, x: list[Number]) -> list[Number]:
        signals = [number.signal for number in x]
        total = logic.total(signals, "total") if plan.centred else constant(0)
        mantissa, shifts = _normalised(logic, plan, _power(logic, plan, total, signals))
        form, table = plan.root
        inverse = cast(logic, function_of(logic, form, table, Number(mantissa, plan.power.width)), plan.inverse)
        found = []
        for signal in signals:
            aligned = Number(_aligned(logic, plan, _deviation(logic, plan, signal, total), shifts), plan.aligned.frac)
            scaled = cast(logic, aligned, plan.scaled)
            found.append(Number(logic.multiply(scaled.signal, inverse.signal), scaled.frac + inverse.frac))
        return found

    return pipeline(op, place, values)


def _power(logic: Logic, plan: Plan, total: Signal, x: Sequence[Signal]) -> Signal:
    """``w``, on its grid."""
    squares = logic.total([_square(logic, signal) for signal in x], "squares")
    finer = plan.power.frac - plan.squares.frac
    if plan.centred:
        spread = logic.subtract(logic.multiply(squares, constant(plan.n)), _square(logic, total), "spread")
        squares = logic.bounded(spread, 0, plan.spread.max_mantissa)
    power = logic.shift_left(squares, finer)
    epsilon = constant(plan.epsilon)
    largest = logic.larger(power, epsilon, "power") if plan.measure is Measure.LENGTH else logic.add(power, epsilon)
    return logic.bounded(largest, plan.epsilon, plan.power.max_mantissa)


def _square(logic: Logic, x: Signal) -> Signal:
    return logic.bounded(logic.multiply(x, x, "square"), 0)


def _normalised(logic: Logic, plan: Plan, power: Signal) -> tuple[Signal, list[Signal]]:
    """``w`` shifted left by an even number of places until one of the first two bits is set; and half that number, the
    highest bit first."""
    found, shifts = power, []
    for stage in range(plan.stages, 0, -1):
        zeros = 1 << stage
        kept = logic.at_least(found, constant(1 << (plan.power.width - zeros)), "normal")
        shifts.append(kept)
        moved = logic.choose(kept, found, logic.shift_left(found, zeros), "normal")
        found = logic.bounded(moved, 0, (1 << plan.power.width) - 1)
    return found, shifts


def _deviation(logic: Logic, plan: Plan, x: Signal, total: Signal) -> Signal:
    """``d``."""
    if not plan.centred:
        return x
    difference = logic.subtract(logic.multiply(x, constant(plan.n)), total, "deviation")
    return logic.bounded(difference, plan.deviation.min_mantissa, plan.deviation.max_mantissa)


def _aligned(logic: Logic, plan: Plan, deviation: Signal, shifts: Sequence[Signal]) -> Signal:
    """``d`` shifted left by those places."""
    found = deviation
    for place, kept in zip(range(len(shifts) - 1, -1, -1), shifts, strict=True):
        moved = logic.choose(kept, found, logic.shift_left(found, 1 << place), "aligned")
        found = logic.bounded(moved, plan.aligned.min_mantissa, plan.aligned.max_mantissa)
    return found
