"""Max and average pooling, over windows or over the whole image."""

from __future__ import annotations

from math import prod

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends import volumes
from hlsgen.frontends.axis_windows import add_largest, add_mixed, mean_of, pooled
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import SAMPLES, Part, Tensor
from hlsgen.frontends.onnx.windows import Along, channels_last, image_of, image_padding, window_of, windows_of
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.axis_windows import Spans
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.shape_ops import ZeroPadding


@reads("MaxPool")
def read_max_pool(call: Call) -> Tensor:
    """Padding never counts."""
    call.expect("storage_order", 0, 1)  # of the indices
    call.only_output()
    tensor, image, axes = _read_windows(call)
    if len(axes) == 3:
        return Tensor.of(add_largest(call, image, _spans(call, axes)), channels_last(tensor))
    window = call.checked(window_of(axes), image.shape)
    return Tensor.of(call.add(MaxPooling2D(window), [image]), channels_last(tensor))


@reads("AveragePool")
def read_average_pool(call: Call) -> Tensor:
    """Padding counts as zeros if the model says so; what a window reaches over that never counts."""
    zeros_count = bool(call.integer("count_include_pad", 0))
    tensor, image, axes = _read_windows(call)
    if zeros_count:
        image = _padded(call, image, axes)
        axes = [Along(a.extent + a.before + a.behind, a.size, a.stride, a.dilation, 0, 0, a.over) for a in axes]
    if len(axes) == 3:
        mixes = {axis: mean_of(spans) for axis, spans in _spans(call, axes).items()}
        return Tensor.of(add_mixed(call, image, mixes), channels_last(tensor))
    window = call.checked(window_of(axes), image.shape)
    counts = window.distinct_counts(image.shape)
    if min(counts) < 1:
        raise UnsupportedError(f"{call.where}: a window of {window} lies outside of its input of shape {image.shape}")
    reciprocal = np.zeros(window.taps + 1)
    reciprocal[counts] = 1.0 / np.array(counts)
    return Tensor.of(call.add(AveragePooling2D(Constant.of(reciprocal), window=window), [image]), channels_last(tensor))


def _read_windows(call: Call) -> tuple[Tensor, Value, list[Along]]:
    tensor = call.tensor(0)
    image = image_of(call, tensor)
    return tensor, image, windows_of(call, image.shape[:-1], call.integers("kernel_shape"))


def _padded(call: Call, image: Value, axes: list[Along]) -> Value:
    if not any(axis.before or axis.behind for axis in axes):
        return image
    if len(axes) == 3:
        first, second, third = ((axis.before, axis.behind) for axis in axes)
        return volumes.add_padding(call, image, (first, second, third))
    return call.add(ZeroPadding(image_padding(axes)), [image], "padded")


def _spans(call: Call, axes: list[Along]) -> dict[int, Spans]:
    """The windows of a volume's axes."""
    if any(axis.dilation > 1 for axis in axes):
        raise UnsupportedError(f"{call.where}: dilated pooling of volumes is not supported; pool without a dilation")
    found = {}
    for place, axis in enumerate(axes):
        if axis.outputs < 1:
            raise ModelError(f"{call.where}: a window of {axis.size} does not fit {axis.extent} cells")
        found[place] = pooled(axis.extent, axis.size, axis.stride, axis.before, axis.outputs)
    return found


# -- over the whole image ------------------------------------------------------------------------


@reads("GlobalMaxPool")
def read_global_max_pool(call: Call) -> Tensor:
    tensor = call.tensor(0)
    return _of_channels(tensor, call.add(GlobalMaxPooling(), [image_of(call, tensor)]))


@reads("GlobalAveragePool")
def read_global_average_pool(call: Call) -> Tensor:
    tensor = call.tensor(0)
    image = image_of(call, tensor)
    reciprocal = Constant.of(np.array([1.0 / prod(image.shape[:-1])]))
    return _of_channels(tensor, call.add(GlobalAveragePooling(reciprocal), [image]))


def _of_channels(tensor: Tensor, value: Value) -> Tensor:
    """(samples, channels, 1, ...), held as one number a channel."""
    channels = (Part(value.size),) if value.size > 1 else ()
    return Tensor(value, ((SAMPLES,), channels, *((),) * (len(tensor.axes) - 2)), channels)
