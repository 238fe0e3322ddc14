"""Elements in other places: as wires within a word, as words that are dropped, repeated or made of zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import gcd

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
    def in_order(self) -> bool:
        """Whether no word has to be kept for later than the one behind it; a register holds zeros, too."""
        given = [word for word, _ in groupby(self.words)]
        words = [word for word in given if word != ZERO]
        return words == sorted(set(words))

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

    None where a word has elements of several, or not those of the same places as the others.
    """
    word, element = np.divmod(places - 1, x.elements)
    element[places == 0] = ZERO
    empty = (places == 0).all(axis=1)
    if empty.all():
        return Moves((ZERO,) * len(places), (ZERO,) * places.shape[1], x)
    filled = element[~empty]
    first = word[np.arange(len(places)), (places > 0).argmax(axis=1)]
    if ((word != first[:, None]) & (places > 0)).any() or (filled != filled[0]).any():
        return None
    words = np.where(empty, ZERO, first)
    return Moves(tuple(words.tolist()), tuple(filled[0].tolist()), x)


def pieces_of(places: Ints, x: Words) -> Moves:
    """The same of pieces of words, which are as large as they can be: each piece that is given is one that comes."""
    for size in range(gcd(x.elements, places.shape[1]), 0, -1):
        if x.elements % size or places.shape[1] % size:
            continue
        moves = moves_of(places.reshape(-1, size), Words(x.type, size, x.beats * x.elements // size))
        if moves is not None and (moves.keeps_elements or size == 1):
            return moves
    raise AssertionError("elements are pieces")


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
