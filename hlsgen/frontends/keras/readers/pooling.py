"""Max and average pooling, over windows or over the whole image."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import window_of
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.window import Window


def read_window(call: Call) -> Window:
    call.expect("data_format", "channels_last")
    size = call.take("pool_size")
    strides = call.take("strides", None)
    padding = call.take("padding", "valid")
    if padding not in ("valid", "same"):
        raise UnsupportedError(f"{call.where}: padding {padding!r} is not supported (valid or same)")
    return call.checked(window_of(call.inputs[0].shape, size, size if strides is None else strides, 1, padding))


@reads("MaxPooling1D", "MaxPooling2D")
def read_max_pooling(call: Call) -> Value:
    return call.add(MaxPooling2D(read_window(call)))


@reads("AveragePooling1D", "AveragePooling2D")
def read_average_pooling(call: Call) -> Value:
    window = read_window(call)
    counts = np.unique(window.counts(call.inputs[0].shape))
    reciprocal = np.zeros(window.taps + 1)
    reciprocal[counts] = 1.0 / counts
    return call.add(AveragePooling2D(Constant.of(reciprocal), window=window))


@reads("GlobalMaxPooling1D", "GlobalMaxPooling2D")
def read_global_max(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return call.add(GlobalMaxPooling(call.expect("keepdims", False, True)))


@reads("GlobalAveragePooling1D", "GlobalAveragePooling2D")
def read_global_average(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    positions = prod(call.inputs[0].shape[:-1])
    keepdims = call.expect("keepdims", False, True)
    return call.add(GlobalAveragePooling(Constant.of(np.array([1.0 / positions])), keepdims=keepdims))
