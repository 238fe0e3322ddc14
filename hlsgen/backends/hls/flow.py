"""When words pass through the streams of a design, if no stream is ever full.

Every process takes its steps in order, none before the words that it reads have arrived and none earlier than its loop
allows: ``start(s) = max over steps r <= s of (arrival(r) + cycles from r to s)``. That is linear in (max, +), and
computed for all words of a stream at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.hls.schedule import Cycles, Schedule

Places = NDArray[np.int32]


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


_MOST_SWEEPS, _MOST_WORK = 32, 1 << 24
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


def latency(streams: Streams) -> int:
    """Cycles from the first input to the last output, if no stream is ever full."""
    feed = Feed()
    arrivals = {wire.name: _fed(wire.words, feed) for wire in streams.inputs}
    for step in streams.steps:  # large tensors live no longer than they have to
        came = [arrivals.pop(wire.name) for wire in step.inputs]
        _, written = _Loop.of(step.schedule(True), feed).passed(came, [None] * len(step.outputs))
        arrivals |= {wire.name: cycles for wire, cycles in zip(step.outputs, written, strict=True)}
    return max((int(arrivals[wire.name][-1]) for wire in streams.outputs), default=0)


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
    orders: dict[tuple[int, ...], _Order] = field(default_factory=dict)

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
        limited = [0 if limit is None else len(limit) for limit in limits]
        order = self._order(limited)
        earliest = [*arrivals, *(limit - self.depth for limit in limits if limit is not None and len(limit))]
        late = np.concatenate(earliest)[order.sorting] - order.steps
        late = np.append(np.maximum(np.maximum.accumulate(late), 0), 0)  # nothing before the first is late

        def hindered(cycles: Cycles, before: Places) -> Cycles:
            return cycles + late[before]

        read = [hindered(*pair) for pair in zip(self.reads, order.reads, strict=True)]
        return read, [hindered(*pair) + self.depth for pair in zip(self.writes, order.writes, strict=True)]

    def _order(self, limited: Sequence[int]) -> _Order:
        """The steps that wait for something, where so many last words of the outputs have limits; found once."""
        key = tuple(limited)
        if key not in self.orders:
            bounds = self.reads + [write[-n:] for write, n in zip(self.writes, limited, strict=True) if n]
            steps = np.concatenate(bounds)
            sorting = np.argsort(steps, kind="stable")
            steps = steps[sorting]
            reads, writes = ([_places(steps, cycles) for cycles in side] for side in (self.reads, self.writes))
            self.orders[key] = _Order(sorting.astype(np.int32), steps, reads, writes)
        return self.orders[key]


@dataclass(frozen=True, eq=False)
class _Order:
    """The steps of a process that wait, in order, and for every word the place of the last one before it, or -1."""

    sorting: Places
    steps: Cycles
    reads: list[Places]
    writes: list[Places]


def _places(steps: Cycles, cycles: Cycles) -> Places:
    return (np.searchsorted(steps, cycles, side="right") - 1).astype(np.int32)
