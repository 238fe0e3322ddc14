"""Images of another size: UpSampling, Resizing, keras.ops.image.resize.

Keras 3 on TensorFlow and Keras 2 both compute what ``tf.image.resize`` does: with the centres of pixels at halves.
"""

from __future__ import annotations

from typing import Any

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.axis_windows import add_largest, add_mixed, interpolated, nearest
from hlsgen.frontends.keras.call import Call, operation, reads
from hlsgen.frontends.keras.options import EXTENT, each, extents
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.ir.graph import Value
from hlsgen.layers.shape_ops import UpSampling


@reads("UpSampling1D", "UpSampling2D")
def read_upsampling(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    interpolation = call.expect("interpolation", "nearest", "bilinear")
    factors = call.take("size", extents(call.flat))
    if interpolation == "nearest":
        return call.add(UpSampling(factors))
    height, width, _ = call.input.shape
    return _resized(call, (height * factors[0], width * factors[1]), interpolation)


@reads("UpSampling3D")
def read_upsampling_3d(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    factors = call.take("size", each(3, EXTENT))
    size = tuple(extent * factor for extent, factor in zip(call.input.shape, factors, strict=False))
    return _resized(call, size, "nearest")


@reads("Resizing")
def read_resizing(call: Call) -> Value:
    size = call.take("height", EXTENT), call.take("width", EXTENT)
    return _read_resize(call, size)


@operation("Resize")
def read_resize(call: Call) -> Value:
    return _read_resize(call, call.take("size", each(2, EXTENT)))


def _read_resize(call: Call, size: tuple[int, ...]) -> Value:
    call.expect("data_format", "channels_last", None)
    interpolation = call.expect("interpolation", "bilinear", "nearest")
    for option in ("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"):
        call.expect(option, False)
    call.ignore("fill_mode", "fill_value")  # of what is padded
    if len(call.input.shape) != 3:
        raise UnsupportedError(
            f"{call.where}: its input has shape {call.input.shape}, expected (rows, columns, channels)"
        )
    return _resized(call, size, interpolation)


def _resized(call: Call, size: tuple[int, ...], interpolation: Any) -> Value:
    """The input with its first axes as long as ``size`` says; what has its length already is left as it is."""
    before = call.input.shape
    elements = before[-1]
    for extent in size:
        elements *= extent
    if elements > MAX_TENSOR:
        raise ModelError(f"{call.where}: a result of {size} would have more than the {MAX_TENSOR} elements supported")
    axes = {axis: extent for axis, extent in enumerate(size) if extent != before[axis]}
    if not axes:
        return call.input
    if interpolation == "nearest":
        return add_largest(call, call.input, {axis: nearest(before[axis], extent) for axis, extent in axes.items()})
    return add_mixed(call, call.input, {axis: interpolated(before[axis], extent) for axis, extent in axes.items()})
