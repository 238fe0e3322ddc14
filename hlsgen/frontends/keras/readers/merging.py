"""Layers that merge tensors element by element."""

from __future__ import annotations

from functools import partial

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.merging import merge_chain
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.scale import Scale


def _read_merge(op: str, call: Call) -> Value:
    if len(call.inputs) < 2:
        return call.inputs[0]
    return merge_chain(call, op)


read_add = reads("Add")(partial(_read_merge, "add"))
read_multiply = reads("Multiply")(partial(_read_merge, "multiply"))
read_maximum = reads("Maximum")(partial(_read_merge, "maximum"))
read_minimum = reads("Minimum")(partial(_read_merge, "minimum"))


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
