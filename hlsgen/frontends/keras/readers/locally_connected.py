"""LocallyConnected1D and 2D of Keras 2: convolutions with a kernel for every window.

Its three implementations compute the same and store the kernels differently.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import POSITIVE, SWITCH, extents
from hlsgen.frontends.limits import MAX_WEIGHT
from hlsgen.frontends.unshared import add_unshared, as_gathered
from hlsgen.ir.constant import Constant, Floats, Shape, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.window import Window, as_image

Kernels = NDArray[np.float64]
"""(windows, rows, columns, channels, filters); cells beside the image are zero."""


@reads("LocallyConnected1D", "LocallyConnected2D")
def read_locally_connected(call: Call) -> Value:
    filters, before = call.take("filters", POSITIVE), call.input.shape
    window = _window(call)
    height, width = window.output_extent(before)
    call.bound(height * width * window.taps * before[-1] * filters, MAX_WEIGHT, "the kernels of all its windows")
    kernels = Constant.of(as_gathered(_kernels(call, window, filters)))
    bias = _bias(call, (height, width, filters))
    image = call.add(Reshape(as_image(before)), step="image") if call.flat else call.input

    def multiply(pixel: Value, groups: int) -> Value:
        return call.add(Conv2D(kernels, bias, Window((1, 1)), group_count=groups), [pixel], "products")

    result = add_unshared(call, image, window, multiply, filters)
    return call.activate(call.add(Reshape((width, filters)), [result], "line") if call.flat else result)


def _window(call: Call) -> Window:
    call.expect("data_format", "channels_last")
    size, strides = call.take("kernel_size", extents(call.flat)), call.take("strides", extents(call.flat), (1, 1))
    window = Window(size, strides)
    if call.expect("padding", "valid", "same") == "same":
        height, width, _ = as_image(call.input.shape)
        ends = (_centred(height, size[0], strides[0]), _centred(width, size[1], strides[1]))
        window = Window(size, strides, padding=(*ends[0], *ends[1]))
    return call.checked(window)


def _centred(extent: int, size: int, stride: int) -> tuple[int, int]:
    """Cells beside an axis before and behind: window ``j`` has its middle at cell ``j * stride``, whatever the stride,
    where a convolution would have as many cells on both sides."""
    last = (extent - 1) // stride * stride - size // 2 + size
    return size // 2, max(last - extent, 0)


def _bias(call: Call, shape: Shape) -> Constant:
    if not call.take("use_bias", SWITCH, True):
        return no_bias(prod(shape))
    return Constant.of(call.weight("bias", shape[1:] if call.flat else shape).reshape(-1))


def _kernels(call: Call, window: Window, filters: int) -> Kernels:
    implementation = call.inner_config.get("implementation", 1)
    shape, channels = call.input.shape, call.input.shape[-1]
    outputs = window.output_extent(shape)
    if implementation == 1:
        stored = call.weight("kernel", (prod(outputs), window.taps * channels, filters))
        return stored.reshape(-1, *window.size, channels, filters)
    if implementation == 2:
        behind = (*outputs, filters)[1 if call.flat else 0 :]
        stored = call.weight("kernel", (*shape, *behind))
        return _cut_out(stored.reshape(*as_image(shape), prod(outputs), filters), window, shape)
    if implementation == 3:
        return _in_order(call, window, filters)
    raise UnsupportedError(f"{call.where}: option implementation={implementation!r}; expected 1, 2 or 3, as in Keras")


def _places(window: Window, shape: Shape) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of every cell of every window: (windows, rows, 1), (windows, 1, columns); beside the image too."""
    corners = np.indices(window.output_extent(shape)).reshape(2, -1)
    rows = corners[0][:, None] * window.stride[0] - window.padding[0] + np.arange(window.size[0])
    columns = corners[1][:, None] * window.stride[1] - window.padding[2] + np.arange(window.size[1])
    return rows[:, :, None], columns[:, None, :]


def _inside(window: Window, shape: Shape) -> NDArray[np.bool_]:
    """Which cells of every window lie on the image: (windows, rows, columns)."""
    (rows, columns), (height, width, _) = _places(window, shape), as_image(shape)
    return np.asarray((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width))


def _cut_out(whole: Floats, window: Window, shape: Shape) -> Kernels:
    """Of a matrix of all cells (height, width, channels, windows, filters), those that a window has."""
    (rows, columns), (height, width, _) = _places(window, shape), as_image(shape)
    number = np.arange(whole.shape[3])[:, None, None]
    found = whole[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1), :, number]
    return np.where(_inside(window, shape)[..., None, None], found, 0.0)


def _in_order(call: Call, window: Window, filters: int) -> Kernels:
    """Of weights in one list: by window, by filter, by cell on the image, by channel."""
    inside, channels = _inside(window, call.input.shape), call.input.shape[-1]
    stored = call.weight("kernel", (int(inside.sum()) * channels * filters,))
    kernels = np.zeros((*inside.shape, channels, filters))
    by_filter = kernels.transpose(0, 4, 1, 2, 3)
    by_filter[np.broadcast_to(inside[:, None, :, :, None], by_filter.shape)] = stored
    return kernels
