"""The largest or least of each position's channels: their values, and which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.ties import Tie
from hlsgen.ir.types import FixedType, Ints


@dataclass(frozen=True, eq=False)
class Top(Layer):
    """The ``count`` largest channels (the ``least``) of each position, the first of them first.

    Of equal ones the channel of the lower number is first, as in NumPy, Keras and TensorFlow.
    """

    packing = Packing.POSITIONS
    pure = True
    casts = frozenset({"result"})
    widest_word = 64
    count: int = 1
    least: bool = False

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if not 1 <= self.count <= shapes[0][-1]:
            raise ValueError(f"{self.count} of {shapes[0][-1]} channels are none, or more than there are")
        return (*shapes[0][:-1], self.count)

    def _order(self, x: Floats) -> Ints:
        """The channels that are chosen, in order."""
        order: Ints = np.argsort(x if self.least else -x, axis=-1, kind="stable")[..., : self.count]
        return order


@dataclass(frozen=True, eq=False)
class TopValues(Top):
    """The values of those channels."""

    kind = "TopValues"
    structural = True
    picks = True

    def commutes_with_cast(self, fixed: FixedType) -> bool:
        return fixed.saturates

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        """Every channel may become every other."""
        channels = shapes[0][-1]
        return [Tie(0, np.repeat(np.arange(channels), self.count), 0, np.tile(np.arange(self.count), channels))]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.take_along_axis(inputs[0], self._order(inputs[0]), axis=-1)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        return Exact(np.take_along_axis(x, self._order(x), axis=-1), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Of numbers that are in order, each is between those of the same rank of their bounds."""
        x = inputs[0]
        low, high = (np.take_along_axis(bound, self._order(bound), axis=-1) for bound in (x.low, x.high))
        return Interval(low, high, x.frac)


@dataclass(frozen=True, eq=False)
class TopIndices(Top):
    """The numbers of those channels, from 0 on."""

    kind = "TopIndices"

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self._order(inputs[0]).astype(np.float64)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        return Exact(self._order(inputs[0].mantissas), 0)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        nothing = np.zeros(self.count, dtype=np.int64)
        return Interval(nothing, nothing + shapes[0][-1] - 1, 0)
