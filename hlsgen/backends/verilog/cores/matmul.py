"""The product of two tensors: a row of the first with each word, beside it the whole matrix of the other.

Stages in front gather the matrix and repeat it for every row.
"""

from __future__ import annotations

import numpy as np

from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.core import Core, Place, core_of, refused
from hlsgen.backends.verilog.cores.folded import folded_tensors
from hlsgen.backends.verilog.cores.linear import MOST_PRODUCTS
from hlsgen.backends.verilog.logic import Logic
from hlsgen.backends.verilog.pipeline import pipeline
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.matmul import MatMul


def _check(layer: MatMul, op: Op) -> None:
    count = layer.products // op.reuse_factor
    if count > MOST_PRODUCTS:
        valid = layer.valid_reuse_factors(Strategy.RESOURCE)
        enough = next((reuse for reuse in valid if layer.products // reuse <= MOST_PRODUCTS), valid[-1])
        raise refused(
            op,
            f"takes {count} multipliers side by side, at most {MOST_PRODUCTS} are built",
            f"set strategy: resource and reuse_factor: {enough} or more for this layer",
        )


@core_of(MatMul, check=_check)
def matmul(layer: MatMul, op: Op, place: Place) -> Core:
    held = _held(layer)
    if op.reuse_factor > 1:
        return folded_tensors(op, held[None], place)

    def products(logic: Logic, a: list[Number], b: list[Number]) -> list[Number]:
        found = []
        for column in held.T:
            terms = [logic.multiply(x.signal, b[k].signal) for x, k in zip(a, column, strict=True)]
            found.append(Number(logic.total(terms), a[0].frac + b[0].frac))
        return found

    return pipeline(op, place, products)


def _held(layer: MatMul) -> Ints:
    """The elements of the matrix, (depth, columns)."""
    shape = (layer.columns, layer.depth) if layer.transposed else (layer.depth, layer.columns)
    found = np.arange(layer.products).reshape(shape)
    return found.T if layer.transposed else found
