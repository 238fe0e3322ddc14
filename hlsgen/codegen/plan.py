"""From a typed graph to a list of kernel calls on named wires: all decisions of code generation.

Reshapes become other names of the same wire. In io_stream a wire carries packs; streams read twice are
cloned, and packs of the wrong size are regrouped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hlsgen.codegen.naming import WIRE_NAMES, Identifiers, comment
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.types import FixedType
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.kernel import ConstantArray, Field, Kernel, Word
from hlsgen.layers.merge import Merge
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.table import Table
from hlsgen.layers.thresholds import Thresholds

_ELEMENTWISE = (Relu, PRelu, Convert, Table, QuantizedFunction, Thresholds, Scale)
"""These take packs of any size and give packs of the same size."""


@dataclass(frozen=True)
class Wire:
    """A tensor in the C++ program: an array, or a stream of packs of ``pack`` elements."""

    name: str
    type: FixedType
    size: int
    pack: int
    note: str = ""
    depth: int = 2

    @property
    def words(self) -> int:
        return self.size // self.pack


@dataclass(frozen=True, eq=False)
class NamedConstant:
    """A constant array under its C++ name."""

    name: str
    array: ConstantArray


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call."""

    name: str
    note: str
    kernel: Kernel
    inputs: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    constants: tuple[NamedConstant, ...]


@dataclass(eq=False)
class Plan:
    """Everything the templates print."""

    top: str
    io_type: str
    dataflow: bool
    """Whether the top function is a pipeline of processes rather than one flat pipeline."""
    inputs: list[Wire] = field(default_factory=list)
    outputs: list[Wire] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def stream(self) -> bool:
        return self.io_type == "io_stream"

    @property
    def constants(self) -> list[NamedConstant]:
        return [constant for step in self.steps for constant in step.constants]

    @property
    def headers(self) -> list[str]:
        return sorted({step.kernel.header for step in self.steps})

    @property
    def interval(self) -> int:
        """The initiation interval of a flat pipeline: the largest reuse factor."""
        return max((int(str(step.kernel.fields["reuse_factor"])) for step in self.steps), default=1)


def _flat(kernel: Kernel) -> bool:
    """Whether a kernel can be unrolled into one pipeline with its neighbours."""
    resource = kernel.fields.get("strategy") == "hlsgen::strategy::resource"
    windows = int(str(kernel.fields.get("out_height", 1))) * int(str(kernel.fields.get("out_width", 1)))
    return not resource and windows == 1 and int(str(kernel.fields.get("positions", 1))) <= 16


def _kernels(graph: Graph) -> list[Kernel]:
    return [node.layer.kernel(node) for node in graph if not isinstance(node.layer, Input | Reshape)]


def make_plan(graph: Graph, io_type: str, top: str, results: Sequence[Value] | None = None) -> Plan:
    """Plan the C++ program for a graph in which every type is known.

    ``results`` are the values the top function returns; default: the graph's outputs.
    """
    stream = io_type == "io_stream"
    dataflow = stream or (results is None and not all(_flat(k) for k in _kernels(graph)))
    return _Planner(graph, Plan(top, io_type, dataflow), graph.outputs if results is None else tuple(results)).run()


