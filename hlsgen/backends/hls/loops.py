"""Loops of a design in C++: one step is a plan of its own on arrays, and a process goes through all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hlsgen.backends.hls.design_schedule import schedule_of
from hlsgen.backends.hls.kernel import Kernel
from hlsgen.backends.hls.program import LoopBody
from hlsgen.backends.hls.schedule import Schedule, evenly
from hlsgen.backends.hls.timing import Timing, Words
from hlsgen.design.design import Design
from hlsgen.errors import DesignError
from hlsgen.ir.loop import Loop, Role
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Wish
from hlsgen.layers.convert import Convert
from hlsgen.layers.input import Input


@dataclass(frozen=True, kw_only=True)
class Stepping(Timing):
    """The words of a step are read, a step is computed, its results are written; then the next."""

    steps: int
    latency: int
    """Cycles of a step, from what it reads to its results: an estimate."""
    takes_first: tuple[bool, ...] = ()
    """Of each input: whether all of it is read before the first step."""
    gives_last: tuple[bool, ...] = ()
    """Of each output: whether all of it is written behind the last step."""

    def on_arrays(self) -> Schedule:
        return Schedule(self.steps, self.latency, self.steps * self.latency, self.depth)

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        before, inside = _shared(inputs, self.takes_first, self.steps)
        _, handed = _shared(outputs, self.gives_last, self.steps)
        each = sum(inside) + self.latency + sum(handed)
        reads, at, first = [], 0, 0
        for words, whole in zip(inputs, self.takes_first, strict=True):
            if whole:
                reads.append(evenly(words, 1, first))
                first += words
            else:
                starts = evenly(self.steps, each, sum(before) + at)
                reads.append((starts[:, None] + evenly(words // self.steps)).reshape(-1))
                at += words // self.steps
        writes, at, last = [], sum(inside) + self.latency, sum(before) + self.steps * each
        for words, whole in zip(outputs, self.gives_last, strict=True):
            if whole:
                writes.append(evenly(words, 1, last))
                last += words
            else:
                starts = evenly(self.steps, each, sum(before) + at)
                writes.append((starts[:, None] + evenly(words // self.steps)).reshape(-1))
                at += words // self.steps
        return Schedule(self.steps, each, last, self.depth, tuple(reads), tuple(writes))


@dataclass(frozen=True, kw_only=True)
class Unrolled(Timing):
    """All steps stand one behind the other in one pipeline of arrays; ``depth`` is that of all of them."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        raise DesignError("steps that are unrolled are a pipeline of arrays, and these are streams")


def _shared(words: Words, whole: tuple[bool, ...], steps: int) -> tuple[list[int], list[int]]:
    """The words of those streams that are passed at once, and of the others in a step."""
    at_once = [count for count, every in zip(words, whole, strict=True) if every]
    return at_once, [count // steps for count, every in zip(words, whole, strict=True) if not every]


def body_of(unit: list[Op], name: str) -> Design:
    """One step of a loop as a design: what it takes are inputs, what it carries on and gives are outputs."""
    ops = [Op(tensor.name, Input(tensor.shape), (), (tensor,), Wish(), unit[0].source) for tensor in outside(unit)]
    results: dict[Tensor, None] = {}
    for op in unit:
        border = op.layer.border
        if border is None:
            ops.append(replace(op, loop=None))
        elif border.role in (Role.STEP, Role.STATE):
            ops.append(replace(op, layer=Input(op.output.shape), inputs=(), loop=None))
        elif border.role is Role.CARRY:
            ops.append(replace(op, layer=Convert(), loop=None))
            results[op.output] = None
        else:
            results[op.input] = None
    names = tuple(tensor.name for tensor in results)
    return Design(name, tuple(ops), tuple(results), names, {})


def outside(unit: list[Op]) -> list[Tensor]:
    """What every step of a loop reads of what is outside."""
    made = {tensor for op in unit for tensor in op.outputs}
    return list(dict.fromkeys(t for op in unit if op.layer.border is None for t in op.inputs if t not in made))


def read_by(unit: list[Op]) -> list[Tensor]:
    """What an operation reads, or a loop from outside; as often as it does."""
    if unit[0].loop is None:
        return [] if unit[0].layer.renames else list(unit[0].inputs)
    return [op.input for op in with_role(unit, Role.STEP, Role.STATE) if op.inputs] + outside(unit)


def with_role(unit: Iterable[Op], *roles: Role) -> list[Op]:
    """The borders of a loop that do one of these."""
    return [op for op in unit if op.layer.border is not None and op.layer.border.role in roles]


def slot_of(op: Op) -> str:
    """Which state of its loop an operation at the border is of."""
    assert op.layer.border is not None
    return op.layer.border.slot


def is_called(op: Op) -> bool:
    """Whether a kernel computes it."""
    return not (op.is_input or op.layer.renames)


def loop_of(unit: list[Op]) -> Loop:
    """The loop that operations compute a step of."""
    loop = unit[0].loop
    assert loop is not None
    return loop


def loop_kernel(body: LoopBody) -> Kernel:
    """What a loop is in place of a kernel: a call that takes time."""
    if body.unrolled:
        return _unrolled(body)
    takes = tuple(taken.whole for taken in body.takes) + (True,) * sum(state.start is not None for state in body.states)
    gives = tuple(given.whole or not given.every for given in body.gives)
    timing = Stepping(steps=body.steps, latency=latency_of(body), takes_first=takes, gives_last=gives)
    multipliers = sum(step.kernel.multipliers for step in body.plan.steps)
    return Kernel("loop", "loop.h", {}, small=False, timing=timing, multipliers=multipliers)


def _unrolled(body: LoopBody) -> Kernel:
    """The same of steps that have a copy each: all multipliers of one, which the interval of the pipeline shares."""
    inner = [step.kernel for step in body.plan.steps]
    interval = body.plan.interval
    products = body.steps * sum(kernel.multipliers * kernel.positions * kernel.reuse_factor for kernel in inner)
    timing = Unrolled(interval=interval, depth=body.steps * latency_of(body))
    multipliers = -(-products // interval)
    return Kernel("loop", "loop.h", {}, reuse_factor=interval, timing=timing, multipliers=multipliers)


def latency_of(body: LoopBody) -> int:
    """Cycles of a step, an estimate: of one pipeline its longest path, else one kernel behind the other."""
    if body.is_pipeline or body.unrolled:
        return schedule_of(body.plan).latency + 1
    return sum(step.kernel.timing.on_arrays().latency for step in body.plan.steps) + 1
