"""Sums, products and extremes, element by element, of tensors and of constants."""

from __future__ import annotations

from functools import partial
from math import prod

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.functions import MAX_POWER, add_line, add_power, add_relu
from hlsgen.frontends.limits import MAX_TENSOR
from hlsgen.frontends.merging import merge_chain
from hlsgen.frontends.moving import add_take
from hlsgen.frontends.onnx.call import Call, Operand, reads
from hlsgen.frontends.onnx.layout import SAMPLES, Tensor
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.graph import Value
from hlsgen.layers.merge import Merge
from hlsgen.layers.scale import Scale

_REPEATED_BY_MERGES = 3
"""Axes of tensors whose axes of 1 a merge repeats."""
_LARGEST = 1e9
"""Of a constant."""


# -- a tensor and a constant ---------------------------------------------------------------------


def add_affine(call: Call, tensor: Tensor, factor: Floats | float, shift: Floats | float, step: str = "line") -> Tensor:
    """``x * factor + shift``, constants that broadcast: by channels as they are held, else by elements."""
    factors, shifts = (tensor.as_held(np.asarray(c, dtype=np.float64)) for c in (factor, shift))
    rows = [array.reshape(-1, array.shape[-1]) for array in (factors, shifts)]
    if all((row == row[0]).all() for row in rows):
        layer = Scale(Constant.of(rows[0][0].copy()), Constant.of(rows[1][0].copy()))
        return tensor.with_value(call.add(layer, [tensor.value], step))
    line = add_reshape(call, tensor.value, (tensor.value.size,))
    layer = Scale(Constant.of(factors.reshape(-1).copy()), Constant.of(shifts.reshape(-1).copy()))
    line = call.add(layer, [line], step)
    return tensor.with_value(add_reshape(call, line, tensor.value.shape))


def with_constant(call: Call, op: str, tensor: Tensor, constant: Floats, first: bool) -> Tensor:
    """``tensor op constant``; ``first``: the other way round."""
    tensor = repeated(call, tensor, constant.shape)
    match op:
        case "add":
            return add_affine(call, tensor, 1.0, constant)
        case "subtract":
            return add_affine(call, tensor, -1.0, constant) if first else add_affine(call, tensor, 1.0, -constant)
        case "multiply":
            return add_affine(call, tensor, constant, 0.0)
        case "maximum":
            above = _rectified(call, add_affine(call, tensor, 1.0, -constant, "up"))
            return add_affine(call, above, 1.0, constant, "down")
        case "minimum":
            below = _rectified(call, add_affine(call, tensor, -1.0, constant, "turned"))
            return add_affine(call, below, -1.0, constant, "back")
    if first or not constant.all():
        raise UnsupportedError(
            f"{call.where}: dividing {'a constant by a tensor' if first else 'by 0'} is not supported; multiply by a "
            "constant"
        )
    return add_affine(call, tensor, 1.0 / constant, 0.0)


def _rectified(call: Call, tensor: Tensor) -> Tensor:
    return tensor.with_value(add_relu(call, tensor.value))


def repeated(call: Call, tensor: Tensor, shape: Shape) -> Tensor:
    """The tensor with its axes of 1 as long as ``shape``, which broadcasts against it, says."""
    rank = len(tensor.axes)
    if len(shape) > rank:
        if any(extent != 1 for extent in shape[: len(shape) - rank]):
            raise UnsupportedError(
                f"{call.where}: a tensor of shape {tensor.shape_text} and a constant of shape {shape} give one of more "
                "axes in front of the samples; leave those out"
            )
        shape = shape[len(shape) - rank :]
    wanted = dict(enumerate(shape, rank - len(shape)))
    if wanted.get(tensor.samples, 1) not in (1, SAMPLES.extent):
        raise UnsupportedError(
            f"{call.where}: a constant of shape {shape} has a number for each of {wanted[tensor.samples]} samples; "
            "every sample is computed alike"
        )
    needed = (max(tensor.shape[axis], extent) for axis, extent in wanted.items() if axis != tensor.samples)
    call.bound(prod(needed), MAX_TENSOR, "its result")
    longer = [axis for axis, extent in wanted.items() if axis != tensor.samples and extent > tensor.shape[axis] == 1]
    if not longer:
        return tensor
    value, order = tensor.by_axes(call)
    for axis in longer:
        value = add_take(call, value, order.index(axis), [0] * wanted[axis])
    return Tensor.of(value, order, tensor.samples)


# -- two tensors ---------------------------------------------------------------------------------


