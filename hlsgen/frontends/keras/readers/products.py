"""Sums of products over axes of two tensors, or of one and a constant: Dot, matmul, einsum and EinsumDense."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from string import ascii_letters

import numpy as np

from hlsgen.errors import UnsupportedError, brief
from hlsgen.frontends.contraction import Equation, contract, contract_with_constant
from hlsgen.frontends.keras.call import Call, operation, reads
from hlsgen.frontends.keras.options import AXIS, SWITCH, TEXT, maybe, several
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.dense import Dense
from hlsgen.layers.merge import Merge

# -- axes by number ------------------------------------------------------------------------------------


@reads("Dot")
def read_dot(call: Call) -> Value:
    """One axis of each tensor is added up over; what is left of the first stands before what is left of the second."""
    axes = call.take("axes", several(AXIS))
    call.expect("normalize", False)
    if len(call.inputs) != 2 or len(axes) > 2:
        raise UnsupportedError(f"{call.where}: product of {len(call.inputs)} tensors over axes {axes}; expected two")
    first, second = call.inputs
    a, b = (_place(call, axis, value) for axis, value in zip((axes[0], axes[-1]), call.inputs, strict=True))
    if len(first.shape) == len(second.shape) == 1:
        return _dot_of_vectors(call)
    of_first = ascii_letters[: len(first.shape)]
    of_second = ascii_letters[len(first.shape) :][: len(second.shape)]
    rest = of_first.replace(of_first[a], "") + of_second.replace(of_second[b], "")
    return contract(call, Equation(of_first, of_second.replace(of_second[b], of_first[a]), rest), first, second)


def _place(call: Call, axis: int, value: Value) -> int:
    """Which axis is meant (the samples are axis 0), without that of the samples."""
    rank = len(value.shape)
    place = axis - 1 if axis > 0 else axis + rank
    if axis == 0 or not 0 <= place < rank:
        raise UnsupportedError(f"{call.where}: axis {axis} is that of the batch, or outside of {rank} axes")
    return place


def _dot_of_vectors(call: Call) -> Value:
    if call.inputs[0].shape != call.inputs[1].shape:
        shapes = [value.shape for value in call.inputs]
        raise UnsupportedError(f"{call.where}: product of vectors of shapes {shapes}; expected two of one length")
    ones = np.ones((call.inputs[0].size, 1), dtype=np.int64)
    products = call.add(Merge("multiply"), call.inputs, "products")
    return call.add(Dense(Constant.exactly(ones, FixedType(1, 1, False), given=False), no_bias(1)), [products])


@operation("Matmul", "linalg.matmul")
def read_matmul(call: Call) -> Value:
    """The last two axes are those of matrices, which all others number: equal in both tensors, or one of them is 1."""
    call.ignore("function")
    turned = [call.take(key, SWITCH, False) for key in ("transpose_a", "transpose_b")]
    shapes = [value.shape for value in call.inputs]
    if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]) or len(shapes[0]) < 2:
        raise UnsupportedError(
            f"{call.where}: product of tensors of shapes {shapes}; expected two of as many axes, the matrices of each "
            "sample: Reshape vectors to matrices of one row or column"
        )
    numbers = ascii_letters[: len(shapes[0]) - 2]
    labels = [numbers + ("rd", "dc")[side][:: -1 if turned[side] else 1].upper() for side in range(2)]
    values, kept = [], []
    for value, axes, other in zip(call.inputs, labels, reversed(shapes), strict=True):
        missing = {label for place, label in enumerate(numbers) if value.shape[place] == 1 != other[place]}
        kept.append("".join(label for label in axes if label not in missing))
        extents = (extent for extent, label in zip(value.shape, axes, strict=True) if label not in missing)
        values.append(add_reshape(call, value, tuple(extents)))
    return contract(call, Equation(kept[0], kept[1], f"{numbers}RC"), *values)


# -- equations -----------------------------------------------------------------------------------------


@operation("Einsum")
def read_einsum(call: Call) -> Value:
    equation = call.take("subscripts", TEXT)
    if len(call.inputs) != 2:
        raise UnsupportedError(f"{call.where}: '{equation}' of {len(call.inputs)} computed tensors; expected two")
    ranks = [len(value.shape) + 1 for value in call.inputs]
    first, second, result = _labels(call, equation, ranks)
    if not first[:1] == second[:1] == result[:1]:
        raise UnsupportedError(
            f"{call.where}: '{equation}' mixes samples; expected the first axis of each tensor, and of the result, "
            "to be that of the samples"
        )
    return contract(call, Equation(first[1:], second[1:], result[1:]), *call.inputs)


@reads("EinsumDense")
def read_einsum_dense(call: Call) -> Value:
    equation, bias_axes = call.take("equation", TEXT), call.take("bias_axes", maybe(TEXT), None)
    call.ignore("output_shape")  # its extents are those of the weights and the input
    call.expect("lora_rank", None)
    kernel = call.weight("kernel")
    first, second, result = _labels(call, equation, [len(call.input.shape) + 1, kernel.ndim])
    if first[:1] != result[:1] or first[:1] in second:
        raise UnsupportedError(
            f"{call.where}: '{equation}' mixes samples; expected the first axis of the tensor, and of the result, "
            "to be that of the samples"
        )
    extents = dict(zip(first[1:] + second, (*call.input.shape, *kernel.shape), strict=True))
    bias = call.weight("bias", _bias_shape(result, bias_axes, extents)) if bias_axes else np.zeros(())
    equation_of_axes = Equation(first[1:], second, result[1:])
    value = contract_with_constant(call, equation_of_axes, call.input, kernel, bias, partial(call.made, "kernel"))
    return call.activate(value)


def _bias_shape(result: str, axes: str, extents: Mapping[str, int]) -> tuple[int, ...]:
    """From the first of its axes on, 1 along the others. Raises ValueError for an axis that is none of the result."""
    start = min(result.index(label) for label in axes)
    return tuple(extents[label] if label in axes else 1 for label in result[start:])


def _labels(call: Call, equation: str, ranks: list[int]) -> tuple[str, str, str]:
    """The labels of both operands and of the result, a letter an axis, of ``...`` too. Raises UnsupportedError."""
    text = "".join(equation.split())
    operands, arrow, result = text.partition("->")
    first, comma, second = operands.partition(",")
    parts = (first, second, result)
    letters = [part.replace("...", "", 1) for part in parts]
    if not arrow or not comma or not all(part.isalpha() and part.isascii() for part in letters if part):
        raise UnsupportedError(
            f"{call.where}: equation {brief(equation)} is not supported; expected one as 'abc,cd->abd', of two tensors"
        )
    free = [letter for letter in ascii_letters if letter not in text]
    counts = [rank - len(part) for rank, part in zip(ranks, letters, strict=False)]
    hidden = max(count for count, part in zip(counts, parts, strict=False) if "..." in part) if "..." in operands else 0
    for count, part, rank in zip(counts, parts, ranks, strict=False):
        if count != ("..." in part) * hidden or hidden > len(free) or hidden < 0:
            raise UnsupportedError(
                f"{call.where}: '{part}' of equation '{equation}' does not fit a tensor of {rank} axes"
            )
    first, second, result = (part.replace("...", "".join(free[:hidden])) for part in parts)
    return first, second, result
