"""From a design to its circuit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hlsgen.backends.base import Job
from hlsgen.backends.hls.naming import Identifiers
from hlsgen.backends.verilog.circuit import Block, Chain, Circuit, Fifo, Fork, Stage, Stream, Wires
from hlsgen.backends.verilog.core import Core, Place, build_core
from hlsgen.backends.verilog.fabric import levels_within
from hlsgen.backends.verilog.fifos import with_fifos
from hlsgen.backends.verilog.moves import wires_text
from hlsgen.backends.verilog.outline import outline
from hlsgen.backends.verilog.parts import Flow, Outline, Part
from hlsgen.backends.verilog.pipeline import converted
from hlsgen.backends.verilog.recurrence import loop_core
from hlsgen.backends.verilog.schedule import clocks_of
from hlsgen.backends.verilog.streams import STAGES, deeper

_RESERVED = """
    alias always_comb always_ff always_latch assume before bind bins binsof bit byte chandle checker class
    clocking constraint context cover covergroup coverpoint cross dist do endchecker endclass endclocking
    endgroup endinterface endpackage endprogram endproperty endsequence enum eventually expect extends final
    first_match foreach forkjoin global iff ignore_bins illegal_bins implements implies inside int interconnect
    interface intersect let local logic longint matches modport nettype nexttime null packed priority program
    property protected pure rand randc randcase randsequence restrict sequence shortint shortreal soft solve
    static string strong struct super tagged this throughout timeprecision timeunit typedef union unique unique0
    untyped uwire var virtual void wait_order weak wildcard with within
