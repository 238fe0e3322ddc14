"""Sparsemax: the steps of :mod:`hlsgen.layers.sparsemax`, unrolled over the classes."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.backends.verilog.casts import Number, aligned, cast
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.cores.sorting import largest_first, prefix_sums
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.sparsemax import Plan, Sparsemax


@core_of(Sparsemax)
def sparsemax(layer: Sparsemax, op: Op, place: Place) -> Core:
    plan = layer.planned

    def classes(logic: Logic, x: list[Number]) -> list[Number]:
        largest = logic.tree([number.signal for number in x], lambda a, b: logic.larger(a, b, "largest"))
        most = place.x.type.max_mantissa - place.x.type.min_mantissa
        apart = [
            Number(logic.bounded(logic.subtract(largest, n.signal, "apart"), 0, most), place.x.type.frac) for n in x
        ]
        compared = [cast(logic, number, plan.compared).signal for number in apart]
        count, total = _counted(logic, plan, compared, layer.of_partial_sums)
        inverse = logic.lookup(plan.reciprocals(layer.classes).tolist(), count, "inverse")
        share = Number(logic.multiply(total, inverse), plan.sum.frac + plan.inverse.frac)
        threshold = cast(logic, share, plan.threshold)
        if layer.of_partial_sums:
            fewer = logic.subtract(count, constant(1), "fewer")
            threshold = _difference(logic, threshold, Number(logic.multiply(largest, fewer), place.x.type.frac + 1))
        return [_rectified(logic, threshold, cast(logic, number, plan.distance)) for number in apart]

    return pipeline(op, place, classes)


def _counted(logic: Logic, plan: Plan, compared: Sequence[Signal], of_partial_sums: bool) -> tuple[Signal, Signal]:
    """How many distances count, and the total of 1 and their sums.

    A distance counts only if all smaller ones do: 1 plus what these are below it falls with it.
    """
    n, one = len(compared), 1 << plan.sum.frac
    ordered = largest_first(logic, compared, n)[::-1]
    sums = prefix_sums(logic, ordered, "distances")
    beyond = []
    for j, (distance, so_far) in enumerate(zip(ordered, sums, strict=True), 1):
        product = logic.multiply(distance, constant(j))
        beyond.append(logic.at_least(product, logic.add(so_far, constant(one), "reach"), "beyond"))
    addends = sums if of_partial_sums else ordered
    counted = [logic.choose(bit, constant(0), term, "counted") for bit, term in zip(beyond, addends, strict=True)]
    total = logic.add(logic.total(counted, "total"), constant(one), "total")
    count = logic.subtract(constant(n), logic.total(beyond, "left_out"), "count")
    return logic.bounded(count, 1, n), logic.bounded(total, one, plan.sum.max_mantissa)


def _difference(logic: Logic, a: Number, b: Number) -> Number:
    p, q, frac = aligned(logic, a, b)
    return Number(logic.subtract(p, q), frac)


def _rectified(logic: Logic, threshold: Number, distance: Number) -> Number:
    rest = _difference(logic, threshold, distance)
    return Number(logic.larger(rest.signal, constant(0), "rectified"), rest.frac)
