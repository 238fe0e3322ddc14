"""Softmax: the steps of :mod:`hlsgen.layers.softmax`, unrolled over the classes."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number, cast
from hlsgen.backends.verilog.core import Core, Place, core_of, refused
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, Signal
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.softmax import Plan, Softmax


def _check(layer: Softmax, op: Op) -> None:
    if layer.mask is not None:
        raise refused(op, "a softmax with a mask has no circuit yet")


@core_of(Softmax, check=_check)
def softmax(layer: Softmax, op: Op, place: Place) -> Core:
    plan = layer.plan
    assert plan is not None

    def classes(logic: Logic, x: list[Number]) -> list[Number]:
        largest = logic.tree([number.signal for number in x], lambda a, b: logic.larger(a, b, "largest"))
        exponentials = [_exponential(logic, plan, largest, number) for number in x]
        total = Number(logic.total(exponentials, "total"), plan.sum.frac)
        form, words = plan.reciprocal
        inverse = cast(logic, function_of(logic, form, words, total), plan.inverse)
        products = [logic.multiply(e, inverse.signal) for e in exponentials]
        return [Number(product, plan.exponential.frac + inverse.frac) for product in products]

    return pipeline(op, place, classes)


def _exponential(logic: Logic, plan: Plan, largest: Signal, x: Number) -> Signal:
    """exp of the distance to the largest: a product of tables, each of which reads an equal share of the index."""
    apart = logic.subtract(largest, x.signal, "distance")
    distance = logic.bounded(apart, 0, plan.distance.max_mantissa)
    index = cast(logic, Number(distance, x.frac), plan.index).signal
    bits, words = plan.share.width, plan.words()
    result: Signal | None = None
    for place, table in zip(range(plan.tables - 1, -1, -1), words, strict=True):
        share = logic.bits(index, bits * place, bits, "share")
        factor = logic.lookup([int(word) for word in table], share, "factor")
        if result is None:
            result = factor
            continue
        product = Number(logic.multiply(result, factor), 2 * plan.exponential.frac)
        result = cast(logic, product, plan.exponential).signal
    assert result is not None
    return result
