"""Softmax and log-softmax: the steps of :mod:`hlsgen.layers.softmax` and :mod:`hlsgen.layers.log_softmax`."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number, aligned, cast
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.cores.exponentials import steps
from hlsgen.backends.verilog.functions import function_of
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.softmax import Softmax


@core_of(Softmax)
def softmax(layer: Softmax, op: Op, place: Place) -> Core:
    """The rows of a mask come again and again, one with each word."""
    plan = layer.plan
    assert plan is not None

    def classes(logic: Logic, x: list[Number], counts: list[Signal] | None = None) -> list[Number]:
        found = steps(logic, plan, x, counts)
        form, words = plan.reciprocal
        inverse = cast(logic, function_of(logic, form, words, found.sum), plan.inverse)
        products = [logic.multiply(e, inverse.signal) for e in found.exponentials]
        return [Number(product, plan.exponential.frac + inverse.frac) for product in products]

    if layer.mask is None:
        return pipeline(op, place, classes)
    rows = layer.mask.reshape(-1, place.x.elements).astype(int).tolist()
    left_out = constant(place.x.type.min_mantissa)

    def masked(logic: Logic, number: Signal, x: list[Number]) -> list[Number]:
        counts = logic.row(rows, number, "counts")
        kept = [logic.choose(bit, v.signal, left_out, "kept") for bit, v in zip(counts, x, strict=True)]
        return classes(logic, [Number(signal, place.x.type.frac) for signal in kept], counts)

    return pipeline(op, place, masked, turn=len(rows))


@core_of(LogSoftmax)
def log_softmax(layer: LogSoftmax, op: Op, place: Place) -> Core:
    plan = layer.planned

    def classes(logic: Logic, x: list[Number]) -> list[Number]:
        found = steps(logic, plan, x)
        form, words = plan.of_sum
        logarithm = cast(logic, function_of(logic, form, words, found.sum), plan.logarithm)
        return [_negated_sum(logic, distance, logarithm) for distance in found.distances]

    return pipeline(op, place, classes)


def _negated_sum(logic: Logic, a: Number, b: Number) -> Number:
    p, q, frac = aligned(logic, a, b)
    return Number(logic.subtract(constant(0), logic.add(p, q), "negated"), frac)
