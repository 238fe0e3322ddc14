"""Dense layers and convolutions: plain, depthwise, separable, transposed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import transposed_axis
from hlsgen.frontends.keras.options import MARGIN, POSITIVE, maybe, pair
from hlsgen.frontends.limits import MAX_TENSOR, MAX_WEIGHT
from hlsgen.frontends.transposed import Axis, block_kernel
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.window import Window, as_image


@reads("Dense", "QDense")
def read_dense(call: Call) -> Value:
    units = call.take("units", POSITIVE)
    call.expect("lora_rank", None)
    weight, scale = call.constant("kernel")
    bias = call.bias(units)
    return call.activate(call.add_scaled(lambda b: Dense(weight, b), scale, bias))


def read_groups(call: Call, filters: int) -> int:
    """How many groups of channels a convolution has. Raises ModelError where they are not equal."""
    groups, channels = call.take("groups", POSITIVE, 1), call.input.shape[-1]
    if channels % groups or filters % groups:
        raise ModelError(f"{call.where}: groups={groups} does not divide {channels} channels in and {filters} out")
    return groups


@reads("Conv1D", "QConv1D", "Conv2D", "QConv2D")
def read_conv(call: Call) -> Value:
    """With as many groups as channels, each channel is by itself: a depthwise convolution."""
    filters = call.take("filters", POSITIVE)
    call.expect("lora_rank", None)
    groups, channels = read_groups(call, filters), call.input.shape[-1]
    window = call.window()
    weight, scale = call.constant("kernel", reshape=lambda k: k.reshape(*window.size, *k.shape[-2:]))
    bias = call.bias(filters)
    if 1 < groups == channels:
        taps = _rearranged(weight, lambda k: k.reshape(*window.size, channels, -1))
        return call.activate(call.add_scaled(lambda b: DepthwiseConv2D(taps, b, window), scale, bias))
    return call.activate(call.add_scaled(lambda b: Conv2D(weight, b, window, group_count=groups), scale, bias))


@reads("DepthwiseConv1D", "DepthwiseConv2D", "QDepthwiseConv2D")
def read_depthwise(call: Call) -> Value:
    multiplier = call.take("depth_multiplier", POSITIVE, 1)
    call.ignore("filters", "groups")  # Keras derives both for this class
    window = call.window()
    weight, scale = call.constant(
        "depthwise_kernel", "depthwise", reshape=lambda k: k.reshape(*window.size, *k.shape[-2:])
    )
    bias = call.bias(call.input.shape[-1] * multiplier)
    return call.activate(call.add_scaled(lambda b: DepthwiseConv2D(weight, b, window), scale, bias))


@reads("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D")
def read_separable(call: Call) -> Value:
    """A depthwise convolution without bias, then a 1x1 convolution with the layer's bias."""
    multiplier, filters = call.take("depth_multiplier", POSITIVE, 1), call.take("filters", POSITIVE)
    call.expect("groups", 1)
    window = call.window()
    channels = call.input.shape[-1] * multiplier
    taps, tap_scale = call.constant(
        "depthwise_kernel", "depthwise", reshape=lambda k: k.reshape(*window.size, *k.shape[-2:])
    )
    points, point_scale = call.constant(
        "pointwise_kernel", "pointwise", reshape=lambda k: k.reshape(1, 1, *k.shape[-2:])
    )
    bias = call.bias(filters)
    depthwise = call.add_scaled(
        lambda b: DepthwiseConv2D(taps, b, window),
        tap_scale,
        Constant.of(np.zeros(channels)),
        step="depthwise",
    )
    pixel = Window((1, 1))
    pointwise = call.add_scaled(lambda b: Conv2D(points, b, pixel), point_scale, bias, [depthwise])
    return call.activate(pointwise)


# -- transposed ------------------------------------------------------------------------------


def _axes(call: Call) -> tuple[Axis, Axis]:
    shape = call.input.shape
    padding = call.expect("padding", "valid", "same")
    size, stride, dilation = call.cells()
    more = call.take("output_padding", pair(call.flat, maybe(MARGIN), None), (None, None))
    height, width, _ = as_image(shape)
    rows = transposed_axis(height, size[0], stride[0], dilation[0], padding, more[0])
    columns = transposed_axis(width, size[1], stride[1], dilation[1], padding, more[1])
    if min(rows.outputs, columns.outputs) < 1:
        raise UnsupportedError(f"{call.where}: its output would be empty for an input of shape {shape}")
    return rows, columns


@reads("Conv1DTranspose", "Conv2DTranspose", "QConv2DTranspose")
def read_conv_transpose(call: Call) -> Value:
    """A block convolution, and the places of its results."""
    call.take("filters", POSITIVE)
    call.expect("groups", 1)
    rows, columns = _axes(call)
    cells = rows.stride * columns.stride
    weight, scale = call.constant("kernel", reshape=lambda k: _plain_kernel(k, rows, columns))
    bias = call.bias(weight.shape[-1])
    pixels, taps = rows.outputs * columns.outputs, rows.taps * columns.taps * cells
    call.bound(pixels * weight.shape[-1], MAX_TENSOR, f"its result of {rows.outputs} x {columns.outputs} pixels")
    call.bound(taps * weight.shape[-2] * weight.shape[-1], MAX_WEIGHT, "the kernel of the convolution it becomes")
    block = _rearranged(weight, lambda k: block_kernel(k, rows, columns))
    window = Window(
        (rows.taps, columns.taps), dilation=(rows.step, columns.step), padding=(*rows.padding, *columns.padding)
    )
    scales = None if scale is None else np.tile(scale, cells)
    computed = call.add_scaled(
        lambda b: Conv2D(block, b, window), scales, _rearranged(bias, lambda b: np.tile(b, cells)), step="blocks"
    )
    if cells == 1:
        return call.activate(computed)
    shuffle = DepthToSpace((rows.stride, columns.stride), (rows.outputs, columns.outputs))
    return call.activate(call.add(shuffle, [computed], "pixels"))


def _plain_kernel(kernel: NDArray[Any], rows: Axis, columns: Axis) -> NDArray[Any]:
    """Keras's (size, [size,] out, in) as (size, size, in, out)."""
    return kernel.reshape(rows.size, columns.size, *kernel.shape[-2:]).swapaxes(2, 3)


def _rearranged(constant: Constant, move: Callable[[NDArray[Any]], NDArray[Any]]) -> Constant:
    mantissas = None if constant.mantissas is None else move(constant.mantissas)
    return replace(constant, values=move(constant.values), mantissas=mantissas)
