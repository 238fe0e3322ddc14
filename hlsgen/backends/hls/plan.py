"""From a design to a list of kernel calls on named wires: all decisions of code generation.

Reshapes become other names of the same wire. A wire is an array or a stream of packs, whatever the ports are; streams
read twice are cloned, and packs of the wrong size are regrouped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

import hlsgen.backends.hls.kernels  # noqa: F401  (registers the bindings)
from hlsgen.backends.hls.depths import Depths
from hlsgen.backends.hls.fifos import Fifo, fifos_of
from hlsgen.backends.hls.kernel import ConstantArray, Kernel, Members, bind
from hlsgen.backends.hls.naming import WIRE_NAMES, Identifiers, comment
from hlsgen.backends.hls.ports import WIDEST_WORD, Bus, Control, Interface, PortForm, words_of_array, words_of_stream
from hlsgen.backends.hls.schedule import Schedule
from hlsgen.backends.hls.timing import Regrouping
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, DesignError
from hlsgen.ir.layer import Packing
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Strategy, WeightSource

_DEPTHS = Depths()


@dataclass(frozen=True)
class Wire:
    """A tensor in the C++ program: an array, or a stream of packs of ``pack`` elements."""

    name: str
    type: FixedType
    size: int
    pack: int
    tensor: str
    """The name of the tensor that it carries, seen through reshapes."""
    note: str = ""
    exponents: tuple[int, ...] | None = None
    """If given, element i holds ``2**exponents[i % len(exponents)]`` times what the model means by it."""

    @property
    def words(self) -> int:
        return self.size // self.pack


@dataclass(frozen=True)
class Port:
    """A port of the top function: ``words`` a sample, each of ``elements`` in ``bits`` (of ELEMENTS: a port)."""

    wire: Wire
    is_input: bool
    form: PortForm
    elements: int
    bits: int
    words: int

    @property
    def burst(self) -> int:
        """Words of the longest AXI4 burst: 256, and none that leaves a page of 4,096 bytes."""
        return min(256, 4096 * 8 // self.bits)

    @property
    def pack(self) -> int:
        """Elements that pass it at once."""
        return self.wire.size if self.form is PortForm.ELEMENTS else self.elements


@dataclass(frozen=True, eq=False)
class NamedConstant:
    """A constant array under its C++ name."""

    name: str
    array: ConstantArray
    owner: str
    """The layer of the source model, for comments."""

    @property
    def word_bits(self) -> int:
        """Bits of a word of its port: what is read in a turn, or all of it where it has no turns."""
        return self.array.width * self.array.extents[0]

    @property
    def is_memory(self) -> bool:
        """Whether its port is that of a memory: no tool takes one of a single word."""
        return self.words > 1

    @property
    def is_apart(self) -> bool:
        """Whether it is no memory, and more than a word holds: then each of it has a port."""
        return self.array.row is None and self.word_bits > WIDEST_WORD

    @property
    def words(self) -> int:
        """How many words its port or memory has: one a turn."""
        return 1 if self.array.row is None else self.array.row


@dataclass(frozen=True, eq=False)
class Step:
    """One kernel call."""

    name: str
    note: str
    kernel: Kernel
    inputs: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    constants: tuple[NamedConstant, ...] = ()
    layer: str | None = None
    """The source model's layer whose output is computed, as its author spelt it; None for inner steps and copies."""
    op: str | None = None
    """The name of the operation that it computes; None for copies and regrouping."""
    facts: tuple[str, ...] = ()
    """What a reader of the C++ wants to know of it, a comment a line."""
    scalars: tuple[str, ...] = ()
    """Scalar arguments of the top function that are handed on to it."""

    def schedule(self, stream: bool) -> Schedule:
        """When it reads and writes, on streams or on arrays. Raises DesignError for a kernel that takes others."""
        timing = self.kernel.timing
        if not stream:
            return timing.on_arrays()
        try:
            return timing.on_streams([wire.words for wire in self.inputs], [wire.words for wire in self.outputs])
        except DesignError as error:
            raise DesignError(f"{self.name}: {error}") from error