""".split()
"""Words of SystemVerilog that are none of Verilog: many tools read .v as that."""


def plan_circuit(job: Job) -> Circuit:
    """The circuit of a design, with all texts. Raises UnsupportedError and ConfigError as :func:`outline`."""
    plan = _Plan(job, outline(job))
    inputs, outputs = tuple(plan.inputs), tuple(plan.outputs)
    blocks = with_fifos(inputs, outputs, _in_order(inputs, plan.blocks))
    return Circuit(job.name, inputs, outputs, blocks, clocks_of(inputs, outputs, blocks), plan.layers)


def _with_inner(parts: Iterable[Part]) -> list[Part]:
    """All parts, those within loops too."""
    return [found for part in parts for found in (part, *(part.body.parts if part.body is not None else ()))]


def plain_core(part: Part, place: Place) -> Core:
    """The core of a part that is no loop."""
    return build_core(part.op, place) if part.kind == "core" else converted(part.op, place)


def _in_order(inputs: Iterable[Stream], blocks: Sequence[Block]) -> list[Block]:
    """Each block behind those that it reads from, else as they came."""
    written, rest, found = set(inputs), list(blocks), []
    while rest:
        block = next(block for block in rest if written.issuperset(block.reads))
        rest.remove(block)
        found.append(block)
        written.update(block.writes)
    return found


class _Plan:
    """Blocks of the parts of an outline, and the streams between them.

    Names of identifiers have single underscores: behind two, none is met again.
    """

    def __init__(self, job: Job, parts: Outline) -> None:
        self._job, self._parts = job, parts
        self._levels = levels_within(job.config.clock_period, job.config.part)
        ports = Identifiers([*_RESERVED, "clk", "rst"])
        named = [ports.make(tensor.name) for tensor in (*job.design.inputs, *job.design.outputs)]
        self._port_names = dict(zip(parts.inputs, named, strict=False))
        self._output_names = named[len(parts.inputs) :]
        wires = [f"{port}_{end}" for port in named for end in ("data", "valid", "ready")]
        names = Identifiers([*_RESERVED, job.name, "axis", "bench", "clk", "rst", *wires])
        self._names = {op: names.make(op.name) for op in dict.fromkeys(part.op for part in _with_inner(parts.parts))}
        self._used: dict[str, int] = {}
        self._readers = self._count_readers()
        self._streams: dict[Flow, list[Stream]] = {}
        self.inputs = [Stream(self._port_names[flow], flow.sample) for flow in parts.inputs]
        self.outputs: list[Stream] = []
        self.blocks: list[Block] = []
        self._build()

    @property
    def layers(self) -> dict[str, str]:
        """The layer of the model that each name stands for."""
        return {name: op.source.name for op, name in self._names.items()}

    def _count_readers(self) -> dict[Flow, int]:
        found: dict[Flow, int] = {}
        for flow in [*(flow for part in self._parts.parts for flow in part.reads), *self._parts.outputs]:
            found[flow] = found.get(flow, 0) + 1
        return found

    def _build(self) -> None:
        ends = dict.fromkeys(self._parts.outputs)
        self.outputs = [
            Stream(name, flow.sample) for name, flow in zip(self._output_names, self._parts.outputs, strict=True)
        ]
        for flow, stream in zip(self._parts.inputs, self.inputs, strict=True):
            self._offer(flow, stream)
        chain: list[tuple[str, Core]] = []
        first: tuple[Stream, ...] = ()
        for place, part in enumerate(self._parts.parts):
            name = self._name(part)
            if not part.is_core:
                self._add(part, name)
                continue
            if not chain:
                first = self._take(part)
            chain.append((name, self._core(part, name)))
            follower = self._parts.parts[place + 1] if place + 1 < len(self._parts.parts) else None
            if not (
                follower is not None
                and follower.is_core
                and follower.reads == (part.y,)
                and self._readers[part.y] == 1
                and part.y not in ends
            ):
                names, cores = zip(*chain, strict=True)
                self.blocks.append(Chain(names[0], first, (self._stream(part.y, name),), cores, names))
                chain = []

    def _name(self, part: Part) -> str:
        """The name of its instance: of a core that of the layer, of others with what they do."""
        base = self._names[part.op] if part.kind == "core" else f"{self._names[part.op]}__{part.kind}"
        number = self._used.get(base, 0)
        self._used[base] = number + 1
        return base if not number else f"{base}{number}" if "__" in base else f"{base}__part{number}"

    def _core(self, part: Part, name: str) -> Core:
        xs = tuple(flow.words for flow in part.reads)
        place = Place(f"{self._job.name}_{name}", xs, part.y.words, self._levels)
        if part.body is not None:
            inner = {held: self._name(held) for held in part.body.parts}
            return loop_core(part, place, inner, self._core)
        return plain_core(part, place)

    def _add(self, part: Part, name: str) -> None:
        """A stage, or wires."""
        module = f"{self._job.name}_{name}"
        reads, writes = self._take(part), (self._stream(part.y, name),)
        if part.kind == "wires":
            assert part.moves is not None
            text = wires_text(part.moves, part.op, part.y.words, module)
            self.blocks.append(Wires(name, reads, writes, module, {module: text}))
        else:
            text, pace = STAGES[part.kind](part, module)
            turns = part.y.turns  # the text is that of a turn, behind which it begins anew
            stage = Stage(name, reads, writes, module, {module: text}, pace.times(turns))
            more = deeper(part, module)
            if more is not None:
                wider = replace(stage, module_texts={module: more[0]}, pace=more[1].times(turns))
                stage = replace(stage, deeper=wider)
            self.blocks.append(stage)

    def _stream(self, flow: Flow, name: str) -> Stream:
        """The stream on which a new flow is written; a fork stands behind it if several read it."""
        outputs = [k for k, output in enumerate(self._parts.outputs) if output == flow]
        if self._readers[flow] == 1 and outputs:
            return self.outputs[outputs[0]]
        stream = Stream(f"{name}__out", flow.sample)
        self._offer(flow, stream)
        return stream

    def _offer(self, flow: Flow, stream: Stream) -> None:
        """Make a stream for each reader of a flow."""
        outputs = [self.outputs[k] for k, output in enumerate(self._parts.outputs) if output == flow]
        inner = self._readers.get(flow, 0) - len(outputs)
        if inner + len(outputs) == 1 and outputs:  # an input that is an output
            self.blocks.append(Fifo(f"{stream.name}__fifo", (stream,), (outputs[0],), depth=2))
        elif inner + len(outputs) == 1:
            self._streams[flow] = [stream]
        elif inner or outputs:
            branches = [Stream(f"{stream.name}__to{k}", flow.sample) for k in range(inner)]
            self.blocks.append(Fork(f"{stream.name}__fork", (stream,), (*branches, *outputs)))
            self._streams[flow] = branches

    def _take(self, part: Part) -> tuple[Stream, ...]:
        return tuple(self._streams[flow].pop(0) for flow in part.reads)
