"""The forms of loops that kernels have: what of its streams a step reads and writes.

A binding chooses one and gives it to its kernel (``timing``). Each gives the :class:`Schedule` of a call on streams of
so many words, or on arrays. ``// Cycles:`` in the head of a kernel says the same as a formula; tests compare both with
the text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from hlsgen.backends.hls.schedule import Cycles, Schedule, evenly
from hlsgen.errors import DesignError
from hlsgen.layers.window import Window, as_image

Words = Sequence[int]
"""How many words each stream has."""


@dataclass(frozen=True, kw_only=True)
class Timing(ABC):
    """A form of loop: ``interval`` cycles from step to step, and an estimate of the ``depth`` of its pipeline."""

    interval: int = 1
    depth: int = 2
    array_steps: int = 1
    """Steps where the kernel works on arrays; one where it is unrolled."""

    def on_arrays(self) -> Schedule:
        return Schedule(self.array_steps, self.interval, self.array_steps * self.interval, self.depth)

    @abstractmethod
    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        """The schedule of a call on streams. Raises DesignError for streams that the loop does not fit."""

    def _schedule(self, steps: int, reads: Sequence[Cycles], writes: Sequence[Cycles], **more: Cycles) -> Schedule:
        """Steps that are all ``interval`` cycles."""
        return Schedule(steps, self.interval, steps * self.interval, self.depth, tuple(reads), tuple(writes), **more)


@dataclass(frozen=True, kw_only=True)
class Passing(Timing):
    """A step reads a word of each input and writes a word of each output."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        words = (inputs or outputs)[0]
        if {*inputs, *outputs} != {words}:
            raise DesignError(
                f"a kernel reads streams of {list(inputs)} words and writes {list(outputs)}: no step has a word of "
                "each; its binding has to say when it does (timing=)"
            )
        every = evenly(words, self.interval)
        return self._schedule(words, [every] * len(inputs), [every] * len(outputs))


@dataclass(frozen=True, kw_only=True)
class Gathering(Timing):
    """A step reads the words of a position and writes those of its result, one a cycle: it takes as many, or more."""

    positions: int

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        read, written = inputs[0] // self.positions, outputs[0] // self.positions
        interval = max(self.interval, read, written)
        starts = evenly(self.positions, interval)
        reads, writes = ((starts[:, None] + evenly(words)).reshape(-1) for words in (read, written))
        return Schedule(self.positions, interval, self.positions * interval, self.depth + read - 1, (reads,), (writes,))


@dataclass(frozen=True, kw_only=True)
class Following(Timing):
    """A step reads a word of a position and writes one of the position before: there is a position more than those."""

    positions: int

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        (words,) = {*inputs, *outputs}
        packs = words // self.positions
        reads, writes = evenly(words, self.interval), evenly(words, self.interval, packs * self.interval)
        return self._schedule(words + packs, [reads], [writes])