@dataclass(frozen=True)
class Pipeline:
    """What is wished of the top function: its form (auto, flat, dataflow) and, if it is flat, its interval."""

    form: str = "auto"
    interval: int | None = None

    def shared(self, reuse_factors: Sequence[int]) -> int:
        """The interval of a flat pipeline of kernels with these reuse factors."""
        return max([self.interval or 1, *reuse_factors])

    def is_flat(self, kernels: Mapping[Op, Kernel], io_type: str, ports: Interface) -> bool:
        """Whether the design is one pipeline. Raises ConfigError for one that cannot be."""
        if self.form != "flat":
            return self.form == "auto" and all(kernel.unrolls for kernel in kernels.values())
        if io_type == "io_stream" or ports.bus is Bus.AXI_MASTER:
            raise ConfigError(
                "pipeline: 'flat' is one pipeline of arrays, and streams are a dataflow; leave it out, or take io_type "
                "'io_parallel' and interface 'ap_vld'"
            )
        for op, kernel in kernels.items():
            if op.loads_weights:
                raise ConfigError(
                    f"{op.source.where}: pipeline 'flat' unrolls every loop, and weights '{op.weight_source}' are read "
                    "turn by turn; give it weights 'constant', or leave pipeline out"
                )
            if kernel.strategy is not Strategy.LATENCY:
                raise ConfigError(
                    f"{op.source.where}: pipeline 'flat' unrolls every loop, and strategy '{kernel.strategy}' takes "
                    f"{kernel.reuse_factor} turns of one; give it strategy 'latency', where the pipeline's interval "
                    "shares multipliers"
                )
        return True


@dataclass(eq=False)
class Plan:
    """Everything the templates print."""

    top: str
    stream: bool
    """Whether kernels read and write streams of packs rather than arrays."""
    dataflow: bool
    """Whether the top function is a pipeline of processes rather than one flat pipeline."""
    interface: Interface
    pipeline: Pipeline
    inputs: list[Wire] = field(default_factory=list)
    outputs: list[Wire] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    hardware: bool = False
    """Whether inputs and outputs are the ports of the chip; see ``hlsgen.backends.hls.border.bordered``."""
    depths: Depths = _DEPTHS
    """What is wished of streams."""
    fifos: dict[str, Fifo] = field(default_factory=dict)
    """The streams between processes by name."""

    @property
    def constants(self) -> list[NamedConstant]:
        return [constant for step in self.steps for constant in step.constants]

    @property
    def weight_ports(self) -> list[NamedConstant]:
        """The constants that come from outside of the chip."""
        return [constant for constant in self.constants if constant.array.source is not WeightSource.CONSTANT]

    @property
    def bram_ports(self) -> list[NamedConstant]:
        """Those of them that have ports of their own."""
        return [constant for constant in self.weight_ports if constant.array.source is WeightSource.BRAM_PORT]

    @property
    def ports(self) -> list[Port]:
        """All ports, inputs first."""
        return [self._port(wire, True) for wire in self.inputs] + [self._port(wire, False) for wire in self.outputs]

    def _port(self, wire: Wire, is_input: bool) -> Port:
        width = wire.type.width
        if self.stream:
            words = words_of_stream(self.interface, wire.name, is_input, wire.size, wire.pack, width)
        else:
            words = words_of_array(is_input, wire.size, width)
        return Port(wire, is_input, words.form, words.elements, words.bits, words.words)

    @property
    def of_a_sample(self) -> str:
        """The name of the process that computes one sample after the other, where a call has several."""
        return f"{self.top}_samples"

    @property
    def headers(self) -> list[str]:
        return sorted({step.kernel.header for step in self.steps})

    @property
    def interval(self) -> int:
        """The initiation interval of a flat pipeline: the wished one, and the largest reuse factor at least."""
        return self.pipeline.shared([step.kernel.reuse_factor for step in self.steps])


def make_plan(
    design: Design,
    io_type: str,
    top: str,
    results: Sequence[Tensor] | None = None,
    interface: Interface | None = None,
    depths: Depths = _DEPTHS,
    pipeline: Pipeline | None = None,
) -> Plan:
    """Plan the C++ program of a design.

    ``results`` are the tensors the top function returns; default: the design's outputs. ``interface``: default that of
    ``io_type``. ``depths``: what is wished of its streams. ``pipeline``: what of the top function. Raises
    UnsupportedError for a layer without a kernel, ConfigError for ports that no word fits or that nothing controls, for
    depths in a design without streams, and for what no flat pipeline computes.
    """
    kernels = {op: bind(op) for op in design if not op.is_input and not op.layer.renames}
    ports = interface or Interface.default(io_type)
    wish = pipeline or Pipeline()
    flat = results is not None or wish.is_flat(kernels, io_type, ports)
    stream = io_type == "io_stream" or (results is None and _needs_streams(design, ports, flat, wish))
    dataflow = stream or not flat
    wanted = design.outputs if results is None else tuple(results)
    _check_control(ports, dataflow, kernels)
    if not stream:
        depths.refuse_arrays()
    if not dataflow and results is None:  # a trace is no hardware
        interval = wish.shared([kernel.reuse_factor for kernel in kernels.values()])
        kernels = {op: kernel.pipelined(interval) for op, kernel in kernels.items()}
    plan = _Planner(design, kernels, Plan(top, stream, dataflow, ports, wish, depths=depths), wanted).run()
    if plan.stream:
        plan.fifos = fifos_of(plan, depths)
    return plan


