"""Cores of several operands: element by element, and side by side."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.logic import Logic
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.merge import Merge
from hlsgen.layers.shape_ops import Concatenate


@core_of(Merge)
def merge(layer: Merge, op: Op, place: Place) -> Core:
    """Two tensors; one value a channel comes as a word that is repeated."""

    def merged(logic: Logic, x: list[Number], other: list[Number]) -> list[Number]:
        return [_both(logic, layer.op, a, b) for a, b in zip(x, other, strict=True)]

    return pipeline(op, place, merged)


def _both(logic: Logic, operation: str, x: Number, y: Number) -> Number:
    if operation == "multiply":
        return Number(logic.multiply(x.signal, y.signal), x.frac + y.frac)
    a, b, frac = aligned(logic, x, y)
    match operation:
        case "add":
            return Number(logic.add(a, b), frac)
        case "subtract":
            return Number(logic.subtract(a, b), frac)
        case "maximum":
            return Number(logic.larger(a, b), frac)
        case _:
            return Number(logic.smaller(a, b), frac)


@core_of(Concatenate)
def concatenate(layer: Concatenate, op: Op, place: Place) -> Core:
    """Channels side by side, each in the type of the result; along other axes a stage puts words behind each other."""
    return pipeline(op, place, lambda logic, x, other: [*x, *other])
