"""ONNX models run by ONNX Runtime, with every value inside as an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.frontends.onnx.model import node_name
from hlsgen.frontends.values import Array, SourceValues, cannot_run, real_outputs

if TYPE_CHECKING:
    from onnx import ModelProto

_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}  # fmt: skip
_SERIOUS = 3
"""Of ONNX Runtime's levels of messages."""


def run_proto(proto: ModelProto, what: str, inputs: Mapping[str, Array]) -> SourceValues:
    """The values of a batch. Raises ModelError where ONNX Runtime is missing or does not take the model."""
    try:
        import onnxruntime
    except ImportError as error:
        raise cannot_run(what, f"ONNX Runtime is missing ({error})", "pip install onnxruntime") from error
    opened, names = _with_inner_values(proto)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SERIOUS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found = _batches(session, list(inputs.values()))
    except Exception as error:  # of any kind: operators of strangers, shapes, what a runtime does not implement
        raise cannot_run(what, f"{type(error).__name__}: {error}", "see that ONNX Runtime runs it by itself") from error
    count, samples = len(proto.graph.output), len(next(iter(inputs.values())))
    inner = {name: np.asarray(value) for name, value in zip(names, found[count:], strict=True)}
    kept = {
        name: value for name, value in inner.items() if value.dtype.kind in "fiub" and value.shape[:1] == (samples,)
    }
    return SourceValues("ONNX Runtime", real_outputs(what, found[:count], samples), kept)


def _with_inner_values(proto: ModelProto) -> tuple[ModelProto, list[str]]:
    """The model with the first result of every operator as an output, and the names of those operators' layers."""
    import onnx

    opened = onnx.ModelProto()
    opened.CopyFrom(proto)
    taken = {value.name for value in opened.graph.output}
    names = []
    for node in proto.graph.node:
        if node.op_type == "Constant" or not node.output or not node.output[0]:
            continue
        names.append(node_name(node.name, list(node.output)))
        value = onnx.ValueInfoProto(name=node.output[0])
        if value.name in taken:  # an output of the model: again, under a name of its own
            value.name = f"{node.output[0]}//again"
            opened.graph.node.add(op_type="Identity", input=[node.output[0]], output=[value.name])
        opened.graph.output.append(value)
    return opened, names


def _batches(session: Any, data: list[Array]) -> list[Array]:
    """All at once where the model takes any number of samples, else as many at a time as it was exported for."""
    ports = session.get_inputs()
    feeds: dict[str, Array] = {
        port.name: np.asarray(x, dtype=_TYPES.get(port.type, np.float32)) for port, x in zip(ports, data, strict=True)
    }
    extents = {port.shape[0] for port in ports if port.shape and isinstance(port.shape[0], int)}
    size, count = min(extents, default=0), len(data[0])
    if not size:
        return [np.asarray(value) for value in session.run(None, feeds)]
    parts = []
    for start in range(0, count, size):
        some = {name: x[start : start + size] for name, x in feeds.items()}
        lacking = size - len(next(iter(some.values())))
        if lacking:  # the last samples again: what is more than asked for is cut off
            some = {name: np.concatenate([x, np.repeat(x[-1:], lacking, axis=0)]) for name, x in some.items()}
        parts.append(session.run(None, some))
    return [_joined(values, count) for values in zip(*parts, strict=True)]


def _joined(parts: Sequence[Any], count: int) -> Array:
    """What came of one value turn by turn, without the samples that were more than asked for."""
    if not np.ndim(parts[0]):
        return np.asarray(parts[0])
    return np.concatenate([np.asarray(part) for part in parts])[:count]
