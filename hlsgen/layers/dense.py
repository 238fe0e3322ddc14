"""Dense: a matrix times the last axis, at every position of the leading ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.ir.arithmetic import exact_matmul
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.linear import Kernel, LinearLayer, matrix_reuse_factors
from hlsgen.layers.window import Window


@dataclass(frozen=True, eq=False)
class Dense(LinearLayer):
    """``weight`` (n_in, n_out), ``bias`` (n_out,)."""

    kind = "Dense"
    packing = Packing.GATHERED

    @property
    def n_in(self) -> int:
        return self.weight.shape[0]

    @property
    def n_out(self) -> int:
        return self.weight.shape[1]

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"weight": (shapes[0][-1], "outputs"), "bias": ("outputs",)}

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return (*shapes[0][:-1], self.n_out)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        rows = x.reshape(-1, self.n_in)  # one product: many small ones take ten times as long
        return (rows @ self.weight.effective + self.bias.effective).reshape(*x.shape[:-1], self.n_out)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        w, weight_frac = self.weight.fixed
        return self.add_bias(exact_matmul(x, w), frac + weight_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        if self.loaded:
            return self.any_interval(inputs)
        return self.bias_interval(inputs[0].matmul(*self.weight.fixed))

    def loading(self) -> Layer | None:
        return replace(self, loaded=True)

    def weight_matrix(self) -> Floats:
        return self.weight.effective

    def kernel(self) -> Kernel:
        return Kernel(Window((1, 1)), 1, (1, 1, self.n_in, self.n_out))

    def matrix(self) -> Ints:
        return self.weight.fixed[0]

    def valid_reuse_factors(self, strategy: Strategy = Strategy.LATENCY) -> list[int]:
        return matrix_reuse_factors(self.n_in, self.n_out, strategy)
