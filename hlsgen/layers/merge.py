"""Element-wise merges of two tensors. Merges of more inputs are chains of these, exact in between: one cast, last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.arithmetic import exact_product, exact_sum
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval, aligned, hull
from hlsgen.ir.layer import Exact, Layer, Packing, align
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType

_FLOAT: dict[str, Callable[[Floats, Floats], Floats]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@dataclass(frozen=True, eq=False)
class Merge(Layer):
    """``op`` of two tensors of one shape, or of a tensor and one value per channel (1, ..., 1, channels)."""

    kind = "Merge"
    packing = Packing.PAIRS
    pure = True
    casts = frozenset({"result"})
    arity = 2
    exact_inside = True
    grows = True
    op: str

    @property
    def structural(self) -> bool:  # type: ignore[override]
        return self.op in ("maximum", "minimum")

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + inputs[1].width if self.op == "multiply" else 0

    def common_width(self, inputs: Sequence[FixedType]) -> int:
        if self.op == "multiply":
            return 0
        spans = aligned([Interval.of_type(fixed, 1) for fixed in inputs])
        held = hull(spans).type().width
        return held if self.structural else held + 1

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        tensor, other = shapes
        if other not in (tensor, (*(1 for _ in tensor[:-1]), tensor[-1])):
            raise ValueError("expected equal shapes, or one value a channel in the second")
        return tensor

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        """Of a product, factors multiply: its channels share none with its inputs."""
        return None if self.op == "multiply" else straight(shapes[0], inputs=2)

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return self.structural

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return _FLOAT[self.op](inputs[0], _spread(inputs[1], inputs[0]))

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        if self.structural:
            return super().error_variances(inputs, sizes)
        a, b = inputs[0], _spread(inputs[1], inputs[0])
        if self.op == "multiply":  # (x + dx)(y + dy) = xy + x dy + y dx
            a, b = a * np.square(sizes[1]), b * np.square(sizes[0])
        return (a + b,)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x0, x1 = inputs[0], Exact(_spread(inputs[1].mantissas, inputs[0].mantissas), inputs[1].frac)
        if self.op == "multiply":
            return Exact(exact_product(x0.mantissas, x1.mantissas), x0.frac + x1.frac)
        (a, b), frac = align([x0, x1])
        match self.op:
            case "add":
                return Exact(exact_sum(a, b), frac)
            case "subtract":
                return Exact(exact_sum(a, -b), frac)
            case "maximum":
                return Exact(np.maximum(a, b), frac)
            case _:
                return Exact(np.minimum(a, b), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        x0, x1 = inputs
        match self.op:
            case "add":
                return x0.add(x1)
            case "subtract":
                return x0.add(x1.negate())
            case "multiply":
                return x0.multiply(x1)
        a, b = aligned([x0, x1])
        pick = np.maximum if self.op == "maximum" else np.minimum
        return Interval(pick(a.low, b.low), pick(a.high, b.high), a.frac)


def _spread(small: Floats, big: Floats) -> Floats:
    """Broadcast one value per channel over a tensor."""
    if small.shape == big.shape:
        return small
    flat = small.reshape(len(small), *(1 for _ in big.shape[1:-1]), small.shape[-1])
    return np.broadcast_to(flat, big.shape)
