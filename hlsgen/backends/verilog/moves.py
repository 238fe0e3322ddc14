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
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding

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


def wires_text(moves: Moves, op: Op, y: Words, module: str) -> str:
    """The module that picks elements of a word."""
    return render("wires.v.j2", about=title(op), module=module, x=moves.x, y=y, picked=picked(moves, "x"))


def picked(moves: Moves, word: str) -> list[str]:
    """What is picked of a word of this name, the last element first as Verilog joins them; neighbours in one piece."""
    width, found = moves.x.type.width, []
    for first, count in _runs(moves.elements):
        if first == ZERO:
            found.append(f"{count * width}'d0")
        elif moves.x.width == 1:
            found.append(word)
        else:
            found.append(f"{word}[{(first + count) * width - 1}:{first * width}]")
    return found[::-1]


def _runs(elements: Sequence[int]) -> list[tuple[int, int]]:
    """Elements that lie side by side in the word that comes: the first, and how many; zeros begin with ZERO."""
    found: list[tuple[int, int]] = []
    for place in elements:
        first, count = found[-1] if found else (place, 0)
        if place == (ZERO if first == ZERO else first + count):
            found[-1:] = [(first, count + 1)]
        else:
            found.append((place, 1))
    return found


def no_logic(x: FixedType, y: FixedType) -> bool:
    """Whether a value becomes one of another type by leaving bits off or adding some, without rounding or limits."""
    rounds = y.frac < x.frac and y.rounding is not Rounding.TRN
    dropped = max(x.frac - y.frac, 0)
    held = y.holds(x.min_mantissa >> dropped, x.max_mantissa >> dropped, x.frac - dropped)
    return not rounds and (held or (y.overflow is Overflow.WRAP and not y.saturation_bits))


def trimmed(x: Words, y: FixedType, word: str) -> list[str]:
    """Each element of a word of this name in a type of other bits (:func:`no_logic`), the last first."""
    return [_trimmed_bits(x.type, y, word, k * x.type.width, x.width > 1) for k in reversed(range(x.elements))]


def _trimmed_bits(x: FixedType, y: FixedType, word: str, place: int, several: bool) -> str:
    """An element whose lowest bit has this place: zeros below its own bits, its sign above them."""

    def bits(high: int, low: int) -> str:
        return f"{word}[{place + high}:{place + low}]" if several else word

    below = min(max(y.frac - x.frac, 0), y.width)
    first = max(x.frac - y.frac, 0)
    own = max(min(x.width - first, y.width - below), 0)
    above = y.width - below - own
    pieces = []
    if above:
        pieces.append(f"{{{above}{{{bits(x.width - 1, x.width - 1)}}}}}" if x.signed else f"{above}'d0")
    if own:
        pieces.append(bits(first + own - 1, first))
    if below:
        pieces.append(f"{below}'d0")
    return pieces[0] if len(pieces) == 1 else f"{{{', '.join(pieces)}}}"


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
