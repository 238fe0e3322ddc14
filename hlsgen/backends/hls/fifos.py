"""How deep the streams of a design have to be.

Where paths part and meet again, the words of the faster one wait for the slower one, where they meet. How many, the
traffic of a design says whose inputs come evenly at the pace of its slowest process, where streams that end at no such
meeting have room for two words (or for all, if the design were slower for that), and the others for all: with that many
places nobody waits for room who did not there, and none can block another for ever, since that traffic shows an order
in which everything fits. A stream on no pair of paths that meet can be of any depth without a deadlock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.backends.hls.depths import LEAST, Depths
from hlsgen.backends.hls.flow import Feed, Stream, Streams, Traffic, traffic, traffic_within

SLACK = 8
"""Places more than the traffic needs, since the depths of pipelines are estimates."""
_GRAIN = 16
"""Depths are multiples of it: shift registers of look-up tables have so many places."""
_SAMPLES, _LARGE = 3, 1 << 16
"""Samples after which every later one passes as the one before; of tensors of more words than that, one has to do."""
_MOST_WORDS = 1 << 25
"""Of all streams together that are followed: it takes 100 bytes each, and half a microsecond. Beyond, streams on paths
that meet hold a whole sample, which is always enough."""


@dataclass(frozen=True)
class Fifo:
    """The depth of one stream, in words."""

    name: str
    depth: int
    needed: int | None
    """How many words it has to hold; None where no other path is waited for, so that any depth does."""
    wished: bool
    """Whether the depth is the user's."""

    @property
    def too_small(self) -> bool:
        """Whether processes may have to wait, or wait for ever."""
        return self.needed is not None and self.depth < self.needed


def fifos_of(streams: Streams, wished: Depths) -> dict[str, Fifo]:
    """The depth of every stream between two processes, by its name."""
    meeting = _on_cycles(streams)
    joins = {wire.name for call in streams.steps if len(call.inputs) > 1 for wire in call.inputs}
    needed = _needed(streams, meeting, joins) if meeting else {}
    ports = {wire.name for wire in streams.outputs}
    inner = [wire for call in streams.steps for wire in call.outputs if wire.name not in ports]
    found = {}
    for wire in inner:
        holds = needed[wire.name] if wire.name in meeting else None
        found[wire.name] = _fifo(wire, holds, _depth(holds, wire.words, wire.name in joins), wished)
    return found


def fifo_on_one_path(wire: Stream, wished: Depths) -> Fifo:
    """The depth of a stream that no other path waits for."""
    return _fifo(wire, None, LEAST, wished)


def _fifo(wire: Stream, needed: int | None, computed: int, wished: Depths) -> Fifo:
    own = wished.by_tensor.get(wire.tensor)
    return Fifo(wire.name, max(wished.least, computed) if own is None else own.depth, needed, own is not None)


def _depth(needed: int | None, words: int, joined: bool) -> int:
    """The depth of a stream of so many words a sample; ``joined``: its reader has another input, for which they wait.

    A whole sample is enough, unless more than that are under way.
    """
    if needed is None or (needed <= LEAST and not joined):
        return LEAST
    return min(-(-(needed + SLACK) // _GRAIN) * _GRAIN, max(needed, words, LEAST))


def _needed(streams: Streams, meeting: set[str], joins: set[str]) -> dict[str, int]:
    """The most words that each stream holds, with the estimated pipelines, and without any."""
    words = {wire.name: wire.words for call in streams.steps for wire in (*call.inputs, *call.outputs)}
    if sum(words.values()) > _MOST_WORDS:
        return words
    schedules = [call.schedule(True) for call in streams.steps]
    samples = _SAMPLES if max(words.values()) <= _LARGE else 1
    feeds = [
        Feed(max(schedule.latency for schedule in schedules), samples),
        Feed(max(schedule.cycles for schedule in schedules), samples, pipelines=False),
    ]
    room = dict.fromkeys(meeting - joins, LEAST)
    passed = [_passed(streams, feed, room) for feed in feeds]
    return {name: max(p[name].most_held for p in passed) for name in passed[0]}


def _passed(streams: Streams, feed: Feed, room: Mapping[str, int]) -> dict[str, Traffic]:
    """The traffic with little room where paths do not meet; with all the room that it takes if that is slower."""
    narrowly = traffic_within(streams, feed, room)
    if feed.samples == 1:
        return narrowly
    freely = traffic(streams, feed)
    return freely if _last_interval(streams, narrowly) > _last_interval(streams, freely) else narrowly


def _last_interval(streams: Streams, passed: Mapping[str, Traffic]) -> int:
    """Cycles between the ends of the last two samples."""
    outputs = [(wire.words, passed[wire.name].arrivals) for wire in streams.outputs]
    return max(int(cycles[-1]) for _, cycles in outputs) - max(int(cycles[-1 - words]) for words, cycles in outputs)


def _on_cycles(streams: Streams) -> set[str]:
    """The streams on two paths that part and meet again: the edges that are no bridges between processes."""
    edges = _edges(streams)
    parents, levels, tree = _spanning_tree(len(streams.steps), edges)
    top = list(range(len(streams.steps)))  # the highest process that is reached by edges already found
    found: set[str] = set()

    def highest(node: int) -> int:
        while top[node] != node:
            top[node] = top[top[node]]
            node = top[node]
        return node

    for name, (a, b) in edges.items():
        if name in tree:
            continue
        found.add(name)
        a, b = highest(a), highest(b)
        while a != b:
            if levels[a] < levels[b]:
                a, b = b, a
            parent, edge = parents[a]
            found.add(edge)
            top[a] = parent
            a = highest(parent)
    return found


def _edges(streams: Streams) -> dict[str, tuple[int, int]]:
    """Streams by name: the numbers of the processes that write and read them."""
    writer = {wire.name: number for number, call in enumerate(streams.steps) for wire in call.outputs}
    read = [(wire.name, number) for number, call in enumerate(streams.steps) for wire in call.inputs]
    return {name: (writer[name], number) for name, number in read if name in writer}


def _spanning_tree(
    nodes: int, edges: Mapping[str, tuple[int, int]]
) -> tuple[dict[int, tuple[int, str]], list[int], set[str]]:
    """Breadth first: the parent of each node with the edge to it, its level, and all edges of the tree."""
    near: list[list[tuple[int, str]]] = [[] for _ in range(nodes)]
    for name, (a, b) in edges.items():
        near[a].append((b, name))
        near[b].append((a, name))
    parents: dict[int, tuple[int, str]] = {}
    levels, tree = [-1] * nodes, set()
    for root in range(nodes):
        if levels[root] >= 0:
            continue
        levels[root], todo = 0, deque([root])
        while todo:
            node = todo.popleft()
            for other, name in near[node]:
                if levels[other] < 0:
                    levels[other], parents[other] = levels[node] + 1, (node, name)
                    tree.add(name)
                    todo.append(other)
    return parents, levels, tree
