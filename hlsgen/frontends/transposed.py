"""Transposed convolutions, as a convolution that computes a block of output pixels at once.

A transposed convolution with stride s writes output pixel o from the inputs j and taps k with
``j * s + k * dilation == o + before``. All outputs with the same ``o % s`` (a phase) use the same taps, so the
s x s outputs of a block are s x s * filters channels of an ordinary convolution with stride 1 over the few input
pixels that reach the block; ``DepthToSpace`` then puts them in their places. No multiplication by a stuffed
zero is left, where upsampling with zeros would compute s * s times as many products. (Shi et al., "Is the
deconvolution layer the same as a convolutional layer?", 2016.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axis:
    """One axis: extents of input and output, kernel ``size``, ``stride``, ``dilation``, and how many of the pixels
    that the kernel would write are cut off ``before`` the first output."""

    extent: int
    outputs: int
    size: int
    stride: int
    dilation: int
    before: int

    @property
    def places(self) -> dict[int, tuple[int, int]]:
        """For each tap: the phase of the outputs that use it, and where their input lies relative to their block."""
        found = {}
        for tap in range(self.size):
            phase = (tap * self.dilation - self.before) % self.stride
            found[tap] = phase, (phase + self.before - tap * self.dilation) // self.stride
        return found

    @property
    def step(self) -> int:
        """Distance of the inputs that a block uses (a reader refuses a dilation together with a stride)."""
        return self.dilation if self.stride == 1 else 1

    @property
    def first(self) -> int:
        """The first input pixel that block 0 uses."""
        return min(offset for _, offset in self.places.values())

    @property
    def taps(self) -> int:
        """Input pixels that a block uses."""
        offsets = [offset for _, offset in self.places.values()]
        return (max(offsets) - min(offsets)) // self.step + 1

    @property
    def blocks(self) -> int:
        return ceil(self.outputs / self.stride)

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros around the input, so that every block has all its pixels."""
        last = self.first + (self.taps - 1) * self.step
        return max(-self.first, 0), max(self.blocks + last - self.extent, 0)


def block_kernel(kernel: NDArray[Any], rows: Axis, columns: Axis) -> NDArray[Any]:
    """Rearrange (size, size, in, out) into (taps, taps, in, phases * phases * out); missing taps are zero."""
    channels, filters = kernel.shape[2:]
    blocks = np.zeros((rows.taps, columns.taps, channels, rows.stride, columns.stride, filters), dtype=kernel.dtype)
    for r, (row_phase, row) in rows.places.items():
        for k, (column_phase, column) in columns.places.items():
            at = (row - rows.first) // rows.step, (column - columns.first) // columns.step
            blocks[at[0], at[1], :, row_phase, column_phase] = kernel[r, k]
    return blocks.reshape(*blocks.shape[:3], -1)
