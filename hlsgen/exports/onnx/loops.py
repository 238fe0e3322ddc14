"""Loops of a design as Scan: its body is one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.exports.onnx.kinds import Kind, Wire, kind_of_type
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.nodes import Nodes
from hlsgen.ir.loop import Border, Role
from hlsgen.ir.op import Op

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

Append = Callable[[Op, Network], None]
"""Writes an operation and its casts."""


@dataclass(frozen=True, eq=False)
class _Loop:
    """The operations of a loop by what they do."""

    unit: Sequence[Op]
    states: list[Op]
    taken: list[tuple[Op, Border]]
    left: list[tuple[Op, Border]]
    carried: dict[str, Op]

    @classmethod
    def of(cls, unit: Sequence[Op]) -> _Loop:
        borders = [(op, op.layer.border) for op in unit if op.layer.border is not None]
        return cls(
            unit,
            [op for op, border in borders if border.role is Role.STATE],
            [(op, border) for op, border in borders if border.role is Role.STEP],
            [(op, border) for op, border in borders if border.role.leaves],
            {border.slot: op for op, border in borders if border.role is Role.CARRY},
        )


def append_loop(unit: Sequence[Op], network: Network, append: Append) -> None:
    """Write the operations of one loop, which stand side by side in a design."""
    loop = _Loop.of(unit)
    if not loop.taken:
        raise UnsupportedError(
            f"{unit[0].source.where}: export onnx: it is a loop that takes no sequence, which ONNX's Scan needs; use "
            "another kind of export"
        )
    starts = [_start(op, network, loop) for op in loop.states]
    sequences = [network.read(op.input, first=False) for op, _ in loop.taken]
    body, kept = _body(loop, network, append, sequences)
    names = network.nodes.add(
        "Scan",
        *(wire.name for wire in (*starts, *sequences)),
        hint="loop",
        outputs=len(loop.states) + len(loop.left),
        body=body,
        num_scan_inputs=len(loop.taken),
        scan_input_axes=[1] * len(loop.taken),
        scan_input_directions=[int(border.backwards) for _, border in loop.taken],
        scan_output_axes=[1] * len(loop.left),
        scan_output_directions=[int(border.backwards) for _, border in loop.left],
    )
    for (op, border), name, wire in zip(loop.left, names[len(loop.states) :], kept, strict=True):
        if border.role is Role.LAST:
            name = network.nodes.one("Gather", name, network.number(-1, Kind.WHOLE), axis=1)
        network.hold(op.output, replace(wire, name=name, shape=op.output.shape))


def _start(op: Op, network: Network, loop: _Loop) -> Wire:
    """What a state is at first, in its type; zeros for every sample where nothing is said."""
    tensor = op.output
    if op.inputs:
        x = network.read(op.input, first=False)
        return network.cast(op, x, op.input.interval, tensor.type, tensor.name)
    kind = kind_of_type(op.source.where, tensor.type)
    like, nodes = network.read(loop.taken[0][0].input, first=False), network.nodes
    samples = nodes.one("Slice", nodes.one("Shape", like.name), network.places([0]), network.places([1]))
    shape = nodes.one("Concat", samples, network.places(tensor.shape), axis=0)
    zeros = network.number(np.zeros((1, *tensor.shape)), kind)
    return Wire(nodes.one("Expand", zeros, shape, hint=tensor.name), kind, tensor.shape)


def _body(loop: _Loop, network: Network, append: Append, sequences: list[Wire]) -> tuple[GraphProto, list[Wire]]:
    """One step as a graph of its own, which reads what is outside by its name; and what it keeps of every step."""
    from onnx import helper

    outside, wires = network.nodes, network.wires
    network.nodes, network.wires = Nodes(network.names), wires.new_child()
    given = [Wire("", kind_of_type(op.source.where, op.output.type), op.output.shape) for op in loop.states]
    given += [replace(wire, shape=op.output.shape) for wire, (op, _) in zip(sequences, loop.taken, strict=True)]
    for place, op in enumerate((*loop.states, *(op for op, _ in loop.taken))):
        given[place] = replace(given[place], name=network.names.fresh(op.output.name))
        network.hold(op.output, given[place])
    for op in loop.unit:
        if op.layer.border is None or op.layer.border.role is Role.CARRY:
            append(op, network)
    slots = [border.slot for op in loop.states if (border := op.layer.border)]
    carried = [network.read(loop.carried[slot].output, first=False) for slot in slots]
    kept = [network.read(op.input, first=False) for op, _ in loop.left]
    found = [replace(wire, name=network.nodes.one("Identity", wire.name)) for wire in (*carried, *kept)]
    nodes = network.nodes.nodes
    network.nodes, network.wires = outside, wires
    name = network.names.fresh("step")

    def info(wire: Wire) -> ValueInfoProto:
        return helper.make_tensor_value_info(wire.name, wire.kind.onnx, [network.samples, *wire.shape])

    body = helper.make_graph(nodes, name, [info(wire) for wire in given], [info(wire) for wire in found])
    return body, kept
