"""Elements in other places: as wires within a word, as words that are dropped, repeated or made of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.pace import NOTHING, Pace
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints

ZERO = -1


@dataclass(frozen=True)
class Step:
    """From which input a word is taken (NOTHING: none), whether a word is left to be given, whether one of zeros."""

    takes: int
    gives: bool
    zero: bool = False


@dataclass(frozen=True)
class Moves:
    """Which words are given, and which elements of each."""

    words: tuple[int, ...]
    """For each word that is given, the one that comes; ZERO for one of zeros."""
    elements: tuple[int, ...]
    """For each element of a word that is given, that of the word that comes; ZERO for a zero."""
    x: Words

    @property
    def keeps_words(self) -> bool:
        return self.words == tuple(range(self.x.beats))

    @property
    def keeps_elements(self) -> bool:
        return self.elements == tuple(range(self.x.elements))

    @property
    def steps(self) -> list[Step]:
        """One clock each: words that nobody wants are taken and not given."""
        found: list[Step] = []
        taken = -1
        for word in self.words:
            if word == ZERO:
                found.append(Step(NOTHING, gives=True, zero=True))
                continue
            found += [Step(0, gives=skipped == word) for skipped in range(taken + 1, word + 1)]
            if word == taken:
                found.append(Step(NOTHING, gives=True))
            taken = word
        return found + [Step(0, gives=False)] * (self.x.beats - 1 - taken)


def moves_of(places: Ints, x: Words) -> Moves | None:
    """How words of ``x`` become words whose elements are ``places`` (words, elements): the numbers of the elements that
    come, from 1 on, 0 for zeros.

    None where a word has elements of several, or where words would have to be kept for later.
    """
    word, element = np.divmod(places - 1, x.elements)
    element[places == 0] = ZERO
    empty = (places == 0).all(axis=1)
    filled = element[~empty]
    if not len(filled):
        return None
    first = word[np.arange(len(places)), (places > 0).argmax(axis=1)]
    mixed = ((word != first[:, None]) & (places > 0)).any() or (filled != filled[0]).any()
    if mixed or (np.diff(first[~empty]) < 0).any() or (empty.any() and not _follows(first, empty)):
        return None
    words = np.where(empty, ZERO, first)
    return Moves(tuple(words.tolist()), tuple(filled[0].tolist()), x)


def _follows(first: Ints, empty: np.ndarray) -> bool:
    """Whether no word is given again behind zeros: its register holds those."""
    given = [(word, hole) for (word, hole), _ in groupby(zip(first.tolist(), empty.tolist(), strict=True))]
    words = [word for word, hole in given if not hole]
    return len(words) == len(set(words))


def wires_text(moves: Moves, op: Op, module: str) -> str:
    """The module that picks elements of a word."""
    width = moves.x.type.width
    picked = [
        f"{width}'d0" if place == ZERO else f"x[{(place + 1) * width - 1}:{place * width}]" for place in moves.elements
    ]
    return render("wires.v.j2", about=title(op), module=module, x=moves.x, width=width, picked=picked[::-1])


def sequence_text(steps: Sequence[Step], xs: Sequence[Words], y: Words, op: Op, module: str) -> str:
    """The module that goes through steps, run after run of equal ones."""
    runs = [(step, len(list(equal))) for step, equal in groupby(steps)]
    return render(
        "sequence.v.j2",
        about=title(op),
        module=module,
        xs=xs,
        y=y,
        runs=runs,
        run_bits=counter_bits(len(runs)),
        left_bits=counter_bits(max(length for _, length in runs)),
        clocks=len(steps),
    )


def pace_of(steps: Sequence[Step]) -> Pace:
    """The pace of a stage that goes through these steps."""
    return Pace.of((step.takes, step.gives) for step in steps)
