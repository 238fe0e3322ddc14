"""The parts of which a circuit is planned: cores and stages of operations, and the words that flow between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.moves import Moves
from hlsgen.ir.loop import Loop
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor

Kind = Literal[
    "core",
    "cast",
    "loop",
    "gather",
    "split",
    "repeat",
    "lines",
    "windows",
    "whole",
    "spans",
    "wires",
    "trim",
    "moves",
    "order",
    "joined",
]


@dataclass(frozen=True)
class Flow:
    """Words that one part makes, or that come from outside.

    ``words``: those of a turn, of which a sample has ``turns``: the steps of a loop. Flows are equal if their words are
    those of one ``source``, however they are counted.
    """

    words: Words = field(compare=False)
    turns: int = field(default=1, compare=False)
    source: object = field(default_factory=object, repr=False)

    @property
    def sample(self) -> Words:
        """The words of a whole sample."""
        return replace(self.words, beats=self.words.beats * self.turns)

    def seen_as(self, words: Words, turns: int) -> Flow:
        """The same words, counted in other turns."""
        assert (words.elements, words.beats * turns) == (self.words.elements, self.sample.beats)
        return Flow(words, turns, self.source)


@dataclass(frozen=True, eq=False)
class State:
    """A state of a loop: the flow of its values in each step, that of what the next step gets, and that of what it
    starts with (None: with zeros)."""

    slot: str
    now: Flow
    carried: Flow
    start: Flow | None


@dataclass(frozen=True, eq=False)
class Body:
    """What of a loop lies between its states and what is carried on: cores and wires, each of a word a step."""

    loop: Loop
    parts: tuple[Part, ...]
    states: tuple[State, ...]
    results: tuple[Flow, ...]
    """What is read outside, side by side in the word that is given."""


@dataclass(frozen=True, eq=False)
class Part:
    """A core or a stage of an operation: what it reads and what it makes."""

    kind: Kind
    op: Op
    reads: tuple[Flow, ...]
    y: Flow
    moves: Moves | None = None
    """For wires and stages that move elements: which."""
    body: Body | None = None
    """For loops: what is computed in each step."""

    @property
    def is_core(self) -> bool:
        """Whether it is a static pipeline, which may be one of a chain."""
        return self.kind in ("core", "cast", "loop")

    @property
    def x(self) -> Words:
        """The words of the only flow that it reads."""
        (only,) = self.reads
        return only.words


@dataclass(frozen=True, eq=False)
class Outline:
    """All parts, each behind those that it reads from."""

    inputs: tuple[Flow, ...]
    parts: tuple[Part, ...]
    outputs: tuple[Flow, ...]


def words_of(tensor: Tensor) -> Words:
    """How a tensor passes on a stream: a word for each position, which holds all channels."""
    return Words(tensor.type, tensor.shape[-1], prod(tensor.shape[:-1]))