@dataclass(frozen=True, kw_only=True)
class Holding(Timing):
    """The second input is read first, a word a cycle, and held; then a step passes a word of the first."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        words, held = inputs
        passing = evenly(words, self.interval, held)
        return Schedule(
            held + words,
            self.interval,
            held + words * self.interval,
            self.depth,
            (passing, evenly(held)),
            (passing,),
            np.array([0, held], dtype=np.int64),
        )


@dataclass(frozen=True, kw_only=True)
class Alternating(Timing):
    """``outer`` times some words of one side, then some of the other, a word a cycle; the other end has all of them."""

    outer: int

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        joins = len(inputs) == 2
        parts = [words // self.outer for words in (inputs if joins else outputs)]
        starts = np.arange(self.outer, dtype=np.int64)[:, None] * sum(parts)
        ends = ((0, parts[0]), (parts[0], sum(parts)))
        sides = [(starts + np.arange(*end, dtype=np.int64)).reshape(-1) for end in ends]
        whole = [evenly(sum(inputs) if joins else sum(outputs))]
        reads, writes = (sides, whole) if joins else (whole, sides)
        return self._schedule(len(whole[0]), reads, writes)


@dataclass(frozen=True, kw_only=True)
class Multiplying(Timing):
    """Position by position: its words are read, then ``turns`` steps multiply, and the last one writes the result.

    A position that is one word, and its result too, is read by the first of its turns. Else it has a loop for its words
    before, a word a cycle, and one for those of the result behind the turns.
    """

    positions: int
    turns: int = 1

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        packs, results = inputs[0] // self.positions, outputs[0] // self.positions
        if packs == results == 1:
            first = evenly(self.positions, self.turns * self.interval)
            return self._schedule(self.positions * self.turns, [first], [first + (self.turns - 1) * self.interval])
        done = packs + self.turns * self.interval
        cycles = done + results
        starts = evenly(self.positions, cycles)
        reads = (starts[:, None] + evenly(packs)).reshape(-1)
        writes = (starts[:, None] + evenly(results, 1, done)).reshape(-1)
        fills = (starts[:, None] + np.array([0, packs, done], dtype=np.int64)).reshape(-1)
        steps = self.positions * (packs + self.turns + results)
        return Schedule(steps, self.interval, self.positions * cycles, self.depth, (reads,), (writes,), fills)


@dataclass(frozen=True, kw_only=True)
class HoldingMatrices(Timing):
    """The second input is read a matrix at a time, line by line, and held; then rows of the first are multiplied by it.

    A line takes as many cycles as it has words, or as it fills words of one memory. Rows go as those of
    :class:`Multiplying`.
    """

    matrices: int
    rows: int
    lines: int
    line_turns: int
    turns: int = 1

    def on_arrays(self) -> Schedule:
        return self._schedules(self.line_turns, self._multiplying.on_arrays())

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        rows, words = inputs[0] // self.matrices, inputs[1] // self.matrices
        packs = words // self.lines
        interval = max(packs, self.line_turns)
        held = (evenly(self.lines, interval)[:, None] + evenly(packs)).reshape(-1)
        return self._schedules(interval, self._multiplying.on_streams([rows], [outputs[0] // self.matrices]), held)

    @property
    def _multiplying(self) -> Multiplying:
        """The rows of one matrix."""
        return Multiplying(
            positions=self.rows,
            turns=self.turns,
            interval=self.interval,
            depth=self.depth,
            array_steps=self.rows * self.turns,
        )

    def _schedules(self, interval: int, rows: Schedule, held: Cycles | None = None) -> Schedule:
        """Of all matrices: lines, one every ``interval`` cycles, with words that are read at ``held``; then rows."""
        filling = self.lines * interval
        starts = evenly(self.matrices, filling + rows.cycles)[:, None]

        def each(cycles: Cycles) -> Cycles:
            return (starts + cycles).reshape(-1)

        return Schedule(
            self.matrices * (self.lines + rows.steps),
            self.interval,
            self.matrices * (filling + rows.cycles),
            self.depth,
            () if held is None else (each(filling + rows.reads[0]), each(held)),
            () if held is None else (each(filling + rows.writes[0]),),
            each(np.concatenate([np.zeros(1, dtype=np.int64), filling + rows.fills])),
        )


@dataclass(frozen=True, kw_only=True)
class Sliding(Timing):
    """A window over a stream of pixels: a step for every position of the padded image, ``turns`` where one ends."""

    window: Window
    shape: tuple[int, ...]
    """Of the image."""
    turns: int = 1

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        (height, width, _), (top, bottom, left, right) = as_image(self.shape), self.window.padding
        rows, columns = (
            np.arange(count, dtype=np.int64) * stride + reach - 1
            for count, stride, reach in zip(
                self.window.output_extent(self.shape), self.window.stride, self.window.reach, strict=True
            )
        )
        across = left + width + right
        image_rows, image_columns = np.arange(top, top + height), np.arange(left, left + width)
        ended = np.searchsorted(rows, image_rows)[:, None] * len(columns) + np.isin(image_rows, rows)[
            :, None
        ] * np.searchsorted(columns, image_columns)
        pixels = image_rows[:, None] * across + image_columns + (self.turns - 1) * ended
        number = np.arange(len(rows) * len(columns), dtype=np.int64)
        windows = (rows[:, None] * across + columns).reshape(-1) + (self.turns - 1) * (number + 1)
        steps = (top + height + bottom) * across + len(number) * (self.turns - 1)
        return self._schedule(steps, [self.interval * pixels.reshape(-1)], [self.interval * windows])


@dataclass(frozen=True, kw_only=True)
class Collecting(Timing):
    """All words are read, one a step, and one is written behind them."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        (words,) = inputs
        behind = np.array([words * self.interval], dtype=np.int64)
        return self._schedule(words, [evenly(words, self.interval)], [behind])


