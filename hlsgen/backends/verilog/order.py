"""Words in another order: a memory that they come to one by one, and from which they are read as they are wanted.

Where the order is the same for one block of words after the other, as where rows are repeated, the memory holds two
blocks: one is read while the next one comes. A whole sample is one block where no shorter one will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.moves import ZERO
from hlsgen.backends.verilog.pace import Buffering
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.op import Op

_LOOPS = 6
"""More counters than that are no simpler than a table."""


@dataclass(frozen=True)
class Loop:
    """A counter of an address: so many turns, each so far behind the last."""

    turns: int
    stride: int


@dataclass(frozen=True)
class Order:
    """Which word is read when, of a block of them."""

    blocks: int
    """Of a sample."""
    length: int
    """Words of a block."""
    words: tuple[int, ...]
    """For each word that is given, its place in the block; ZERO for one of zeros."""

    def bits(self, x: Words) -> int:
        """Those of the memory."""
        return x.width << (counter_bits(self.length) + 1)

    @property
    def pace(self) -> Buffering:
        """A word is given when it is there, the last of a block when all of that is; a word may come when the block
        before the last is read."""
        needs, frees = [], []
        for block in range(self.blocks):
            start = block * self.length
            needs += [start + word + 1 for word in self.words[:-1]] + [start + self.length]
            frees += [(block - 1) * len(self.words)] * self.length
        return Buffering(tuple(needs), tuple(frees))

    @property
    def loops(self) -> list[Loop] | None:
        """The counters that give the places from the first on, the innermost first; None where a table has to."""
        rest, found = list(self.words), list[Loop]()
        if ZERO in rest:
            return None
        while len(rest) > 1:
            stride = rest[1] - rest[0]
            run = next((k for k in range(2, len(rest)) if rest[k] - rest[k - 1] != stride), len(rest))
            if len(rest) % run or len(found) == _LOOPS:
                return None
            rows = [rest[k : k + run] for k in range(0, len(rest), run)]
            if any(row != [row[0] + k * stride for k in range(run)] for row in rows):
                return None
            found.append(Loop(run, stride))
            rest = [row[0] for row in rows]
        return found


def order_of(words: Sequence[int], beats: int) -> Order:
    """The order with the shortest blocks: ``words`` (the number of the one that comes, of ``beats``, or ZERO)."""
    found = np.asarray(words)
    for blocks in range(gcd(len(words), beats), 0, -1):
        if len(words) % blocks or beats % blocks:
            continue
        length = beats // blocks
        rows = found.reshape(blocks, -1)
        places = np.where(rows == ZERO, ZERO, rows - length * np.arange(blocks)[:, None])
        if (places == places[0]).all() and places.max() < length and (places[rows != ZERO] >= 0).all():
            return Order(blocks, length, tuple(places[0].tolist()))
    raise AssertionError("one block holds any order")


def order_stage(order: Order, x: Words, y: Words, op: Op, module: str) -> tuple[str, Buffering]:
    """The memory of two blocks."""
    bits, loops = counter_bits(order.length), order.loops
    text = render(
        "order.v.j2",
        about=title(op),
        module=module,
        x=x,
        y=y,
        w=order,
        steps=len(order.words),
        place_bits=bits,
        step_bits=counter_bits(len(order.words)),
        counters=None if loops is None else _counters(loops, bits),
        zeros=int(ZERO in order.words),
        words=[1 << bits if word == ZERO else word for word in order.words],
    )
    return text, order.pace


@dataclass(frozen=True)
class _Counter:
    """A counter, and how far the address goes when it counts and those within it begin again."""

    turns: int
    bits: int
    step: int


def _counters(loops: Sequence[Loop], bits: int) -> list[_Counter]:
    found, back = list[_Counter](), 0
    for loop in loops:
        found.append(_Counter(loop.turns, counter_bits(loop.turns), (loop.stride - back) & ((1 << bits) - 1)))
        back += (loop.turns - 1) * loop.stride
    return found
