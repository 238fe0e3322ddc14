"""ConvLSTM1D and 2D: an LSTM whose states are lines or images, and whose products are convolutions.

What the images of a sequence contribute to all gates is computed in front of the loop, for all steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import Pair, same_padding, window_of
from hlsgen.frontends.keras.options import EXTENT, POSITIVE, each
from hlsgen.frontends.keras.readers.recurrent import looped, lstm_cell, wanted
from hlsgen.frontends.limits import MAX_WINDOW
from hlsgen.frontends.recurrence import Recurrence
from hlsgen.frontends.volumes import Axis, add_convolution
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.window import Window


@reads("ConvLSTM1D", "ConvLSTM2D")
def read_conv_lstm(call: Call) -> Sequence[Value]:
    """The output of all steps or of the last, and the states behind it."""
    call.expect("data_format", "channels_last")
    every, states = wanted(call)
    filters, size = call.take("filters", POSITIVE), _two(call, call.take("kernel_size", each(_axes(call), EXTENT)))
    inputs = _of_inputs(call, size, filters)
    shape = (*inputs.shape[1:-1], filters)
    weight = Constant.of(_kernel(call, "recurrent_kernel", size))
    window = window_of(shape, size, (1, 1), (1, 1), "same")

    def recurrent(h: Value) -> Value:
        return call.add(Conv2D(weight, no_bias(4 * filters), window), [h], "recurrent")

    made = looped(call, inputs, Recurrence(["h", "c"], shape), lstm_cell(call, filters, recurrent))
    return [made.sequence() if every else made.last(), *(made.lasts() if states else ())]


def _axes(call: Call) -> int:
    """Of one state, without its channels."""
    return 1 if "1D" in call.inner_class else 2


def _two(call: Call, sizes: tuple[int, ...]) -> Pair:
    """Of rows and columns: a line is an image of one row."""
    return (1, sizes[0]) if _axes(call) == 1 else (sizes[0], sizes[1])


def _kernel(call: Call, role: str, size: Pair) -> NDArray[np.float64]:
    kernel = call.weight(role)
    return kernel.reshape(*size, *kernel.shape[-2:])


def _of_inputs(call: Call, size: Pair, filters: int) -> Value:
    """What the inputs contribute to the gates of all steps: (steps, [rows,] columns, 4 * filters)."""
    strides = _two(call, call.take("strides", each(_axes(call), EXTENT), (1,) * _axes(call)))
    dilation = _two(call, call.take("dilation_rate", each(_axes(call), EXTENT), (1,) * _axes(call)))
    padding = call.expect("padding", "valid", "same")
    call.bound(size[0] * size[1], MAX_WINDOW, f"a window of {size}")
    steps, *extents, channels = call.inputs[0].shape
    axes = [Axis(steps, 1, 1, 1, (0, 0))]
    for extent, cells, stride, step in zip(_two(call, tuple(extents)), size, strides, dilation, strict=True):
        reach = (cells - 1) * step + 1
        margins = same_padding(extent, reach, stride) if padding == "same" else (0, 0)
        axes.append(Axis(extent, cells, stride, step, margins))
    if min(axis.outputs for axis in axes) < 1:
        raise ModelError(f"{call.where}: a window of {size} does not fit its input of shape {call.inputs[0].shape}")
    weight, bias = Constant.of(_kernel(call, "kernel", size)), call.bias(4 * filters)

    def convolve(image: Value, window: Window) -> Value:
        return call.add(Conv2D(weight, bias, window), [image], "inputs")

    images = call.add(Reshape((steps, *(axis.extent for axis in axes[1:]), channels)), call.inputs[:1], "images")
    result = add_convolution(call, images, axes, 1, convolve)
    lines = (steps, *result.shape[2:]) if _axes(call) == 1 else result.shape
    return call.add(Reshape(lines), [result], "gates_of_steps")
