"""ONNX models run by ONNX Runtime, as their operators say: without rewriting of graphs, on one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.frontends.onnx.model import node_name
from hlsgen.frontends.samples import samples_axis, samples_axis_of_result
from hlsgen.frontends.values import Array, Batch, NotRunError, SourceValues, failure, in_order_of

if TYPE_CHECKING:
    from onnx import ModelProto

_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}  # fmt: skip
_FATAL = 4
"""Of ONNX Runtime's levels of messages: what is an error is raised as well."""


def run_proto(proto: ModelProto, what: str, batch: Batch) -> SourceValues:
    """The values of a batch. Raises NotRunError where ONNX Runtime is missing or does not take the model."""
    try:
        import onnxruntime
    except ImportError as error:
        raise NotRunError(what, "onnxruntime is not installed", "pip install onnxruntime") from error
    opened, names = _with_inner_values(proto) if batch.layers else (proto, [])
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = _FATAL
    try:
        session = onnxruntime.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feeds = list(_feeds(what, session.get_inputs(), batch))
        parts = [session.run(None, part) for part in _parts(feeds)]
    except NotRunError:
        raise
    except Exception as error:  # of any kind: operators of strangers, shapes, what a runtime does not implement
        raise failure(what, error, "see that ONNX Runtime runs it by itself") from error
    values = list(zip(*parts, strict=True))
    count = len(proto.graph.output)
    outputs = _outputs(what, session.get_outputs()[:count], values[:count], feeds, batch)
    inner = zip(names, values[count:], strict=True) if all(feed.axis == 0 for feed in feeds) else ()
    layers = {name: _joined(parts, batch.samples) for name, parts in inner}
    kept = {name: x for name, x in layers.items() if x.dtype.kind in "fiub" and x.shape[:1] == (batch.samples,)}
    return SourceValues("ONNX Runtime", f"ONNX Runtime {onnxruntime.__version__}", outputs, kept)


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


# -- samples ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Feed:
    """Data for an input of a session."""

    name: str
    data: Array
    """(samples, *shape)"""
    axis: int
    """Where the model has the samples."""
    symbol: object
    """How it calls their number; None without a name."""
    fixed: int | None
    """Their number, if it takes no other."""

    @classmethod
    def of(cls, what: str, port: Any, data: Array) -> _Feed:
        axis = samples_axis(what, port.shape, data.shape[1:])
        extent = port.shape[axis]
        typed: Array = np.ascontiguousarray(data, dtype=_TYPES.get(port.type, np.float32))
        fixed = extent if isinstance(extent, int) else None
        return cls(port.name, typed, axis, None if fixed is not None else extent, fixed)


def _feeds(what: str, ports: Sequence[Any], batch: Batch) -> Iterator[_Feed]:
    """Data for every input: by its name, or, where names are others, by its place."""
    if len(ports) != len(batch.inputs):
        reason = f"it has {len(ports)} inputs, the design {len(batch.inputs)}"
        raise NotRunError(what, reason, "give the model that was converted")
    by_name = all(port.name in batch.inputs for port in ports)
    for port, data in zip(ports, batch.inputs.values(), strict=True):
        yield _Feed.of(what, port, batch.inputs[port.name] if by_name else data)


def _parts(feeds: Sequence[_Feed]) -> Iterator[dict[str, Array]]:
    """All samples at once, or as many at a time as the model was exported for; behind the last ones, they again."""
    samples = len(feeds[0].data)
    step = next((feed.fixed for feed in feeds if feed.fixed is not None), samples)
    for at in range(0, samples, step):
        places = np.minimum(np.arange(at, at + step), samples - 1)
        yield {feed.name: np.ascontiguousarray(np.moveaxis(feed.data[places], 0, feed.axis)) for feed in feeds}


def _outputs(
    what: str, ports: Sequence[Any], values: Sequence[Sequence[Array]], feeds: Sequence[_Feed], batch: Batch
) -> tuple[Array, ...]:
    """The outputs with the samples first."""
    if len(ports) != len(batch.outputs):
        reason = f"it has {len(ports)} outputs, the design {len(batch.outputs)}"
        raise NotRunError(what, reason, "give the model that was converted")
    symbols = {feed.symbol for feed in feeds if feed.symbol is not None}
    found = []
    for port, shape, parts in zip(ports, batch.outputs, values, strict=True):
        axis = samples_axis_of_result(what, port.shape, shape, np.shape(parts[0]), symbols)
        found.append(_joined([np.moveaxis(np.asarray(part), axis, 0) for part in parts], batch.samples))
    return in_order_of(what, found, batch)


def _joined(parts: Sequence[Any], count: int) -> Array:
    """What came of one value turn by turn, without the samples that were more than asked for."""
    if not np.ndim(parts[0]):
        return np.asarray(parts[0])
    return np.concatenate([np.asarray(part) for part in parts])[:count]
