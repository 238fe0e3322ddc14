"""Operators that together are one layer: a normalisation in pieces, as exporters wrote it before ONNX had it.

    m = ReduceMean(x);  d = Sub(x, m);  v = ReduceMean(Pow(d, 2));  y = Div(d, Sqrt(Add(v, epsilon)))

Neither a root nor a quotient of tensors is a layer; all of it is one, if nobody else reads what is in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.ir.constant import Floats

if TYPE_CHECKING:
    import onnx_ir


@dataclass(frozen=True, eq=False)
class Deviation:
    """``value`` without its mean over ``axes``, by its deviation."""

    value: onnx_ir.Value
    axes: tuple[int, ...]
    epsilon: float
    inner: tuple[onnx_ir.Node, ...]
    """The operators in front of the last one."""


def deviations(graph: onnx_ir.Graph) -> dict[onnx_ir.Node, Deviation]:
    """The normalisations of a graph, by their last operators."""
    found = {node: _deviation(node) for node in graph if node.op_type == "Div"}
    return {node: pattern for node, pattern in found.items() if pattern is not None}


def _deviation(last: onnx_ir.Node) -> Deviation | None:
    """What a Div belongs to; None where it is another one."""
    difference, root = _made_by(last.inputs[0], "Sub"), _made_by(last.inputs[1], "Sqrt")
    total = None if root is None else _made_by(root.inputs[0], "Add")
    if difference is None or root is None or total is None:
        return None
    epsilon, variance = _sum(total)
    squares = None if variance is None else _squares(variance.inputs[0], difference)
    mean = _made_by(difference.inputs[1], "ReduceMean")
    if epsilon is None or variance is None or squares is None or mean is None:
        return None
    axes = _axes(mean)
    inner = (mean, difference, squares, variance, total, root)
    if mean.inputs[0] is not difference.inputs[0] or axes is None or axes != _axes(variance):
        return None
    if any(not _only_inside(node, {*inner, last}) for node in inner):
        return None
    assert mean.inputs[0] is not None
    return Deviation(mean.inputs[0], axes, epsilon, inner)


def _sum(total: onnx_ir.Node) -> tuple[float | None, onnx_ir.Node | None]:
    """The constant of a sum, and the mean that it is added to."""
    for first, second in (total.inputs, total.inputs[::-1]):
        constant = _constant(second)
        if constant is not None and constant.size == 1 and constant.reshape(-1)[0] >= 0:
            return float(constant.reshape(-1)[0]), _made_by(first, "ReduceMean")
    return None, None


def _squares(value: onnx_ir.Value | None, difference: onnx_ir.Node) -> onnx_ir.Node | None:
    """The operator that squares a difference: a power of 2, or a product with itself."""
    node = None if value is None else value.producer()
    if node is None or node.op_type not in ("Pow", "Mul") or node.inputs[0] is not difference.outputs[0]:
        return None
    if node.op_type == "Mul":
        return node if node.inputs[1] is difference.outputs[0] else None
    exponent = _constant(node.inputs[1])
    return node if exponent is not None and exponent.size == 1 and exponent.reshape(-1)[0] == 2 else None


def _axes(mean: onnx_ir.Node) -> tuple[int, ...] | None:
    """The axes that a mean keeps as axes of 1; None where it does otherwise."""
    attributes = mean.attributes
    if "keepdims" in attributes and attributes["keepdims"].as_int() != 1:
        return None
    if "axes" in attributes:
        return tuple(attributes["axes"].as_ints())
    given = _constant(mean.inputs[1]) if len(mean.inputs) > 1 else None
    return None if given is None or not given.size else tuple(int(axis) for axis in given.reshape(-1))


def _made_by(value: onnx_ir.Value | None, operator: str) -> onnx_ir.Node | None:
    node = None if value is None else value.producer()
    return node if node is not None and node.op_type == operator else None


def _constant(value: onnx_ir.Value | None) -> Floats | None:
    return None if value is None or value.const_value is None else np.asarray(value.const_value.numpy())


def _only_inside(node: onnx_ir.Node, others: set[onnx_ir.Node]) -> bool:
    return all(user in others for user in _users(node)) and not node.outputs[0].is_graph_output()


def _users(node: onnx_ir.Node) -> Iterator[onnx_ir.Node]:
    return (use.node for output in node.outputs for use in output.uses())
