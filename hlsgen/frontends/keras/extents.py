"""What Keras's sizes, strides, dilations and paddings mean: windows, and the axes of transposed convolutions."""

from __future__ import annotations

from hlsgen.frontends.transposed import Axis
from hlsgen.ir.constant import Shape
from hlsgen.layers.window import Window, as_image

Pair = tuple[int, int]
"""(rows, columns)."""


def window_of(shape: Shape, size: Pair, stride: Pair, dilation: Pair, padding: str) -> Window:
    """The window over an input of ``shape``; ``padding`` is valid, same or causal."""
    height, width, _ = as_image(shape)
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pads = (0, 0, 0, 0)
    if padding == "same":
        pads = (*same_padding(height, reach[0], stride[0]), *same_padding(width, reach[1], stride[1]))
    elif padding == "causal":
        pads = (0, 0, reach[1] - 1, 0)
    return Window(size, stride, dilation, pads)


def transposed_axis(extent: int, size: int, stride: int, dilation: int, padding: str, more: int | None) -> Axis:
    """One axis of a transposed convolution; ``padding`` is valid or same, ``more`` the output_padding."""
    reach = (size - 1) * dilation + 1
    full = (extent - 1) * stride + reach
    if padding == "same":
        outputs = extent * stride if more is None else (extent - 1) * stride + reach % 2 + more
    else:
        outputs = full + (max(stride - reach, 0) if more is None else more)
    before = max(full - outputs, 0) // 2 if padding == "same" else 0
    return Axis(extent, outputs, size, stride, dilation, before)


def same_padding(extent: int, size: int, stride: int) -> tuple[int, int]:
    """Zeros before and behind: there are ceil(extent / stride) outputs, and the odd zero is behind."""
    outputs = -(-extent // stride)
    total = max((outputs - 1) * stride + size - extent, 0)
    return total // 2, total - total // 2
