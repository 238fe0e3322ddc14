"""When words pass through the streams of a design, if no stream is ever full.

Every process takes its steps in order, none before the words that it reads have arrived and none earlier than its loop
allows: ``start(s) = max over steps r <= s of (arrival(r) + cycles from r to s)``. That is linear in (max, +), and
computed for all words of a stream at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.backends.hls.plan import Plan
from hlsgen.backends.hls.schedule import Cycles, Schedule


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


def traffic(plan: Plan, feed: Feed) -> dict[str, Traffic]:
    """The traffic of every stream that is read, by its name, and the arrivals at the outputs."""
    arrivals = {wire.name: _fed(wire.words, feed) for wire in plan.inputs}
    found: dict[str, Traffic] = {}
    for step in plan.steps:
        schedule = step.schedule(True)
        read, written = _passed(schedule, [arrivals[wire.name] for wire in step.inputs], feed)
        for wire, departures in zip(step.inputs, read, strict=True):
            found[wire.name] = Traffic(arrivals.pop(wire.name), departures)
        arrivals |= {wire.name: cycles for wire, cycles in zip(step.outputs, written, strict=True)}
    return found | {name: Traffic(cycles, cycles) for name, cycles in arrivals.items()}


def _fed(words: int, feed: Feed) -> Cycles:
    return np.arange(words * feed.samples, dtype=np.int64) * feed.period // words


def _passed(schedule: Schedule, arrivals: Sequence[Cycles], feed: Feed) -> tuple[list[Cycles], list[Cycles]]:
    """When a process reads the words of its inputs, and when those that it writes arrive."""
    one = schedule.latency if feed.pipelines else schedule.cycles
    starts = np.arange(feed.samples, dtype=np.int64)[:, None] * one

    def unhindered(cycles: Cycles) -> Cycles:
        return (starts + (schedule.with_fills(cycles) if feed.pipelines else cycles)).reshape(-1)

    reads = [unhindered(cycles) for cycles in schedule.reads]
    steps, late = np.concatenate(reads), np.concatenate(arrivals) - np.concatenate(reads)
    order = np.argsort(steps, kind="stable")
    steps, late = steps[order], np.maximum(np.maximum.accumulate(late[order]), 0)

    def hindered(cycles: Cycles) -> Cycles:
        before = np.searchsorted(steps, cycles, side="right") - 1
        return cycles + np.where(before >= 0, late[before], 0)

    depth = schedule.depth if feed.pipelines else 0
    return [hindered(r) for r in reads], [hindered(unhindered(w)) + depth for w in schedule.writes]
