"""When words pass through the streams of a design, if no stream is ever full.

Every process takes its steps in order, none before the words that it reads have arrived and none earlier than its loop
allows: ``start(s) = max over steps r <= s of (arrival(r) + cycles from r to s)``. That is linear in (max, +), and
computed for all words of a stream at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hlsgen.backends.hls.schedule import Cycles, Schedule


class Stream(Protocol):
    """A tensor on its way, in so many words."""

    @property
    def name(self) -> str: ...
    @property
    def words(self) -> int: ...
    @property
    def tensor(self) -> str: ...


class Process(Protocol):
    """A kernel call on streams."""

    @property
    def inputs(self) -> Sequence[Stream]: ...
    @property
    def outputs(self) -> Sequence[Stream]: ...
    def schedule(self, stream: bool) -> Schedule: ...


class Streams(Protocol):
    """What a plan says of its streams; every stream is written before it is read, and read once."""

    @property
    def inputs(self) -> Sequence[Stream]: ...
    @property
    def outputs(self) -> Sequence[Stream]: ...
    @property
    def steps(self) -> Sequence[Process]: ...


_MOST_SWEEPS, _MOST_WORK = 32, 1 << 25
"""Of looking at all processes again, and the words that are looked at together: a second or two."""


@dataclass(frozen=True)
class Feed:
    """How samples come in, and what a process takes."""

    period: int = 0
    """Cycles over which the words of a sample come evenly; 0: all are there from the start."""
    samples: int = 1
    pipelines: bool = True
    """Whether words take the estimated depth of a kernel's pipeline, or come out at once."""


@dataclass(frozen=True, eq=False)
class Traffic:
    """For every word of a stream, the cycle in which it arrives and the one in which it is read."""

    arrivals: Cycles
    departures: Cycles

    @property
    def most_held(self) -> int:
        """How many words are in the stream at once, at most; one that is read counts in that cycle still."""
        if not len(self.arrivals):
            return 0
        gone = np.searchsorted(self.departures, self.arrivals, side="left")
        return int(np.max(np.arange(1, len(self.arrivals) + 1) - gone))


def traffic(streams: Streams, feed: Feed) -> dict[str, Traffic]:
    """The traffic of every stream by its name, of outputs the arrivals, if no stream is ever full."""
    flow = _Flow(streams, feed)
    flow.sweep(streams.steps)
    return flow.traffic


def traffic_within(streams: Streams, feed: Feed, room: Mapping[str, int]) -> dict[str, Traffic]:
    """The same if some streams, by their names, have room for so many words: who finds one full has to wait.

    Who waits makes others wait, so that all processes are looked at again, from the last to the first and back, until
    nothing changes, or so often that it would take long; then the traffic is possible too, and some of it is early.
    """
    flow = _Flow(streams, feed)
    flow.sweep(streams.steps)
    words = sum(wire.words for step in streams.steps for wire in step.outputs) * feed.samples
    for _ in range(max(1, min(_MOST_SWEEPS, _MOST_WORK // words))):
        before = flow.departures
        flow.room = room
        flow.sweep(tuple(reversed(streams.steps)))
        flow.sweep(streams.steps)
        if all(np.array_equal(before[name], cycles) for name, cycles in flow.departures.items()):
            break
    return flow.traffic


class _Flow:
    """Word times that grow from sweep to sweep."""

    def __init__(self, streams: Streams, feed: Feed) -> None:
        self.room: Mapping[str, int] = {}
        self.arrivals = {wire.name: _fed(wire.words, feed) for wire in streams.inputs}
        self.departures: dict[str, Cycles] = {}
        self.loops = {id(step): _Loop.of(step.schedule(True), feed) for step in streams.steps}

    def sweep(self, steps: Sequence[Process]) -> None:
        departures = dict(self.departures)
        for step in steps:
            loop = self.loops[id(step)]
            limits = [self._limits(wire.name, departures) for wire in step.outputs]
            read, written = loop.passed([self.arrivals[wire.name] for wire in step.inputs], limits)
            departures |= {wire.name: cycles for wire, cycles in zip(step.inputs, read, strict=True)}
            self.arrivals |= {wire.name: cycles for wire, cycles in zip(step.outputs, written, strict=True)}
        self.departures = departures

    def _limits(self, name: str, departures: Mapping[str, Cycles]) -> Cycles | None:
        """The cycles before which words find no place in a stream: from the first on that needs one to become free."""
        return departures[name][: -self.room[name]] + 1 if name in self.room else None

    @property
    def traffic(self) -> dict[str, Traffic]:
        return {name: Traffic(cycles, self.departures.get(name, cycles)) for name, cycles in self.arrivals.items()}


def _fed(words: int, feed: Feed) -> Cycles:
    return np.arange(words * feed.samples, dtype=np.int64) * feed.period // words


@dataclass(frozen=True, eq=False)
class _Loop:
    """A process that takes samples without a gap between them: the cycles of its words, if it never waits."""

    reads: list[Cycles]
    writes: list[Cycles]
    depth: int

    @classmethod
    def of(cls, schedule: Schedule, feed: Feed) -> _Loop:
        one = schedule.latency if feed.pipelines else schedule.cycles
        starts = np.arange(feed.samples, dtype=np.int64)[:, None] * one

        def every(cycles: Cycles) -> Cycles:
            return (starts + (schedule.with_fills(cycles) if feed.pipelines else cycles)).reshape(-1)

        depth = schedule.depth if feed.pipelines else 0
        return cls([every(cycles) for cycles in schedule.reads], [every(cycles) for cycles in schedule.writes], depth)

    def passed(self, arrivals: Sequence[Cycles], limits: Sequence[Cycles | None]) -> tuple[list[Cycles], list[Cycles]]:
        """When words are read, and when those that are written arrive.

        ``limits`` are cycles before which the last words of an output cannot arrive.
        """
        bounds = [(read, came) for read, came in zip(self.reads, arrivals, strict=True)]
        for write, limit in zip(self.writes, limits, strict=True):
            if limit is not None and len(limit):
                bounds.append((write[-len(limit) :], limit - self.depth))
        steps = np.concatenate([step for step, _ in bounds])
        late = np.concatenate([earliest - step for step, earliest in bounds])
        order = np.argsort(steps, kind="stable")
        steps, late = steps[order], np.maximum(np.maximum.accumulate(late[order]), 0)

        def hindered(cycles: Cycles) -> Cycles:
            before = np.searchsorted(steps, cycles, side="right") - 1
            return cycles + np.where(before >= 0, late[before], 0)

        return [hindered(read) for read in self.reads], [hindered(write) + self.depth for write in self.writes]
