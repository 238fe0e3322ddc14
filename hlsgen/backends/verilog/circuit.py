"""The plan of a circuit: modules, the streams between them, and the clocks of each. Immutable; texts are made of it.

Words pass between blocks as streams with ``valid`` and ``ready``. Cores that follow one another are a *chain*: each
starts when the former is done, and a FIFO behind the last has room for all that is under way, which credits count. So
``ready`` passes through no core, and a chain costs one FIFO however many layers it has. A *stage* regroups words, a
*fork* hands each to several readers, a *FIFO* holds those of the shorter way until the longer one has caught up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from hlsgen.backends.verilog.core import Core, Words
from hlsgen.backends.verilog.pace import Buffering, Pace
from hlsgen.ir.text import table


@dataclass(frozen=True)
class Stream:
    """Words between two blocks: the wires ``<name>_data``, ``<name>_valid``, ``<name>_ready``."""

    name: str
    words: Words


@dataclass(frozen=True)
class Block:
    """What stands between streams; its name is that of its instance."""

    name: str
    reads: tuple[Stream, ...]
    writes: tuple[Stream, ...]
    kind: ClassVar[str]

    @property
    def x(self) -> Words:
        """What it reads, or the first of that."""
        return self.reads[0].words

    @property
    def y(self) -> Words:
        return self.writes[0].words

    @property
    def texts(self) -> Mapping[str, str]:
        """The Verilog of each module that it is made of and that belongs to this design, by the module's name."""
        return {}

    @property
    def rows(self) -> list[list[str]]:
        """Its modules, as rows of the table of :class:`Circuit`."""
        return []


@dataclass(frozen=True)
class Chain(Block):
    """Cores between streams. The first core takes a word of each stream that the chain reads, at once."""

    cores: tuple[Core, ...]
    names: tuple[str, ...]
    """Of the cores' instances."""
    kind: ClassVar[str] = "chain"

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

    @property
    def rows(self) -> list[list[str]]:
        """A row for each core, and for those within it; the FIFO, in words, stands behind the last."""
        found = []
        for core in self.cores:
            found.append(_row(core))
            found += [_row(inner, "  ") for inner in core.inner]
            last = found[-1 - len(core.inner)]
        last[-1] = str(self.depth)
        return found


def _row(core: Core, margin: str = "") -> list[str]:
    takes = " and ".join(map(str, core.xs))
    return [margin + core.module, takes, str(core.y), str(core.latency), str(core.interval), ""]


@dataclass(frozen=True)
class Stage(Block):
    """A module that takes and gives words at a pace of its own, such as one that makes windows."""

    module: str
    module_texts: Mapping[str, str]
    pace: Pace | Buffering
    deeper: Stage | None = None
    """The same with a memory that holds more words, where that may shorten the interval."""
    kind: ClassVar[str] = "stage"

    @property
    def texts(self) -> Mapping[str, str]:
        return self.module_texts

    @property
    def rows(self) -> list[list[str]]:
        takes = " and ".join(str(stream.words) for stream in self.reads)
        return [[self.module, takes, str(self.y), "", f"{self.pace.clocks} a sample", ""]]


@dataclass(frozen=True)
class Wires(Block):
    """Elements of a word in another order, or some of them: no clock and no logic."""

    module: str
    module_texts: Mapping[str, str]
    kind: ClassVar[str] = "wires"

    @property
    def texts(self) -> Mapping[str, str]:
        return self.module_texts

    @property
    def rows(self) -> list[list[str]]:
        return [[self.module, str(self.x), str(self.y), "0", "", ""]]


@dataclass(frozen=True)
class Fork(Block):
    """Hands every word to each of several streams, to each as soon as that is ready."""

    kind: ClassVar[str] = "fork"


@dataclass(frozen=True)
class Fifo(Block):
    """Holds up to ``depth`` words; one comes out two clocks after it went in, at the soonest."""

    depth: int
    kind: ClassVar[str] = "fifo"

    @property
    def rows(self) -> list[list[str]]:
        return [[self.name, str(self.x), str(self.y), "2", "1", str(self.depth)]]


@dataclass(frozen=True)
class Clocks:
    """Of a circuit whose words are offered and taken as soon as it can: from the first word that it takes of a sample
    to the last that it gives (``latency``, of the first sample), and from sample to sample (``interval``)."""

    latency: int
    interval: int


@dataclass(frozen=True)
class Circuit:
    """A design as blocks, in an order in which each stands behind those whose words it reads.

    ``inputs`` and ``outputs`` are its ports, in the order of the model's.
    """

    name: str
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]
    blocks: tuple[Block, ...]
    clocks: Clocks
    layers: Mapping[str, str] = field(default_factory=dict)
    """The layer of the model that an instance belongs to, by its name up to a double underscore."""

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """The Verilog of every module that was made for this design, by its name."""
        return {name: text for block in self.blocks for name, text in block.texts.items()}

    @property
    def unread(self) -> tuple[Stream, ...]:
        """Inputs that the network does not use: their words are taken and forgotten."""
        read = {stream for block in self.blocks for stream in block.reads}
        return tuple(stream for stream in self.inputs if stream not in read)

    @property
    def latency(self) -> int:
        """Clocks from taking the first word of a sample to giving its last, if nothing waits."""
        return self.clocks.latency

    @property
    def interval(self) -> int:
        """Clocks from one sample to the next."""
        return self.clocks.interval

    @property
    def bound(self) -> int:
        """Clocks a sample that no circuit of these modules can be below: those of the slowest."""
        return bound_of(self.inputs, self.outputs, self.blocks)

    def __str__(self) -> str:
        """A row for each module, in the order of the words, and what the circuit as a whole takes."""
        rows = [row for block in self.blocks for row in block.rows]
        header = ["module", "takes", "gives", "latency", "interval", "FIFO"]
        return table(header, rows) + f"\n{self.interval} clocks a sample, latency {self.latency}"


def bound_of(inputs: Sequence[Stream], outputs: Sequence[Stream], blocks: Sequence[Block]) -> int:
    """Clocks a sample that no circuit of these blocks can be below: those of the slowest, or those of the ports."""
    own = [block.interval * block.x.beats for block in blocks if isinstance(block, Chain)]
    own += [block.pace.clocks for block in blocks if isinstance(block, Stage)]
    return max([1, *own, *(stream.words.beats for stream in (*inputs, *outputs))])
