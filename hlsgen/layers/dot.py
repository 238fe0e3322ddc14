"""Dot of two vectors: their products, summed by a Dense of ones."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.base import Parameter
from hlsgen.layers.dense import Dense
from hlsgen.layers.merge import Merge
from hlsgen.layers.reading import Call, no_bias, reads


@reads("Dot")
def read_dot(call: Call) -> Value:
    axes = call.take("axes")
    call.expect("normalize", False)
    shapes = [value.shape for value in call.inputs]
    if len(shapes) != 2 or shapes[0] != shapes[1] or len(shapes[0]) != 1 or axes not in (1, -1, [1, 1], [-1, -1]):
        raise UnsupportedError(
            f"{call.where}: product of tensors of shapes {shapes} over axes {axes}; supported are two vectors of one "
            "length"
        )
    ones = Parameter.exactly(np.ones((shapes[0][0], 1), dtype=np.int64), FixedType(1, 1, False), given=False)
    products = call.add(Merge("multiply"), call.inputs, "products")
    return call.add(Dense(ones, no_bias(1)), [products])
