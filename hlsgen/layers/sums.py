"""Sums over all positions, or over those of a window: the average poolings without their division."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.types import FixedType
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, axes
from hlsgen.layers.window import Window


@dataclass(frozen=True, eq=False)
class GlobalSum(GlobalAveragePooling):
    """The sum of each channel; what sums are multiplied by is 1."""

    kind = "GlobalSum"

    @classmethod
    def of_channels(cls) -> GlobalSum:
        """Without the axes of the positions."""
        return cls(_one_at(0))

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return False

    def averaged_cells(self, shapes: Sequence[Shape]) -> Floats | float:
        return 1.0

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.asarray(inputs[0].sum(axis=axes(inputs[0]), keepdims=self.keepdims))


@dataclass(frozen=True, eq=False)
class WindowSum(AveragePooling2D):
    """The sum of each window's cells; what sums are multiplied by is 1. Windows have no padding."""

    kind = "WindowSum"

    @classmethod
    def of_windows(cls, window: Window) -> WindowSum:
        return cls(_one_at(window.taps), window=window)

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return False

    def averaged_cells(self, shapes: Sequence[Shape]) -> Floats | float:
        return 1.0

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        rows, columns = self.window.by_axis()
        sums: Floats = columns.patches(rows.patches(x).sum(axis=(3, 4))).sum(axis=(3, 4))
        return sums.reshape(len(x), *self.output_shape([x.shape[1:]]))


def _one_at(place: int) -> Constant:
    """A table that is 1 at its last place."""
    return Constant.exactly((np.arange(place + 1) == place).astype(np.int64), FixedType(1, 1, False))
