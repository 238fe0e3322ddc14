"""What holds words so that no block waits longer than it must: FIFOs and larger memories, by the schedule.

Where streams meet again, the words of the shorter way wait for those of the longer one. With as many places as are ever
used at once while samples come at the interval, no FIFO slows the circuit down. Nor can it then stand still, however
words come and are taken: every block waits for words and room alone, so whether one waits for ever does not depend on
when (such networks are determinate: Kahn, 1974), and the schedule with these very depths comes to its end.

Where a folded layer takes windows at its own pace, but these come in rows with pauses between them, the memory of their
rows holds more of them, so that it need not wait in the pauses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.backends.verilog.circuit import Block, Chain, Fifo, Stage, Stream, bound_of
from hlsgen.backends.verilog.schedule import Passing, clocks_of, enough_samples, high_water, passing

_SLACK = 1.02
"""How far above its bound an interval may lie before memories are made larger."""
_LEAST = 2
"""The least depth: with fewer places a FIFO takes a word every third clock."""


def with_fifos(inputs: Sequence[Stream], outputs: Sequence[Stream], blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks, with FIFOs where they are of use, each behind those that it reads from."""
    ends = _Ends(inputs, outputs)
    found = _meeting_again(ends, blocks)
    wished = bound_of(inputs, outputs, blocks) * _SLACK
    if ends.interval(found) <= wished:
        return found
    return _with_room(ends, blocks, found, wished)


@dataclass(frozen=True)
class _Ends:
    """The ports of a circuit, and the clocks of blocks between them."""

    inputs: Sequence[Stream]
    outputs: Sequence[Stream]

    def passing(self, blocks: Sequence[Block]) -> Mapping[Stream, Passing]:
        """With samples that come at the interval, so that no FIFO fills with what nobody waits for."""
        samples = enough_samples(self.inputs, self.outputs, blocks)
        return passing(self.inputs, self.outputs, blocks, samples, every=self.interval(blocks))

    def interval(self, blocks: Sequence[Block]) -> int:
        return clocks_of(self.inputs, self.outputs, blocks).interval


def _meeting_again(ends: _Ends, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """With FIFOs in front of blocks that read several streams which other blocks bind together, as those of one fork
    are: where words wait, and elsewhere only if that changes the interval."""
    wanted = [stream for block in blocks for stream in _bound_together(block, blocks)]
    if not wanted:
        return tuple(blocks)
    endless = _held(blocks, dict.fromkeys(wanted, 0))
    found = ends.passing(endless)
    waited = [stream for stream in wanted if found[_behind(stream)].passed != found[_behind(stream)].offered]
    made = _of_needed_depth(ends, blocks, waited)
    if waited == wanted or ends.interval(made) <= ends.interval(endless):
        return made
    return _of_needed_depth(ends, blocks, wanted)


def _of_needed_depth(ends: _Ends, blocks: Sequence[Block], streams: Sequence[Stream]) -> tuple[Block, ...]:
    """With FIFOs on these streams that have as many places as are used at once."""
    found = ends.passing(_held(blocks, dict.fromkeys(streams, 0)))
    used = {stream: high_water(found[stream], found[_behind(stream)]) for stream in streams}
    return _held(blocks, {stream: max(count, _LEAST) for stream, count in used.items()})


def _with_room(ends: _Ends, blocks: Sequence[Block], narrow: tuple[Block, ...], wished: float) -> tuple[Block, ...]:
    """With larger memories in front of folded chains, as few as make the interval as short as all of them would, or
    ``narrow`` if they are of no use."""
    chosen = _in_front_of_folded(blocks)
    wide = _meeting_again(ends, _deepened(blocks, chosen))
    least = ends.interval(wide)
    if least >= ends.interval(narrow):
        return narrow
    for stage in tuple(chosen):
        fewer = _meeting_again(ends, _deepened(blocks, [other for other in chosen if other is not stage]))
        if ends.interval(fewer) <= max(least, wished):
            chosen.remove(stage)
            wide = fewer
    return wide


def _deepened(blocks: Sequence[Block], stages: Sequence[Stage]) -> tuple[Block, ...]:
    """The blocks, some of them with their larger memories."""
    return tuple(b.deeper if isinstance(b, Stage) and b.deeper and any(b is s for s in stages) else b for b in blocks)


def _in_front_of_folded(blocks: Sequence[Block]) -> list[Stage]:
    """The stages that could hold more and that folded chains read from, by way of other stages or at once."""
    wanted = {stream for block in blocks if isinstance(block, Chain) and block.interval > 1 for stream in block.reads}
    found: list[Stage] = []
    for block in reversed(blocks):
        if isinstance(block, Stage) and not wanted.isdisjoint(block.writes):
            if block.deeper:
                found.insert(0, block)
            else:
                wanted.update(block.reads)
    return found


def _bound_together(block: Block, blocks: Sequence[Block]) -> list[Stream]:
    """The streams that a block reads and of which another one, too, could make it wait, as other blocks bind them
    together: there is a way between the two that does not pass through this block, along words or against them."""
    if len(block.reads) == 1:
        return []
    group: dict[Stream, set[Stream]] = {}
    for other in blocks:
        if other is not block:
            joined = set[Stream]().union(*(group.get(s, {s}) for s in (*other.reads, *other.writes)))
            group.update(dict.fromkeys(joined, joined))
    return [
        stream
        for place, stream in enumerate(block.reads)
        if any(other in group.get(stream, ()) for k, other in enumerate(block.reads) if k != place)
    ]


def _behind(stream: Stream) -> Stream:
    """The stream behind the FIFO that a stream goes into."""
    return Stream(f"{stream.name}__held", stream.words)


def _held(blocks: Sequence[Block], depths: Mapping[Stream, int]) -> tuple[Block, ...]:
    """The blocks with FIFOs of these depths on these streams; 0 for one that is never full."""
    found: list[Block] = []
    for block in blocks:
        found += [
            Fifo(f"{stream.name}__fifo", (stream,), (_behind(stream),), depths[stream])
            for stream in block.reads
            if stream in depths
        ]
        found.append(replace(block, reads=tuple(_behind(s) if s in depths else s for s in block.reads)))
    return tuple(found)