def merged(call: Call, op: str, a: Tensor, b: Tensor) -> Tensor:
    """``a op b`` of two computed tensors, axes of 1 repeated."""
    if _alike(a, b):
        return a.with_value(call.add(Merge(op), [a.value, b.value], op))
    rank = max(len(a.axes), len(b.axes))
    if rank - len(a.axes) + a.samples != rank - len(b.axes) + b.samples:
        raise UnsupportedError(
            f"{call.where}: tensors of shapes {a.shape_text} and {b.shape_text} have their samples in other places, "
            "seen from the last axis; Reshape one of them"
        )
    a, b = (_lifted(tensor, rank) for tensor in (a, b))
    order = (b if b.value.size > a.value.size else a).natural_order()
    values = [a.in_order(call, order), b.in_order(call, order)]
    if len(order) > _REPEATED_BY_MERGES:
        common = tuple(max(x, y) for x, y in zip(values[0].shape, values[1].shape, strict=True))
        values = [_spread(call, value, common) for value in values]
    call.inputs = values
    return Tensor.of(merge_chain(call, op), order, a.samples)


def _spread(call: Call, value: Value, shape: Shape) -> Value:
    """The value with its axes of 1 as long as those of a shape; others stay what they are."""
    call.bound(prod(shape), MAX_TENSOR, "its result")
    for axis, extent in enumerate(shape):
        if value.shape[axis] == 1 and extent > 1:
            value = add_take(call, value, axis, [0] * extent)
    return value


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether both have the same axes, held in the same order."""
    if a.shape != b.shape or a.value.shape != b.value.shape or len(a.held) != len(b.held):
        return False
    same = dict(zip(a.held, b.held, strict=True)) | {SAMPLES: SAMPLES}
    extents = all(x.extent == y.extent for x, y in same.items())
    return extents and all(
        [same[part] for part in mine] == list(theirs) for mine, theirs in zip(a.axes, b.axes, strict=True)
    )


def _lifted(tensor: Tensor, rank: int) -> Tensor:
    """The tensor with axes of 1 in front of the samples."""
    return Tensor(tensor.value, (*((),) * (rank - len(tensor.axes)), *tensor.axes), tensor.held)


def combined(call: Call, op: str, first: Operand, second: Operand) -> Tensor:
    """``first op second``, of which one at least is computed."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if op == "divide":
            raise UnsupportedError(f"{call.where}: a quotient of two tensors is not supported; divide by a constant")
        return merged(call, op, first, second)
    if isinstance(first, Tensor):
        return with_constant(call, op, first, _real(call, second), first=False)
    assert isinstance(second, Tensor)
    return with_constant(call, op, second, _real(call, first), first=True)


def _real(call: Call, constant: Operand) -> Floats:
    array = np.asarray(constant, dtype=np.float64)
    if not np.isfinite(array).all():
        raise UnsupportedError(f"{call.where}: its constant holds NaN or infinity; expected finite numbers")
    if np.abs(array).max(initial=0) >= _LARGEST:
        raise UnsupportedError(
            f"{call.where}: its constant holds {array.flat[np.abs(array).argmax()]:g}, which leaves fixed point no "
            "bits for other numbers; as a mask it has to stand right in front of a Softmax, zero where elements count"
        )
    return array


def _read_two(op: str, call: Call) -> Tensor:
    return combined(call, op, call.operand(0), call.operand(1))


for _name, _op in (("Add", "add"), ("Sub", "subtract"), ("Mul", "multiply"), ("Div", "divide")):
    reads(_name)(partial(_read_two, _op))


def _read_several(op: str, call: Call) -> Tensor:
    """From left to right; a single one is itself."""
    computed = [operand for operand in call.operands if isinstance(operand, Tensor)]
    constants = [operand for operand in call.operands if not isinstance(operand, Tensor)]
    result: Tensor = computed[0]
    others: list[Operand] = [*computed[1:], *constants]
    for other in others:
        result = combined(call, op, result, other)
    return result


for _name, _op in (("Sum", "add"), ("Max", "maximum"), ("Min", "minimum")):
    reads(_name)(partial(_read_several, _op))


@reads("Mean")
def read_mean(call: Call) -> Tensor:
    """The sum of all inputs, exact, times 1 / n."""
    total = _read_several("add", call)
    count = len(call.operands)
    return total if count == 1 else total.with_value(add_line(call, total.value, 1.0 / count, 0.0, "mean"))


@reads("Pow")
def read_pow(call: Call) -> Tensor:
    """``x ** n`` of a whole number."""
    exponent = np.asarray(call.constant(1), dtype=np.float64)
    if exponent.size != 1 or float(exponent.reshape(-1)[0]) not in range(1, MAX_POWER + 1):
        raise UnsupportedError(
            f"{call.where}: supported are powers of a tensor by a whole number from 1 to {MAX_POWER}, found "
            f"{exponent.reshape(-1)[:4].tolist()}"
        )
    number = int(exponent.reshape(-1)[0])
    return call.unary(lambda x: add_power(call, x, number))
