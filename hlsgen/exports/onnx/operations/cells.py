"""The cells of windows, gathered: what convolutions and poolings read where runtimes have no operator of their own."""

from __future__ import annotations

import numpy as np

from hlsgen.exports.onnx.network import Network
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.layers.window import Window, as_image


def options(window: Window, rank: int) -> dict[str, list[int]]:
    """A window as Conv and MaxPool have it; ``rank`` 2 is that of a line, which has no rows."""
    axes = slice(3 - rank, 2)
    top, bottom, left, right = window.padding
    return {
        "kernel_shape": [*window.size][axes],
        "strides": [*window.stride][axes],
        "dilations": [*window.dilation][axes],
        "pads": [*[top, left][axes], *[bottom, right][axes]],
    }


def gathered_cells(network: Network, window: Window, tensor: Tensor, x: str) -> tuple[str, int]:
    """Numbers (samples, *shape) as (samples, places, cells of a window, channels), and how many places there are.

    Beside the image they are zero.
    """
    height, width, channels = as_image(tensor.shape)
    cells = _cells(window, tensor)
    line = network.nodes.one("Reshape", x, network.places([0, height * width, channels]))
    if window.padded:
        line = network.nodes.one("Pad", line, network.places([0, 0, 0, 0, 1, 0]))
    return network.nodes.one("Gather", line, network.places(cells, "cells"), axis=1), len(cells)


def _cells(window: Window, tensor: Tensor) -> Ints:
    """Which pixels each window sees, (places, cells), by their number; one behind the last stands for those beside."""
    height, width, _ = as_image(tensor.shape)
    pixels = np.arange(height * width, dtype=np.int64)
    seen = window.patches(pixels.reshape(1, *tensor.shape[:-1], 1), height * width)
    return seen.reshape(seen.shape[1] * seen.shape[2], -1)
