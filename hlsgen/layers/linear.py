"""What Dense and the convolutions share: weights, bias, one exact sum, legal reuse factors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.graph import Node
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.layers.base import Exact, Floats, Layer, Parameter
from hlsgen.layers.kernel import ConstantArray, Field, Word, summed, typed


@dataclass(frozen=True, eq=False)
class LinearLayer(Layer):
    """``y = x W + b`` over some window; ``bias`` (outputs,)."""

    has_multiplier = True
    weight: Parameter
    bias: Parameter

    def per_output(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return one value per output channel in the shape that broadcasts over ``weight``."""
        return vector

    def scaled(self, scale: Floats, shift: Floats) -> LinearLayer | None:
        """Fold ``y * scale + shift`` (per output channel) into weights and bias; None if they are given."""
        if self.given:
            return None
        weight = Parameter.of(self.weight.values * self.per_output(scale))
        return replace(self, weight=weight, bias=Parameter.of(self.bias.values * scale + shift))

    def scaled_exactly(self, scale: Parameter, shift: Parameter, widest: int) -> LinearLayer | None:
        """The same with exact constants, bit for bit; None if the product needs weights wider than ``widest``."""
        (w, w_frac), (b, b_frac) = self.weight.fixed, self.bias.fixed
        (s, s_frac), (t, t_frac) = scale.fixed, shift.fixed
        weight = exact_parameter(exact_product(w, np.broadcast_to(self.per_output(s), w.shape)), w_frac + s_frac)
        frac = max(b_frac + s_frac, t_frac)
        bias = exact_sum(shifted(exact_product(b, s), frac - b_frac - s_frac), shifted(t, frac - t_frac))
        if weight.type is None or weight.type.width > widest:
            return None
        return replace(self, weight=weight, bias=exact_parameter(bias, frac))

    def with_constants(self, node: Node, width: int) -> Layer:
        """As for any layer, but an inferred bias is no finer than the grid of the products it is added to.

        Beside weights that the model quantised, a bias of real numbers is rounded to odd, two bits below
        every later rounding, which then goes as it would with the real bias (ties included).
        """
        layer = super().with_constants(node, width)
        assert isinstance(layer, LinearLayer) and layer.weight.type is not None and node.input.type is not None
        grid = node.input.type.frac + layer.weight.type.frac
        bias = layer.bias
        if self.weight.given and self.bias.mantissas is None and node.settings.bias is None:
            return replace(layer, bias=rounded_to_odd(self.bias, max(grid, node.read_frac) + 2))
        if self.bias.mantissas is None and node.settings.bias is None and bias.type and bias.type.frac > grid:
            bound = bias.type.integer + grid
            coarse = FixedType(max(bound, 1), max(bound, 1) - grid, bias.type.signed)
            return replace(layer, bias=self.bias.quantized(coarse))
        return layer

    @property
    def given(self) -> bool:
        return self.weight.given or self.bias.given

    def add_bias(self, total: Ints, frac: int) -> Exact:
        """Add the bias on the finer of the two grids."""
        bias, bias_frac = self.bias.fixed
        common = max(frac, bias_frac)
        return Exact(exact_sum(shifted(total, common - frac), shifted(bias, common - bias_frac)), common)

    def bias_interval(self, inputs: Interval) -> Interval:
        bias, frac = self.bias.fixed
        return inputs.add(Interval(bias, bias, frac))

    def linear_fields(self, node: Node, n_in: int, n_out: int) -> dict[str, Field | Word]:
        assert self.weight.type is not None and self.bias.type is not None
        return {
            **typed(node),
            **summed(node),
            "n_in": n_in,
            "n_out": n_out,
            "weight_t": self.weight.type,
            "bias_t": self.bias.type,
            "weight_word": Word(self.weight.type),
            "bias_word": Word(self.bias.type),
        }

    def linear_constants(self, output_major: Ints) -> tuple[ConstantArray, ...]:
        assert self.weight.type is not None and self.bias.type is not None
        bias, _ = self.bias.fixed
        return (
            ConstantArray.of("w", output_major, self.weight.type),
            ConstantArray.of("b", bias, self.bias.type),
        )


def rounded_to_odd(parameter: Parameter, frac: int) -> Parameter:
    """Round real numbers to ``frac`` fraction bits: exactly where possible, else to the odd neighbour.

    Boldo and Melquiond, "When double rounding is odd" (2005).
    """
    scaled = np.ldexp(parameter.values, frac)
    floor = integers(np.asarray([int(v) for v in np.floor(scaled).ravel()], dtype=object)).reshape(scaled.shape)
    exact = exact_parameter(np.where(scaled == np.floor(scaled), floor, floor | 1), frac)
    return replace(exact, values=parameter.values, given=False)


def exact_parameter(mantissas: Ints, frac: int) -> Parameter:
    """Constants in the narrowest type that holds them."""
    low, high = min(int(mantissas.min()), 0), max(int(mantissas.max()), 0)
    if low == high == 0:
        return Parameter.exactly(mantissas, FixedType(1, 1, False))
    return Parameter.exactly(mantissas, FixedType.covering(low, high, frac))


def matrix_reuse_factors(n_in: int, n_out: int) -> list[int]:
    """Reuse factors for an ``n_in`` x ``n_out`` matrix: divisors of n_in, and n_in times divisors of n_out.

    With weights stored output by output, these are the factors for which each multiplier keeps to
    one output in a cycle, so that the kernel needs no crossbar.
    """
    return sorted({*divisors(n_in), *(n_in * d for d in divisors(n_out))})


def divisors(n: int) -> list[int]:
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


def zeros(n: int) -> Floats:
    return np.zeros(n, dtype=np.float64)
