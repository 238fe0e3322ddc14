"""Matrix products: Gemm, MatMul, Einsum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.contraction import Equation, contract, contract_with_constant
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.grids import Weights
from hlsgen.frontends.onnx.layout import Part, Parts, Tensor
from hlsgen.frontends.onnx.readers.arithmetic import repeated
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Floats
from hlsgen.layers.dense import Dense

_LABELS = "abcdefghijklmnopqrstuvwxyz"


@reads("Gemm")
def read_gemm(call: Call) -> Tensor:
    """``alpha * x W + beta * c``."""
    x = call.tensor(0)
    call.expect("transA", 0)
    factor, share = call.real("alpha", 1.0), call.real("beta", 1.0)
    weight = call.weights(1, rank=2).times(factor)
    if call.integer("transB", 0):
        weight = weight.moved(np.transpose)
    if len(x.axes) != 2:
        raise ModelError(f"{call.where}: its input has shape {x.shape_text}, expected two axes")
    count = len(x.axes[0]) if x.is_mixed else 1
    if count > 1:
        x = x.apart()
    else:
        call.samples_in_front(x)
    outputs = weight.shape[1]
    if not call.has(2):
        bias = call.absorbed_bias(outputs, 2, 1)
    else:
        given = call.weights(2).times(share)
        if given.values.size not in (1, outputs) or given.shape[-1:] not in ((), (1,), (outputs,)):
            raise UnsupportedError(f"{call.where}: its summand has shape {given.shape}, expected ({outputs},)")
        bias = given.moved(lambda array: np.broadcast_to(array.reshape(-1), (outputs,)).copy())
    found = add_dense(call, x, weight, bias)
    return found.joined(count) if count > 1 else found


def add_dense(call: Call, x: Tensor, weight: Weights, bias: Weights | None) -> Tensor:
    """The last axis times a matrix (n_in, n_out), at every place of the others, as it is held."""
    n_in, n_out = weight.shape
    if x.shape[-1] != n_in:
        raise ModelError(f"{call.where}: weights of shape {weight.shape} for an input of shape {x.shape_text}")
    parts = x.axes[-1]
    leading, held = _last(x, parts)
    if held is None:
        rank = len(x.axes)
        order = [axis for axis in x.natural_order() if axis != rank - 1]
        value = x.in_order(call, [*order, rank - 1])
        leading = tuple(part for axis in order for part in x.axes[axis])
        shape, held = value.shape[:-1], parts
    else:
        shape = x.value.shape[:-1] if x.value.shape[-1] == n_in else tuple(part.extent for part in leading)
        value = add_reshape(call, x.value, (*shape, n_in))
    rows = weight.moved(lambda matrix: x.rows_as_held(matrix, len(x.axes) - 1, held))
    result = call.add_linear(Dense, rows, bias, n_out, value)
    column = (Part(n_out),) if n_out > 1 else ()
    return Tensor(result, (*x.axes[:-1], column), (*leading, *column))


def _last(x: Tensor, parts: Parts) -> tuple[Parts, Parts | None]:
    """What is held in front of the parts of an axis, and these as they are held, if that is behind all others."""
    count = len(x.held) - len(parts)
    leading, held = x.held[:count], x.held[count:]
    return leading, held if set(held) == set(parts) else None


@reads("MatMul")
def read_matmul(call: Call) -> Tensor:
    first, second = call.operand(0), call.operand(1)
    if isinstance(first, Tensor) and not isinstance(second, Tensor):
        return by_matrix(call, first, call.weights(1), call.absorbed_bias)
    if isinstance(second, Tensor) and not isinstance(first, Tensor):
        return _constant_first(call, call.weight(0), second)
    return product(call, call.tensor(0), call.tensor(1))


def by_matrix(
    call: Call, first: Tensor, weight: Weights, bias_of: Callable[[int, int, int], Weights | None] | None = None
) -> Tensor:
    """A tensor times a constant matrix or vector, plus what ``bias_of`` says as :attr:`Call.absorbed_bias` does."""
    while len(weight.shape) > 2 and weight.shape[0] == 1:
        weight = weight.moved(lambda array: array[0])
    if len(weight.shape) == 1 and first.samples < len(first.axes) - 1:
        column = add_dense(call, first, weight.moved(lambda array: array[:, None]), None)
        return Tensor(column.value, column.axes[:-1], column.held)
    if len(weight.shape) != 2 or len(first.axes) < 2 or first.samples == len(first.axes) - 1:
        raise UnsupportedError(
            f"{call.where}: a product of a tensor of shape {first.shape_text} and a constant of shape "
            f"{weight.shape} is not supported; expected a matrix as the second, and the samples in front"
        )
    rank = len(first.axes)
    bias = None if bias_of is None else bias_of(weight.shape[1], rank, rank - 1)
    return add_dense(call, first, weight, bias)


def _constant_first(call: Call, weight: Floats, x: Tensor) -> Tensor:
    """A matrix (rows, depth) times the last but one axis."""
    rank = len(x.axes)
    if weight.ndim != 2 or rank < 3 or x.samples >= rank - 2:
        raise UnsupportedError(
            f"{call.where}: a product of a constant of shape {weight.shape} and a tensor of shape {x.shape_text} is "
            "not supported; expected a matrix, and three axes with the samples in front"
        )
    order = [axis for axis in range(rank) if axis != x.samples]
    labels = {axis: _LABELS[axis] for axis in range(rank)} | {-1: "z"}
    of_x = "".join(labels[axis] for axis in order)
    result = of_x.replace(labels[rank - 2], "z")
    equation = Equation(of_x, f"z{labels[rank - 2]}", result)
    value = contract_with_constant(call, equation, x.in_order(call, order), weight, np.zeros(()))
    return Tensor.of(value, order, x.samples)


def product(call: Call, a: Tensor, b: Tensor) -> Tensor:
    """A product of two computed tensors; the axes in front of the matrices are the same, or 1."""
    rank = len(a.axes)
    if len(b.axes) != rank or rank < 3 or a.samples != b.samples or a.samples >= rank - 2:
        raise UnsupportedError(
            f"{call.where}: a product of tensors of shape {a.shape_text} and {b.shape_text} is not supported; expected "
            "as many axes of both, and the samples in front of the last two"
        )
    order = [axis for axis in range(rank) if axis != a.samples]
    outer = [axis for axis in order if axis < rank - 2]
    common = tuple(max(a.shape[axis], b.shape[axis]) if axis in outer else 1 for axis in range(rank))
    a, b = repeated(call, a, common), repeated(call, b, common)
    if any(a.shape[axis] != b.shape[axis] for axis in outer):
        raise UnsupportedError(f"{call.where}: matrices of shapes {a.shape_text} and {b.shape_text} do not go together")
    front = "".join(_LABELS[axis] for axis in outer)
    equation = Equation(f"{front}xy", f"{front}yz", f"{front}xz")
    value = contract(call, equation, a.in_order(call, order), b.in_order(call, order))
    return Tensor.of(value, order, a.samples)


@reads("Einsum")
def read_einsum(call: Call) -> Tensor:
    """A sum of products of two tensors, or of a tensor and a constant."""
    equation = call.take("equation", "")
    text = (equation.decode("ascii", "replace") if isinstance(equation, bytes) else str(equation)).replace(" ", "")
    operands, arrow, result = text.partition("->")
    names = operands.split(",")
    if not arrow or len(names) != 2 or "." in text or len(call.operands) != 2:
        raise UnsupportedError(
            f"{call.where}: equation '{text}' is not supported; expected two operands and a result, without an ellipsis"
        )
    first, second = call.operand(0), call.operand(1)
    if not isinstance(first, Tensor):
        if not isinstance(second, Tensor):
            raise ModelError(f"{call.where}: it reads no computed tensor")
        first, second, names = second, call.weight(0), names[::-1]
    samples = names[0][first.samples : first.samples + 1]
    where_of_second = names[1][second.samples : second.samples + 1] if isinstance(second, Tensor) else samples
    in_constant = not isinstance(second, Tensor) and samples in names[1]
    if not samples or where_of_second != samples or in_constant or result.count(samples) != 1:
        raise UnsupportedError(
            f"{call.where}: equation '{text}' computes across samples; their label has to be that of every computed "
            "tensor and in the result"
        )
    equation_without = Equation(*(labels.replace(samples, "") for labels in (*names, result)))
    value = first.in_order(call, [axis for axis in range(len(first.axes)) if axis != first.samples])
    if isinstance(second, Tensor):
        other = second.in_order(call, [axis for axis in range(len(second.axes)) if axis != second.samples])
        result_value = contract(call, equation_without, value, other)
    else:
        weight = call.weight(1) if isinstance(call.operand(0), Tensor) else np.asarray(second, dtype=np.float64)
        result_value = contract_with_constant(call, equation_without, value, weight, np.zeros(()))
    place = result.index(samples)
    return Tensor.of(result_value, [axis for axis in range(len(result)) if axis != place], place)
