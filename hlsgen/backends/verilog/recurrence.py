"""The core of a loop: one step of it, with registers for its states.

A step is a fixed plan: each core of it is started in the clock in which the last of its operands is there. What is
there earlier is held in a register from then on, so that it need not be delayed clock by clock; it is not made anew
before the next step. The next step may start a clock after what it goes on from is known: that is the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hlsgen.backends.hls.naming import comment
from hlsgen.backends.verilog.core import Core, Place, operand_names
from hlsgen.backends.verilog.moves import picked, trimmed
from hlsgen.backends.verilog.parts import Body, Flow, Part, State
from hlsgen.backends.verilog.text import counter_bits, render

BuildCore = Callable[[Part, str], Core]


@dataclass(frozen=True)
class _Signal:
    """A word of the step: in which clock behind its start it is there, and the bit that says so in that clock."""

    text: str
    width: int
    clock: int
    is_there: str
    way: tuple[str, ...] = ()
    """The cores between the start and it, with their clocks: those that take longest."""
    state: Flow | None = None
    """The state whose elements it is: it is there until the state is written."""


@dataclass(frozen=True)
class _Cell:
    """A core within the step."""

    name: str
    core: Core
    start: str
    operands: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Register:
    """A state: when it is written, and with what."""

    name: str
    slot: str
    width: int
    written: str
    value: str
    at_once: bool
    """Whether it is written in the very clock in which a step starts."""
    start: str | None
    """The operand with what it starts with; None for zeros."""


def loop_core(part: Part, place: Place, named: Mapping[Part, str], build: BuildCore) -> Core:
    """The core of a part of kind ``loop``. ``named``: the names of its body's parts; ``build`` makes their cores."""
    body = part.body
    assert body is not None
    return _Step(body, part, place, named, build).core()


class _Step:
    """One step, in the making."""

    def __init__(self, body: Body, part: Part, place: Place, named: Mapping[Part, str], build: BuildCore) -> None:
        self.body, self.part, self.place, self.named, self.build = body, part, place, named, build
        self.signals: dict[Flow, _Signal] = {}
        self.held: dict[str, _Signal] = {}
        """What is held in a register, by its name."""
        self.wires: list[tuple[str, int, list[str]]] = []
        self.cells: list[_Cell] = []
        self.uses: dict[Flow, dict[int, str]] = {state.now: {} for state in body.states}
        """For each state the clocks in which it is read, and the bits that are set then."""
        self.ports = dict(zip(part.reads, operand_names(place.xs), strict=True))

    def core(self) -> Core:
        self._begin()
        for part in self.body.parts:
            self._add(part)
        results = [self.signals[flow] for flow in self.body.results]
        last = max(results, key=lambda signal: signal.clock)
        texts = [self._read(signal, last.clock, last.is_there) for signal in results]
        registers, longest = self._registers()
        interval = max([longest.clock + 1, *(cell.core.interval for cell in self.cells)])
        text = render(
            "loop.v.j2",
            about=[self._about()],
            place=self.place,
            latency=last.clock,
            interval=interval,
            way=", ".join(longest.way),
            steps=self.body.loop.steps,
            bits=counter_bits(self.body.loop.steps),
            registers=registers,
            wires=self.wires,
            cells=self.cells,
            held=list(self.held.values()),
            results=texts[::-1],
            done=last.is_there,
        )
        inner = tuple(cell.core for cell in self.cells)
        modules = {self.place.module: text}
        for core in inner:
            modules.update(core.texts)
        return Core(self.place.module, self.place.xs, self.place.y, last.clock, interval, modules, inner=inner)

    def _about(self) -> str:
        source = self.part.op.source
        return f"{comment(source.name)} ({comment(source.class_name)}): one of {self.body.loop.steps} steps"

    def _begin(self) -> None:
        """Operands and states. A state that is given is chosen in the first clock."""
        for flow, port in self.ports.items():
            self.signals[flow] = _Signal(port, flow.words.width, 0, "start")
        for number, state in enumerate(self.body.states):
            signal = _Signal(f"state{number}", state.now.words.width, 0, "start", state=state.now)
            if state.start is not None:
                signal = _Signal(
                    f"state{number}", state.now.words.width, 1, "started", ("the choice of a state 1",), state.now
                )
            self.signals[state.now] = signal

    def _add(self, part: Part) -> None:
        name = self.named[part]
        reads = [self.signals[flow] for flow in part.reads]
        if part.is_core:
            latest = max(reads, key=lambda signal: signal.clock)
            core = self.build(part, name)
            texts = [self._read(signal, latest.clock, latest.is_there) for signal in reads]
            operands = tuple(zip(core.operands, texts, strict=True))
            self.cells.append(_Cell(name, core, latest.is_there, operands))
            clock, way = latest.clock + core.latency, (*latest.way, f"{name} {core.latency}")
            self.signals[part.y] = _Signal(f"{name}__y", core.y.width, clock, f"{name}__done", way)
            return
        (x,) = reads
        if part.kind == "trim":
            bits = trimmed(part.x, part.y.words.type, x.text)
        else:
            assert part.moves is not None
            bits = picked(part.moves, x.text)
        self.wires.append((f"{name}__y", part.y.words.width, bits))
        self.signals[part.y] = _Signal(f"{name}__y", part.y.words.width, x.clock, x.is_there, x.way, x.state)

    def _read(self, signal: _Signal, clock: int, now: str) -> str:
        """A signal in a clock in which the bit ``now`` is set."""
        if signal.state is not None:
            self.uses[signal.state][clock] = now
            return signal.text
        if signal.clock == clock:
            return signal.text
        self.held[signal.text] = signal
        return f"{signal.text}__held"

    def _registers(self) -> tuple[list[_Register], _Signal]:
        """The states, and of what is carried on that which is there last.

        A state that starts with zeros is written when nothing reads it any more. What is carried on may be another
        state, which is then read in that clock, and written in no earlier one.
        """
        carried = [self.signals[state.carried] for state in self.body.states]
        written = [self._written(state, signal) for state, signal in zip(self.body.states, carried, strict=True)]
        while True:
            values = [self._read(signal, *when) for signal, when in zip(carried, written, strict=True)]
            again = [self._written(state, signal) for state, signal in zip(self.body.states, carried, strict=True)]
            if again == written:
                break
            written = again
        registers = [
            _Register(
                f"state{k}",
                comment(state.slot),
                state.now.words.width,
                bit,
                values[k],
                clock == 0,
                None if state.start is None else self.ports[state.start],
            )
            for k, (state, (clock, bit)) in enumerate(zip(self.body.states, written, strict=True))
        ]
        assert all(clock <= max(signal.clock for signal in carried) for clock, _ in written)
        return registers, max(carried, key=lambda signal: signal.clock)

    def _written(self, state: State, signal: _Signal) -> tuple[int, str]:
        """The clock in which a state is written, and the bit that is set then."""
        clocks = {signal.clock: signal.is_there}
        if state.start is None:
            clocks |= self.uses[state.now]
        last = max(clocks)
        return last, clocks[last]
