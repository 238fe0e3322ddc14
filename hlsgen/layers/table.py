"""Unary functions by table: sigmoid, tanh and others that no adder computes.

The input is cast to an index type of at most ``index_bits`` bits (rounded, saturated), and the table
holds the function of every index value, computed in float64 and rounded to the result type. Where the
input type itself is that narrow, nothing is lost before the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import erf

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.typing import Tensor

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017


@dataclass(frozen=True)
class Unary:
    """A function of one real number; ``reach``: beyond ±reach it is flat to 16 bits (None: it is not)."""

    name: str
    function: Callable[[Floats], Floats]
    low: float
    high: float
    reach: float | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(x, 0.0))


def _gelu(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + np.vectorize(erf)(x / np.sqrt(2.0))))


def _gelu_by_tanh(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


def _selu(x: Floats) -> Floats:
    return np.asarray(_SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))))


def _sparse_plus(x: Floats) -> Floats:
    return np.where(x <= -1, 0.0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))


def elu(alpha: float) -> Unary:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""
    name = "elu" if alpha == 1 else f"elu({alpha:g})"
    return Unary(name, lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), min(-alpha, 0.0), np.inf)


_EVERY = (
    Unary("sigmoid", _sigmoid, 0.0, 1.0, 8.0),
    Unary("tanh", np.tanh, -1.0, 1.0, 4.0),
    Unary("softsign", lambda x: x / (1.0 + np.abs(x)), -1.0, 1.0),
    Unary("sparse_sigmoid", lambda x: np.clip(0.5 * (x + 1), 0, 1), 0.0, 1.0, 1.0),
    Unary("softplus", _softplus, 0.0, np.inf),
    Unary("squareplus", lambda x: (x + np.sqrt(x**2 + 4)) / 2, 0.0, np.inf),
    Unary("sparse_plus", _sparse_plus, 0.0, np.inf),
    Unary("exponential", np.exp, 0.0, np.inf),
    Unary("log_sigmoid", lambda x: -_softplus(-x), -np.inf, 0.0),
    Unary("selu", _selu, -1.7581, np.inf),
    Unary("silu", lambda x: x * _sigmoid(x), -0.2785, np.inf),
    Unary("mish", lambda x: x * np.tanh(_softplus(x)), -0.3089, np.inf),
    Unary("gelu", _gelu, -0.17, np.inf),
    Unary("gelu_by_tanh", _gelu_by_tanh, -0.1701, np.inf),
    Unary("tanh_shrink", lambda x: x - np.tanh(x), -np.inf, np.inf),
    Unary("soft_shrink", lambda x: x - np.clip(x, -0.5, 0.5), -np.inf, np.inf),
    replace(elu(1.0), name="celu"),
    elu(1.0),
)
FUNCTIONS = {unary.name: unary for unary in _EVERY}


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """``y = unary(x)``; ``table`` holds the result's mantissas by the raw bits of the index."""

    kind = "Table"
    packing = Packing.ELEMENTS
    pure = False
    casts = frozenset({"result"})
    unary: Unary
    index_bits: int = 12
    index: FixedType | None = None
    table: Ints | None = None
    table_type: FixedType | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {} if self.index is None else {"table": (1 << self.index.width,)}

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.unary.function(inputs[0])

    def prepared(self, context: Context) -> Layer:
        return replace(self, index=self._index_type(context.input))

    def _index_type(self, value: Tensor) -> FixedType:
        """The input's own type if narrow; else ``index_bits`` over the range that matters."""
        if value.type.width <= self.index_bits:
            return value.type.plain()
        span = value.interval.type()
        largest = float(max(abs(span.min), abs(span.max)))
        if value.expected is not None:
            largest = min(largest, 2.0 * value.expected.reach)
        if self.unary.reach is not None:
            largest = min(largest, self.unary.reach)
        integer = int(np.ceil(np.log2(max(largest, 2.0**-8)))) + span.signed
        frac = min(self.index_bits - integer, value.type.frac)
        bits = max(integer + frac, 1 + span.signed)  # inputs coarser than the range still take steps
        return FixedType(bits, bits - frac, span.signed, Rounding.RND, Overflow.SAT)

    def natural_type(self, context: Context) -> FixedType | None:
        if self.unary.bounded:
            signed = self.unary.low < 0
            return FixedType(context.width, 1 if signed else 0, signed, Rounding.RND, Overflow.SAT)
        signed = self.unary.low < 0
        integer = max(magnitude_bits(float(np.abs(self.unary.function(self._points())).max())), -8) + signed
        expected = context.expected
        if expected is not None:
            integer = min(integer, expected.integer_bits(context.width, signed, context.width))
        return FixedType(context.width, integer, signed, Rounding.RND, Overflow.SAT)

    def _points(self) -> Floats:
        """The index values in the order of their bit patterns."""
        assert self.index is not None
        patterns = np.arange(1 << self.index.width)
        return self.index.to_float(self.index.plain().cast(patterns, self.index.frac))

    def finished(self, result: FixedType) -> Layer:
        rounded = result.with_modes(Rounding.RND_CONV, Overflow.SAT)
        return replace(self, table=rounded.quantize(self.unary.function(self._points())), table_type=result.plain())

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.index is not None and self.table is not None and self.table_type is not None
        place = self.inner_steps(inputs)["index"].mantissas & ((1 << self.index.width) - 1)
        return Exact(self.table[place], self.table_type.frac)

    def inner_types(self) -> dict[str, FixedType]:
        assert self.index is not None
        return {"index": self.index}

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        assert self.index is not None
        return {"index": InnerStep(self.index.cast(*inputs[0]), self.index)}

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        assert self.table is not None and self.table_type is not None
        return Interval.of_values(self.table[:, None], self.table_type.frac).uniform(inputs[0].channels)

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        if self.index is None or casts.input is None:
            return EVERYTHING
        return EVERYTHING.before_cast(self.index, rounds=casts.input.frac > self.index.frac)

    def describe(self) -> str:
        return f"{self.unary}" + (f" over {self.index}" if self.index else "")
