"""The plan of a circuit: modules, the streams between them, and the clocks of each. Immutable; texts are made of it.

Words pass between modules as streams with ``valid`` and ``ready``. Cores that follow one another are a *chain*: each
starts when the former is done, and a FIFO behind the last has room for all that is under way, which credits count. So
``ready`` passes through no core, and a chain costs one FIFO however many layers it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from hlsgen.backends.verilog.core import Core, Words
from hlsgen.ir.text import table


@dataclass(frozen=True)
class Chain:
    """Cores between two streams."""

    name: str
    cores: tuple[Core, ...]
    names: tuple[str, ...]
    """Of the cores' instances."""
    kind: ClassVar[str] = "chain"

    @property
    def x(self) -> Words:
        return self.cores[0].x

    @property
    def y(self) -> Words:
        return self.cores[-1].y

    @property
    def interval(self) -> int:
        """Clocks from one word to the next."""
        return max(core.interval for core in self.cores)

    @property
    def latency(self) -> int:
        """Clocks from taking a word to offering its result: those of the cores, and one of the FIFO."""
        return sum(core.latency for core in self.cores) + 1

    @property
    def depth(self) -> int:
        """Words that the FIFO has room for: a credit that is taken comes back a clock after its result is given."""
        return -(-(self.latency + 1) // self.interval)

    @property
    def texts(self) -> Mapping[str, str]:
        return {name: text for core in self.cores for name, text in core.texts.items()}


@dataclass(frozen=True)
class Stage:
    """A module that takes and gives words at its own pace, such as one that makes windows."""

    name: str
    module: str
    x: Words
    y: Words
    texts: Mapping[str, str]
    clocks: int
    """That one sample takes of it, at least."""
    kind: ClassVar[str] = "stage"


@dataclass(frozen=True)
class Circuit:
    """A design as modules in a row. ``input`` and ``output`` are the names of its ports."""

    name: str
    input: str
    output: str
    x: Words
    y: Words
    blocks: tuple[Chain | Stage, ...]

    @property
    def modules(self) -> Mapping[str, str]:
        """The Verilog of every module that was made for this design, by its name."""
        return {name: text for block in self.blocks for name, text in block.texts.items()}

    @property
    def interval(self) -> int:
        """Clocks from one sample to the next that no design of these modules can be below: those of the slowest."""
        own = [b.interval * b.x.beats if isinstance(b, Chain) else b.clocks for b in self.blocks]
        return max([self.x.beats, self.y.beats, *own])

    def __str__(self) -> str:
        """A row for each module, in the order of the words, and what the circuit as a whole takes."""
        rows = [row for block in self.blocks for row in _rows(block)]
        ends = f"{self.interval} clocks a sample" + ("" if self.latency is None else f", latency {self.latency}")
        known = ends if self.latency is not None else f"at least {ends}: simulate() counts them"
        return table(["module", "takes", "gives", "latency", "interval", "FIFO"], rows) + f"\n{known}"

    @property
    def latency(self) -> int | None:
        """Clocks from taking a sample to offering its result, if nothing waits; None where words are many a sample."""
        if any(words.beats > 1 for block in self.blocks for words in (block.x, block.y)):
            return None
        return sum(block.latency for block in self.blocks if isinstance(block, Chain))


def _rows(block: Chain | Stage) -> list[list[str]]:
    """The modules of a block; the FIFO of a chain, in words, stands behind its last core."""
    if isinstance(block, Stage):
        return [[block.module, str(block.x), str(block.y), "", f"{block.clocks} a sample", ""]]
    rows = [[c.module, str(c.x), str(c.y), str(c.latency), str(c.interval), ""] for c in block.cores]
    rows[-1][-1] = str(block.depth)
    return rows
