"""Max and average pooling, over windows or over the whole image."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import window_of
from hlsgen.frontends.keras.options import extents, maybe
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.window import Window


def read_window(call: Call) -> Window:
    call.expect("data_format", "channels_last")
    size = call.take("pool_size", extents(call.flat))
    strides = call.take("strides", maybe(extents(call.flat)), None)
    padding = call.expect("padding", "valid", "same")
    return call.checked(window_of(call.input.shape, size, strides or size, (1, 1), padding))


@reads("MaxPooling1D", "MaxPooling2D")
def read_max_pooling(call: Call) -> Value:
    return call.add(MaxPooling2D(read_window(call)))


@reads("AveragePooling1D", "AveragePooling2D")
def read_average_pooling(call: Call) -> Value:
    window = read_window(call)
    counts = window.distinct_counts(call.input.shape)
    reciprocal = np.zeros(window.taps + 1)
    reciprocal[counts] = 1.0 / np.array(counts)
    return call.add(AveragePooling2D(Constant.of(reciprocal), window=window))


@reads("GlobalMaxPooling1D", "GlobalMaxPooling2D")
def read_global_max(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return call.add(GlobalMaxPooling(call.expect("keepdims", False, True)))


@reads("GlobalAveragePooling1D", "GlobalAveragePooling2D")
def read_global_average(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    positions = prod(call.input.shape[:-1])
    keepdims = call.expect("keepdims", False, True)
    return call.add(GlobalAveragePooling(Constant.of(np.array([1.0 / positions])), keepdims=keepdims))
