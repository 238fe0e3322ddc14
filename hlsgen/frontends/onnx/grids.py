"""Constants that quantisers of the model made: whole numbers and their scales.

They are moved as their real numbers are (transposed, reshaped), and become constants of layers without being rounded
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.frontends.constants import float32_mantissas, fold_power_of_two
from hlsgen.ir.constant import Constant, Floats, exact_constant
from hlsgen.ir.types import FixedType, Ints, integers

Array = NDArray[Any]
_WIDEST = 48
"""Bits of a bias that is exact."""


@dataclass(frozen=True, eq=False)
class Grid:
    """``mantissas * scale``, two arrays of one shape; ``type`` holds all mantissas that the quantiser can give."""

    mantissas: Ints
    scale: Floats
    type: FixedType

    @property
    def values(self) -> Array:
        """The real numbers as float32, which is how frameworks hold them."""
        return np.asarray(self.mantissas * self.scale, dtype=np.float64).astype(np.float32)

    def moved(self, move: Callable[[Array], Array]) -> Grid:
        """The same elements in other places."""
        return Grid(integers(move(self.mantissas)), move(self.scale), self.type)


@dataclass(frozen=True, eq=False)
class Weights:
    """Constants of a layer: real numbers, and the grid on which a quantiser put them, if one did."""

    values: Floats
    grid: Grid | None = None

    @classmethod
    def of_whole(cls, numbers: Ints) -> Weights:
        """Whole numbers as they are."""
        low, high = int(numbers.min(initial=0)), int(numbers.max(initial=1))
        grid = Grid(numbers, np.ones(numbers.shape), FixedType.covering(low, high, 0))
        return cls(numbers.astype(np.float64), grid)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def moved(self, move: Callable[[Array], Array]) -> Weights:
        """The same elements in other places."""
        return Weights(move(self.values), None if self.grid is None else self.grid.moved(move))

    def times(self, factor: float) -> Weights:
        if factor == 1:
            return self
        grid = self.grid
        scaled = None if grid is None or factor <= 0 else Grid(grid.mantissas, grid.scale * factor, grid.type)
        return Weights(self.values * factor, scaled)

    @property
    def constant(self) -> Constant:
        """All of it as one constant: exact, of other scales than powers of two as float32 holds it."""
        if self.grid is None:
            return Constant.of(self.values)
        folded = fold_power_of_two(self.grid.mantissas, self.grid.type, self.grid.scale)
        if folded is not None:
            return folded
        exact = exact_constant(*float32_mantissas(self.values))
        return exact if exact.known_type.width <= _WIDEST else Constant.of(self.values)

    def constant_and_scale(self, outputs: int) -> tuple[Constant, Floats | None]:
        """Of a kernel whose last axis are ``outputs``: the constant, and a scale of each output that goes behind.

        Where scales are powers of two, all is in the constant. Where they are others that vary along the inputs, the
        products are the constant: exact as float32 holds them.
        """
        if self.grid is None:
            return Constant.of(self.values), None
        folded = fold_power_of_two(self.grid.mantissas, self.grid.type, self.grid.scale)
        if folded is not None:
            return folded, None
        rows = self.grid.scale.reshape(-1, outputs)
        if (rows == rows[0]).all():
            return Constant.exactly(self.grid.mantissas, self.grid.type), rows[0].copy()
        return exact_constant(*float32_mantissas(self.values)), None
