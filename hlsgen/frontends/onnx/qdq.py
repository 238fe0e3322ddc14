"""QuantizeLinear and DequantizeLinear that belong together: what is between them are whole numbers that nobody sees.

    q = QuantizeLinear(x, scale, zero);  c = Clip(q, low, high);  y = DequantizeLinear(c, scale, zero)

The Clip, by which exporters say fewer bits than a type of ONNX has, may be absent. Together they are one quantiser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.ir.types import FixedType

if TYPE_CHECKING:
    import onnx_ir

_WHOLE = re.compile(r"(u?)int(4|8|16|32)")
_QUANTISED = ("DequantizeLinear", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul")
"""Operators that read words of a quantised model."""


def clip_behind(node: onnx_ir.Node) -> onnx_ir.Node | None:
    """The Clip between a QuantizeLinear and what reads it, if there is one with constant bounds."""
    users = _users(node)
    if len(users) != 1 or users[0].op_type != "Clip" or users[0].inputs[0] is not node.outputs[0]:
        return None
    bounds = [value.const_value for value in users[0].inputs[1:] if value is not None]
    return users[0] if all(bound is not None and bound.size == 1 for bound in bounds) else None


def is_undone(node: onnx_ir.Node) -> bool:
    """Whether all that read a QuantizeLinear, or the Clip behind it, are DequantizeLinear of the same numbers."""
    clip = clip_behind(node)
    between = [node] if clip is None else [node, clip]
    readers = _users(between[-1])
    seen = any(each.outputs[0].is_graph_output() for each in between)
    return bool(readers) and not seen and all(_undoes(reader, node, between[-1]) for reader in readers)


def behind_quantizers(graph: onnx_ir.Graph) -> set[onnx_ir.Node]:
    """The operators that hand on what the QuantizeLinear in front of them makes, if that is no constant."""
    found: set[onnx_ir.Node] = set()
    for node in graph:
        if node.op_type == "QuantizeLinear" and is_undone(node):
            clip = clip_behind(node)
            found |= {*_users(node), *([] if clip is None else _users(clip))}
    return found


def bounds_of(clip: onnx_ir.Node) -> list[int | None]:
    """The bounds of such a Clip, None for one that is absent."""
    found = []
    for place in (1, 2):
        value = clip.inputs[place] if place < len(clip.inputs) else None
        array = None if value is None or value.const_value is None else np.asarray(value.const_value.numpy())
        found.append(None if array is None else int(array.reshape(-1)[0]))
    return found


def word_ends(name: str) -> tuple[int, int] | None:
    """The least and the greatest number of a type, by its name (int8, UINT4); None for other than whole numbers."""
    match = _WHOLE.fullmatch(name.lower())
    if match is None:
        return None
    bits = int(match[2])
    return (0, (1 << bits) - 1) if match[1] else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def type_of_input(value: onnx_ir.Value) -> FixedType | None:
    """The type of an input of the model whose words an operator of a quantised model reads."""
    ends = None if value.dtype is None else word_ends(str(value.dtype.name))
    read = any(use.node.op_type in _QUANTISED for use in value.uses())
    return FixedType.covering(*ends, 0) if ends is not None and read else None


def _undoes(reader: onnx_ir.Node, node: onnx_ir.Node, between: onnx_ir.Node) -> bool:
    if reader.op_type != "DequantizeLinear" or reader.inputs[0] is not between.outputs[0]:
        return False
    return _axis(reader) == _axis(node) and all(_same(node, reader, place) for place in (1, 2))


def _axis(node: onnx_ir.Node) -> int:
    return node.attributes["axis"].as_int() if "axis" in node.attributes else 1


def _same(a: onnx_ir.Node, b: onnx_ir.Node, place: int) -> bool:
    """Whether two operators read the same constant; an absent zero point is 0."""
    found = []
    for node in (a, b):
        value = node.inputs[place] if place < len(node.inputs) else None
        if value is not None and value.const_value is None:
            return False
        found.append(np.zeros(1) if value is None else np.asarray(value.const_value.numpy()).astype(np.float64))
    return np.array_equal(found[0].reshape(-1), found[1].reshape(-1))


def _users(node: onnx_ir.Node) -> list[onnx_ir.Node]:
    return [use.node for output in node.outputs for use in output.uses()]
