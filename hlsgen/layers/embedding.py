"""Embedding: rows of a table, picked by whole numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hlsgen.ir.arithmetic import shifted
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.demand import Demand
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding


@dataclass(frozen=True, eq=False)
class Embedding(Layer):
    """``y[..., :] = table[floor(x[..., 0])]``; ``table`` (rows, outputs).

    What lies below the first row takes the first, what lies beyond the last row the last.
    """

    kind = "Embedding"
    packing = Packing.POSITIONS
    pure = True
    casts = frozenset({"result"})
    constant_roles = MappingProxyType({"table": "weight"})
    table: Constant

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"table": ("rows", "outputs")}

    @property
    def rows(self) -> int:
        return self.table.shape[0]

    @property
    def numbers_read(self) -> FixedType:
        """The numbers of rows, and what else as many bits hold."""
        return FixedType.covering(0, self.rows - 1, 0).with_modes(Rounding.TRN, Overflow.SAT)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if shapes[0][-1] != 1:
            raise ValueError("expected one number a position, an axis of 1 behind the others")
        return (*shapes[0][:-1], self.table.shape[1])

    def step_frac(self, result: FixedType | None) -> int | None:
        return 0

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        return Demand(None, None, 0)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.table.effective[self._row(np.floor(inputs[0]))[..., 0]]

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        table, table_frac = self.table.fixed
        return Exact(table[self._row(_floor(x, frac))[..., 0]], table_frac)

    def _row(self, x: Floats) -> Ints:
        return np.clip(x, 0, self.rows - 1).astype(np.int64)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x = inputs[0]
        first, last = (int(self._row(_floor(bound, x.frac))[0]) for bound in (x.low, x.high))
        table, frac = self.table.fixed
        return Interval.of_values(table[first : last + 1], frac)

    def describe(self) -> str:
        return f"{self.rows} rows"


def _floor(x: Ints, frac: int) -> Ints:
    """Whole numbers, what is behind the point cut off."""
    return x >> frac if frac > 0 else shifted(x, -frac)