LARGEST_OF_DATAFLOW = 512
"""Elements of the largest tensor that a dataflow of arrays has. Each is a channel of its own, with its handshake, and
one at a place that varies (a pixel of a window) is picked by a multiplexer of all. Of 512 it has five levels of LUTs,
some 170 of them a bit, each time one is picked; beyond, it is what sets clock and area of the design."""
LARGEST_OF_PIPELINE = 4096
"""Elements of the largest tensor of a flat pipeline: its arrays are registers, and Vitis HLS makes no more of one."""


def _needs_streams(design: Design, ports: Interface, flat: bool, wish: Pipeline) -> bool:
    """Whether a design of arrays has to compute in streams: its ports give a word at a time, it is too large, or what
    some processes give waits for others, as in a shortcut. Nothing gives an array between processes a depth.

    Raises ConfigError where something is wished that needs arrays.
    """
    largest = max(design.tensors, key=lambda tensor: tensor.size)
    arrays = [op.source.where for op in design if op.parallelization > 1]
    most = LARGEST_OF_PIPELINE if flat or arrays else LARGEST_OF_DATAFLOW
    streams = ports.bus is Bus.AXI_MASTER or largest.size > most or not (flat or arrays or _is_even(design))
    if streams and (arrays or wish.form == "flat"):
        what = f"{arrays[0]}: parallelization_factor" if arrays else "pipeline: 'flat'"
        raise ConfigError(
            f"{what} needs arrays, of up to {most:,} elements, at ports of their own; '{largest.name}' has "
            f"{largest.size:,}, and the interface is {ports.bus.value}: leave it out"
        )
    return streams


def _is_even(design: Design) -> bool:
    """Whether all that an operation reads has come through as many operations."""
    levels: dict[Tensor, int] = {}
    for op in design:
        found = {levels[tensor] for tensor in op.inputs}
        if len(found) > 1:
            return False
        level = found.pop() + (not op.layer.renames) if found else 0
        levels.update(dict.fromkeys(op.outputs, level))
    return True


def _check_control(ports: Interface, dataflow: bool, kernels: Mapping[Op, Kernel]) -> None:
    """Raise ConfigError for a dataflow on arrays that nothing begins, and for weights with nothing between samples."""
    loaded = next((op for op in kernels if op.weight_source is WeightSource.BRAM_PORT), None)
    if ports.control is Control.NONE and loaded is not None:
        raise ConfigError(
            f"{loaded.source.where}: weights 'bram_port' may change between samples, and with control ap_ctrl_none "
            "nothing says where one ends; give ap_ctrl_hs or ap_ctrl_chain, or weights 'constant'"
        )
    if ports.control is Control.NONE and ports.bus is Bus.AP_VLD and dataflow:
        raise ConfigError(
            "control: ap_ctrl_none is of AXI streams and flat pipelines, and this design is a dataflow on arrays, "
            "which do not say when a sample is there; give ap_ctrl_hs or ap_ctrl_chain, or set io_type to io_stream"
        )