class _Planner:
    def __init__(self, graph: Graph, plan: Plan, results: tuple[Value, ...]) -> None:
        self.graph, self.plan, self.results = graph, plan, results
        reserved = WIRE_NAMES | {plan.top}
        self.identifiers = Identifiers(reserved)
        self.copies: dict[Value, list[Wire]] = {}
        """Wires that carry a value and are still to be read (several where a stream was cloned)."""
        self.outputs: dict[int, Wire] = {}

    def run(self) -> Plan:
        for node in self.graph:
            if isinstance(node.layer, Input):
                self._input(node)
            elif not isinstance(node.layer, Reshape):
                self._step(node)
        return self.plan

    # -- values -----------------------------------------------------------------------------

    def _readers(self, value: Value) -> int:
        """How often a value is read, seen through reshapes."""
        count = self.results.count(value)
        for user in self.graph.uses(value):
            count += self._readers(user.output) if isinstance(user.layer, Reshape) else 1
        return count

    def _output_index(self, value: Value) -> int | None:
        """The place of a value among the outputs, seen through reshapes, if it is read for nothing else."""
        if self._readers(value) != 1:
            return None
        if value in self.results:
            return self.results.index(value)
        (user,) = self.graph.uses(value)
        return self._output_index(user.output) if isinstance(user.layer, Reshape) else None

    def _input(self, node: Node) -> None:
        value = node.output
        wire = self._wire(value, value.shape[-1], comment(f"input '{node.source.name}' {value.shape}"))
        self.plan.inputs.append(wire)
        self._offer(value, wire)

    def _wire(self, value: Value, pack: int, note: str, suffix: str = "") -> Wire:
        assert value.type is not None
        name = self.identifiers.make(value.name + suffix)
        return Wire(name, value.type, value.size, pack if self.plan.stream else value.size, note)

    def _offer(self, value: Value, wire: Wire) -> None:
        """Make a wire readable; clone a stream as often as it is read; copy it to outputs that others read too."""
        readers = self._readers(value)
        wires = [wire] * readers
        if self.plan.dataflow and readers > 1:
            wires = self._cloned(value, wire, readers)
        self.copies[value] = wires
        for index, output in enumerate(self.results):
            if _root(output) is value and self._needs_copy(value):
                self._copy_to_output(output, index)

    def _needs_copy(self, value: Value) -> bool:
        return isinstance(value.producer.layer, Input) or self._readers(value) > 1

    def _copy_to_output(self, output: Value, index: int) -> None:
        source = self._take(output)
        wire = self._wire(output, source.pack, comment(f"output {index}"), "_copy")
        self._place_output(index, wire)
        fields = _bare_fields(source.type, output.size)
        self._add(
            Step(
                wire.name,
                comment(f"copy of {output.name}"),
                Kernel("convert", "convert.h", fields),
                (source,),
                (wire,),
                (),
            )
        )

    def _place_output(self, index: int, wire: Wire) -> None:
        self.outputs[index] = wire
        self.plan.outputs = [w for _, w in sorted(self.outputs.items())]

    def _cloned(self, value: Value, wire: Wire, readers: int) -> list[Wire]:
        """Copy a tensor for each of its readers, since dataflow allows a channel only one.

        Every branch can hold the whole tensor, so that no branch can stall another.
        """
        branches: list[Wire] = []
        rest = wire
        for i in range(readers - 1):
            a, b = (self._branch(value, wire) for _ in range(2))
            fields = _bare_fields(wire.type, value.size)
            self.plan.wires += [a, b]
            self._add(
                Step(
                    a.name,
                    comment(f"copy {i + 1} of {value.name}"),
                    Kernel("clone", "clone.h", fields),
                    (rest,),
                    (a, b),
                    (),
                )
            )
            branches.append(a)
            rest = b
        return [*branches, rest]

    def _branch(self, value: Value, wire: Wire) -> Wire:
        name = self.identifiers.make(f"{value.name}_branch")
        return Wire(name, wire.type, wire.size, wire.pack, depth=max(wire.words, 2))

    def _take(self, value: Value, pack: int | None = None) -> Wire:
        """Return the wire on which to read a value, regrouped into packs of ``pack`` if that is not what it has."""
        root = _root(value)
        wire = self.copies[root].pop()
        if not self.plan.stream or pack is None or wire.pack == pack:
            return wire
        name = self.identifiers.make(f"{value.name}_repacked")
        regrouped = Wire(name, wire.type, wire.size, pack)
        self.plan.wires.append(regrouped)
        fields = _bare_fields(wire.type, wire.size)
        self._add(
            Step(
                name,
                comment(f"{value.name} in packs of {pack}"),
                Kernel("repack", "repack.h", fields),
                (wire,),
                (regrouped,),
                (),
            )
        )
        return regrouped

    # -- steps ------------------------------------------------------------------------------

    def _step(self, node: Node) -> None:
        inputs = self._inputs(node)
        value = node.output
        pack = inputs[0].pack if isinstance(node.layer, (*_ELEMENTWISE, Merge)) else value.shape[-1]
        note = comment(f"layer '{node.source.name}' ({node.source.class_name}) -> {value.shape}")
        wire = self._wire(value, pack, note)
        kernel = node.layer.kernel(node)
        constants = tuple(NamedConstant(f"{wire.name}_{c.role}", c) for c in kernel.constants)
        self._add(Step(wire.name, note, kernel, tuple(inputs), (wire,), constants))
        index = self._output_index(value)
        if index is None:
            self.plan.wires.append(wire)
            self._offer(value, wire)
        else:
            self._place_output(index, wire)

    def _inputs(self, node: Node) -> list[Wire]:
        layer = node.layer
        if isinstance(layer, _ELEMENTWISE):
            channels = node.input.shape[-1] if isinstance(layer, Scale | Thresholds | PRelu) else None
            return [self._take_fitting(node.input, channels)]
        if isinstance(layer, Merge):
            first = self._take(node.inputs[0], node.inputs[0].shape[-1])
            return [first, self._take(node.inputs[1], node.inputs[1].shape[-1])]
        if isinstance(layer, Dense | Softmax):
            wire_pack = self.copies[_root(node.input)][-1].pack
            last = node.input.shape[-1]
            return [self._take(node.input, None if last % wire_pack == 0 else last)]
        return [self._take(value, value.shape[-1]) for value in node.inputs]

    def _take_fitting(self, value: Value, channels: int | None) -> Wire:
        """Any packs, or (where channels matter) packs that channels divide or that divide channels."""
        pack = self.copies[_root(value)][-1].pack
        fits = channels is None or channels % pack == 0 or pack % channels == 0
        return self._take(value, None if fits else channels)

    def _add(self, step: Step) -> None:
        self.plan.steps.append(step)


def _root(value: Value) -> Value:
    """The value whose wire carries this one (reshapes have none of their own)."""
    while isinstance(value.producer.layer, Reshape):
        value = value.producer.input
    return value


def _bare_fields(fixed: FixedType, size: int) -> Mapping[str, Field | Word]:
    return {
        "input_t": fixed,
        "output_t": fixed,
        "reuse_factor": 1,
        "strategy": "hlsgen::strategy::latency",
        "size": size,
    }


def bits_per_word(wire: Wire) -> int:
    """The width of a port: all elements of one word side by side."""
    return wire.pack * wire.type.width
