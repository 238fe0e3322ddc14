"""Sums of products over axes of two tensors, written as an equation: what becomes of them is a Dense or a MatMul.

Every axis has a label, and the samples have none: of ``("qd", "kd", "qk")`` both tensors have the label ``d``, which
the result does not, so that it is added up over. A label of both tensors and of the result numbers the products (a head
of an attention); one of a single tensor and of the result is a row or a column. The axes are brought into that order,
become one of each kind, and are given back their extents behind the product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.limits import MAX_PARTS
from hlsgen.frontends.permuting import add_permute, add_reshape
from hlsgen.ir.constant import Constant, Floats, Shape, no_bias
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.dense import Dense
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate
from hlsgen.layers.split import Split


class Equation(NamedTuple):
    """The labels of two operands and of what they give, one for each axis but that of the samples."""

    first: str
    second: str
    result: str


_Constants = Callable[[Floats], Constant]


# -- axes ------------------------------------------------------------------------------------------


# -- two computed tensors ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kinds:
    """The labels of an equation by what becomes of them, each kind in an order that all three tensors will have."""

    matrices: str
    rows: str
    columns: str
    depth: str

    @property
    def groups(self) -> tuple[str, str, str, str]:
        return self.matrices, self.rows, self.columns, self.depth

    @property
    def result(self) -> str:
        return self.matrices + self.rows + self.columns

    @property
    def first(self) -> str:
        return self.matrices + self.rows + self.depth

    def second(self, transposed: bool) -> str:
        return self.matrices + (self.columns + self.depth if transposed else self.depth + self.columns)


@dataclass(frozen=True)
class _Way:
    """A MatMul that computes a contraction: which operand is the first, and how the second one is held."""

    swapped: bool
    transposed: bool
    kinds: _Kinds


def check_equation(where: str, equation: Equation, shapes: Sequence[Shape]) -> dict[str, int]:
    """The extent of every label. Raises UnsupportedError for what is no contraction of two tensors."""
    extents: dict[str, int] = {}
    for labels, shape in zip(equation[:2], shapes, strict=True):
        if len(labels) != len(shape):
            raise UnsupportedError(f"{where}: '{labels}' names {len(labels)} axes of a tensor of shape {shape}")
        for label, extent in zip(labels, shape, strict=True):
            if extents.setdefault(label, extent) != extent:
                raise UnsupportedError(
                    f"{where}: axis '{label}' has {extents[label]} elements in one tensor and {extent} in the other; "
                    "nothing is broadcast: repeat the smaller one before"
                )
    for labels in equation:
        if len(set(labels)) != len(labels):
            raise UnsupportedError(f"{where}: '{labels}' takes a diagonal, which is not supported; every label once")
    if not equation.result:
        raise UnsupportedError(
            f"{where}: nothing but the samples is left in the result; use Dot, which gives an axis of 1"
        )
    if not set(equation.result) <= set(extents):
        raise UnsupportedError(f"{where}: the result '{equation.result}' has labels that no tensor has")
    return extents


def _refuse_single_sums(where: str, equation: Equation) -> None:
    once = set(equation.first) ^ set(equation.second)
    if alone := sorted(once - set(equation.result)):
        raise UnsupportedError(
            f"{where}: it adds up axis {', '.join(map(repr, alone))} of one tensor alone, which is not supported; add "
            "it up before, with a Dense layer or keras.ops.sum"
        )


def contract(builder: Builder, equation: Equation, first: Value, second: Value) -> Value:
    """Add what computes ``equation`` of two computed tensors: one MatMul, in the order that moves the fewest elements.

    Raises UnsupportedError for diagonals, and for axes of one tensor that the result does not have.
    """
    extents = check_equation(builder.where, equation, [first.shape, second.shape])
    _refuse_single_sums(builder.where, equation)
    shape = tuple(extents[label] for label in equation.result)
    if set(equation.first) == set(equation.second) == set(equation.result):
        pairs = zip((first, second), equation[:2], strict=True)
        values = [_ordered(builder, value, labels, equation.result) for value, labels in pairs]
        return builder.add(Merge("multiply"), values, "products")
    way = min(_ways(equation), key=lambda way: _moved(way, equation, extents))
    kinds = way.kinds
    operands = [(first, equation.first), (second, equation.second)]
    (a, of_a), (b, of_b) = reversed(operands) if way.swapped else operands

    def sized(*groups: str) -> Shape:
        sizes = [prod(extents[label] for label in labels) for labels in groups]
        return tuple(sizes if kinds.matrices else sizes[1:])

    a = add_reshape(builder, _ordered(builder, a, of_a, kinds.first), sized(kinds.matrices, kinds.rows, kinds.depth))
    held = (kinds.columns, kinds.depth) if way.transposed else (kinds.depth, kinds.columns)
    b = add_reshape(builder, _ordered(builder, b, of_b, kinds.second(way.transposed)), sized(kinds.matrices, *held))
    layer = MatMul(a.shape[-1], sized(kinds.columns, kinds.columns)[-1], way.transposed)
    products = builder.add(layer, [a, b], "product")
    result = add_reshape(builder, products, tuple(extents[label] for label in kinds.result))
    return add_reshape(builder, _ordered(builder, result, kinds.result, equation.result), shape)


def _ordered(builder: Builder, value: Value, labels: str, wanted: str) -> Value:
    return add_permute(builder, value, [labels.index(label) for label in wanted])


def _ways(equation: Equation) -> Iterator[_Way]:
    """Both operands first, the second one held either way; rows and columns in the order of their operand or of the
    result, and what is added up in the order of either operand."""
    for swapped, transposed, rows_given, columns_given, by_second in product((False, True), repeat=5):
        of_rows, of_columns = (equation.second, equation.first) if swapped else (equation.first, equation.second)
        both, result = set(of_rows) & set(of_columns), set(equation.result)
        kinds = _Kinds(
            _only(equation.result, both),
            _only(of_rows if rows_given else equation.result, result - set(of_columns)),
            _only(of_columns if columns_given else equation.result, result - set(of_rows)),
            _only(of_columns if by_second else of_rows, both - result),
        )
        yield _Way(swapped, transposed, kinds)


def _only(labels: str, kept: Set[str]) -> str:
    return "".join(label for label in labels if label in kept)


def _moved(way: _Way, equation: Equation, extents: Mapping[str, int]) -> tuple[int, int, bool]:
    """How many elements change places, how many of them one by one and not with all that is along the last axis; of
    two equal ways, the operands as they were given."""
    first, second = (equation.second, equation.first) if way.swapped else (equation.first, equation.second)
    kinds = way.kinds
    pairs = [(first, kinds.first), (second, kinds.second(way.transposed)), (kinds.result, equation.result)]
    moved = [(prod(extents[label] for label in have), have[-1] != to[-1]) for have, to in pairs if have != to]
    return sum(size for size, _ in moved), sum(size for size, alone in moved if alone), way.swapped


# -- a tensor and a constant ---------------------------------------------------------------------------


def contract_with_constant(
    builder: Builder,
    equation: Equation,
    value: Value,
    weight: Floats,
    bias: Floats,
    constant: _Constants = Constant.of,
) -> Value:
    """Add what computes ``equation`` of a computed tensor and a constant one, plus ``bias`` (that broadcasts).

    Labels of both and of the result number Dense layers, each of which computes its part. ``constant`` makes constants
    of numbers.
    """
    extents = check_equation(builder.where, equation, [value.shape, weight.shape])
    of_value, of_weight, result = equation
    shape = tuple(extents[label] for label in result)
    offset = np.broadcast_to(bias, shape)
    if set(of_value) == set(result):
        factor = _spread(weight, of_weight, result, extents)
        line = _ordered(builder, value, of_value, result)
        return _add_line(builder, line, constant(factor.reshape(-1)), constant(offset.reshape(-1)), shape)
    kinds = _Kinds(
        "".join(label for label in result if label in of_value and label in of_weight),
        "".join(label for label in result if label not in of_weight),
        "".join(label for label in result if label not in of_value),
        "".join(label for label in of_value if label not in result),
    )
    matrices, rows, columns, depth = (prod(extents[label] for label in group) for group in kinds.groups)
    weights = _spread(weight, of_weight, kinds.second(transposed=False), extents).reshape(matrices, depth, columns)
    biases = offset.transpose([result.index(label) for label in kinds.result]).reshape(matrices, rows, columns)
    x = add_reshape(builder, _ordered(builder, value, of_value, kinds.first), (matrices, rows, depth))
    y = add_reshape(
        builder, _denses(builder, x, weights, biases, constant), tuple(extents[label] for label in kinds.result)
    )
    return add_reshape(builder, _ordered(builder, y, kinds.result, result), shape)


def _add_line(builder: Builder, value: Value, factor: Constant, offset: Constant, shape: Shape) -> Value:
    """``value * factor + offset``, element by element."""
    line = add_reshape(builder, value, factor.shape)
    line = builder.add(Scale(factor, offset), [line], "line")
    return add_reshape(builder, line, shape)


def _spread(weight: Floats, labels: str, wanted: str, extents: Mapping[str, int]) -> Floats:
    """A constant with the labels ``wanted``: added up over those that are not, repeated along those that it lacks."""
    alone = tuple(place for place, label in enumerate(labels) if label not in wanted)
    kept = [label for label in labels if label in wanted]
    summed = weight.sum(axis=alone).transpose([kept.index(label) for label in wanted if label in kept])
    shape = [extents[label] if label in kept else 1 for label in wanted]
    return np.broadcast_to(summed.reshape(shape), [extents[label] for label in wanted])


def _denses(builder: Builder, value: Value, weights: Floats, offset: Floats, constant: _Constants) -> Value:
    """Of ``value`` (parts, rows, depth), every part times its matrix of ``weights`` (parts, depth, columns).

    ``offset`` (parts, rows, columns) is a bias where it is the same in all rows, else added behind.
    """
    if len(weights) > MAX_PARTS:
        raise UnsupportedError(f"{builder.where}: {len(weights)} matrices, more than the {MAX_PARTS} supported")
    by_row = bool((offset != offset[:, :1]).any())
    results = [
        builder.add(Dense(constant(w), no_bias(w.shape[1]) if by_row else constant(b[0])), [part], "product")
        for part, w, b in zip(_parts_of(builder, value), weights, offset, strict=True)
    ]
    result = results[0]
    for other in results[1:]:
        result = builder.add(Concatenate(0), [result, other], "joined")
    if not by_row:
        return result
    ones = Constant.exactly(np.ones(offset.size, dtype=np.int64), FixedType(1, 1, False), given=False)
    return _add_line(builder, result, ones, constant(offset.reshape(-1)), offset.shape)


def _parts_of(builder: Builder, value: Value) -> Iterator[Value]:
    """Every element along the first axis, each with that axis."""
    while value.shape[0] > 1:
        part, value = builder.add_several(Split(0, 1), [value], "part")
        yield part
    yield value
