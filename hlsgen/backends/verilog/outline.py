"""What a design becomes: parts (cores, and stages that make their words) and the words that flow between them.

What has no circuit is refused here, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from math import gcd

import numpy as np

from hlsgen.backends.base import Job
from hlsgen.backends.hls.loops import slot_of, with_role
from hlsgen.backends.verilog import cores
from hlsgen.backends.verilog.core import Words, check_core, refused
from hlsgen.backends.verilog.fabric import checked_device
from hlsgen.backends.verilog.loops import Divided, divided
from hlsgen.backends.verilog.moves import ZERO, Moves, moves_of, no_logic, pieces_of
from hlsgen.backends.verilog.order import order_of
from hlsgen.backends.verilog.parts import Body, Flow, Kind, Outline, Part, State, words_of
from hlsgen.backends.verilog.spans import span_words
from hlsgen.backends.verilog.whole import whole_words
from hlsgen.backends.verilog.windows import column_words, is_whole, scan_of, window_of
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.loop import Loop, Role, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Storage, Strategy
from hlsgen.layers.axis_windows import AlongAxis, LargestAlongAxis
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import GlobalAveragePooling, GlobalMaxPooling
from hlsgen.layers.shape_ops import Concatenate, Mover
from hlsgen.layers.split import Split
from hlsgen.layers.window import Window

_HLS_ONLY = "board clock_uncertainty pipeline interface control axi_lite tlast batch port_width".split()
"""Settings that say how Vitis HLS is to build: none of them would do anything here."""
MOST_BITS = 1 << 18
"""Bits of a word that registers hold: what has to lie side by side to be taken in another order."""
_FEW_BITS = 1 << 13
"""Bits of what comes and goes that registers hold sooner than a memory does, from which one piece is read at a time."""
_MOST_STORED = 1 << 24
"""Bits of a memory of words in another order."""


def outline(job: Job) -> Outline:
    """All parts. Raises UnsupportedError for a layer and ConfigError for a setting that have no circuit."""
    assert cores.__path__, "the import registers them"
    _check_settings(job.config)
    checked_device(job.config.part)
    for op in job.design:
        if not (op.is_input or op.layer.renames or op.layer.border is not None):
            _check(op)
    found = parts_of(job.design)
    if not found.parts:
        raise UnsupportedError("backend verilog: the model computes nothing; there is no circuit of it")
    return found


def parts_of(design: Design) -> Outline:
    """All parts, of a design that :func:`outline` may still refuse.

    Raises UnsupportedError for what has too many bits side by side, and for loops that have no circuit.
    """
    parts = _Parts(design)
    for unit in units(design):
        parts.add_unit(unit)
    outputs = [parts.flow_of(design.producer(tensor), tensor) for tensor in design.outputs]
    return Outline(tuple(parts.inputs), tuple(parts.made), tuple(outputs))


def _check_settings(config: Config) -> None:
    for name in _HLS_ONLY:
        if getattr(config, name) != Config.model_fields[name].default:
            raise ConfigError(f"{name}: says how Vitis HLS builds, and means nothing to backend verilog; leave it out")


def _check(op: Op) -> None:
    if op.loads_weights:
        raise refused(
            op, f"weights: {op.weight_source.value} has no circuit yet", "leave it out, or use backend: vitis"
        )
    if op.strategy is Strategy.UNROLLED:
        raise refused(op, "strategy: unrolled is one of Vitis HLS", "set strategy: latency or resource")
    if op.parallelization > 1:
        raise refused(op, "parallelization_factor has no circuit yet", "leave it out")
    if op.storage is not Storage.AUTO:
        raise refused(op, "storage: the synthesis tool chooses the memory of weights", "leave it out")
    if not isinstance(op.layer, Mover | Split):
        check_core(op)


def _picks(layer: LargestAlongAxis) -> bool:
    """Whether it only drops cells."""
    return layer.spans.taps == 1 and all(a < b for a, b in pairwise(layer.spans.first))


class _Parts:
    """Makes the parts, operation by operation."""

    def __init__(self, design: Design) -> None:
        self.inputs: list[Flow] = []
        self.made: list[Part] = []
        self._flows: dict[Tensor, Flow] = {}
        self._regrouped: dict[tuple[Flow, Kind, int, int], Flow] = {}
        self._read = {tensor for op in design for tensor in op.inputs} | set(design.outputs)
        self._turns = 1
        self._in_body = False

    def add_unit(self, unit: list[Op]) -> None:
        """The parts of an operation, or of a loop (:func:`hlsgen.ir.loop.units`).

        What of a loop no step has to wait for is like any other operation, but that it begins anew with each step.
        """
        loop = unit[0].loop
        if loop is None:
            self._add(unit[0])
            return
        _check_loop(unit)
        parts = divided(unit)
        with self._in_turns(loop.steps):
            for op in parts.before:
                self._add(op)
            if parts.inside:
                self._add_states(loop, parts)
            for op in parts.behind:
                self._add(op)

    def _add(self, op: Op) -> None:
        """The parts of an operation."""
        if op.layer.border is not None:
            self._add_border(op)
            return
        if op.is_input:
            flow = Flow(words_of(op.output))
            self.inputs.append(flow)
            self._flows[op.output] = flow
            return
        if op.layer.renames:
            self._flows[op.output] = self._flows[op.input]
            return
        if isinstance(op.layer, Mover):
            self._flows[op.output] = self._moved(op, op.layer.move(_places(op.input)), op.output)
        elif isinstance(op.layer, Split):
            pieces = np.split(_places(op.input), [op.layer.first], axis=op.layer.axis + 1)
            for tensor, places in zip(op.outputs, pieces, strict=True):
                if tensor in self._read:
                    self._flows[tensor] = self._moved(op, places, tensor)
        elif isinstance(op.layer, LargestAlongAxis) and _picks(op.layer):
            self._flows[op.output] = self._moved(op, op.layer.cells(_places(op.input), 0), op.output)
        elif isinstance(op.layer, Concatenate) and op.layer.axis < len(op.output.shape) - 1:
            self._flows[op.output] = self._sequence(op)
        else:
            self._flows[op.output] = self._core(op)

    def flow_of(self, op: Op, tensor: Tensor, words: Words | None = None) -> Flow:
        """A tensor in words of its own shape, or in others."""
        flow = self._flows[tensor]
        if flow.turns != self._turns:
            flow = self._in_every_step(op, flow)
        return self._in_words(op, flow, words or words_of(tensor))

    def _part(self, kind: Kind, op: Op, reads: tuple[Flow, ...], words: Words, moves: Moves | None = None) -> Flow:
        flow = Flow(words, self._turns)
        self.made.append(Part(kind, op, reads, flow, moves))
        return flow

    def _core(self, op: Op) -> Flow:
        """The core of an operation, and what makes its words of those that come."""
        y = words_of(op.output)
        flows = [self.flow_of(op, tensor) for tensor in op.inputs]
        if isinstance(op.layer, Merge):
            flows = [self._repeated(op, flow, y.beats) for flow in flows]
        if isinstance(op.layer, MatMul):
            flows[1] = self._repeated(op, self._matrices(op, op.layer, flows[1]), y.beats)
        if isinstance(op.layer, GlobalMaxPooling | GlobalAveragePooling):
            flows = [self._part("whole", op, (flows[0],), whole_words(op, flows[0].words))]
        if isinstance(op.layer, AlongAxis):
            flows = [self._part("spans", op, (flows[0],), span_words(op.layer, op, flows[0].words))]
        window = window_of(op)
        if window is not None:
            flows = [self._windows(op, window, flows[0], y.beats)]
        return self._part("core", op, tuple(flows), y)

    def _windows(self, op: Op, window: Window, flow: Flow, beats: int) -> Flow:
        """The cells of each window as one word."""
        x, scan = flow.words, scan_of(window, op.input.shape)
        wanted = Words(x.type, window.taps * x.elements, beats)
        if is_whole(window, op.input.shape):
            return self._in_words(op, flow, wanted)
        if scan.lines is not None:
            flow = self._part("lines", op, (flow,), column_words(scan, x))
        return flow if scan.columns is None else self._part("windows", op, (flow,), wanted)

    def _repeated(self, op: Op, flow: Flow, beats: int) -> Flow:
        """One word as often as the other operand has words."""
        x = flow.words
        return flow if x.beats == beats else self._regroup("repeat", op, flow, Words(x.type, x.elements, beats))

    def _matrices(self, op: Op, layer: MatMul, flow: Flow) -> Flow:
        """Each matrix as one word."""
        x = flow.words
        return self._in_words(op, flow, Words(x.type, layer.products, x.beats * x.elements // layer.products))

    def _in_words(self, op: Op, flow: Flow, wanted: Words) -> Flow:
        """The same elements in words of another size; where neither divides the other, by way of one word, or of pieces
        that divide both."""
        x = flow.words
        if x.elements == wanted.elements:
            return flow
        more, less = max(x.elements, wanted.elements), min(x.elements, wanted.elements)
        if more % less:
            size = x.elements * x.beats if 2 * _bits(x) <= _FEW_BITS else gcd(more, less)
            flow = self._in_words(op, flow, Words(x.type, size, x.beats * x.elements // size))
        kind: Kind = "gather" if wanted.elements > flow.words.elements else "split"
        return self._regroup(kind, op, flow, Words(x.type, wanted.elements, wanted.beats))

    def _regroup(self, kind: Kind, op: Op, flow: Flow, words: Words) -> Flow:
        """Made once for all that read it."""
        key = flow, kind, words.elements, words.beats * self._turns
        if key not in self._regrouped:
            if kind == "gather" and words.width > MOST_BITS:
                raise refused(op, f"needs {words.width} bits side by side, at most {MOST_BITS} are held in registers")
            self._regrouped[key] = self._part(kind, op, (flow,), words)
        return self._regrouped[key]

    def _moved(self, op: Op, places: np.ndarray, tensor: Tensor) -> Flow:
        """Elements in other places: ``places`` (1, *shape) holds the number of each, from 1 on; 0 for a zero."""
        wanted = words_of(tensor)
        flow = self.flow_of(op, op.input)
        x = flow.words
        places = places.reshape(wanted.beats, wanted.elements)
        moves = moves_of(places, x)
        if moves is None and (x.beats == 1 or wanted.beats == 1 or _bits(x) + _bits(wanted) <= _FEW_BITS):
            flow = self._in_words(op, flow, Words(x.type, x.elements * x.beats, 1))
            moves = moves_of(places.reshape(1, -1), flow.words)
        moves = moves or pieces_of(places, x)
        flow = self._ordered(op, self._in_words(op, flow, moves.x), moves)
        if not moves.keeps_elements:
            flow = self._part("wires", op, (flow,), Words(x.type, len(moves.elements), flow.words.beats), moves)
        return self._cast(op, self._in_words(op, flow, wanted), tensor.type)

    def _ordered(self, op: Op, flow: Flow, moves: Moves) -> Flow:
        """Words in the order that they are given in, with as little memory as that takes."""
        x, y = moves.x, Words(moves.x.type, moves.x.elements, len(moves.words))
        if moves.keeps_words:
            return flow
        order = order_of(moves.words, x.beats)
        if order.length == 1 and ZERO not in order.words:
            return self._repeated(op, flow, y.beats)
        if moves.in_order:
            return self._part("moves", op, (flow,), y, moves)
        if order.bits(x) > _MOST_STORED:
            what = f"words in another order take a memory of {order.bits(x)} bits, at most {_MOST_STORED} are held"
            raise refused(op, what)
        return self._part("order", op, (flow,), y, moves)

    def _sequence(self, op: Op) -> Flow:
        """Two tensors joined along an axis of positions: some words of the first, some of the other, and so on."""
        y = words_of(op.output)
        flows = tuple(self._cast(op, self.flow_of(op, tensor), y.type) for tensor in op.inputs)
        return self._part("joined", op, flows, y)

    def _cast(self, op: Op, flow: Flow, to: FixedType) -> Flow:
        """In another type; within a step without a clock, where no value is rounded or limited."""
        x, free = flow.words, no_logic(flow.words.type, to)
        if free and (x.type.width, x.type.frac, x.type.signed) == (to.width, to.frac, to.signed):
            return flow
        return self._part("trim" if free and self._in_body else "cast", op, (flow,), Words(to, x.elements, x.beats))

    # -- loops ----------------------------------------------------------------------------------

    @contextmanager
    def _in_turns(self, turns: int) -> Iterator[None]:
        """What is made meanwhile is of a step of a loop with so many; 1: of none."""
        former, self._turns = self._turns, turns
        yield
        self._turns = former

    def _in_every_step(self, op: Op, flow: Flow) -> Flow:
        """A word from outside of a loop, given to each of its steps."""
        x, steps = flow.words, self._turns
        if x.beats > 1:
            raise refused(op, f"each step reads {x.beats} words from outside of its loop, which has no circuit yet")
        if steps == 1:
            return flow
        with self._in_turns(1):
            held = self._regroup("repeat", op, flow, Words(x.type, x.elements, steps))
        return held.seen_as(x, steps)

    def _add_border(self, op: Op) -> None:
        """What hands words into the steps of a loop without computing anything, or out of them."""
        border, (tensor,) = op.layer.border, op.outputs
        assert border is not None
        y, steps = words_of(tensor), self._turns
        if border.role is Role.STEP:
            with self._in_turns(1):
                flow = self.flow_of(op, op.input)
                flow = self._reversed(op, flow, steps) if border.backwards else flow
            self._flows[tensor] = self._cast(op, flow.seen_as(replace(y, type=flow.words.type), steps), tensor.type)
            return
        flow = self.flow_of(op, op.input)
        with self._in_turns(1):
            flow = flow.seen_as(flow.sample, 1)
            if border.role is Role.LAST and steps > 1:
                kept = range(flow.words.beats - y.beats, flow.words.beats)
                moves = Moves(tuple(kept), tuple(range(y.elements)), flow.words)
                flow = self._part("moves", op, (flow,), replace(flow.words, beats=y.beats), moves)
            elif border.backwards:
                flow = self._reversed(op, flow, steps)
            self._flows[tensor] = self._cast(op, flow, tensor.type)

    def _reversed(self, op: Op, flow: Flow, steps: int) -> Flow:
        """The last step first."""
        words = np.arange(flow.words.beats).reshape(steps, -1)[::-1]
        return self._ordered(
            op, flow, Moves(tuple(words.ravel().tolist()), tuple(range(flow.words.elements)), flow.words)
        )

    def _add_states(self, loop: Loop, parts: Divided) -> None:
        """What of a loop a step has to wait for, as one core with states."""
        self._hold_outer(parts.inside)
        starts = {slot_of(op): self._started(op) for op in with_role(parts.inside, Role.STATE) if op.inputs}
        now: dict[str, Flow] = {}
        carried: dict[str, Flow] = {}
        outside, self.made, self._in_body = self.made, [], True
        for op in parts.inside:
            border = op.layer.border
            if border is None:
                self._add(op)
            elif border.role is Role.STATE:
                now[border.slot] = self._flows[op.output] = Flow(words_of(op.output), loop.steps)
            else:
                carried[border.slot] = self._flows[op.output] = self._cast(
                    op, self.flow_of(op, op.input), op.output.type
                )
        body, self.made, self._in_body = self.made, outside, False
        for part in body:
            _check_static(part)
        made = {tensor for op in parts.inside for tensor in op.outputs}
        read = list(dict.fromkeys(tensor for op in parts.behind for tensor in op.inputs if tensor in made))
        results = tuple(dict.fromkeys(self._flows[tensor] for tensor in read))
        states = tuple(State(slot, flow, carried[slot], starts.get(slot)) for slot, flow in now.items())
        given = self._loop(parts.behind[0], Body(loop, tuple(body), states, results))
        for tensor in read:
            self._flows[tensor] = given[self._flows[tensor]]

    def _hold_outer(self, ops: Sequence[Op]) -> None:
        """Make what gives words from outside to each step: it stands in front of what is computed there."""
        made = {tensor for op in ops for tensor in op.outputs}
        for op in ops:
            for tensor in op.inputs:
                if op.layer.border is None and tensor not in made:
                    self.flow_of(op, tensor)

    def _started(self, op: Op) -> Flow:
        """What a state starts with, given to each step, of which the first reads it."""
        with self._in_turns(1):
            flow = self._cast(op, self.flow_of(op, op.input), op.output.type)
        return self._in_every_step(op, flow)

    def _loop(self, op: Op, body: Body) -> dict[Flow, Flow]:
        """The core of a body, and what takes its results apart; the flow outside for each result."""
        made = {part.y for part in body.parts} | {state.now for state in body.states}
        reads = [flow for part in body.parts for flow in part.reads]
        reads += [state.carried for state in body.states] + list(body.results)
        reads = [flow for flow in reads if flow not in made]
        reads += [state.start for state in body.states if state.start is not None]
        steps = body.loop.steps
        words = body.results[0].words if len(body.results) == 1 else _side_by_side(body.results)
        y = Flow(words, steps)
        self.made.append(Part("loop", op, tuple(dict.fromkeys(reads)), y, body=body))
        if len(body.results) == 1:
            return {body.results[0]: y}
        found, first = {}, 0
        for flow in body.results:
            width = flow.words.width
            found[flow] = self._part(
                "wires", op, (y,), flow.words, Moves((0,), tuple(range(first, first + width)), words)
            )
            first += width
        return found


def _side_by_side(flows: Sequence[Flow]) -> Words:
    """A word with the bits of all of them, those of the first in the lowest."""
    return Words(FixedType(1, 1, signed=False), sum(flow.words.width for flow in flows), 1)


def _check_loop(unit: Sequence[Op]) -> None:
    for op in unit:
        if op.has_copies:
            raise refused(
                op, "recurrence: unrolled, a copy of a cell for each step, has no circuit yet", "set recurrence: loop"
            )


def _check_static(part: Part) -> None:
    """Refuse what a step cannot compute of one word."""
    if part.kind not in ("core", "cast", "wires", "trim") or part.y.words.beats > 1:
        raise refused(part.op, f"{part.op.layer.kind} of several words, which states go through, has no circuit yet")


def _bits(words: Words) -> int:
    """Those of a sample."""
    return words.width * words.beats


def _places(tensor: Tensor) -> np.ndarray:
    """The number of each element, from 1 on, as one sample."""
    return np.arange(1, tensor.size + 1).reshape(1, *tensor.shape)
