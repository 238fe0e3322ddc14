"""Convolutions: in one, two and three dimensions, in groups, transposed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends import volumes
from hlsgen.frontends.limits import MAX_PARTS, MAX_TENSOR, MAX_WEIGHT
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.grids import Weights
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.windows import Along, channels_last, image_of, window_of, windows_of
from hlsgen.frontends.recurrence import parted
from hlsgen.frontends.transposed import Axis, block_kernel
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.shape_ops import Concatenate
from hlsgen.layers.window import Window


@reads("Conv")
def read_conv(call: Call) -> Tensor:
    tensor = call.tensor(0)
    rank = len(tensor.axes)
    kernel = call.weights(1, rank)
    filters = kernel.shape[0]
    bias = call.bias(2, filters) if call.has(2) else call.absorbed_bias(filters, rank, 1)
    return add_convolution(call, tensor, kernel, bias)


def add_convolution(call: Call, tensor: Tensor, kernel: Weights, bias: Weights | None) -> Tensor:
    """With as many groups as channels, each channel is by itself: a depthwise convolution."""
    image = image_of(call, tensor)
    _check_kernel(call, kernel)
    rank = len(kernel.shape)
    groups, (filters, of_group) = call.integer("group", 1), kernel.shape[:2]
    channels = image.shape[-1]
    if groups < 1 or channels % groups or filters % groups or of_group != channels // groups:
        raise ModelError(
            f"{call.where}: weights of shape {kernel.shape} in {groups} groups for inputs of shape {tensor.shape_text}"
        )
    axes = windows_of(call, image.shape[:-1], kernel.shape[2:])
    order = (*range(2, rank), 1, 0)  # (*size, channels of a group, filters), as layers have it
    last = kernel.moved(lambda array: array.transpose(order))
    if len(axes) == 3:
        value = _volume(call, image, axes, groups, last, bias)
    else:
        value = _image(call, image, call.checked(window_of(axes), image.shape), groups, last, bias)
    return Tensor.of(value, channels_last(tensor))


def _check_kernel(call: Call, kernel: Weights) -> None:
    size = call.take("kernel_shape", None)
    if size is not None and list(size) != list(kernel.shape[2:]):
        raise ModelError(f"{call.where}: kernel_shape {list(size)}, and weights of shape {kernel.shape}")


def _image(call: Call, image: Value, window: Window, groups: int, kernel: Weights, bias: Weights | None) -> Value:
    channels, filters = image.shape[-1], kernel.shape[-1]
    square = kernel.moved(lambda array: array.reshape(*window.size, *kernel.shape[-2:]))
    if 1 < groups == channels:

        def by_channel(taps: Constant, last: Constant) -> DepthwiseConv2D:
            return DepthwiseConv2D(_reshaped(taps, (*window.size, channels, -1)), last, window)

        return call.add_linear(by_channel, square, bias, filters, image)
    return call.add_linear(
        lambda weight, last: Conv2D(weight, last, window, group_count=groups), square, bias, filters, image
    )


def _reshaped(constant: Constant, shape: tuple[int, ...]) -> Constant:
    mantissas = None if constant.mantissas is None else constant.mantissas.reshape(shape)
    return replace(constant, values=constant.values.reshape(shape), mantissas=mantissas)


def _volume(call: Call, image: Value, axes: list[Along], groups: int, kernel: Weights, bias: Weights | None) -> Value:
    """Slices of a window side by side in the channels, of each group."""
    depth = kernel.shape[0]
    flat = kernel.moved(lambda array: np.concatenate([array[k] for k in range(depth)], axis=-2))
    along = [volumes.Axis(a.extent, a.size, a.stride, a.dilation, (a.before, a.behind)) for a in axes]
    if min(axis.outputs for axis in along) < 1:
        raise ModelError(f"{call.where}: its window does not fit its input of shape {image.shape}")

    def convolve(tall: Value, window: Window) -> Value:
        fitting = call.checked(window, tall.shape)
        return call.add_linear(
            lambda weight, last: Conv2D(weight, last, fitting, group_count=groups),
            flat,
            bias,
            kernel.shape[-1],
            tall,
            "slices",
        )

    return volumes.add_convolution(call, image, along, groups, convolve)


# -- transposed ----------------------------------------------------------------------------------


@reads("ConvTranspose")
def read_conv_transpose(call: Call) -> Tensor:
    """A block convolution, and the places of its results; each group by itself."""
    tensor = call.tensor(0)
    image = image_of(call, tensor)
    weights, groups = call.weights(1, len(tensor.axes)), call.integer("group", 1)
    _check_kernel(call, weights)
    kernel = weights.values
    if kernel.ndim == 5:
        raise UnsupportedError(f"{call.where}: transposed convolution of volumes is not supported")
    if kernel.shape[0] != image.shape[-1] or not 1 <= groups <= MAX_PARTS or image.shape[-1] % groups:
        raise ModelError(
            f"{call.where}: weights of shape {kernel.shape} in {groups} groups for inputs of shape {tensor.shape_text}"
        )
    rows, columns = _transposed_axes(call, image, kernel.shape[2:])
    filters, cells = kernel.shape[1] * groups, rows.stride * columns.stride
    bias = call.bias(2, filters) if call.has(2) else call.absorbed_bias(filters, kernel.ndim, 1)
    pixels, taps = rows.outputs * columns.outputs, rows.taps * columns.taps * cells
    call.bound(pixels * filters, MAX_TENSOR, f"its result of {rows.outputs} x {columns.outputs} pixels")
    call.bound(taps * kernel.shape[0] * filters, MAX_WEIGHT, "the kernel of the convolution it becomes")
    square = (*kernel.shape[:2], rows.size, columns.size)
    plain = weights.moved(lambda array: array.reshape(square).transpose(2, 3, 0, 1))
    offsets = [None] * groups if bias is None else _split(bias, groups, 0)
    images = parted(call, image, *[image.shape[-1] // groups] * groups, step="groups")
    kernels = _split(plain, groups, 2)
    results = [_blocks(call, *one, rows, columns) for one in zip(images, kernels, offsets, strict=True)]
    value = results[0]
    for other in results[1:]:
        value = call.add(Concatenate(len(value.shape) - 1), [value, other], "side_by_side")
    return Tensor.of(value, channels_last(tensor))


def _split(weights: Weights, count: int, axis: int) -> list[Weights]:
    extent = weights.shape[axis] // count
    places = [np.arange(part * extent, (part + 1) * extent) for part in range(count)]
    return [weights.moved(partial(np.take, indices=place, axis=axis)) for place in places]


def _blocks(call: Call, image: Value, kernel: Weights, bias: Weights | None, rows: Axis, columns: Axis) -> Value:
    """The transposed convolution of one group; ``kernel`` (size, size, in, out)."""
    cells = rows.stride * columns.stride
    window = Window(
        (rows.taps, columns.taps), dilation=(rows.step, columns.step), padding=(*rows.padding, *columns.padding)
    )
    blocks = kernel.moved(lambda array: block_kernel(array, rows, columns))
    offset = None if bias is None else bias.moved(lambda array: np.tile(array, cells))
    value = call.add_linear(
        lambda weight, last: Conv2D(weight, last, window), blocks, offset, kernel.shape[-1] * cells, image, "blocks"
    )
    if cells == 1:
        return value
    shuffle = DepthToSpace((rows.stride, columns.stride), (rows.outputs, columns.outputs))
    return call.add(shuffle, [value], "pixels")


def _transposed_axes(call: Call, image: Value, size: tuple[int, ...]) -> tuple[Axis, Axis]:
    extents, count = image.shape[:-1], len(size)
    strides, dilations = (call.integers(key, [1] * count) for key in ("strides", "dilations"))
    pads, more = call.integers("pads", [0] * 2 * count), call.integers("output_padding", [0] * count)
    auto, wanted = call.text("auto_pad", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"), call.take("output_shape", None)
    if len(strides) != count or len(dilations) != count or len(pads) != 2 * count or len(more) != count:
        raise ModelError(f"{call.where}: attributes for another number of axes than its weights have")
    if min(*strides, *dilations) < 1 or min(*pads, *more) < 0:
        raise UnsupportedError(f"{call.where}: strides {strides}, dilations {dilations}, pads {pads} are not supported")
    axes = []
    for axis, extent in enumerate(extents):
        stride, dilation = strides[axis], dilations[axis]
        if stride > 1 and dilation > 1:
            raise UnsupportedError(f"{call.where}: stride {stride} with dilation {dilation}; one of them has to be 1")
        full = (extent - 1) * stride + (size[axis] - 1) * dilation + 1 + more[axis]
        before, behind = pads[axis], pads[count + axis]
        if wanted is not None or auto.startswith("SAME"):
            outputs = extent * stride if wanted is None else int(list(wanted)[-count:][axis])
            total = full - outputs
            if total < 0:
                raise UnsupportedError(f"{call.where}: an output of {outputs} cells, more than the {full} there are")
            before = total // 2 if auto != "SAME_LOWER" else total - total // 2
            before = total - total // 2 if auto == "NOTSET" else before
            behind = total - before
        outputs = full - before - behind
        if outputs < 1:
            raise UnsupportedError(f"{call.where}: its output would be empty for an input of shape {image.shape}")
        axes.append(Axis(extent, outputs, size[axis], stride, dilation, before))
    return (axes[0], axes[1]) if count == 2 else (Axis(1, 1, 1, 1, 1, 0), axes[0])
