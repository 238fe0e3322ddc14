"""MatMul: the matrices of one tensor times those of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.arithmetic import exact_matmuls
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.ir.wish import Strategy
from hlsgen.layers.linear import matrix_reuse_factors


@dataclass(frozen=True, eq=False)
class MatMul(Layer):
    """``y[..., r, c] = sum over i of a[..., r, i] * b[..., i, c]``, one exact sum and one cast.

    ``a`` is (*matrices, rows, depth), ``b`` (*matrices, depth, columns), or with ``transposed`` (*matrices, columns,
    depth): the kernel holds ``b`` and reads it either way.
    """

    kind = "MatMul"
    packing = Packing.GATHERED
    pure = True
    casts = frozenset({"accum", "result"})
    arity = 2
    accumulates = True
    has_multiplier = True
    local = False
    depth: int
    columns: int
    transposed: bool = False

    @property
    def products(self) -> int:
        return self.depth * self.columns

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + inputs[1].width

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        """Those of a Dense layer; what is not there before the chip runs cannot be unrolled product by product."""
        if strategy in (Strategy.UNROLLED, Strategy.DISTRIBUTED_ARITHMETIC):
            return []
        return matrix_reuse_factors(self.depth, self.columns, strategy)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        a, b = shapes
        held = (self.columns, self.depth) if self.transposed else (self.depth, self.columns)
        if len(a) < 2 or a[-1] != self.depth or b != (*a[:-2], *held):
            raise ValueError(f"expected matrices of {self.depth} columns, and as many of {held[0]} x {held[1]}")
        return (*a[:-1], self.columns)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.asarray(inputs[0] @ self._columnwise(inputs[1]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        a, b = inputs
        return Exact(exact_matmuls(a.mantissas, self._columnwise(b.mantissas)), a.frac + b.frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        a, b = inputs
        if not self.transposed:
            return a.contract(b)
        products = a.multiply(b)
        ends = (int(end.astype(object).sum()) for end in (products.low, products.high))
        low, high = (integers(np.array([end] * self.columns, dtype=object)) for end in ends)
        return Interval(low, high, products.frac)

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """(a + da)(b + db) = ab + a db + da b, added up over the depth."""
        of_a, of_b = inputs[0], self._columnwise(inputs[1])
        power_a, power_b = (np.square(size) for size in sizes)
        held = power_b[:, None] if self.transposed else np.broadcast_to(power_b, (self.depth, self.columns))
        by_a = np.broadcast_to(of_a @ held, (*of_a.shape[:-1], self.columns))
        return (by_a + (power_a @ of_b)[..., None, :],)

    def _columnwise(self, b: Floats | Ints) -> Floats | Ints:
        """The second operand as (..., depth, columns)."""
        return b.swapaxes(-1, -2) if self.transposed else b
