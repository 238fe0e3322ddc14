"""How a stage takes and gives words: step by step (:class:`Pace`), or on two sides of a memory (:class:`Buffering`)."""

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
    ahead: tuple[int, ...] = ()
    """For each step, how many words of the only stream are taken before the one that it takes, in clocks of their own:
    as soon as the word before them is taken, whatever the steps in between wait for. Nothing: none."""

    @classmethod
    def of(cls, steps: Iterable[tuple[int, bool]]) -> Pace:
        """From pairs of what a step takes and whether it gives."""
        takes, gives = zip(*steps, strict=True)
        return cls(tuple(map(int, takes)), tuple(map(bool, gives)))

    def times(self, turns: int) -> Pace:
        """All of it so often, one turn behind the other."""
        return Pace(self.takes * turns, self.gives * turns, self.ahead * turns)

    @property
    def clocks(self) -> int:
        """What a sample takes at least."""
        taken = sum(take != NOTHING for take in self.takes) + sum(self.ahead)
        return max(len(self.takes), taken)


@dataclass(frozen=True)
class Buffering:
    """The two sides of a memory: words are written as they come, others are read as soon as what they need is there.

    At most a word a clock on each side. A word is offered two clocks after the last that it needs came, at the soonest;
    one may come in the clock behind the one in which the last word that still needed its place was given.
    """

    needs: tuple[int, ...]
    """For each word of a sample that is given, how many of the sample's words must have come; 0 or less for none."""
    frees: tuple[int, ...]
    """For each word that comes, how many words of the sample must be given before; 0 or less for none."""

    def times(self, turns: int) -> Buffering:
        """All of it so often, one turn behind the other."""
        given, come = len(self.needs), len(self.frees)
        needs = (turn * come + words for turn in range(turns) for words in self.needs)
        frees = (turn * given + words for turn in range(turns) for words in self.frees)
        return Buffering(tuple(needs), tuple(frees))

    @property
    def clocks(self) -> int:
        """What a sample takes at least."""
        return max(len(self.needs), len(self.frees))


def gathering(groups: int, parts: int) -> Pace:
    """Every ``parts`` words become one, ``groups`` times."""
    return Pace.of((0, part == parts - 1) for _ in range(groups) for part in range(parts))


def splitting(groups: int, parts: int) -> Pace:
    """Every word is given in ``parts`` parts, or so many times."""
    return Pace.of((NOTHING if part else 0, True) for _ in range(groups) for part in range(parts))
