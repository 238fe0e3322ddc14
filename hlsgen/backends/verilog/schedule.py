"""The clock of every word of a circuit, without simulating it.

No word's way depends on its value, and every block waits for words and room alone. So the clock in which word k passes
on a stream is the latest of a few others: when it was offered, when its reader was ready, the clock behind word k - 1.
Those follow from the clocks of other words, k by k, which is an evaluation in the max-plus algebra (Baccelli, Cohen,
Olsder, Quadrat, *Synchronization and Linearity*, 1992). It is exact: tests hold it against simulation word by word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hlsgen.backends.verilog.circuit import Block, Chain, Clocks, Fifo, Fork, Stage, Stream, Wires
from hlsgen.backends.verilog.pace import NOTHING, Buffering, Pace
from hlsgen.errors import DesignError

_READY = 1
"""The first clock behind a reset in which a chain or a FIFO takes a word."""
_BATCHES = 4, 12, 36
"""Samples after which the clocks between two of them are taken to be what they stay."""


@dataclass(eq=False)
class Passing:
    """The words of one stream: the clocks in which they are offered, and in which they pass."""

    offered: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)

    def after_last(self) -> int:
        """The first clock in which the next word can pass."""
        return self.passed[-1] + 1 if self.passed else 0


Process = Iterator[None]
"""Computes clocks as far as it can, then yields; again and again until it ends."""


def passing(
    inputs: Sequence[Stream], outputs: Sequence[Stream], blocks: Sequence[Block], samples: int, every: int = 0
) -> Mapping[Stream, Passing]:
    """The clocks of all words of so many samples, if words are offered and taken as soon as the circuit can.

    ``every``: the words of a sample are offered so many clocks behind those of the last. A FIFO of depth 0
    has room for whatever comes. Raises DesignError for a circuit that stands still.
    """
    streams = dict.fromkeys([*inputs, *outputs, *(s for block in blocks for s in (*block.reads, *block.writes))])
    found = {stream: Passing() for stream in streams}
    read = {stream for block in blocks for stream in block.reads}
    ends = [stream for stream in streams if stream not in read]
    waiting: list[Process] = [_source(found[stream], stream.words.beats, samples, every) for stream in inputs]
    waiting += [process for block in blocks for process in _processes(block, found, samples)]
    waiting += [_sink(found[stream], stream.words.beats * samples) for stream in ends]
    while waiting:
        known = sum(len(words.offered) + len(words.passed) for words in found.values())
        waiting = [process for process in waiting if next(process, _DONE) is not _DONE]
        if waiting and known == sum(len(words.offered) + len(words.passed) for words in found.values()):
            raise DesignError("a circuit waits for itself; this is a defect of hlsgen")
    return found


_DONE = object()


def _source(words: Passing, beats: int, samples: int, every: int) -> Process:
    words.offered.extend(every * sample for sample in range(samples) for _ in range(beats))
    return iter(())


def _sink(words: Passing, count: int) -> Process:
    for k in range(count):
        while len(words.offered) <= k:
            yield
        words.passed.append(max(words.offered[k], words.after_last()))


def _chain(block: Chain, found: Mapping[Stream, Passing], samples: int) -> Process:
    """A start waits for a word of every operand, the interval behind the last, and a credit."""
    xs, y = [found[stream] for stream in block.reads], found[block.writes[0]]
    start, interval, depth, latency = _READY, block.interval, block.depth, block.latency
    for k in range(block.x.beats * samples):
        while len(y.passed) <= k - depth or any(len(x.offered) <= k for x in xs):
            yield
        if k >= depth:
            start = max(start, y.passed[k - depth] + 1)
        start = max(start, *(x.offered[k] for x in xs))
        for x in xs:
            x.passed.append(start)
        y.offered.append(start + latency)
        start += interval


def _steps(xs: Sequence[Passing], y: Passing, pace: Pace, samples: int) -> Process:
    """Step by step (:class:`hlsgen.backends.verilog.pace.Pace`)."""
    steps = list(zip(pace.takes, pace.gives, pace.ahead or (0,) * len(pace.takes), strict=True))
    clock, given, taken = 0, 0, [0] * len(xs)
    for _ in range(samples):
        for take, gives, ahead in steps:
            if take != NOTHING:
                taken[take] += ahead
            while len(y.passed) < given or (take != NOTHING and not _is_next(xs[take], taken[take])):
                yield
            if given:
                clock = max(clock, y.passed[given - 1])
            if take != NOTHING:
                x = xs[take]
                clock = max(clock, x.offered[taken[take]], x.after_last())
                x.passed.append(clock)
                taken[take] += 1
            if gives:
                y.offered.append(clock + 1)
                given += 1
            clock += 1


def _ahead(x: Passing, pace: Pace, samples: int) -> Process:
    """The words that come before those that steps take."""
    taken = 0
    for _ in range(samples):
        for take, ahead in zip(pace.takes, pace.ahead, strict=True):
            for _ in range(ahead):
                while not _is_next(x, taken):
                    yield
                x.passed.append(max(x.offered[taken], x.after_last()))
                taken += 1
            taken += take != NOTHING


def _is_next(x: Passing, word: int) -> bool:
    """Whether all words before this one have passed, and it is offered."""
    return len(x.passed) == word < len(x.offered)


def _written(x: Passing, y: Passing, pace: Buffering, samples: int) -> Process:
    """The side of a memory that words come to (:class:`hlsgen.backends.verilog.pace.Buffering`)."""
    for sample in range(samples):
        before, done = sample * len(pace.frees), sample * len(pace.needs)
        for k, frees in enumerate(pace.frees, start=before):
            while len(x.offered) <= k or len(y.passed) < done + frees:
                yield
            free = y.passed[done + frees - 1] + 1 if done + frees > 0 else 0
            x.passed.append(max(x.offered[k], x.after_last(), free))


def _read(x: Passing, y: Passing, pace: Buffering, samples: int) -> Process:
    """The side from which words are given."""
    for sample in range(samples):
        before, done = sample * len(pace.frees), sample * len(pace.needs)
        for k, needs in enumerate(pace.needs, start=done):
            while len(x.passed) < before + needs or len(y.passed) < k:
                yield
            there = x.passed[before + needs - 1] + 2 if before + needs > 0 else 1
            y.offered.append(max(there, y.after_last()))


def _wires(block: Wires, found: Mapping[Stream, Passing], samples: int) -> Process:
    x, y = found[block.reads[0]], found[block.writes[0]]
    for k in range(block.x.beats * samples):
        while len(x.offered) <= k:
            yield
        y.offered.append(x.offered[k])
        while len(y.passed) <= k:
            yield
        x.passed.append(y.passed[k])


def _fork(block: Fork, found: Mapping[Stream, Passing], samples: int) -> Process:
    """A word is gone when the last reader has it."""
    x, ys = found[block.reads[0]], [found[stream] for stream in block.writes]
    for k in range(block.x.beats * samples):
        while len(x.offered) <= k:
            yield
        for y in ys:
            y.offered.append(max(x.offered[k], x.after_last()))
        while any(len(y.passed) <= k for y in ys):
            yield
        x.passed.append(max(y.passed[k] for y in ys))


def _fifo(block: Fifo, found: Mapping[Stream, Passing], samples: int) -> Process:
    x, y, depth = found[block.reads[0]], found[block.writes[0]], block.depth
    for k in range(block.x.beats * samples):
        while len(x.offered) <= k or (depth and len(y.passed) <= k - depth):
            yield
        room = y.passed[k - depth] + 1 if depth and k >= depth else _READY
        x.passed.append(max(x.offered[k], x.after_last(), room))
        y.offered.append(x.passed[k] + 2)


def _processes(block: Block, found: Mapping[Stream, Passing], samples: int) -> list[Process]:
    """What a block does at once; each side of a stage waits for itself."""
    if not isinstance(block, Stage):
        return [_PROCESSES[type(block)](block, found, samples)]
    xs, y, pace = [found[stream] for stream in block.reads], found[block.writes[0]], block.pace
    if isinstance(pace, Buffering):
        return [_written(xs[0], y, pace, samples), _read(xs[0], y, pace, samples)]
    steps = _steps(xs, y, pace, samples)
    return [steps, _ahead(xs[0], pace, samples)] if pace.ahead else [steps]


_PROCESSES: dict[type[Block], Callable[..., Process]] = {
    Chain: _chain,
    Wires: _wires,
    Fork: _fork,
    Fifo: _fifo,
}


def enough_samples(inputs: Sequence[Stream], outputs: Sequence[Stream], blocks: Sequence[Block], more: int = 4) -> int:
    """Samples that fill a circuit, and ``more``."""
    held = sum(block.depth for block in blocks if isinstance(block, Chain | Fifo))
    longest = max(1, *(stream.words.beats for stream in (*inputs, *outputs)))
    return more + min(2 + held // longest, 16 * more)


def clocks_of(inputs: Sequence[Stream], outputs: Sequence[Stream], blocks: Sequence[Block]) -> Clocks:
    """Latency and interval of a circuit; the interval is what it is after some samples, on average if it changes."""
    for more in _BATCHES:
        samples = enough_samples(inputs, outputs, blocks, more)
        found = passing(inputs, outputs, blocks, samples)
        ends = np.array([found[stream].passed[stream.words.beats - 1 :: stream.words.beats] for stream in outputs])
        last = ends.max(axis=0)
        begun = min(found[stream].passed[0] for stream in inputs)
        between = np.diff(last[samples // 2 :])
        if len(set(between.tolist())) == 1:
            break
    return Clocks(int(last[0]) - begun, -(-int(between.sum()) // len(between)))


def high_water(words_in: Passing, words_out: Passing) -> int:
    """The places of a FIFO that are used at once: with so many, none of these words waits for room."""
    gone = np.searchsorted(words_out.passed, words_in.passed, side="left")
    return int((np.arange(1, len(gone) + 1) - gone).max(initial=0))
