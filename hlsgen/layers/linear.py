"""What Dense and the convolutions share: weights, bias, one exact sum, legal reuse factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product, exact_sum, shifted
from hlsgen.ir.constant import (
    MOST_FRACTION,
    Constant,
    Floats,
    exact_constant,
    narrowest,
    no_bias,
    rounded_to_odd,
    total,
)
from hlsgen.ir.interval import Interval, joined
from hlsgen.ir.layer import Context, Exact, Layer, Packing
from hlsgen.ir.types import FixedType, Ints, bit_length, integers
from hlsgen.ir.wish import Strategy
from hlsgen.layers.window import Window

_REAL_BIAS_BITS = 26
"""What is kept of a real bias (below its largest) where nobody rounds the sum: a little more than float32 does."""
_BIAS_WIDTH = 24
"""A bias costs an adder that is there anyway: it keeps what a float32 one has."""
_BELOW_RESULT = 2
"""So many bits below the last of the result, a bias is off by an eighth of its step at most."""


class Kernel(NamedTuple):
    """A linear layer as a convolution, which each of hlsgen's own is."""

    window: Window
    groups: int
    """Equal parts of the channels in and of the channels out: each part of the outputs sees its part of the inputs."""
    shape: tuple[int, int, int, int]
    """(height, width, channels in of a group, channels out): the weights, reshaped as they are."""


