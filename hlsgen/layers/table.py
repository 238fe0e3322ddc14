"""Unary functions by table: sigmoid, tanh and others that no adder computes.

The input is cast to an index type of at most ``index_bits`` bits (rounded, saturated), and the table
holds the function of every index value, computed in float64 and rounded to the result type. Where the
input type itself is that narrow, nothing is lost before the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import erf

import numpy as np

from hlsgen.ir.graph import Node, Shape, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.layers.base import Exact, Floats, Layer
from hlsgen.layers.kernel import ConstantArray, Kernel, Word, typed
from hlsgen.layers.reading import Call, activation

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017


@dataclass(frozen=True)
class Unary:
    """A function of one real number; ``reach``: beyond ±reach it is flat to 16 bits (None: it is not)."""

    function: Callable[[Floats], Floats]
    low: float
    high: float
    reach: float | None

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _gelu(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + np.vectorize(erf)(x / np.sqrt(2.0))))


def _elu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


FUNCTIONS: dict[str, Unary] = {
    "sigmoid": Unary(_sigmoid, 0.0, 1.0, 8.0),
    "tanh": Unary(np.tanh, -1.0, 1.0, 4.0),
    "softsign": Unary(lambda x: x / (1.0 + np.abs(x)), -1.0, 1.0, None),
    "softplus": Unary(lambda x: np.logaddexp(x, 0.0), 0.0, np.inf, None),
    "elu": Unary(_elu, -1.0, np.inf, None),
    "selu": Unary(
        lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        -1.7581,
        np.inf,
        None,
    ),
    "silu": Unary(lambda x: x * _sigmoid(x), -0.2785, np.inf, None),
    "gelu": Unary(_gelu, -0.17, np.inf, None),
}


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """``y = name(x)``; ``table`` holds the result's mantissas by the raw bits of the index."""

    kind = "Table"
    name: str
    index_bits: int = 12
    index: FixedType | None = None
    table: Ints | None = None
    table_type: FixedType | None = None

    @property
    def unary(self) -> Unary:
        return FUNCTIONS[self.name]

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.unary.function(inputs[0])

    def with_constants(self, node: Node, width: int) -> Layer:
        return replace(self, index=self._index_type(node.input))

    def _index_type(self, value: Value) -> FixedType:
        """The input's own type if narrow; else ``index_bits`` over the range that matters."""
        assert value.type is not None and value.interval is not None
        if value.type.width <= self.index_bits:
            return value.type.plain()
        span = value.interval.type()
        largest = float(max(abs(span.min), abs(span.max)))
        if value.expected is not None:
            largest = min(largest, 2.0 * value.expected)
        if self.unary.reach is not None:
            largest = min(largest, self.unary.reach)
        integer = int(np.ceil(np.log2(max(largest, 2.0**-8)))) + span.signed
        frac = min(self.index_bits - integer, value.type.frac)
        return FixedType(integer + frac, integer, span.signed, Rounding.RND, Overflow.SAT)

    def natural_type(self, node: Node, width: int) -> FixedType | None:
        if self.unary.bounded:
            signed = self.unary.low < 0
            return FixedType(width, 1 if signed else 0, signed, Rounding.RND, Overflow.SAT)
        values = self.unary.function(self._points())
        signed = self.unary.low < 0
        integer = max(int(np.frexp(np.abs(values).max())[1]), -8) + signed
        return FixedType(width, integer, signed, Rounding.RND, Overflow.SAT)

    def _points(self) -> Floats:
        """The index values in the order of their bit patterns."""
        assert self.index is not None
        patterns = np.arange(1 << self.index.width)
        return self.index.to_float(self.index.plain().cast(patterns, self.index.frac))

    def finish(self, node: Node, result: FixedType) -> Layer:
        rounded = result.with_modes(Rounding.RND_CONV, Overflow.SAT)
        return replace(self, table=rounded.quantize(self.unary.function(self._points())), table_type=result.plain())

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        assert self.index is not None and self.table is not None and self.table_type is not None
        place = self.index.cast(*inputs[0]) & ((1 << self.index.width) - 1)
        return Exact(self.table[place], self.table_type.frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        assert self.table is not None and self.table_type is not None
        return Interval.of_values(self.table[:, None], self.table_type.frac).uniform(inputs[0].channels)

    def describe(self) -> str:
        return f"{self.name}" + (f" over {self.index}" if self.index else "")

    def kernel(self, node: Node) -> Kernel:
        assert self.index is not None and self.table is not None and self.table_type is not None
        return table_kernel(node, self.index, Exact(self.table, self.table_type.frac))


def table_kernel(node: Node, index: FixedType, table: Exact) -> Kernel:
    """The kernel of any function by table; the words are of the result type."""
    result = node.output.type
    assert result is not None
    fields = {**typed(node), "size": node.output.size, "index_t": index, "table_word": Word(result)}
    return Kernel(
        "table_activation",
        "table_activation.h",
        fields,
        (ConstantArray.of("table", result.cast(*table), result),),
    )


def _apply(name: str, call: Call, value: Value) -> Value:
    layer = Table(name) if FUNCTIONS[name].reach is not None else Table(name, index_bits=14)
    return call.add(layer, [value], name)


def _register(name: str, *aliases: str) -> None:
    activation(name, *aliases)(lambda call, value: _apply(name, call, value))


for _name in ("sigmoid", "tanh", "softsign", "softplus", "selu"):
    _register(_name)
_register("silu", "swish")


@activation("elu")
def apply_elu(call: Call, value: Value) -> Value:
    call.expect("alpha", 1.0)
    return _apply("elu", call, value)


@activation("gelu")
def apply_gelu(call: Call, value: Value) -> Value:
    call.expect("approximate", False)
    return _apply("gelu", call, value)
