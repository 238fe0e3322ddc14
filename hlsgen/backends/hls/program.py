"""The C++ program of a design, as the templates print it: kernel calls on named wires, ports, and loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hlsgen.backends.hls.depths import Depths
from hlsgen.backends.hls.fifos import Fifo
from hlsgen.backends.hls.kernel import ConstantArray, Kernel
from hlsgen.backends.hls.ports import WIDEST_WORD, Bus, Interface, PortForm, words_of_array, words_of_stream
from hlsgen.backends.hls.schedule import Schedule
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, DesignError
from hlsgen.ir.loop import units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import WeightSource

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
    body: LoopBody | None = None
    """If given, it is a loop over the steps of sequences, and no kernel of its own."""
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
class Sequences:
    """The layers that go through a sequence, as messages name them: those with a loop, and those unrolled in time."""

    looped: tuple[str, ...] = ()
    unrolled: tuple[str, ...] = ()

    @classmethod
    def of(cls, design: Design) -> Sequences:
        loops = [unit for unit in units(design) if unit[0].loop is not None]
        named: dict[bool, list[str]] = {False: [], True: []}
        for unit in loops:
            named[any(op.has_copies for op in unit)].append(unit[0].source.where)
        return cls(tuple(named[False]), tuple(named[True]))


@dataclass(frozen=True)
class Pipeline:
    """What is wished of the top function: its form (auto, flat, dataflow) and, if it is flat, its interval."""

    form: str = "auto"
    interval: int | None = None

    def shared(self, reuse_factors: Sequence[int]) -> int:
        """The interval of a flat pipeline of kernels with these reuse factors."""
        return max([self.interval or 1, *reuse_factors])

    def is_flat(self, kernels: Mapping[Op, Kernel], io_type: str, ports: Interface, sequences: Sequences) -> bool:
        """Whether the design is one pipeline. Raises ConfigError for one that cannot be, and is to be."""
        if self.form != "flat" and not sequences.unrolled:
            return self.form == "auto" and not sequences.looped and all(kernel.unrolls for kernel in kernels.values())
        what, undo = "pipeline 'flat'", "leave pipeline out"
        if self.form != "flat":
            what, undo = f"{sequences.unrolled[0]}: recurrence 'unrolled'", "leave recurrence out"
        if self.form == "dataflow":
            raise ConfigError(
                f"{what} is one pipeline of all steps, and pipeline 'dataflow' is a process for each layer; leave "
                "one of them out"
            )
        if io_type == "io_stream" or ports.bus is Bus.AXI_MASTER:
            raise ConfigError(
                f"{what} is one pipeline of arrays, and streams are a dataflow; {undo}, or take io_type 'io_parallel' "
                "and interface 'ap_vld'"
            )
        if sequences.looped:
            raise ConfigError(
                f"{sequences.looped[0]}: {what} unrolls every loop, and a step of its sequence needs the one "
                f"before; give it recurrence 'unrolled', or {undo}"
            )
        for op, kernel in kernels.items():
            _refuse_turns(op, kernel, what, undo)
        return True


def _refuse_turns(op: Op, kernel: Kernel, what: str, undo: str) -> None:
    """Raise ConfigError for an operation that no pipeline unrolls, in which ``what`` would have it."""
    if op.loads_weights:
        raise ConfigError(
            f"{op.source.where}: {what} unrolls every loop, and weights '{op.weight_source}' are read turn by turn; "
            f"give it weights 'constant', or {undo}"
        )
    if not kernel.strategy.is_one_turn:
        raise ConfigError(
            f"{op.source.where}: {what} unrolls every loop, and strategy '{kernel.strategy}' takes "
            f"{kernel.reuse_factor} turns of one; give it strategy 'latency', where the pipeline's interval shares "
            "multipliers"
        )


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
    def calls(self) -> list[Step]:
        """All kernel calls, those of loops too."""
        return [call for step in self.steps for call in (step.body.plan.calls if step.body else [step])]

    @property
    def arrays(self) -> list[Wire]:
        """The wires inside of loops."""
        bodies = [step.body.plan for step in self.steps if step.body]
        return [wire for body in bodies for wire in (*body.inputs, *body.wires, *body.outputs, *body.arrays)]

    @property
    def constants(self) -> list[NamedConstant]:
        return [constant for call in self.calls for constant in call.constants]

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
        return sorted({call.kernel.header for call in self.calls})

    @property
    def interval(self) -> int:
        """The initiation interval of a flat pipeline: the wished one, and the largest reuse factor at least."""
        return self.pipeline.shared([step.kernel.reuse_factor for step in self.steps])


@dataclass(frozen=True)
class Taken:
    """What a step reads of a sequence, or (``stepwise`` False) what every step reads."""

    outer: Wire
    inner: Wire
    stepwise: bool = True
    backwards: bool = False

    @property
    def whole(self) -> bool:
        """Whether all of it has to be there before the first step."""
        return self.backwards or not self.stepwise


@dataclass(frozen=True)
class Kept:
    """A state: what a step reads, what the next one does, and what the first one does instead of zeros."""

    now: Wire
    next: Wire
    start: Wire | None = None


@dataclass(frozen=True)
class Given:
    """What a loop yields: the values of every step, or that of the last."""

    outer: Wire
    inner: Wire
    every: bool
    backwards: bool = False

    @property
    def whole(self) -> bool:
        """Whether all of it has to be there before any is handed on."""
        return self.backwards


@dataclass(frozen=True, eq=False)
class LoopBody:
    """One loop: the plan of a step, and how its arrays are joined to the wires outside."""

    plan: Plan
    steps: int
    takes: tuple[Taken, ...]
    states: tuple[Kept, ...]
    gives: tuple[Given, ...]
    unrolled: bool = False
    """Whether every step has a copy of its own, in the pipeline that the whole design is."""

    @property
    def inputs(self) -> tuple[Wire, ...]:
        return (*(taken.outer for taken in self.takes), *(state.start for state in self.states if state.start))

    @property
    def outputs(self) -> tuple[Wire, ...]:
        return tuple(given.outer for given in self.gives)

    def between(self, others: Mapping[Wire, Wire]) -> LoopBody:
        """The same loop on other wires outside."""

        def other(wire: Wire) -> Wire:
            return others.get(wire, wire)

        return replace(
            self,
            takes=tuple(replace(taken, outer=other(taken.outer)) for taken in self.takes),
            states=tuple(replace(state, start=state.start and other(state.start)) for state in self.states),
            gives=tuple(replace(given, outer=other(given.outer)) for given in self.gives),
        )

    @property
    def is_pipeline(self) -> bool:
        """Whether a step is one pipeline, with every loop of it unrolled."""
        return all(step.kernel.unrolls for step in self.plan.steps)
