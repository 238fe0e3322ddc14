"""Sums, means, products and extremes over axes, and where the largest are."""

from __future__ import annotations

from functools import partial

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.functions import add_absolute, add_power
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.reductions import add_reduction
from hlsgen.layers.top import TopIndices, TopValues


def _read_reduction(op: str, before: str, call: Call) -> Tensor:
    """``op`` over some axes, or over all; of squares or absolute values, as ``before`` says."""
    tensor = call.tensor()
    keeps, given = bool(call.integer("keepdims", 1)), call.numbers("axes", 1)
    nothing = bool(call.integer("noop_with_empty_axes", 0))
    if not given and nothing:
        raise UnsupportedError(f"{call.where}: no axes with noop_with_empty_axes=1 is not supported; name the axes")
    axes = sorted({tensor.place(axis, call.where) for axis in (given or range(len(tensor.axes)))})
    value, order = tensor.by_axes(call)
    if before == "square":
        value = add_power(call, value, 2)
    elif before == "absolute":
        value = add_absolute(call, value)
    result = add_reduction(call, value, op, sorted(order.index(axis) for axis in axes), keepdims=True)
    reduced = Tensor.of(result, order, tensor.samples)
    return reduced if keeps else _without(reduced, axes)


def _without(tensor: Tensor, axes: list[int]) -> Tensor:
    """The tensor without axes of 1."""
    return Tensor(tensor.value, tuple(a for i, a in enumerate(tensor.axes) if i not in axes), tensor.held)


for _name, _op, _before in (
    ("ReduceSum", "sum", ""),
    ("ReduceMean", "mean", ""),
    ("ReduceMax", "max", ""),
    ("ReduceMin", "min", ""),
    ("ReduceProd", "prod", ""),
    ("ReduceL1", "sum", "absolute"),
    ("ReduceSumSquare", "sum", "square"),
):
    reads(_name)(partial(_read_reduction, _op, _before))


def _read_place(least: bool, call: Call) -> Tensor:
    """The number of the largest (or least) along an axis; of equal ones the first."""
    tensor = call.tensor()
    call.expect("select_last_index", 0)
    axis, keeps = tensor.place(call.integer("axis", 0), call.where), bool(call.integer("keepdims", 1))
    order = [*(a for a in tensor.natural_order() if a != axis), axis]
    found = call.add(TopIndices(1, least), [tensor.in_order(call, order)], "place")
    result = Tensor.of(found, order, tensor.samples)
    return result if keeps else _without(result, [axis])


reads("ArgMax")(partial(_read_place, False))
reads("ArgMin")(partial(_read_place, True))


@reads("TopK")
def read_top_k(call: Call) -> list[Tensor]:
    """The ``k`` largest or least along an axis, in order, and their numbers."""
    tensor = call.tensor()
    call.expect("sorted", 1)
    (count,) = call.numbers("k", 1) or [0]
    least = not call.integer("largest", 1)
    axis = tensor.place(call.integer("axis", -1), call.where)
    if not 1 <= count <= tensor.shape[axis]:
        raise UnsupportedError(f"{call.where}: {count} of {tensor.shape[axis]} elements along axis {axis}")
    order = [*(a for a in tensor.natural_order() if a != axis), axis]
    value = tensor.in_order(call, order)
    found = [
        call.add(layer, [value], step)
        for layer, step in ((TopValues(count, least), "values"), (TopIndices(count, least), "indices"))
    ]
    return [Tensor.of(result, order, tensor.samples) for result in found]
