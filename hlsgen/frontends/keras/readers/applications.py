"""Layers that belong to one network of keras.applications."""

from __future__ import annotations

from hlsgen.errors import ModelError
from hlsgen.frontends.functions import add_line
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import NUMBER, POSITIVE
from hlsgen.frontends.merging import merge_chain
from hlsgen.frontends.normalisation import add_affine
from hlsgen.ir.graph import Value


@reads("LayerScale")
def read_layer_scale(call: Call) -> Value:
    """Of ConvNeXt: a learned factor for each channel."""
    call.ignore("init_values")
    channels = call.take("projection_dim", POSITIVE)
    return add_affine(call, call.input, call.weight("gamma", (channels,)), None)


@reads("StochasticDepth")
def read_stochastic_depth(call: Call) -> Value:
    """Of ConvNeXt: drops branches in training, and does nothing at inference."""
    call.ignore("drop_path_rate")
    return call.input


@reads("CustomScaleLayer")
def read_scaled_sum(call: Call) -> Value:
    """Of InceptionResNetV2: ``first + scale * second``."""
    if len(call.inputs) != 2:
        raise ModelError(f"{call.where}: reads {len(call.inputs)} tensors, expected two; the file is damaged")
    first, second = call.inputs
    call.inputs = [first, add_line(call, second, call.take("scale", NUMBER), 0.0, "scaled")]
    return merge_chain(call, "add")
