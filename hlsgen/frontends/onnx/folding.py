"""What is computed from constants alone: by ONNX's reference implementation, operator by operator.

Only operators that are listed here, whose results are bounded before they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.limits import MAX_WEIGHT
from hlsgen.frontends.onnx.layout import SAMPLES

if TYPE_CHECKING:
    import onnx_ir
    from onnx import ModelProto, NodeProto

Array = NDArray[Any]
_SMALLER = frozenset(
    "Identity Cast Concat Slice Squeeze Unsqueeze Reshape Flatten Transpose Neg Abs Floor Ceil Sqrt Exp Log Reciprocal "
    "Sign Not ReduceProd ReduceSum ReduceMax ReduceMin ReduceMean Shape Size Split ConstantOfShape Range Constant "
    "Round Erf Tanh Sigmoid Relu Clip ArgMax ArgMin CumSum Trilu".split()
)
"""Whose results have no more elements than all that they read, or as many as the shape that is checked says."""
_BROADCAST = frozenset(
    "Add Sub Mul Div Pow Mod Min Max Where Equal Greater Less GreaterOrEqual LessOrEqual And Or Mean Sum".split()
)


def folded(node: onnx_ir.Node, opset: int, inputs: Sequence[Array | None], where: str) -> list[Array]:
    """The results of a node of constants. Raises UnsupportedError for an operator that is not listed."""
    import onnx_ir
    from onnx.reference import ReferenceEvaluator

    inputs = _without_samples(node.op_type, inputs)
    size = _bound(node.op_type, inputs)
    if size is None:
        raise UnsupportedError(
            f"{where}: it computes from constants alone, and {node.op_type} is not done so; simplify the model "
            "(onnxslim, onnx-simplifier), or export it with constants folded"
        )
    if size > MAX_WEIGHT:
        raise ModelError(f"{where}: a constant of {size} numbers, more than the {MAX_WEIGHT} supported")
    names = [f"in{place}" if array is not None else "" for place, array in enumerate(inputs)]
    given = {name: array for name, array in zip(names, inputs, strict=True) if array is not None}
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(_alone(onnx_ir.to_proto(node), names, opset)).run(None, given)
    except Exception as error:  # it raises what NumPy does
        raise ModelError(f"{where}: its constants do not go together ({error}); the model is damaged") from error
    return [np.asarray(result) for result in results]


def _alone(node: NodeProto, inputs: Sequence[str], opset: int) -> ModelProto:
    """A model of one operator: of its opset, which an operator by itself does not tell."""
    from onnx import ValueInfoProto, helper

    del node.input[:]
    node.input.extend(inputs)
    ends = [[ValueInfoProto(name=name) for name in names if name] for names in (inputs, node.output)]
    return helper.make_model(
        helper.make_graph([node], "constant", *ends), opset_imports=[helper.make_opsetid("", opset)]
    )


def _without_samples(op: str, inputs: Sequence[Array | None]) -> list[Array | None]:
    """Shapes to be filled with one number for all samples have an axis of 1 for these."""
    place = {"ConstantOfShape": 0, "Expand": 1}.get(op)
    given = list(inputs)
    if place is None or len(given) <= place or given[place] is None:
        return given
    shape = np.asarray(given[place])
    given[place] = np.where(shape == SAMPLES.extent, 1, shape)
    return given


def _bound(op: str, inputs: Sequence[Array | None]) -> int | None:
    """At most so many elements in each result; None for what is not folded."""
    arrays = [array for array in inputs if array is not None]
    total = sum(array.size for array in arrays)
    if op in _SPECIAL:
        return _SPECIAL[op](arrays)
    if op in _BROADCAST:
        return _broadcast(arrays)
    return total if op in _SMALLER else None


def _broadcast(arrays: Sequence[Array]) -> int:
    try:
        return prod(np.broadcast_shapes(*(array.shape for array in arrays)))
    except ValueError:
        return 0  # refused where it is computed


def _extents(array: Array) -> int:
    return prod(max(int(extent), 0) for extent in np.asarray(array).reshape(-1))


def _of_range(arrays: Sequence[Array]) -> int:
    start, limit, delta = (float(np.asarray(array).reshape(-1)[0]) for array in arrays)
    return int(max((limit - start) / delta, 0)) + 1 if delta else 0


_SPECIAL: dict[str, Callable[[Sequence[Array]], int]] = {
    "ConstantOfShape": lambda arrays: _extents(arrays[0]),
    "Expand": lambda arrays: arrays[0].size * _extents(arrays[1]),
    "Tile": lambda arrays: arrays[0].size * _extents(arrays[1]),
    "Range": _of_range,
    "Gather": lambda arrays: arrays[0].size * arrays[1].size,
    "MatMul": lambda arrays: arrays[0].size * arrays[1].size,
}
