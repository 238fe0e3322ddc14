"""Members that describe images and windows."""

from __future__ import annotations

from typing import NamedTuple

from hlsgen.backends.hls.kernel import Members
from hlsgen.ir.constant import Shape
from hlsgen.layers.window import Window, as_image


class WindowMembers(NamedTuple):
    """The members of a window, and how many places it is at."""

    members: Members
    positions: int


def image(shape: Shape) -> Members:
    """The extents of an image, or of a line as an image of height 1."""
    height, width, channels = as_image(shape)
    return {"in_height": height, "in_width": width, "in_channels": channels}


def convolution(window: Window, shape: Shape) -> WindowMembers:
    """A window that is multiplied (its size is called kernel, and it may be dilated)."""
    members, positions = _window(window, shape)
    names = ("kernel_height", "kernel_width", "dilation_height", "dilation_width")
    return WindowMembers({**members, **dict(zip(names, (*window.size, *window.dilation), strict=True))}, positions)


def pooling(window: Window, shape: Shape) -> WindowMembers:
    """A window whose cells are added up or compared."""
    members, positions = _window(window, shape)
    return WindowMembers({**members, "pool_height": window.size[0], "pool_width": window.size[1]}, positions)


def _window(window: Window, shape: Shape) -> WindowMembers:
    rows, columns = window.output_extent(shape)
    top, bottom, left, right = window.padding
    members: Members = {
        **image(shape),
        "out_height": rows,
        "out_width": columns,
        "stride_height": window.stride[0],
        "stride_width": window.stride[1],
        "pad_top": top,
        "pad_bottom": bottom,
        "pad_left": left,
        "pad_right": right,
    }
    return WindowMembers(members, rows * columns)
