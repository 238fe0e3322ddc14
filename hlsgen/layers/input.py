"""The model's input: where real numbers become fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.layer import Layer, Packing


@dataclass(frozen=True, eq=False)
class InputScaling:
    """The model reads ``(x - offset) * scale`` of what users give: (channels,) each, of the port's last axis."""

    offset: Floats
    scale: Floats

    def scaled(self, data: Floats, order: tuple[int, ...] | None) -> Floats:
        """Data (samples, ...) as users give them, as the model reads them; ``order``: as of the input."""
        axis = data.ndim - 1 if order is None else order[-1] + 1
        shape = [-1 if place == axis else 1 for place in range(data.ndim)]
        real = np.asarray(data, dtype=np.float64)
        return np.asarray((real - self.offset.reshape(shape)) * self.scale.reshape(shape))


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """A port of the top function; ``shape`` is without the batch.

    ``order``: the axes of what users give, counted without the batch, in the order in which the port holds them.
    """

    kind = "Input"
    packing = Packing.NONE
    pure = True
    casts = frozenset({"result"})
    is_input = True
    arity = 0
    shape: Shape
    order: tuple[int, ...] | None = None
    relaid: bool = field(default=False, compare=False)
    """Whether that is another order than the model's own (``input_layout``)."""
    scaling: InputScaling | None = field(default=None, compare=False)
    """How users' data become what the model reads, where that is not the same (``input_scaling``)."""

    @property
    def given_order(self) -> tuple[int, ...] | None:  # type: ignore[override]
        return self.order

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.shape

    def describe(self) -> str:
        return ""
