"""Products of a constant matrix spread over turns, such that zeros and powers of two take no multiplier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.ir.types import Ints


@dataclass(frozen=True, eq=False)
class Lanes:
    """What each lane multiplies in each turn: ``inputs`` and ``words`` (lanes, turns), ``outputs`` (lanes,).

    Every product that is not by zero is in one turn of one lane of its output, as early as can be; the first
    ``multiplied`` lanes have weights that are no powers of two.
    """

    inputs: Ints
    words: Ints
    outputs: Ints
    multiplied: int

    @classmethod
    def of(cls, matrix: Ints, turns: int, groups: int = 1) -> Lanes:
        """The lanes of ``matrix`` (outputs, inputs) in so many turns.

        The outputs are in equal ``groups``, each of which has inputs of its own.
        """
        magnitude = np.abs(matrix)
        shifts = (magnitude & (magnitude - 1)) == 0
        multiplied = _spread(matrix, (magnitude != 0) & ~shifts, turns)
        shifted = _spread(matrix, (magnitude != 0) & shifts, turns)
        parts = multiplied + shifted or [_lane(0, np.zeros(1, int), np.zeros(1, matrix.dtype), turns)]
        outputs, inputs, words = (np.array(column) for column in zip(*parts, strict=True))
        first = outputs // (len(matrix) // groups) * matrix.shape[1]
        return cls(inputs + first[:, None], words, outputs, len(multiplied))


def _spread(matrix: Ints, chosen: np.ndarray, turns: int) -> list[tuple[int, Ints, Ints]]:
    """The chosen products of each output, in lanes of up to ``turns``."""
    found = []
    for output, row in enumerate(matrix):
        places = np.flatnonzero(chosen[output])
        for first in range(0, len(places), turns):
            part = places[first : first + turns]
            found.append(_lane(output, part, row[part], turns))
    return found


def _lane(output: int, inputs: Ints, words: Ints, turns: int) -> tuple[int, Ints, Ints]:
    """Filled up with products of the last input by zero, for which nothing is switched."""
    free = turns - len(inputs)
    return output, np.pad(inputs, (0, free), mode="edge"), np.pad(words, (0, free))
