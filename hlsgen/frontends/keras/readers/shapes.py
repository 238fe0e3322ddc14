"""Layers that only move data, and those that do nothing at inference."""

from __future__ import annotations

from math import prod

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, LARGEST, POSITIVE, listed, sides, whole
from hlsgen.frontends.permuting import add_permute
from hlsgen.ir.graph import Value
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape, UpSampling, ZeroPadding


@reads("Flatten")
def read_flatten(call: Call) -> Value:
    call.expect("data_format", "channels_last", None)
    return call.add(Reshape((call.input.size,)))


@reads("Reshape")
def read_reshape(call: Call) -> Value:
    size = call.input.size
    given = call.take("target_shape", listed(whole(-1, LARGEST)))
    target = list(given)
    if -1 in target:
        rest = prod(extent for extent in target if extent != -1)
        target[target.index(-1)] = size // rest if rest else 0
    if prod(target) != size or min(target, default=0) < 1:
        raise ModelError(f"{call.where}: cannot reshape {call.input.shape} into {tuple(target)}")
    return call.add(Reshape(tuple(target)))


@reads("Permute")
def read_permute(call: Call) -> Value:
    order = tuple(axis - 1 for axis in call.take("dims", listed(AXIS)))
    if sorted(order) != list(range(len(call.input.shape))):
        raise UnsupportedError(f"{call.where}: {order} is no permutation of the axes of {call.input.shape}")
    if len(order) <= 3:  # as the model has it: a pass leaves out what moves nothing
        return call.add(Permute(tuple(order)))
    return add_permute(call, call.input, order)


@reads("ZeroPadding1D", "ZeroPadding2D")
def read_zero_padding(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return call.add(ZeroPadding(call.take("padding", sides(call.flat))))


@reads("Concatenate")
def read_concatenate(call: Call) -> Value:
    rank = len(call.inputs[0].shape)
    axis = call.take("axis", AXIS, -1)
    axis = axis + rank if axis < 0 else axis - 1
    if not 0 <= axis < rank:
        raise UnsupportedError(f"{call.where}: axis {axis} is the batch or outside of the tensor's {rank} axes")
    result = call.inputs[0]
    for other in call.inputs[1:]:
        result = call.add(Concatenate(axis), [result, other])
    return result


@reads(
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
)
def read_training_only(call: Call) -> Value:
    """Layers that do nothing at inference."""
    call.ignore("rate", "stddev", "l1", "l2", "noise_shape", "data_format")
    return call.input


@reads("Identity")
def read_identity(call: Call) -> Value:
    return call.input


@reads("Cropping1D", "Cropping2D")
def read_cropping(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    layer = Cropping(call.take("cropping", sides(call.flat)))
    if min(layer.output_shape([call.input.shape])) < 1:
        raise ModelError(f"{call.where}: nothing is left of its input of shape {call.input.shape}")
    return call.add(layer)


@reads("RepeatVector")
def read_repeat_vector(call: Call) -> Value:
    vector = call.input
    if len(vector.shape) != 1:
        raise ModelError(f"{call.where}: repeats vectors, found a tensor of shape {vector.shape}")
    row = call.add(Reshape((1, *vector.shape)), [vector], "row")
    return call.add(UpSampling((1, call.take("n", POSITIVE))), [row])