@dataclass(frozen=True, eq=False)
class LinearLayer(Layer):
    """``y = x W + b`` over some window; ``bias`` (outputs,)."""

    packing = Packing.POSITIONS
    pure = True
    casts = frozenset({"accum", "result"})
    constant_roles = MappingProxyType({"weight": "weight", "bias": "bias"})
    accumulates = True
    has_multiplier = True
    weight: Constant
    bias: Constant
    loaded: bool | None = field(default=None, kw_only=True)
    """Whether weights and biases come in at ports: those that are here stand for any of their types."""

    pads: ClassVar[bool] = False
    """Whether some outputs see zeros in place of inputs (then a shift of the inputs is no shift of the bias)."""

    @property
    def products(self) -> int:
        return self.weight.values.size

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + self.weight.known_type.width

    def per_output(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return one value per output channel in the shape that broadcasts over ``weight``."""
        return vector

    def groups(self, name: str) -> Ints | None:
        if name != "weight":
            return None
        return np.broadcast_to(self.per_output(np.arange(self.bias.shape[0])), self.weight.shape)

    def per_input(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return one value per input channel in the shape that broadcasts over ``weight``."""
        return vector[:, None]

    def summed(self, products: NDArray[Any]) -> NDArray[Any]:
        """Add up an array of the shape of ``weight`` over everything that goes into one output."""
        return np.asarray(products.sum(axis=tuple(range(products.ndim - 1))))

    def powers(self) -> Floats:
        """The squares of the weights between an input and an output channel, added up: (channels in, channels out)."""
        w = self.weight.effective
        flat = w.reshape(-1, *w.shape[-2:])
        return np.asarray(np.einsum("tio,tio->io", flat, flat))

    def as_meant(self, name: str, numbers: Floats, before: Floats, behind: Floats) -> Floats:
        if name == "weight":
            return np.asarray(numbers * self.per_output(behind) / self.per_input(before))
        return numbers * behind if name == "bias" else numbers

    def row_sizes(self) -> Floats:
        """How large the weights of each input channel are: the root of their squares' sum."""
        return np.asarray(np.sqrt(self.powers().sum(axis=1)))

    def power_behind(self, power: Floats) -> Floats:
        """The mean squares that independent inputs of the mean squares ``power`` (channels in,) add to each output."""
        found: Floats = power @ self.powers()
        return found

    def shares_before(self, power: Floats, shares: Floats) -> Floats:
        """How much of what the output channels hold comes from each input channel, by the power that it adds.

        ``power`` (channels in,): the mean squares of the inputs; ``shares`` (channels out,): how much each output is.
        """
        powers = self.powers()
        total = power @ powers
        found: Floats = power * (powers @ np.divide(shares, total, out=np.zeros_like(total), where=total > 0))
        return found

    def kernel(self) -> Kernel | None:
        """The layer as a convolution (a dense one has a window of one cell); None if it does not say."""
        return None

    def matrix(self) -> Ints:
        """The mantissas of the weights as a matrix (elements of the input, or of a window of it; outputs): zero where
        an output does not see an input."""
        raise NotImplementedError

    def scaled(self, scale: Constant, shift: Constant) -> LinearLayer:
        """Fold ``y * scale + shift`` (per output channel) into weights and bias, as real numbers."""
        s, t = scale.effective, shift.effective
        weight = Constant.of(self.weight.effective * self.per_output(s))
        added = total(None if self.bias.added is None else self.bias.added * s, shift.added)
        return replace(self, weight=weight, bias=Constant.of(self.bias.effective * s + t, added))

    def scaled_exactly(self, scale: Constant, shift: Constant, widest: int) -> LinearLayer | None:
        """The same with exact constants, bit for bit; None if the product needs weights wider than ``widest``."""
        (b, b_frac), (s, s_frac), (t, t_frac) = self.bias.fixed, scale.fixed, shift.fixed
        bias = add_exactly(Exact(exact_product(b, s), b_frac + s_frac), Exact(t, t_frac))
        return self._with_exact(self._product(self.per_output(s), s_frac), bias, widest)

    def behind_scale(self, scale: Constant, shift: Constant) -> LinearLayer | None:
        """Fold ``x * scale + shift`` (per input channel) into weights and bias, as real numbers; None if it pads."""
        s, t = scale.effective, shift.effective
        if self.pads and t.any():
            return None
        w = self.weight.effective
        bias = self.bias.effective + self.summed(w * self.per_input(t))
        behind = None if shift.added is None else self.summed(w * self.per_input(shift.added))
        added = total(self.bias.added, behind)
        return replace(self, weight=Constant.of(w * self.per_input(s)), bias=Constant.of(bias, added))

    def behind_scale_exactly(self, scale: Constant, shift: Constant, widest: int) -> LinearLayer | None:
        """The same with exact constants, bit for bit; None if that is impossible or wider than ``widest``."""
        (s, s_frac), (t, t_frac) = scale.fixed, shift.fixed
        if self.pads and t.any():
            return None
        shifts = self._product(self.per_input(t), t_frac)
        bits = bit_length(shifts.mantissas) + shifts.mantissas.size.bit_length()
        total = Exact(integers(self.summed(integers(shifts.mantissas, bits))), shifts.frac)
        bias = add_exactly(Exact(*self.bias.fixed), total)
        return self._with_exact(self._product(self.per_input(s), s_frac), bias, widest)

    def _product(self, factor: Ints, frac: int) -> Exact:
        w, w_frac = self.weight.fixed
        return Exact(exact_product(w, np.broadcast_to(factor, w.shape)), w_frac + frac)

    def _with_exact(self, weight: Exact, bias: Exact, widest: int) -> LinearLayer | None:
        fused = exact_constant(*weight)
        assert fused.type is not None
        return None if fused.type.width > widest else replace(self, weight=fused, bias=exact_constant(*bias))

    def prepared(self, context: Context) -> Layer:
        """As for any layer, but an inferred bias has a place of its own; see :meth:`_placed_bias`."""
        layer = super().prepared(context)
        assert isinstance(layer, LinearLayer)
        layer = layer._narrowed(context)
        grid = context.input.type.frac + layer.weight.known_type.frac
        if context.wish.type("bias") is not None and (self.bias.mantissas is None or self.bias.values.any()):
            return layer
        if not layer.bias.effective.any():  # zeros must not make the sum finer than the products
            return replace(layer, bias=_zeros(layer.bias, min(grid, 0)))
        return layer if self.bias.mantissas is not None else replace(layer, bias=self._placed_bias(context, grid))

    def _placed_bias(self, context: Context, grid: int) -> Constant:
        """Real numbers no finer than the ``grid`` of the products they are added to, where they cost no more bits, or
        than the result can show, where that is finer still: products of large inputs may leave little but the bias.

        Beside weights that the model quantised, they are rounded to odd, two bits below every later rounding, which
        then goes as it would with the real bias (ties included). Where the readers do not only round, the bias
        keeps all that float32 would.
        """
        if self.weight.mantissas is not None:
            return rounded_to_odd(self.bias, max(grid, self._read_frac(context)) + 2)
        most = max(context.budget, _BIAS_WIDTH)
        bias = self.bias.placed(min(most, context.widest or most))
        assert bias.type is not None
        finest = grid if context.result_frac is None else max(grid, context.result_frac + _BELOW_RESULT)
        if bias.type.frac <= finest:
            return bias
        bits = max(bias.type.integer + finest, 1)
        return self.bias.rounded(FixedType(bits, bits - finest, bias.type.signed))

    def recast(self, name: str, fixed: FixedType) -> Constant | None:
        """As for any layer; but beside given weights no later rounding may tell a bias from the real one."""
        if name == "bias" and self.weight.mantissas is not None:
            return rounded_to_odd(self.bias, fixed.frac)
        return super().recast(name, fixed)

    def _narrowed(self, context: Context) -> LinearLayer:
        """The constants in the narrowest types that hold them, where the user did not fix their types."""
        found = {name: constant for name, constant in self.constants().items() if context.wish.type(name) is None}
        narrowed: dict[str, Any] = {name: narrowest(p) for name, p in found.items() if p.mantissas is not None}
        return replace(self, **narrowed)

    def _read_frac(self, context: Context) -> int:
        if context.read_frac is not None:
            return context.read_frac
        largest = float(np.abs(self.bias.values).max(initial=0.0))
        return min(_REAL_BIAS_BITS - 2 - int(np.frexp(largest)[1]), MOST_FRACTION) if largest else 0

    def stands_for(self, name: str) -> bool:
        """As for any layer; beside given weights the bias was chosen such that no later rounding tells it from the
        real one, and constants without a type will be rounded to the grid of the products."""
        if name == "bias" and self.weight.given and not self.bias.given and self.bias.type is not None:
            return True
        return self.constants()[name].mantissas is not None and super().stands_for(name)

    @property
    def given(self) -> bool:
        return self.weight.given or self.bias.given

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        squared = replace(self, weight=Constant.of(self.weight.effective**2), bias=no_bias(self.bias.shape[0]))
        return squared.evaluate_floats(inputs)

    def add_bias(self, total: Ints, frac: int) -> Exact:
        """Add the bias on the finer of the two grids."""
        return add_exactly(Exact(total, frac), Exact(*self.bias.fixed))

    def bias_interval(self, inputs: Interval) -> Interval:
        bias, frac = self.bias.fixed
        return inputs.add(Interval(bias, bias, frac))

    def any_interval(self, parts: Sequence[Interval], taps: int = 1) -> Interval:
        """Bounds for any weights and biases of their types, of ``taps`` times the input's channels; each of the
        ``parts`` of these is read by as many outputs, in this order."""
        outputs = self.bias.shape[0]
        sums = joined([self._any_sums(x, taps, outputs // len(parts)) for x in parts])
        return sums.add(Interval.of_type(self.bias.known_type, outputs))

    def _any_sums(self, x: Interval, taps: int, outputs: int) -> Interval:
        products = x.multiply(Interval.of_type(self.weight.known_type, x.channels))
        ends = [int(v.astype(object).sum()) * taps for v in (products.low, products.high)]
        low, high = (integers(np.array([end] * outputs, dtype=object)) for end in ends)
        return Interval(low, high, products.frac)


def _zeros(bias: Constant, frac: int) -> Constant:
    return replace(bias, type=FixedType(1, 1 - frac, False), mantissas=np.zeros(bias.shape, dtype=np.int64))


def add_exactly(a: Exact, b: Exact) -> Exact:
    """Add on the finer of the two grids."""
    frac = max(a.frac, b.frac)
    return Exact(exact_sum(shifted(a.mantissas, frac - a.frac), shifted(b.mantissas, frac - b.frac)), frac)


def spread(weight: Ints, taps: int, groups: int) -> Ints:
    """Weights (taps * channels of a group, outputs) of groups that see their own inputs, as a matrix of all inputs and
    outputs: the others are zero."""
    inputs, outputs = weight.shape[0] // taps, weight.shape[1] // groups
    found = np.zeros((taps, groups, inputs, groups, outputs), dtype=weight.dtype)
    for group in range(groups):
        columns = weight[:, group * outputs : (group + 1) * outputs]
        found[:, group, :, group, :] = columns.reshape(taps, inputs, outputs)
    return found.reshape(taps * groups * inputs, groups * outputs)


def matrix_reuse_factors(n_in: int, n_out: int, strategy: Strategy) -> list[int]:
    """Reuse factors for an ``n_in`` x ``n_out`` matrix: divisors of n_in, and n_in times divisors of n_out.

    With weights stored output by output, these are the factors for which each multiplier keeps to
    one output in a cycle, so that the kernel needs no crossbar. Unrolled products are distributed one by one; sums
    that several outputs share are there at once.
    """
    if strategy is Strategy.UNROLLED:
        return list(range(1, n_in + 1))
    if strategy is Strategy.DISTRIBUTED_ARITHMETIC:
        return [1]
    return sorted({*divisors(n_in), *(n_in * d for d in divisors(n_out))})


def divisors(n: int) -> list[int]:
    """All divisors, ascending."""
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})
