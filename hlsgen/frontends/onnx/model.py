"""Models as they are read: checked, functions put in their places, shapes inferred by the libraries of ONNX.

What a file may say and hlsgen does not take is refused here, before anything is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlsgen.errors import ModelError, UnsupportedError, brief
from hlsgen.frontends.limits import MAX_CALLS, MAX_WEIGHT, MAX_WEIGHTS

if TYPE_CHECKING:
    import onnx_ir
    from onnx import FunctionProto, ModelProto, NodeProto, TensorProto

STANDARD = ("", "ai.onnx")
"""Names of the domain of ONNX's own operators."""
OLDEST = 9
"""Of the opsets; operators of earlier ones mean other things by the same words."""
_CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
_FLOATS = ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")
_TAKEN = frozenset("FLOAT INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 BOOL INT4 UINT4".split())
"""Types of tensors; integers are indices and shapes."""
QONNX = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
"""Domains of QONNX's quantisers: its own name, that of older files, and Brevitas'."""
QONNX_OPERATORS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
_QUANTISED = ("qonnx", "onnx.brevitas", "finn")
"""How domains of quantised models begin."""


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A graph of operators of one opset, without functions and control flow; ``where`` is how errors call it."""

    graph: onnx_ir.Graph
    opset: int
    where: str


def checked_model(proto: ModelProto, where: str) -> OnnxModel:
    """The model of a message. Raises ModelError for one that is damaged, UnsupportedError for what is refused."""
    import onnx_ir
    from onnx_ir.passes import common

    opset = _opset(proto, where)
    proto = _without_meanings(_with_opsets(proto))
    _check_nodes(proto, where)
    _check_tensors(proto, where)
    _check_by_library(proto, where)
    try:
        model = onnx_ir.from_proto(proto)
        for step in (
            common.InlinePass(),
            common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
            common.RemoveInitializersFromInputsPass(),
            common.RemoveUnusedNodesPass(),
            common.ShapeInferencePass(check_type=False, strict_mode=False),
        ):
            model = step(model).model
    except Exception as error:  # libraries raise what they like: ValueError, TypeError, errors of protobuf and C++
        raise ModelError(
            f"{where}: ONNX's own libraries cannot read it ({_first_line(error)}); export it again, or have it checked "
            "by onnx.checker.check_model"
        ) from error
    _check_inputs(model.graph, where)
    return OnnxModel(model.graph, opset, where)


# -- operators -----------------------------------------------------------------------------------------


def _opset(proto: ModelProto, where: str) -> int:
    from onnx.defs import onnx_opset_version

    newest = onnx_opset_version()
    found = [entry.version for entry in proto.opset_import if entry.domain in STANDARD]
    if len(found) != 1 or not OLDEST <= found[0] <= newest:
        said = f"opset {found[0]}" if len(found) == 1 else f"{len(found)} opsets of ONNX"
        raise UnsupportedError(
            f"{where}: it has {said}, expected one from {OLDEST} to {newest}; export it with another "
            "(opset_version=), convert it with onnx.version_converter, or install a newer onnx"
        )
    return int(found[0])


def _with_opsets(proto: ModelProto) -> ModelProto:
    """The model with an opset for the domains of quantisers, which older exporters forgot."""
    from onnx import ModelProto

    known = {entry.domain for entry in proto.opset_import}
    used = {node.domain for node in proto.graph.node if node.domain in QONNX}
    if used <= known:
        return proto
    complete = ModelProto()
    complete.CopyFrom(proto)
    for domain in sorted(used - known):
        complete.opset_import.add(domain=domain, version=1)
    return complete


def _without_meanings(proto: ModelProto) -> ModelProto:
    """The model without functions that tell runtimes what quantisers of QONNX are: those are read themselves."""
    from onnx import ModelProto

    told = [f for f in proto.functions if f.domain in QONNX and f.name in QONNX_OPERATORS]
    if not told:
        return proto
    plain = ModelProto()
    plain.CopyFrom(proto)
    del plain.functions[:]
    plain.functions.extend(f for f in proto.functions if f not in told)
    return plain


def _check_nodes(proto: ModelProto, where: str) -> None:
    """Raise for control flow, operators of strangers, and more operators than a design has."""
    functions = {(f.domain, f.name): f for f in proto.functions}
    counts: dict[tuple[str, str], int] = {}
    for function in _innermost_first(functions, where):
        counts[function.domain, function.name] = _count(function.node, counts, where)
    if _count(proto.graph.node, counts, where) > MAX_CALLS:
        raise ModelError(f"{where}: it has more operators than the {MAX_CALLS} supported")


def _innermost_first(functions: dict[tuple[str, str], FunctionProto], where: str) -> Iterator[FunctionProto]:
    """The functions, each behind those that it calls. Raises ModelError for one that calls itself."""
    from graphlib import CycleError, TopologicalSorter

    called = {
        key: {(n.domain, n.op_type) for n in f.node if (n.domain, n.op_type) in functions}
        for key, f in functions.items()
    }
    try:
        order = list(TopologicalSorter(called).static_order())
    except CycleError as error:
        raise ModelError(
            f"{where}: its function {brief(error.args[1][0])} calls itself; the model is damaged"
        ) from error
    return (functions[key] for key in order)


def _count(nodes: list[NodeProto], counts: dict[tuple[str, str], int], where: str) -> int:
    """How many operators there are once functions stand in their places."""
    total = 0
    for node in nodes:
        known = counts.get((node.domain, node.op_type))
        if known is None:
            _check_node(node, where)
        total += 1 if known is None else known
    return total


def _check_node(node: NodeProto, where: str) -> None:
    named = f"{where}: layer {node_name(node.name, node.output)!r} ({node.op_type})"
    inner = [a.name for a in node.attribute if a.HasField("g") or a.graphs]
    if inner or node.op_type in _CONTROL_FLOW:
        raise UnsupportedError(
            f"{named}: control flow is not supported; export the model for one case, as torch.export does, or "
            "simplify it (onnxslim, onnx-simplifier)"
        )
    if node.domain in QONNX and node.op_type in QONNX_OPERATORS:
        return
    if node.domain not in STANDARD:
        if str(node.domain).startswith(_QUANTISED):  # protobuf gives bytes where they are no text
            raise UnsupportedError(
                f"{named}: this operator of the domain {brief(node.domain)} is not supported; of quantisers "
                f"{', '.join(QONNX_OPERATORS)} are, as Brevitas exports them, with channels first"
            )
        raise UnsupportedError(
            f"{named}: operators of the domain {brief(node.domain)} are not supported; export the model without a "
            "runtime's own operators (before it is optimised for that runtime)"
        )


def node_name(name: str, outputs: list[str]) -> str:
    """How users know an operator: by its name, else by that of its first output."""
    return name or next((output for output in outputs if output), "")


# -- tensors -------------------------------------------------------------------------------------------


def _check_tensors(proto: ModelProto, where: str) -> None:
    """Raise for weights of other types, and for too many numbers."""
    total = 0
    for tensor in proto.graph.initializer:
        total += _checked_size(tensor, where)
    if total > MAX_WEIGHTS:
        raise ModelError(f"{where}: its weights are {total} numbers, more than the {MAX_WEIGHTS} supported")
    if proto.graph.sparse_initializer:
        raise UnsupportedError(f"{where}: sparse weights are not supported; export it with dense ones")


def _checked_size(tensor: TensorProto, where: str) -> int:
    size = 1
    for extent in tensor.dims:
        if extent < 0:
            raise ModelError(
                f"{where}: weight {brief(tensor.name)} has shape {tuple(tensor.dims)}; the file is damaged"
            )
        size *= extent
    if size > MAX_WEIGHT:
        raise ModelError(
            f"{where}: weight {brief(tensor.name)} has {size} numbers, more than the {MAX_WEIGHT} supported"
        )
    check_type(_type_name(tensor.data_type), f"{where}: weight {brief(tensor.name)}")
    return size


def _type_name(number: int) -> str:
    from onnx import TensorProto

    known: dict[int, str] = {value: name for name, value in TensorProto.DataType.items()}
    return known.get(number, f"of the unknown type {number}")


def check_type(name: str, where: str) -> None:
    """Raise UnsupportedError for numbers of another type than float32 and whole ones."""
    if name in _TAKEN:
        return
    advice = "export the model with float32" if name in _FLOATS else "only float32 and whole numbers are read"
    raise UnsupportedError(f"{where} is {name}, expected FLOAT; {advice}")


def _check_by_library(proto: ModelProto, where: str) -> None:
    """What onnx.checker says: operators, attributes, names, order."""
    import onnx.checker
    from onnx import ModelProto

    if any(not output.type.tensor_type.HasField("shape") for output in proto.graph.output):
        proto, given = ModelProto(), proto
        proto.CopyFrom(given)
        for output in proto.graph.output:  # the checker asks for shapes there, which exporters leave to inference
            output.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(proto)
    except Exception as error:  # its own, and what protobuf and C++ raise
        raise ModelError(
            f"{where}: onnx.checker refuses it ({_first_line(error)}); the model is damaged, or of a newer version"
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]


def _check_inputs(graph: onnx_ir.Graph, where: str) -> None:
    """Raise UnsupportedError for inputs that are no tensors of a known shape but for the samples."""
    if not graph.outputs:
        raise ModelError(f"{where}: it has no output; the model is damaged")
    if not graph.inputs:
        raise ModelError(f"{where}: it has no input; what it computes is constant")
    for value in graph.inputs:
        named = f"{where}: input {value.name!r}"
        if value.dtype is None or value.shape is None:
            raise UnsupportedError(f"{named} has no type or no shape; export the model with both")
        check_type(value.dtype.name, named)
        open_axes = [str(axis) for axis in value.shape if not isinstance(axis, int)]
        if len(open_axes) > 1:
            raise UnsupportedError(
                f"{named} has shape ({', '.join(str(axis) for axis in value.shape)}); only one extent, that of the "
                "samples, may be open: fix the others with onnx.tools.update_model_dims, or export it so"
            )
        if len(value.shape) < 2:
            raise UnsupportedError(
                f"{named} has shape ({', '.join(str(axis) for axis in value.shape)}), expected (samples, ...); export "
                "the model with an axis of samples in front"
            )
        if any(isinstance(axis, int) and axis < 1 for axis in value.shape):
            raise ModelError(f"{named} has shape ({', '.join(str(axis) for axis in value.shape)}), which is empty")
