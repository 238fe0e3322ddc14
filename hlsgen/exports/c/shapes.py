"""Geometry, as the templates ask for it."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.op import Op
from hlsgen.layers.window import Window, as_image


@dataclass(frozen=True)
class Places:
    """Where a window is put over an image of ``height`` x ``width`` x ``channels``: ``rows`` x ``columns`` places."""

    window: Window
    height: int
    width: int
    channels: int
    rows: int
    columns: int

    @classmethod
    def of(cls, window: Window, op: Op) -> Places:
        return cls(window, *as_image(op.input.shape), *window.output_extent(op.input.shape))

    @property
    def count(self) -> int:
        return self.rows * self.columns

    @property
    def is_line(self) -> bool:
        """Whether there is one row, of which all cells of a place are."""
        return self.height == self.rows == self.window.size[0] == 1 and not any(self.window.padding[:2])

    @property
    def padded_rows(self) -> bool:
        return any(self.window.padding[:2])

    @property
    def padded_columns(self) -> bool:
        return any(self.window.padding[2:])


@dataclass(frozen=True)
class Axis:
    """One axis of an array, seen flat: an element (b, i, r) is at ``(b * extent + i) * behind + r``."""

    before: int
    extent: int
    behind: int

    @classmethod
    def of(cls, shape: tuple[int, ...], axis: int) -> Axis:
        before = behind = 1
        for extent in shape[:axis]:
            before *= extent
        for extent in shape[axis + 1 :]:
            behind *= extent
        return cls(before, shape[axis], behind)
