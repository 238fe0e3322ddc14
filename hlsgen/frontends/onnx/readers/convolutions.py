"""Convolutions: in one, two and three dimensions, in groups, transposed."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends import volumes
from hlsgen.frontends.limits import MAX_PARTS, MAX_TENSOR, MAX_WEIGHT
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.windows import Along, channels_last, image_of, window_of, windows_of
from hlsgen.frontends.recurrence import parted
from hlsgen.frontends.transposed import Axis, block_kernel
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.depth_to_space import DepthToSpace
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.shape_ops import Concatenate
from hlsgen.layers.window import Window


@reads("Conv")
def read_conv(call: Call) -> Tensor:
    """With as many groups as channels, each channel is by itself: a depthwise convolution."""
    tensor = call.tensor(0)
    image = image_of(call, tensor)
    kernel = _kernel(call, len(tensor.axes))
    groups, (filters, of_group) = call.integer("group", 1), kernel.shape[:2]
    channels = image.shape[-1]
    if groups < 1 or channels % groups or filters % groups or of_group != channels // groups:
        raise ModelError(
            f"{call.where}: weights of shape {kernel.shape} in {groups} groups for inputs of shape {tensor.shape_text}"
        )
    axes = windows_of(call, image.shape[:-1], kernel.shape[2:])
    bias = call.vector(2, filters, 0.0) if call.has(2) else call.absorbed_bias(filters, kernel.ndim, 1)
    offset = no_bias(filters) if bias is None else Constant.of(bias)
    last = kernel.transpose(*range(2, kernel.ndim), 1, 0)  # (*size, channels of a group, filters), as layers have it
    if len(axes) == 3:
        value = _volume(call, image, axes, groups, last, offset)
    else:
        value = _image(call, image, call.checked(window_of(axes), image.shape), groups, last, offset)
    return Tensor.of(value, channels_last(tensor))


def _kernel(call: Call, rank: int) -> Floats:
    kernel = call.weight(1, rank)
    size = call.take("kernel_shape", None)
    if size is not None and list(size) != list(kernel.shape[2:]):
        raise ModelError(f"{call.where}: kernel_shape {list(size)}, and weights of shape {kernel.shape}")
    return kernel


def _image(call: Call, image: Value, window: Window, groups: int, kernel: Floats, bias: Constant) -> Value:
    channels = image.shape[-1]
    if 1 < groups == channels:
        taps = Constant.of(kernel.reshape(*window.size, channels, -1))
        return call.add(DepthwiseConv2D(taps, bias, window), [image])
    weight = Constant.of(kernel.reshape(*window.size, *kernel.shape[-2:]))
    return call.add(Conv2D(weight, bias, window, group_count=groups), [image])


def _volume(call: Call, image: Value, axes: list[Along], groups: int, kernel: Floats, bias: Constant) -> Value:
    """Slices of a window side by side in the channels, of each group."""
    depth = kernel.shape[0]
    flat = np.concatenate([kernel[k] for k in range(depth)], axis=-2)
    along = [volumes.Axis(a.extent, a.size, a.stride, a.dilation, (a.before, a.behind)) for a in axes]
    if min(axis.outputs for axis in along) < 1:
        raise ModelError(f"{call.where}: its window does not fit its input of shape {image.shape}")

    def convolve(tall: Value, window: Window) -> Value:
        return call.add(
            Conv2D(Constant.of(flat), bias, call.checked(window, tall.shape), group_count=groups), [tall], "slices"
        )

    return volumes.add_convolution(call, image, along, groups, convolve)


# -- transposed ----------------------------------------------------------------------------------


@reads("ConvTranspose")
def read_conv_transpose(call: Call) -> Tensor:
    """A block convolution, and the places of its results; each group by itself."""
    tensor = call.tensor(0)
    image = image_of(call, tensor)
    kernel, groups = _kernel(call, len(tensor.axes)), call.integer("group", 1)
    if kernel.ndim == 5:
        raise UnsupportedError(f"{call.where}: transposed convolution of volumes is not supported")
    if kernel.shape[0] != image.shape[-1] or not 1 <= groups <= MAX_PARTS or image.shape[-1] % groups:
        raise ModelError(
            f"{call.where}: weights of shape {kernel.shape} in {groups} groups for inputs of shape {tensor.shape_text}"
        )
    rows, columns = _transposed_axes(call, image, kernel.shape[2:])
    filters, cells = kernel.shape[1] * groups, rows.stride * columns.stride
    bias = call.vector(2, filters, 0.0) if call.has(2) else call.absorbed_bias(filters, kernel.ndim, 1)
    pixels, taps = rows.outputs * columns.outputs, rows.taps * columns.taps * cells
    call.bound(pixels * filters, MAX_TENSOR, f"its result of {rows.outputs} x {columns.outputs} pixels")
    call.bound(taps * kernel.shape[0] * filters, MAX_WEIGHT, "the kernel of the convolution it becomes")
    plain = kernel.reshape(*kernel.shape[:2], rows.size, columns.size).transpose(2, 3, 0, 1)
    offsets = [None] * groups if bias is None else np.split(bias, groups)
    images = parted(call, image, *[image.shape[-1] // groups] * groups, step="groups")
    kernels = np.split(plain, groups, axis=2)
    results = [_blocks(call, *one, rows, columns) for one in zip(images, kernels, offsets, strict=True)]
    value = results[0]
    for other in results[1:]:
        value = call.add(Concatenate(len(value.shape) - 1), [value, other], "side_by_side")
    return Tensor.of(value, channels_last(tensor))


def _blocks(call: Call, image: Value, kernel: Floats, bias: Floats | None, rows: Axis, columns: Axis) -> Value:
    """The transposed convolution of one group; ``kernel`` (size, size, in, out)."""
    cells = rows.stride * columns.stride
    window = Window(
        (rows.taps, columns.taps), dilation=(rows.step, columns.step), padding=(*rows.padding, *columns.padding)
    )
    offset = no_bias(kernel.shape[-1] * cells) if bias is None else Constant.of(np.tile(bias, cells))
    value = call.add(Conv2D(Constant.of(block_kernel(kernel, rows, columns)), offset, window), [image], "blocks")
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