class _Planner:
    def __init__(self, design: Design, kernels: dict[Op, Kernel], plan: Plan, results: tuple[Tensor, ...]) -> None:
        self.design, self.kernels, self.plan, self.results = design, kernels, plan, results
        reserved = WIRE_NAMES | {plan.top, plan.of_a_sample}
        self.identifiers = Identifiers(reserved)
        self.roots = design.carriers
        self.reads = Counter(self.roots[t] for op in design if not op.layer.renames for t in op.inputs)
        """How often a tensor is read, seen through reshapes."""
        self.places: dict[Tensor, list[int]] = {}
        """The places of a tensor among the outputs, seen through reshapes."""
        for index, result in enumerate(results):
            self.reads[self.roots[result]] += 1
            self.places.setdefault(self.roots[result], []).append(index)
        self.copies: dict[Tensor, list[Wire]] = {}
        """Wires that carry a tensor and are still to be read (several where a stream was cloned)."""
        self.outputs: dict[int, Wire] = {}

    def run(self) -> Plan:
        for op in self.design:
            if op.is_input:
                self._input(op)
            elif not op.layer.renames:
                self._step(op)
        self.plan.outputs = [self.outputs[index] for index in range(len(self.results))]
        return self.plan

    # -- tensors ----------------------------------------------------------------------------

    def _output_index(self, tensor: Tensor) -> int | None:
        """The place of a tensor among the outputs, if it is read for nothing else."""
        return self.places[tensor][0] if tensor in self.places and self.reads[tensor] == 1 else None

    def _input(self, op: Op) -> None:
        tensor = op.output
        pack = self.plan.interface.elements(tensor.name, tensor.shape[-1], tensor.type.width)
        wire = self._wire(tensor, pack, comment(f"input '{op.source.name}' {tensor.shape}"))
        self.plan.inputs.append(wire)
        self._offer(tensor, wire)
        self._discard_unread(tensor, wire)

    def _wire(self, tensor: Tensor, pack: int, note: str, suffix: str = "") -> Wire:
        name = self.identifiers.make(tensor.name + suffix)
        pack = pack if self.plan.stream else tensor.size
        return Wire(name, tensor.type, tensor.size, pack, self.roots[tensor].name, note, exponents=tensor.exponents)

    def _offer(self, tensor: Tensor, wire: Wire) -> None:
        """Make a wire readable; clone a stream as often as it is read; copy it to outputs that others read too."""
        readers = self.reads[tensor]
        wires = [wire] * readers
        if self.plan.dataflow and readers > 1:
            wires = self._cloned(tensor, wire, readers)
        self.copies[tensor] = wires
        if self.design.producer(tensor).is_input or readers > 1:
            for index in self.places.get(tensor, ()):
                self._copy_to_output(self.results[index], index)

    def _copy_to_output(self, output: Tensor, index: int) -> None:
        source = self._take(output)
        wire = self._wire(output, source.pack, comment(f"output {index}"), "_copy")
        self.outputs[index] = wire
        members = {**_copying(source.type, output.size), "reuse_factor": 1}
        self._add(
            Step(
                wire.name,
                comment(f"copy of {output.name}"),
                Kernel("convert", "convert.h", members),
                (source,),
                (wire,),
            )
        )

    def _cloned(self, tensor: Tensor, wire: Wire, readers: int) -> list[Wire]:
        """Copy a tensor for each of its readers, since dataflow allows a channel only one."""
        branches: list[Wire] = []
        rest = wire
        for i in range(readers - 1):
            a, b = (self._branch(tensor, wire) for _ in range(2))
            members = _copying(wire.type, tensor.size)
            self.plan.wires += [a, b]
            self._add(
                Step(
                    a.name,
                    comment(f"copy {i + 1} of {tensor.name}"),
                    Kernel("clone", "clone.h", members),
                    (rest,),
                    (a, b),
                )
            )
            branches.append(a)
            rest = b
        return [*branches, rest]

    def _branch(self, tensor: Tensor, wire: Wire) -> Wire:
        name = self.identifiers.make(f"{tensor.name}_branch")
        return Wire(name, wire.type, wire.size, wire.pack, wire.tensor)

    def _take(self, tensor: Tensor, pack: int | None = None) -> Wire:
        """Return the wire on which to read a tensor, regrouped into packs of ``pack`` if that is not what it has."""
        wire = self.copies[self.roots[tensor]].pop()
        if not self.plan.stream or pack is None or wire.pack == pack:
            return wire
        name = self.identifiers.make(f"{tensor.name}_repacked")
        regrouped = Wire(name, wire.type, wire.size, pack, wire.tensor)
        self.plan.wires.append(regrouped)
        members = {"size": wire.size}
        self._add(
            Step(
                name,
                comment(f"{tensor.name} in packs of {pack}"),
                Kernel("repack", "repack.h", members, timing=Regrouping(elements=wire.size)),
                (wire,),
                (regrouped,),
            )
        )
        return regrouped

    # -- steps ------------------------------------------------------------------------------

    def _step(self, op: Op) -> None:
        inputs = self._inputs(op)
        kernel = self.kernels[op]
        wires = []
        for tensor in op.outputs:
            note = comment(f"{op.source.where} -> {tensor.shape}")
            wires.append(self._wire(tensor, self._result_pack(op, inputs, tensor), note))
        first, owner = wires[0], comment(op.source.where)
        constants = tuple(NamedConstant(f"{first.name}_{c.role}", c, owner) for c in kernel.constants)
        layer = op.source.name if op.source.final else None
        self._add(
            Step(first.name, first.note, kernel, tuple(inputs), tuple(wires), constants, layer, op.name, _facts(op))
        )
        for tensor, wire in zip(op.outputs, wires, strict=True):
            index = self._output_index(tensor)
            if index is None:
                self.plan.wires.append(wire)
                self._offer(tensor, wire)
            else:
                self.outputs[index] = wire
            self._discard_unread(tensor, wire)

    def _discard_unread(self, tensor: Tensor, wire: Wire) -> None:
        """Empty the stream of what nobody reads, an input or one of several results: full, it would stop the design."""
        if not self.plan.stream or self.reads[self.roots[tensor]]:
            return
        name = self.identifiers.make(f"{tensor.name}_discarded")
        kernel = Kernel("discard", "discard.h", {"size": tensor.size})
        self._add(Step(name, comment(f"{tensor.name} is read by nobody"), kernel, (wire,), ()))

    def _result_pack(self, op: Op, inputs: Sequence[Wire], tensor: Tensor) -> int:
        match op.layer.packing:
            case Packing.ELEMENTS | Packing.CHANNELS | Packing.PAIRS:
                return inputs[0].pack
            case Packing.GATHERED:
                return _part_of_position(tensor.shape[-1], tensor.type.width)
        return tensor.shape[-1]

    def _inputs(self, op: Op) -> list[Wire]:
        match op.layer.packing:
            case Packing.ELEMENTS:
                return [self._take(op.input)]
            case Packing.CHANNELS:
                return [self._take_fitting(op.input, op.input.shape[-1])]
            case Packing.GATHERED:
                pack = self.copies[self.roots[op.input]][-1].pack
                last = op.input.shape[-1]
                return [self._take(op.input, None if last % pack == 0 else last)]
            case Packing.PAIRS if op.inputs[0].shape == op.inputs[1].shape:
                widest = max(tensor.type.width for tensor in op.inputs)
                return [self._take(tensor, _part_of_position(tensor.shape[-1], widest)) for tensor in op.inputs]
        return [self._take(tensor, tensor.shape[-1]) for tensor in op.inputs]

    def _take_fitting(self, tensor: Tensor, channels: int) -> Wire:
        """Packs that channels divide or that divide channels."""
        pack = self.copies[self.roots[tensor]][-1].pack
        fits = channels % pack == 0 or pack % channels == 0
        return self._take(tensor, None if fits else channels)

    def _add(self, step: Step) -> None:
        self.plan.steps.append(step)


