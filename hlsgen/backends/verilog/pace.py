"""How a stage takes and gives words: steps, each of which may take a word and may end with one to give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NOTHING = -1


@dataclass(frozen=True)
class Pace:
    """The steps of one sample, at most one a clock.

    A step is done when the word that it takes is there and the word that the last step left is gone, or goes in this
    very clock. All stages have this register behind them and none in front.
    """

    takes: tuple[int, ...]
    """For each step, from which of the streams that are read it takes a word; NOTHING for none."""
    gives: tuple[bool, ...]
    """For each step, whether it leaves a word."""

    @classmethod
    def of(cls, steps: Iterable[tuple[int, bool]]) -> Pace:
        """From pairs of what a step takes and whether it gives."""
        takes, gives = zip(*steps, strict=True)
        return cls(tuple(map(int, takes)), tuple(map(bool, gives)))

    @property
    def clocks(self) -> int:
        """What a sample takes at least."""
        return len(self.takes)


def gathering(groups: int, parts: int) -> Pace:
    """Every ``parts`` words become one, ``groups`` times."""
    return Pace.of((0, part == parts - 1) for _ in range(groups) for part in range(parts))


def splitting(groups: int, parts: int) -> Pace:
    """Every word is given in ``parts`` parts, or so many times."""
    return Pace.of((NOTHING if part else 0, True) for _ in range(groups) for part in range(parts))
