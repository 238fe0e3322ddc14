"""From a design to a list of kernel calls on named wires: all decisions of code generation.

Reshapes become other names of the same wire. A wire is an array or a stream of packs, whatever the ports are; streams
read twice are cloned, and packs of the wrong size are regrouped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

import hlsgen.backends.hls.kernels  # noqa: F401  (registers the bindings)
from hlsgen.backends.hls.depths import Depths
from hlsgen.backends.hls.fifos import fifos_of
from hlsgen.backends.hls.kernel import Kernel, Members, bind
from hlsgen.backends.hls.loops import (
    body_of,
    is_called,
    loop_kernel,
    loop_of,
    outside,
    read_by,
    slot_of,
    with_role,
)
from hlsgen.backends.hls.naming import WIRE_NAMES, Identifiers, comment
from hlsgen.backends.hls.ports import WIDEST_WORD, Bus, Control, Interface
from hlsgen.backends.hls.program import (
    Given,
    Kept,
    LoopBody,
    NamedConstant,
    Pipeline,
    Plan,
    Sequences,
    Step,
    Taken,
    Wire,
)
from hlsgen.backends.hls.timing import Regrouping
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError
from hlsgen.ir.layer import Packing
from hlsgen.ir.loop import Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Strategy, WeightSource

_DEPTHS = Depths()


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
    kernels = {op: bind(op) for op in design if is_called(op) and (op.loop is None or _is_copied(op))}
    ports = interface or Interface.default(io_type)
    wish = pipeline or Pipeline()
    sequences = Sequences.of(design)
    flat = results is not None or wish.is_flat(kernels, io_type, ports, sequences)
    stream = io_type == "io_stream" or (results is None and _needs_streams(design, ports, flat, wish))
    dataflow = stream or not flat
    wanted = design.outputs if results is None else tuple(results)
    _check_control(ports, dataflow, kernels)
    if not stream:
        depths.refuse_arrays()
    interval = None
    if not dataflow and results is None:  # a trace is no hardware
        interval = wish.shared([kernel.reuse_factor for kernel in kernels.values()])
        kernels = {op: kernel.pipelined(interval) for op, kernel in kernels.items()}
    plan = Plan(top, stream, dataflow, ports, wish, depths=depths)
    _Planner(design, kernels, plan, wanted, interval).run()
    if plan.stream:
        plan.fifos = fifos_of(plan, depths)
    return plan


def _is_copied(op: Op) -> bool:
    """Whether a kernel computes it that each step of a sequence has a copy of."""
    return op.has_copies and op.layer.border is None


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
    loops = any(op.loop is not None and not op.has_copies for op in design)  # a step of it is a word, or several
    streams = ports.bus is Bus.AXI_MASTER or largest.size > most or loops
    streams |= not (flat or arrays or _is_even(design))
    wishes = [f"{where}: parallelization_factor" for where in arrays]
    wishes += ["pipeline: 'flat'"] * (wish.form == "flat")
    wishes += [f"{op.source.where}: recurrence 'unrolled'" for op in design if op.has_copies]
    if streams and wishes:
        raise ConfigError(
            f"{wishes[0]} needs arrays, of up to {most:,} elements, at ports of their own; '{largest.name}' has "
            f"{largest.size:,}, the interface is {ports.bus.value}{', and there are sequences' * loops}: leave it out"
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
    """``interval``: that of the one pipeline which the design is, if it is one and hardware."""

    def __init__(
        self,
        design: Design,
        kernels: dict[Op, Kernel],
        plan: Plan,
        results: tuple[Tensor, ...],
        interval: int | None = None,
    ) -> None:
        self.design, self.kernels, self.plan, self.results, self.interval = design, kernels, plan, results, interval
        reserved = WIRE_NAMES | {plan.top, plan.of_a_sample}
        self.identifiers = Identifiers(reserved)
        self.roots = design.carriers
        self.reads = Counter(self.roots[t] for unit in units(design) for t in read_by(unit))
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
        for unit in units(self.design):
            op = unit[0]
            if op.loop is not None:
                self._loop(unit)
            elif op.is_input:
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
            self._finish(tensor, wire)

    def _loop(self, unit: list[Op]) -> None:
        """A loop: a step of this plan, whose body is a plan of its own on arrays."""
        loop, source = loop_of(unit), unit[0].source
        if any(op.loads_weights for op in unit):
            raise ConfigError(
                f"{source.where}: the weights of what a sequence is gone through with are constants, and no ports lead "
                "into its loop; give it weights 'constant'"
            )
        name = self.identifiers.make(f"{source.name}_loop")
        body = body_of(unit, name)
        plan = self._body_plan(body, f"{source.name}_cell")
        inner = dict(zip((op.output for op in body if op.is_input), plan.inputs, strict=True))
        results = dict(zip(body.outputs, plan.outputs, strict=True))
        takes = tuple(self._taken(op, inner) for op in with_role(unit, Role.STEP))
        shared = tuple(Taken(self._take(t), inner[t], stepwise=False) for t in outside(unit))
        carried = {slot_of(op): results[op.output] for op in with_role(unit, Role.CARRY)}
        states = tuple(self._kept(op, inner[op.output], carried[slot_of(op)]) for op in with_role(unit, Role.STATE))
        gives = tuple(self._given(op, results[op.input]) for op in with_role(unit, Role.STEPS, Role.LAST))
        made = LoopBody(plan, loop.steps, (*takes, *shared), states, gives, any(op.has_copies for op in unit))
        note = comment(f"{source.where}: {loop.steps} steps")
        self._add(Step(name, note, loop_kernel(made), made.inputs, made.outputs, layer=source.name, body=made))
        for op, given in zip(with_role(unit, Role.STEPS, Role.LAST), gives, strict=True):
            self._finish(op.output, given.outer)

    def _body_plan(self, body: Design, top: str) -> Plan:
        plan = Plan(self.identifiers.make(top), False, False, self.plan.interface, Pipeline())
        kernels = {op: bind(op) for op in body if is_called(op)}
        interval = self.interval
        if interval is None and all(kernel.unrolls for kernel in kernels.values()):
            interval = max((kernel.reuse_factor for kernel in kernels.values()), default=1)
        if interval is not None:
            kernels = {op: kernel.pipelined(interval) for op, kernel in kernels.items()}
        planner = _Planner(body, kernels, plan, body.outputs)
        planner.identifiers = self.identifiers
        return planner.run()

    def _taken(self, op: Op, inner: Mapping[Tensor, Wire]) -> Taken:
        backwards = op.layer.border is not None and op.layer.border.backwards
        return Taken(self._take(op.input, op.output.shape[-1]), inner[op.output], backwards=backwards)

    def _kept(self, op: Op, now: Wire, following: Wire) -> Kept:
        return Kept(now, following, self._take(op.input) if op.inputs else None)

    def _given(self, op: Op, inner: Wire) -> Given:
        border = op.layer.border
        assert border is not None
        note = comment(f"{op.source.where} -> {op.output.shape}")
        wire = self._wire(op.output, _part_of_position(op.output.shape[-1], op.output.type.width), note)
        return Given(wire, inner, border.role is Role.STEPS, border.backwards)

    def _finish(self, tensor: Tensor, wire: Wire) -> None:
        """Hand on what a step yields: to its readers, or as an output."""
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
            case Packing.ELEMENTS | Packing.CHANNELS | Packing.PARTS | Packing.PAIRS:
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
            case Packing.GATHERED | Packing.PARTS:
                return [self._take_parts(tensor) for tensor in op.inputs]
            case Packing.PAIRS if op.inputs[0].shape == op.inputs[1].shape:
                widest = max(tensor.type.width for tensor in op.inputs)
                return [self._take(tensor, _part_of_position(tensor.shape[-1], widest)) for tensor in op.inputs]
        return [self._take(tensor, tensor.shape[-1]) for tensor in op.inputs]

    def _take_parts(self, tensor: Tensor) -> Wire:
        """Packs that divide a position."""
        pack, last = self.copies[self.roots[tensor]][-1].pack, tensor.shape[-1]
        return self._take(tensor, None if last % pack == 0 else last)

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
        if tensor.held is not None and not op.layer.structural:
            found.append(f"channels are held {tensor.held}")
    products = op.layer.products
    if products and op.strategy is Strategy.DISTRIBUTED_ARITHMETIC:
        found.append(f"shared adders for {products} products a position")
    elif products:
        count = -(-products // op.reuse_factor)
        shared = f" for {products} products" if op.reuse_factor > 1 else ""
        several = f", {op.parallelization} positions at a time" if op.parallelization > 1 else ""
        found.append(f"{count} multiplier{'s' if count > 1 else ''}{shared} a position{several}")
    return tuple(comment(fact) for fact in found)
