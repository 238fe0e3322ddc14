"""Layers that merge tensors element by element, and the product of two vectors."""

from __future__ import annotations

from functools import partial

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, several
from hlsgen.frontends.merging import merge_chain
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.dense import Dense
from hlsgen.layers.merge import Merge
from hlsgen.layers.scale import Scale


def _read_merge(op: str, call: Call) -> Value:
    if len(call.inputs) < 2:
        return call.inputs[0]
    return merge_chain(call, op)


for _class, _op in (("Add", "add"), ("Multiply", "multiply"), ("Maximum", "maximum"), ("Minimum", "minimum")):
    reads(_class)(partial(_read_merge, _op))


@reads("Subtract")
def read_subtract(call: Call) -> Value:
    if len(call.inputs) != 2:
        raise UnsupportedError(f"{call.where}: subtracts exactly two inputs, found {len(call.inputs)}")
    return merge_chain(call, "subtract")


@reads("Average")
def read_average(call: Call) -> Value:
    """The sum of all inputs, exact, times 1 / n."""
    total = _read_merge("add", call)
    channels = total.shape[-1]
    mean = Scale(Constant.of(np.full(channels, 1.0 / len(call.inputs))), Constant.of(np.zeros(channels)))
    return call.add(mean, [total])


@reads("Dot")
def read_dot(call: Call) -> Value:
    axes = call.take("axes", several(AXIS))
    call.expect("normalize", False)
    shapes = [value.shape for value in call.inputs]
    over_last = set(axes) in ({1}, {-1}) and len(axes) <= 2
    if len(shapes) != 2 or shapes[0] != shapes[1] or len(shapes[0]) != 1 or not over_last:
        raise UnsupportedError(
            f"{call.where}: product of tensors of shapes {shapes} over axes {axes}; supported are two vectors of one "
            "length"
        )
    ones = Constant.exactly(np.ones((shapes[0][0], 1), dtype=np.int64), FixedType(1, 1, False), given=False)
    products = call.add(Merge("multiply"), call.inputs, "products")
    return call.add(Dense(ones, no_bias(1)), [products])
