"""The model's input: where real numbers become fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hlsgen.ir.constant import Shape
from hlsgen.ir.layer import Layer, Packing


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

    @property
    def given_order(self) -> tuple[int, ...] | None:  # type: ignore[override]
        return self.order

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.shape

    def describe(self) -> str:
        return ""
