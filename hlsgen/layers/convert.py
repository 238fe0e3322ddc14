"""Convert: a cast and nothing else (a linear quantiser on an edge)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.staircase import Staircase
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType


@dataclass(frozen=True, eq=False)
class Convert(Layer):
    """The input in the result type."""

    kind = "Convert"
    packing = Packing.ELEMENTS
    pure = True
    casts = frozenset({"result"})
    structural = True

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return True

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return True

    def staircase(self, result: FixedType | None, most: int) -> Staircase | None:
        return Staircase.of_cast(result, most)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return inputs[0]

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return inputs[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]