@dataclass(frozen=True, kw_only=True)
class Buffering(Timing):
    """All words are read, one a cycle; then the result is written, one a cycle."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        (read,), (written,) = inputs, outputs
        fills = np.array([0, read], dtype=np.int64)
        return self._schedule(read + written, [evenly(read)], [evenly(written, 1, read)], fills=fills)


@dataclass(frozen=True, kw_only=True)
class Taking(Timing):
    """``outer`` times all words of an axis of ``extent`` rows are read, one a cycle.

    Those of ``places`` are written as they come, or in any order behind the last one, one a cycle.
    """

    outer: int
    extent: int
    places: tuple[int, ...]
    rises: bool

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        read, written = inputs[0] // self.outer, outputs[0] // self.outer
        packs = read // self.extent
        chosen = (np.array(self.places, dtype=np.int64)[:, None] * packs + np.arange(packs)).reshape(-1)
        cycles = read if self.rises else read + written
        starts = evenly(self.outer, cycles)[:, None]
        reads = (starts + evenly(read)).reshape(-1)
        writes = (starts + (chosen if self.rises else evenly(written, 1, read))).reshape(-1)
        if self.rises:
            return self._schedule(self.outer * cycles, [reads], [writes])
        fills = (starts + np.array([0, read], dtype=np.int64)).reshape(-1)
        return self._schedule(self.outer * cycles, [reads], [writes], fills=fills)


@dataclass(frozen=True, kw_only=True)
class Regrouping(Timing):
    """A step moves as many of ``elements`` as the words of both sides are multiples of."""

    elements: int

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        packs = self.elements // inputs[0], self.elements // outputs[0]
        moved = gcd(*packs)
        steps_of_read, steps_of_write = packs[0] // moved, packs[1] // moved
        reads = evenly(inputs[0], steps_of_read)
        writes = evenly(outputs[0], steps_of_write, steps_of_write - 1)
        return self._schedule(self.elements // moved, [reads], [writes])


@dataclass(frozen=True, kw_only=True)
class Framing(Timing):
    """A step writes a pixel of the framed image, and reads one where that is inside."""

    shape: tuple[int, ...]
    margins: tuple[int, int, int, int]
    """Above, below, left and right."""

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        (height, width, _), (top, _, left, right) = as_image(self.shape), self.margins
        rows, columns = np.arange(top, top + height, dtype=np.int64), np.arange(left, left + width, dtype=np.int64)
        inside = (rows[:, None] * (left + width + right) + columns).reshape(-1)
        return self._schedule(outputs[0], [inside], [evenly(outputs[0])])


@dataclass(frozen=True, kw_only=True)
class Repeating(Timing):
    """A step writes a pixel; the first of the ``factors`` (rows, columns) that repeat one reads it."""

    shape: tuple[int, ...]
    factors: tuple[int, int]

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        height, width, _ = as_image(self.shape)
        rows, columns = self.factors
        starts = evenly(height, width * rows * columns)[:, None]
        reads = (starts + evenly(width, columns)).reshape(-1)
        return self._schedule(outputs[0], [reads], [evenly(outputs[0])])


@dataclass(frozen=True, kw_only=True)
class AlongAxis(Timing):
    """Rows are read one after the other; the first window that ends with a row is written as that is read, and every
    other in a pass of its own. A pass takes a step for each word of a row, and there is a loop before for as many."""

    outer: int
    extent: int
    """Rows of each outer index."""
    last: tuple[int, ...]
    """With which row each window ends; they never fall."""

    @property
    def passes(self) -> int:
        """Of an outer index."""
        return self.extent + len(self.last) - len(set(self.last))

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        packs = inputs[0] // (self.outer * self.extent)
        ended = np.bincount(self.last, minlength=self.extent)
        taken = np.maximum(ended, 1)
        first = np.cumsum(taken) - taken  # the pass in which each row is read
        written = np.concatenate([np.arange(at, at + n) for at, n in zip(first, ended, strict=True)])
        passes = self.outer * self.passes
        starts = evenly(self.outer, self.passes * packs)[:, None, None]
        reads, writes = (
            (starts + (number.astype(np.int64) * packs)[:, None] + np.arange(packs, dtype=np.int64)).reshape(-1)
            for number in (first, written)
        )
        return Schedule(
            packs * (1 + passes),
            self.interval,
            packs * (1 + passes * self.interval),
            self.depth,
            (packs + self.interval * reads,),
            (packs + self.interval * writes,),
            np.array([0, packs], dtype=np.int64),
        )


@dataclass(frozen=True, kw_only=True)
class Spreading(Timing):
    """A step for every pixel of an image of blocks: the first row of a block reads it; what is kept is written."""

    shape: tuple[int, ...]
    """Of the input; each of its pixels is a block of ``factors`` (rows, columns)."""
    factors: tuple[int, int]
    corner: tuple[int, int]
    """Where the kept rows and columns begin."""
    kept: tuple[int, int]

    def on_streams(self, inputs: Words, outputs: Words) -> Schedule:
        height, width, _ = as_image(self.shape)
        across = width * self.factors[1]
        blocks = np.arange(height, dtype=np.int64)[:, None] * self.factors[0] * across
        reads = (blocks + evenly(width, self.factors[1])).reshape(-1)
        rows, columns = (
            np.arange(first, first + count, dtype=np.int64) for first, count in zip(self.corner, self.kept, strict=True)
        )
        writes = (rows[:, None] * across + columns).reshape(-1)
        return self._schedule(height * self.factors[0] * across, [reads], [writes])
