"""A design as an ONNX model: every operation in order, its casts behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import hlsgen.exports.onnx.operations  # noqa: F401  (registers them)
from hlsgen.backends.base import Job
from hlsgen.design.arrays import given_shape
from hlsgen.exports.onnx.kinds import Kind, Wire, kind_of_type
from hlsgen.exports.onnx.loops import append_loop
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.nodes import readable
from hlsgen.exports.onnx.rounding import DOMAIN, OPSET, function
from hlsgen.exports.onnx.whole import Whole
from hlsgen.exports.onnx.writing import written
from hlsgen.ir.loop import units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.version import VERSION

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_IR_VERSION = 9
"""That of the opset."""


def model_of(job: Job, samples: int | None = None) -> ModelProto:
    """The ONNX model of a design; for so many samples at once, if that is said.

    Raises UnsupportedError, naming the layer, for one that is not written, or whose numbers no runtime holds exactly.
    """
    from onnx import helper

    design = job.design
    inputs = [readable(tensor.name) for tensor in design.inputs]
    given = [readable(name) for name in design.output_names]
    network = Network([*inputs, *given], [readable(tensor.name) for tensor in design.tensors], samples)
    infos = [_append_input(design.producer(tensor), network) for tensor in design.inputs]
    for unit in units(op for op in design if not op.is_input):
        if unit[0].loop is None:
            _append(unit[0], network)
        else:
            append_loop(unit, network, _append)
    outputs = [_output(t, name, network) for t, name in zip(design.outputs, given, strict=True)]
    graph = helper.make_graph(network.nodes.nodes, job.name, infos, outputs, initializer=network.constants.tensors)
    model = helper.make_model(
        graph,
        functions=[function(network.words)] if network.words else [],
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        ir_version=_IR_VERSION,
        producer_name="hlsgen",
        producer_version=VERSION,
    )
    helper.set_model_props(model, {"hlsgen.version": VERSION, **network.notes})
    return model


def _append_input(op: Op, network: Network) -> ValueInfoProto:
    """An input as users give it; its axes and powers of two as the design holds them, and its cast."""
    from onnx import helper

    tensor = op.output
    kind, shape = kind_of_type(op.source.where, tensor.type), given_shape(tensor)
    name = readable(tensor.name)
    info = helper.make_tensor_value_info(name, kind.onnx, [network.samples, *shape])
    wire = Wire(name, kind, tensor.shape)
    if tensor.order is not None:
        wire = _held(wire, tensor.order, network)
    if tensor.exponents is not None:
        wire = network.scaled(wire, tensor.type, tensor.exponents)
    network.store(op, tensor, network.cast(op, wire, None, tensor.type, tensor.name), wire.kind)
    return info


def _held(wire: Wire, order: tuple[int, ...], network: Network) -> Wire:
    """The axes as the design holds them; channels may stay first."""
    rank = len(order)
    if order == (*range(1, rank), 0):
        return replace(wire, first=True)
    axes = [0, *(axis + 1 for axis in order)]
    return replace(wire, name=network.nodes.one("Transpose", wire.name, hint=wire.name, perm=axes))


def _append(op: Op, network: Network) -> None:
    """An operation and its casts."""
    for tensor, result in zip(op.outputs, written(op, network), strict=True):
        typing = tensor.typing
        kind = result.kind if isinstance(result, Wire) else Kind.WHOLE
        span = typing.exact
        if typing.accum is not None and not _does_nothing(span.frac, typing.accum, span.fits(typing.accum)):
            result = network.cast_any(op, tensor, result, span, typing.accum)
        network.store(op, tensor, _as_result(op, tensor, result, network), kind)


def _as_result(op: Op, tensor: Tensor, result: Wire | Whole, network: Network) -> Wire:
    """The cast to the type of the result; none behind what only moves values of that type already."""
    span, fixed = tensor.typing.summed, tensor.type
    same = op.layer.structural and all(source.type.plain() == fixed.plain() for source in op.inputs)
    if same and isinstance(result, Wire) and _does_nothing(span.frac, fixed, span.fits(fixed)):
        return network.converted(result, kind_of_type(op.source.where, fixed))
    return network.cast_any(op, tensor, result, span, fixed)


def _does_nothing(frac: int, fixed: FixedType, fits: bool) -> bool:
    return frac <= fixed.frac and fits


def _output(tensor: Tensor, name: str, network: Network) -> ValueInfoProto:
    """Real numbers as the model means them, channels last."""
    from onnx import helper

    wire = network.read(tensor, first=False)
    if tensor.exponents is not None:
        wire = network.scaled(wire, tensor.type, [-exponent for exponent in tensor.exponents])
    network.nodes.nodes.append(helper.make_node("Identity", [wire.name], [name], name=f"output {name}"))
    return helper.make_tensor_value_info(name, wire.kind.onnx, [network.samples, *tensor.shape])
