"""Where values stand while a network runs: arrays whose lifetimes do not overlap share their places.

There is one pool for each width of elements. So an element is never read as one of another width, which C leaves
undefined, and everything is aligned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hlsgen.exports.c.numbers import Storage


@dataclass(eq=False)
class Block:
    """Memory that is needed from the first to the last moment, both included; moments are counted in operations."""

    storage: Storage
    size: int
    first: int
    last: int

    def extend(self, moment: int) -> None:
        self.last = max(self.last, moment)

    def meets(self, other: Block) -> bool:
        """Whether both are needed at one moment."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Memory:
    """The pools (bits of an element: elements) and where each block begins in its own."""

    pools: Mapping[int, int]
    places: Mapping[Block, int]

    @property
    def bytes(self) -> int:
        return sum(bits // 8 * size for bits, size in self.pools.items())


@dataclass
class _Pool:
    size: int = 0
    held: list[tuple[int, Block]] = field(default_factory=list)

    def put(self, block: Block) -> int:
        """The lowest place that is free during a block's life."""
        place = 0
        for at, size in sorted((at, other.size) for at, other in self.held if other.meets(block)):
            if place + block.size <= at:
                break
            place = max(place, at + size)
        self.held.append((place, block))
        self.size = max(self.size, place + block.size)
        return place


def arranged(blocks: Iterable[Block]) -> Memory:
    """Give every block its place, the largest first."""
    pools: dict[int, _Pool] = {}
    places: dict[Block, int] = {}
    for block in sorted(dict.fromkeys(blocks), key=lambda block: -block.size):
        places[block] = pools.setdefault(block.storage.bits, _Pool()).put(block)
    return Memory({bits: pools[bits].size for bits in sorted(pools, reverse=True)}, places)
