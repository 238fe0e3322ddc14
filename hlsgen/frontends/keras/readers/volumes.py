"""Layers of volumes: convolution, and what frames or cuts them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import same_padding
from hlsgen.frontends.keras.options import EXTENT, MARGIN, POSITIVE, each
from hlsgen.frontends.keras.readers.linear import read_groups
from hlsgen.frontends.limits import MAX_WINDOW
from hlsgen.frontends.volumes import Axis, Margins, add_convolution, add_cropping, add_padding
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.window import Window


@reads("Conv3D")
def read_conv_3d(call: Call) -> Value:
    filters = call.take("filters", POSITIVE)
    call.expect("lora_rank", None)
    groups = read_groups(call, filters)
    axes = _axes(call)
    weight, scale = call.constant("kernel", reshape=_image_kernel)
    bias = call.bias(filters)

    def convolve(image: Value, window: Window) -> Value:
        return call.add_scaled(
            lambda b: Conv2D(weight, b, window, group_count=groups), scale, bias, [image], "convolution"
        )

    return call.activate(add_convolution(call, call.input, axes, groups, convolve))


def _image_kernel(kernel: NDArray[Any]) -> NDArray[Any]:
    """Keras's (depth, height, width, in, out) as (height, width, depth * in, out)."""
    depth, height, width, channels, filters = kernel.shape
    return kernel.transpose(1, 2, 0, 3, 4).reshape(height, width, depth * channels, filters)


def _axes(call: Call) -> list[Axis]:
    call.expect("data_format", "channels_last")
    size, strides = call.take("kernel_size", each(3, EXTENT)), call.take("strides", each(3, EXTENT), (1, 1, 1))
    dilation = call.take("dilation_rate", each(3, EXTENT), (1, 1, 1))
    padding = call.expect("padding", "valid", "same")
    call.bound(size[0] * size[1] * size[2], MAX_WINDOW, f"a window of {size}")
    found = []
    for extent, cells, stride, step in zip(call.input.shape, size, strides, dilation, strict=False):
        reach = (cells - 1) * step + 1
        margins = same_padding(extent, reach, stride) if padding == "same" else (0, 0)
        found.append(Axis(extent, cells, stride, step, margins))
    if min(axis.outputs for axis in found) < 1:
        raise ModelError(f"{call.where}: a window of {size} does not fit its input of shape {call.input.shape}")
    return found


def _margins(call: Call, key: str) -> Margins:
    """``n``, one number or two for each axis."""
    depth, height, width = call.take(key, each(3, each(2, MARGIN)))
    return (depth[0], depth[1]), (height[0], height[1]), (width[0], width[1])


@reads("ZeroPadding3D")
def read_zero_padding_3d(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return add_padding(call, call.input, _margins(call, "padding"))


@reads("Cropping3D")
def read_cropping_3d(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    margins = _margins(call, "cropping")
    if any(extent <= sum(cut) for extent, cut in zip(call.input.shape, margins, strict=False)):
        raise ModelError(f"{call.where}: cropping={margins} leaves nothing of its input of shape {call.input.shape}")
    return add_cropping(call, call.input, margins)
