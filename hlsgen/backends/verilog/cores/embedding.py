"""Embedding: a memory of rows."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, core_of
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.layers.embedding import Embedding


@core_of(Embedding)
def embedding(layer: Embedding, op: Op, place: Place) -> Core:
    """The words of the memory are those of the result, cast when they were written."""
    rows = op.output.type.cast(*layer.table.fixed).tolist()

    def row(logic: Logic, x: list[Number]) -> list[Number]:
        (number,) = x
        shift = number.frac
        whole = logic.floor(number.signal, shift) if shift > 0 else logic.shift_left(number.signal, -shift)
        address = logic.smaller(logic.larger(whole, constant(0)), constant(layer.rows - 1), "address")
        return [Number(entry, op.output.type.frac) for entry in logic.row(rows, address)]

    return pipeline(op, place, row)
