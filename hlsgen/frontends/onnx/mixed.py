"""Samples that share an axis with another one, as heads of attention do: ``(samples * heads, steps, depth)``.

Reshapes and transpositions may join and part them. Operators that treat every matrix of such a tensor by itself read it
with the axis in its parts; others are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.onnx.call import Operand
from hlsgen.frontends.onnx.layout import SAMPLES, Parts, Tensor

if TYPE_CHECKING:
    import onnx_ir

Found = TypeVar("Found")
_MOVING = frozenset(("Reshape", "Transpose"))
"""Operators whose readers know such axes wherever they are."""
_BY_MATRIX = frozenset(("MatMul", "Softmax", "Mul", "Div"))
"""Operators that count axes from the last one."""


def apart(node: onnx_ir.Node, operands: Sequence[Operand | None], where: str) -> tuple[list[Operand | None], int]:
    """The operands with the samples as an axis of their own, and how many axes the first one became (1 as a rule).

    Raises UnsupportedError for an operator that cannot be read so.
    """
    mixed = [operand for operand in operands if isinstance(operand, Tensor) and operand.is_mixed]
    if not mixed or node.op_type in _MOVING:
        return list(operands), 1
    rank, first = len(mixed[0].axes), mixed[0].axes[0]
    if SAMPLES in first and node.op_type == "Gemm":
        return list(operands), 1  # which parts it itself: it is one of two axes
    if SAMPLES not in first or rank < 3 or not _is_by_matrix(node) or not all(_goes(o, rank, first) for o in operands):
        raise UnsupportedError(
            f"{where}: its input of shape {mixed[0].shape_text} has samples and others in one axis, of which this "
            f"{node.op_type} is not supported; keep the samples as an axis by themselves"
        )
    return [operand.apart() if isinstance(operand, Tensor) else operand for operand in operands], len(first)


def _is_by_matrix(node: onnx_ir.Node) -> bool:
    if node.op_type == "Softmax":  # of which others count from the front, or by the opset
        return "axis" in node.attributes and node.attributes["axis"].as_int() == -1
    return node.op_type in _BY_MATRIX


def _goes(operand: Operand | None, rank: int, first: Parts) -> bool:
    """Whether an operand has the same first axis, or is a constant that does not reach it."""
    if not isinstance(operand, Tensor):
        return operand is None or operand.ndim < rank
    extents = [[part.extent for part in axis] for axis in (operand.axes[0], first)]
    return len(operand.axes) == rank and extents[0] == extents[1]


def together(result: Found, count: int) -> Found | Tensor:
    """A result with its first ``count`` axes as one again."""
    return result.joined(count) if isinstance(result, Tensor) and count > 1 else result
