"""Max and average pooling, over windows or over the whole image.

Of volumes, and where windows are of unequal size, it goes along one axis after the other.
"""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.errors import ModelError
from hlsgen.frontends.axis_windows import adaptive, add_largest, add_mixed, mean_of, pooled
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.extents import same_padding, window_of
from hlsgen.frontends.keras.options import EXTENT, each, extents, maybe
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.axis_windows import Spans
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


def _spans(call: Call) -> dict[int, Spans]:
    """The windows of a volume's axes."""
    call.expect("data_format", "channels_last")
    size = call.take("pool_size", each(3, EXTENT))
    strides = call.take("strides", maybe(each(3, EXTENT)), None) or size
    padding = call.expect("padding", "valid", "same")
    found = {}
    for axis, (extent, cells, stride) in enumerate(zip(call.input.shape, size, strides, strict=False)):
        before, behind = same_padding(extent, cells, stride) if padding == "same" else (0, 0)
        outputs = (before + extent + behind - cells) // stride + 1
        if outputs < 1:
            raise ModelError(f"{call.where}: a window of {size} does not fit its input of shape {call.input.shape}")
        found[axis] = pooled(extent, cells, stride, before, outputs)
    return found


@reads("MaxPooling3D")
def read_max_pooling_3d(call: Call) -> Value:
    return add_largest(call, call.input, _spans(call))


@reads("AveragePooling3D")
def read_average_pooling_3d(call: Call) -> Value:
    """The cells of a window that lie on the volume are a product of those along each axis."""
    return add_mixed(call, call.input, {axis: mean_of(spans) for axis, spans in _spans(call).items()})


def _adaptive(call: Call) -> dict[int, Spans]:
    call.expect("data_format", "channels_last")
    *extents, _ = call.input.shape
    sizes = call.take("output_size", each(len(extents), EXTENT))
    return {axis: adaptive(*pair) for axis, pair in enumerate(zip(extents, sizes, strict=True))}


@reads("AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D")
def read_adaptive_max(call: Call) -> Value:
    return add_largest(call, call.input, _adaptive(call))


@reads("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")
def read_adaptive_average(call: Call) -> Value:
    return add_mixed(call, call.input, {axis: mean_of(spans) for axis, spans in _adaptive(call).items()})


@reads("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")
def read_global_max(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    return call.add(GlobalMaxPooling(call.expect("keepdims", False, True)))


@reads("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")
def read_global_average(call: Call) -> Value:
    call.expect("data_format", "channels_last")
    positions = prod(call.input.shape[:-1])
    keepdims = call.expect("keepdims", False, True)
    return call.add(GlobalAveragePooling(Constant.of(np.array([1.0 / positions])), keepdims=keepdims))
