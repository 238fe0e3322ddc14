"""RepeatVector: a vector as each row of a matrix."""

from __future__ import annotations

from hlsgen.errors import ModelError
from hlsgen.ir.graph import Value
from hlsgen.layers.reading import Call, reads
from hlsgen.layers.shape_ops import Reshape, UpSampling


@reads("RepeatVector")
def read_repeat_vector(call: Call) -> Value:
    (vector,) = call.inputs
    if len(vector.shape) != 1:
        raise ModelError(f"{call.where}: repeats vectors, found a tensor of shape {vector.shape}")
    row = call.add(Reshape((1, *vector.shape)), [vector], "row")
    return call.add(UpSampling((1, int(call.take("n")))), [row])
