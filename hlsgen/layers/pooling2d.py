"""Max and average pooling over windows or over the whole image, in one or two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, prod

import numpy as np

from hlsgen.ir.affine import Affine
from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Context, Exact, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.ties import Tie, straight
from hlsgen.ir.types import FixedType, Ints, Rounding, bit_length, integers
from hlsgen.layers.window import Window


@dataclass(frozen=True, eq=False)
class Largest(Layer):
    """The largest of some cells of a channel."""

    packing = Packing.POSITIONS
    pure = True
    casts = frozenset({"result"})
    structural = True
    picks = True
    widest_word = 64

    def commutes_with_cast(self, fixed: FixedType) -> bool:
        return fixed.saturates

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        return True

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        return [affine] if affine.rises else None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        return affine if affine.rises else None


@dataclass(frozen=True, eq=False)
class MaxPooling2D(Largest):
    """The largest cell of each window; padding never counts."""

    kind = "MaxPooling2D"
    window: Window

    @property
    def cells_read(self) -> int:
        return sum(self.window.size)

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return self.window == Window((1, 1))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.window.output_shape(shapes[0], shapes[0][-1])

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self._largest(inputs[0], -np.inf)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        return Exact(self._largest(x, int(x.min(initial=0))), frac)

    def _largest(self, x: Ints, lowest: float) -> Ints:
        rows, columns = self.window.by_axis()
        tall = rows.patches(x, lowest).max(axis=(3, 4))
        largest: Ints = columns.patches(tall, lowest).max(axis=(3, 4))
        return largest.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Average(Layer):
    """A sum of cells times ``share / count``.

    Where what follows only rounds, the quotient is as good as exact, ties included: the reciprocal is rounded up, and
    the product towards zero on a grid so fine that nothing which is no tie comes to lie on one (see :meth:`_divided`).
    """

    packing = Packing.POSITIONS
    pure = True
    casts = frozenset({"result"})
    constant_width = 24
    accumulates = True
    reciprocal: Constant
    share: Fraction = Fraction(1)
    kept: int | None = None
    """Fraction bits the quotient is truncated to; None: it is left as it is."""

    def product_width(self, inputs: Sequence[FixedType]) -> int:
        return inputs[0].width + self.reciprocal.known_type.width

    def divisors(self, shape: Shape) -> dict[int, int]:
        """The counts that occur, by their place in ``reciprocal``."""
        raise NotImplementedError

    def prepared(self, context: Context) -> Layer:
        counts = self.divisors(context.input.shape)
        whole = all(count & (count - 1) == 0 for count in counts.values())
        if self.reciprocal.mantissas is not None or whole or context.read_frac is None:
            return super().prepared(context)
        return self._divided(context.input.interval, context.read_frac, counts)

    def recast(self, name: str, fixed: FixedType) -> Constant | None:
        """Reciprocals are as fine as the range of the cells needs."""
        return None

    def _divided(self, x: Interval, read_frac: int, counts: dict[int, int]) -> Layer:
        """Quotients that are no multiples of ``2**-kept`` are at least ``2**-kept / count`` away from the next one."""
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

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        """As if all cells of a mean had one error; where they have not, see :meth:`averaged_cells`."""
        return self.evaluate_floats(inputs)

    def ties(self, shapes: Sequence[Shape]) -> list[Tie] | None:
        return straight(shapes[0])

    def keeps_offsets(self, shapes: Sequence[Shape]) -> bool:
        """Of means: what cells have in common, they have. A reciprocal that was rounded already is no mean."""
        identity = Affine.identity(shapes[0][-1])
        shift = Affine(identity.scale, identity.scale)
        return self.share == 1 and self._commutes(shapes[0], shift)

    def scale_before(self, shapes: Sequence[Shape], affine: Affine) -> list[Affine] | None:
        return [affine] if self._commutes(shapes[0], affine) else None

    def scale_behind(self, shapes: Sequence[Shape], place: int, affine: Affine) -> Affine | None:
        return affine if self._commutes(shapes[0], affine) else None

    def _commutes(self, shape: Shape, affine: Affine) -> bool:
        """A shift passes only where the weights of the average add up to one (rounded reciprocals may not)."""
        if not affine.shifts or self.reciprocal.mantissas is None:
            return True
        effective = self.reciprocal.effective
        return all(count * float(effective[place]) == 1.0 for place, count in self.divisors(shape).items())

    def accumulator(self, exact: FixedType) -> FixedType | None:
        if self.kept is None or self.kept >= exact.frac:
            return None
        width = max(exact.integer + self.kept, 1)  # averages below the last bit that is kept all become zero
        return FixedType(width, width - self.kept, exact.signed, Rounding.TRN_ZERO)


@dataclass(frozen=True, eq=False)
class AveragePooling2D(Average):
    """The mean of each window's cells; padding does not count.

    ``reciprocal`` (taps + 1,) holds share / count; exact where every count is a power of two.
    """

    kind = "AveragePooling2D"
    window: Window = field(kw_only=True)

    @property
    def cells_read(self) -> int:
        return sum(self.window.size)

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"reciprocal": (self.window.taps + 1,)}

    def is_identity(self, shapes: Sequence[Shape]) -> bool:
        return self.window == Window((1, 1)) and bool(self.reciprocal.effective[1] == 1.0)

    def divisors(self, shape: Shape) -> dict[int, int]:
        return {count: count for count in self.window.distinct_counts(shape)}

    def averaged_cells(self, shapes: Sequence[Shape]) -> Floats | float:
        counts = self.window.counts(shapes[0])[..., None].astype(np.float64)
        return counts.reshape(*self.output_shape(shapes)[:-1], 1)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return self.window.output_shape(shapes[0], shapes[0][-1])

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        x = inputs[0]
        rows, columns = self.window.by_axis()
        sums = columns.patches(rows.patches(x).sum(axis=(3, 4))).sum(axis=(3, 4))
        means: Floats = sums / self.window.counts(x.shape[1:])[..., None]
        return means.reshape(len(x), *self.output_shape([x.shape[1:]]))

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        reciprocal, reciprocal_frac = self.reciprocal.fixed
        bits = bit_length(x) + self.window.taps.bit_length()
        rows, columns = self.window.by_axis()
        total = columns.patches(rows.patches(integers(x, bits)).sum(axis=(3, 4))).sum(axis=(3, 4))
        factors = reciprocal[self.window.counts(x.shape[1:])][None, :, :, None]
        means = exact_product(total, np.broadcast_to(factors, total.shape))
        return Exact(means.reshape(len(x), *self.output_shape([x.shape[1:]])), frac + reciprocal_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        reciprocal, frac = self.reciprocal.fixed
        x, counts = inputs[0], self.window.distinct_counts(shapes[0])
        factors = [c * int(reciprocal[c]) for c in counts]
        bits = max(bit_length(x.low), bit_length(x.high)) + max(factors).bit_length()
        corners = [integers(v, bits) * f for v in (x.low, x.high) for f in factors]
        return Interval(np.min(corners, axis=0), np.max(corners, axis=0), x.frac + frac)


@dataclass(frozen=True, eq=False)
class GlobalMaxPooling(Largest):
    """The largest value of each channel."""

    kind = "GlobalMaxPooling"
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


@dataclass(frozen=True, eq=False)
class GlobalAveragePooling(Average):
    """The mean of each channel; ``reciprocal`` (1,) of the number of positions."""

    kind = "GlobalAveragePooling"
    keepdims: bool = False

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {"reciprocal": (1,)}

    def divisors(self, shape: Shape) -> dict[int, int]:
        return {0: prod(shape[:-1])}

    def averaged_cells(self, shapes: Sequence[Shape]) -> Floats | float:
        return float(prod(shapes[0][:-1]))

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


def axes(x: Ints) -> tuple[int, ...]:
    """The axes between batch and channels."""
    return tuple(range(1, x.ndim - 1))


def global_shape(shape: Shape, keepdims: bool) -> Shape:
    """One value a channel."""
    return (*(1 for _ in shape[:-1]), shape[-1]) if keepdims else (shape[-1],)
