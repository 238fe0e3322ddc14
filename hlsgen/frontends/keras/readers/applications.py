"""Layers that belong to one network of keras.applications."""

from __future__ import annotations

from hlsgen.errors import ModelError
from hlsgen.frontends.functions import add_line
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import NUMBER
from hlsgen.frontends.merging import merge_chain
from hlsgen.ir.graph import Value


@reads("CustomScaleLayer")
def read_scaled_sum(call: Call) -> Value:
    """Of InceptionResNetV2: ``first + scale * second``."""
    if len(call.inputs) != 2:
        raise ModelError(f"{call.where}: reads {len(call.inputs)} tensors, expected two; the file is damaged")
    first, second = call.inputs
    call.inputs = [first, add_line(call, second, call.take("scale", NUMBER), 0.0, "scaled")]
    return merge_chain(call, "add")
