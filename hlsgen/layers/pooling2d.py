"""Max and average pooling over windows or over the whole image, in one or two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, prod

import numpy as np

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints, Rounding, bit_length, integers
from hlsgen.layers.base import Exact, Floats, Layer
from hlsgen.layers.kernel import ConstantArray, Field, Kernel, Word, summed, typed
from hlsgen.layers.window import Window


@dataclass(frozen=True, eq=False)
class MaxPooling2D(Layer):
    """The largest cell of each window; padding never counts."""

    kind = "MaxPooling2D"
    structural = True
    window: Window

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.window.output_shape(shapes[0], shapes[0][-1])

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self._largest(inputs[0], -np.inf)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        return Exact(self._largest(x, int(x.min(initial=0))), frac)

    def _largest(self, x: Ints, lowest: float) -> Ints:
        largest: Ints = self.window.patches(x, lowest).max(axis=(3, 4))
        return largest.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]

    def kernel(self, node: Node) -> Kernel:
        fields = typed(node) | pooling_fields(self.window, node.input.shape) | {"kind": "hlsgen::pooling::max"}
        return Kernel("max_pooling2d", "pooling2d.h", fields)


@dataclass(frozen=True, eq=False)
class Average(Layer):
    """A sum of cells times ``share / count``.

    Where what follows only rounds, the quotient is as good as exact, ties included: the reciprocal is rounded up, and
    the product towards zero on a grid so fine that nothing which is no tie comes to lie on one (see :meth:`_divided`).
    """

    constant_width = 24
    reciprocal: Constant
    share: Fraction = Fraction(1)
    kept: int | None = None
    """Fraction bits the quotient is truncated to; None: it is left as it is."""

    def divisors(self, shape: Shape) -> dict[int, int]:
        """The counts that occur, by their place in ``reciprocal``."""
        raise NotImplementedError

    def with_constants(self, node: Node, width: int) -> Layer:
        counts = self.divisors(node.input.shape)
        fixed = self.reciprocal.mantissas is not None or node.settings.weight is not None
        whole = all(count & (count - 1) == 0 for count in counts.values())
        if fixed or whole or node.read_frac is None or node.settings.accum is not None:
            return super().with_constants(node, width)
        return self._divided(node, node.read_frac, counts)

    def _divided(self, node: Node, read_frac: int, counts: dict[int, int]) -> Layer:
        """Quotients that are no multiples of ``2**-kept`` are at least ``2**-kept / count`` away from the next one."""
        x = node.input.interval
        assert x is not None
        most = max(counts.values())
        kept = max(x.frac + self.share.denominator.bit_length() - 1, read_frac + 1) + most.bit_length()
        largest = max(abs(x.lowest), abs(x.highest)) * most
        frac = kept + most.bit_length() + max(largest.bit_length() - x.frac, 0)
        mantissas = np.zeros(self.reciprocal.shape, dtype=object)
        for place, count in counts.items():
            mantissas[place] = ceil(self.share / count * 2**frac)
        fixed = FixedType.covering(min(*mantissas, 0), max(*mantissas, 1), frac)
        reciprocal = replace(self.reciprocal, type=fixed, mantissas=integers(mantissas))
        return replace(self, reciprocal=reciprocal, kept=kept)

    def accumulator(self, exact: FixedType) -> FixedType | None:
        if self.kept is None or self.kept >= exact.frac:
            return None
        return FixedType(exact.integer + self.kept, exact.integer, exact.signed, Rounding.TRN_ZERO)


@dataclass(frozen=True, eq=False)
class AveragePooling2D(Average):
    """The mean of each window's cells; padding does not count.

    ``reciprocal`` (taps + 1,) holds share / count; exact where every count is a power of two.
    """

    kind = "AveragePooling2D"
    window: Window = field(kw_only=True)

    def divisors(self, shape: Shape) -> dict[int, int]:
        return {int(count): int(count) for count in np.unique(self.window.counts(shape))}

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.window.output_shape(shapes[0], shapes[0][-1])

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        means: Floats = self.window.patches(x).sum(axis=(3, 4)) / self.window.counts(x.shape[1:])[..., None]
        return means.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        reciprocal, reciprocal_frac = self.reciprocal.fixed
        bits = bit_length(x) + self.window.taps.bit_length()
        total = self.window.patches(integers(x, bits)).sum(axis=(3, 4))
        factors = reciprocal[self.window.counts(x.shape[1:])][None, :, :, None]
        means = exact_product(total, np.broadcast_to(factors, total.shape))
        return Exact(means.reshape(len(x), *self.output_shape([x.shape[1:]])), frac + reciprocal_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        reciprocal, frac = self.reciprocal.fixed
        x, counts = inputs[0], np.unique(self.window.counts(shapes[0]))
        factors = [int(c) * int(reciprocal[c]) for c in counts]
        bits = max(bit_length(x.low), bit_length(x.high)) + max(factors).bit_length()
        corners = [integers(v, bits) * f for v in (x.low, x.high) for f in factors]
        return Interval(np.min(corners, axis=0), np.max(corners, axis=0), x.frac + frac)

    def kernel(self, node: Node) -> Kernel:
        fields = pooling_fields(self.window, node.input.shape) | {"kind": "hlsgen::pooling::average"}
        return _average_kernel("average_pooling2d", node, self.reciprocal, self.window.taps, fields)


@dataclass(frozen=True, eq=False)
class GlobalMaxPooling(Layer):
    """The largest value of each channel."""

    kind = "GlobalMaxPooling"
    structural = True
    keepdims: bool = False

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return global_shape(shapes[0], self.keepdims)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.asarray(inputs[0].max(axis=axes(inputs[0]), keepdims=self.keepdims))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        return Exact(x.max(axis=axes(x), keepdims=self.keepdims), frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]

    def kernel(self, node: Node) -> Kernel:
        return Kernel("global_max_pooling", "pooling2d.h", typed(node) | global_fields(node))


@dataclass(frozen=True, eq=False)
class GlobalAveragePooling(Average):
    """The mean of each channel; ``reciprocal`` (1,) of the number of positions."""

    kind = "GlobalAveragePooling"
    keepdims: bool = False

    def divisors(self, shape: Shape) -> dict[int, int]:
        return {0: prod(shape[:-1])}

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return global_shape(shapes[0], self.keepdims)

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return np.asarray(inputs[0].mean(axis=axes(inputs[0]), keepdims=self.keepdims))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        reciprocal, reciprocal_frac = self.reciprocal.fixed
        total = integers(x, bit_length(x) + x[0].size.bit_length()).sum(axis=axes(x), keepdims=self.keepdims)
        return Exact(exact_product(total, np.broadcast_to(reciprocal, total.shape)), frac + reciprocal_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        reciprocal, frac = self.reciprocal.fixed
        factor = int(reciprocal[0]) * prod(shapes[0][:-1])
        x = inputs[0]
        bits = max(bit_length(x.low), bit_length(x.high)) + factor.bit_length()
        return Interval(integers(x.low, bits) * factor, integers(x.high, bits) * factor, x.frac + frac)

    def kernel(self, node: Node) -> Kernel:
        positions = prod(node.input.shape[:-1])
        return _average_kernel("global_average_pooling", node, self.reciprocal, positions, global_fields(node))


def _average_kernel(
    function: str, node: Node, reciprocal: Constant, cells: int, fields: dict[str, Field | Word]
) -> Kernel:
    """``sum_t`` of an average holds the sum of the cells; the product with the reciprocal is exact."""
    assert reciprocal.type is not None and node.input.interval is not None
    total = node.input.interval.with_zero()
    sum_type = FixedType.covering(total.lowest * cells, total.highest * cells, total.frac)
    all_fields = {
        **typed(node),
        **summed(node),
        **fields,
        "sum_t": sum_type,
        "reciprocal_t": reciprocal.type,
        "reciprocal_word": Word(reciprocal.type),
    }
    return Kernel(function, "pooling2d.h", all_fields, (ConstantArray.of("r", reciprocal.fixed[0], reciprocal.type),))


def axes(x: Ints) -> tuple[int, ...]:
    """The axes between batch and channels."""
    return tuple(range(1, x.ndim - 1))


def global_shape(shape: Shape, keepdims: bool) -> Shape:
    """One value a channel."""
    return (*(1 for _ in shape[:-1]), shape[-1]) if keepdims else (shape[-1],)


def global_fields(node: Node) -> dict[str, Field | Word]:
    """Positions and channels."""
    return {"positions": prod(node.input.shape[:-1]), "n": node.input.shape[-1]}


def pooling_fields(window: Window, shape: Shape) -> dict[str, Field | Word]:
    """The window of a pooling."""
    return window.fields(shape) | {"pool_height": window.size[0], "pool_width": window.size[1]}
