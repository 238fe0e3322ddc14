"""Layers that only move data, and those that do nothing at inference."""

from __future__ import annotations

from math import prod

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.ir.graph import Value
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape, UpSampling, ZeroPadding


@reads("Flatten")
def read_flatten(call: Call) -> Value:
    call.expect("data_format", "channels_last", None)
    return call.add(Reshape((call.inputs[0].size,)))


@reads("Reshape")
def read_reshape(call: Call) -> Value:
    size = call.inputs[0].size
    target = [int(extent) for extent in call.take("target_shape")]
    if -1 in target:
        rest = prod(extent for extent in target if extent != -1)
        target[target.index(-1)] = size // rest if rest else 0
    if prod(target) != size or not target:
        raise ModelError(f"{call.where}: cannot reshape {call.inputs[0].shape} into {tuple(target)}")
    return call.add(Reshape(tuple(target)))


@reads("Permute")
def read_permute(call: Call) -> Value:
    order = tuple(int(axis) - 1 for axis in call.take("dims"))
    if sorted(order) != list(range(len(call.inputs[0].shape))) or len(order) > 3:
        raise UnsupportedError(f"{call.where}: permutation {order} of {call.inputs[0].shape} (up to three axes)")
    return call.add(Permute(order))


@reads("ZeroPadding1D", "ZeroPadding2D")
def read_zero_padding(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return call.add(ZeroPadding(_sides(call, "padding")))


def _sides(call: Call, key: str) -> tuple[int, int, int, int]:
    """An option for the sides of an image (top, bottom, left, right), or of a line as an image of height 1."""
    value = call.take(key)
    if len(call.inputs[0].shape) == 2:
        value = (0, value)
    elif isinstance(value, int):
        value = (value, value)
    (top, bottom), (left, right) = ((side, side) if isinstance(side, int) else side for side in value)
    return int(top), int(bottom), int(left), int(right)


@reads("UpSampling1D", "UpSampling2D")
def read_upsampling(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    call.expect("interpolation", "nearest")
    size = call.take("size")
    sizes = [size] if isinstance(size, int) else list(size)
    if len(call.inputs[0].shape) == 2:
        return call.add(UpSampling((1, int(sizes[0]))))
    return call.add(UpSampling((int(sizes[0]), int(sizes[-1]))))


@reads("Concatenate")
def read_concatenate(call: Call) -> Value:
    rank = len(call.inputs[0].shape)
    axis = call.take("axis", -1)
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
    return call.inputs[0]


@reads("Identity")
def read_identity(call: Call) -> Value:
    return call.inputs[0]


@reads("Cropping1D", "Cropping2D")
def read_cropping(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    layer = Cropping(_sides(call, "cropping"))
    if min(layer.output_shape([call.inputs[0].shape])) < 1:
        raise ModelError(f"{call.where}: nothing is left of its input of shape {call.inputs[0].shape}")
    return call.add(layer)


@reads("RepeatVector")
def read_repeat_vector(call: Call) -> Value:
    (vector,) = call.inputs
    if len(vector.shape) != 1:
        raise ModelError(f"{call.where}: repeats vectors, found a tensor of shape {vector.shape}")
    row = call.add(Reshape((1, *vector.shape)), [vector], "row")
    return call.add(UpSampling((1, int(call.take("n")))), [row])