def _part_of_position(elements: int, width: int) -> int:
    """How many of a position's elements a word of a stream has: all, or as large a part as a word may be wide."""
    return next((part for part in range(elements, 0, -1) if elements % part == 0 and part * width <= WIDEST_WORD), 1)


def _copying(fixed: FixedType, size: int) -> Members:
    return {"input_t": fixed, "output_t": fixed, "size": size}


def _facts(op: Op) -> tuple[str, ...]:
    """What was fused into an operation, the proved range of its sums, and its multipliers."""
    found = []
    others = dict.fromkeys(f"'{s.name}' ({s.class_name})" for s in op.fused if s.name != op.source.name)
    if others:
        found.append(f"fused into it: {', '.join(others)}")
    for tensor in op.outputs:
        if not op.layer.structural:
            low, high = (float(np.ldexp(float(end), -tensor.typing.exact.frac)) for end in tensor.typing.exact.whole())
            found.append(f"proved range before any cast: {low:.6g} .. {high:.6g}")
    for tensor in op.outputs:
        if tensor.exponents is not None and not op.layer.structural:
            least, most = min(tensor.exponents), max(tensor.exponents)
            found.append(f"channels are held times powers of two, from 2**{least} to 2**{most}")
    products = op.layer.products
    if products:
        count = -(-products // op.reuse_factor)
        shared = f" for {products} products" if op.reuse_factor > 1 else ""
        several = f", {op.parallelization} positions at a time" if op.parallelization > 1 else ""
        found.append(f"{count} multiplier{'s' if count > 1 else ''}{shared} a position{several}")
    return tuple(comment(fact) for fact in found)
