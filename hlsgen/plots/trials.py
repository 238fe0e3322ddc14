"""The trials of a search as columns of plain numbers: what its figures and its page are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

DONE = "done"
"""The state of trials of which everything was measured; of others, numbers are of a part of the data, or missing."""


@dataclass(frozen=True)
class Axis:
    """A setting that was varied."""

    name: str
    labels: tuple[str, ...]
    """Its values as a configuration writes them, in order."""
    places: tuple[int | None, ...]
    """For each trial which of them it has; None where it has none."""
    base: str = ""
    """Its value in the configuration that the search began from."""


@dataclass(frozen=True)
class Objective:
    """A number that was measured."""

    name: str
    values: tuple[float | None, ...]
    """For each trial; None where there is none."""
    higher_is_better: bool = False
    unit: str = ""

    @property
    def label(self) -> str:
        """Its name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit not in ("", self.name) else self.name

    def best(self, numbers: Iterable[float]) -> float:
        """The best of one number or more."""
        return max(numbers) if self.higher_is_better else min(numbers)

    def is_better(self, one: float, other: float) -> bool:
        return one > other if self.higher_is_better else one < other


@dataclass(frozen=True)
class Trials:
    """All of them; every column has an entry for each trial."""

    axes: tuple[Axis, ...]
    objectives: tuple[Objective, ...]
    numbers: tuple[int, ...]
    """By which trials are called."""
    states: tuple[str, ...]
    reasons: tuple[str, ...]
    """Why a trial was refused or pruned, or how it failed; else empty."""
    seconds: tuple[float, ...]
    workers: tuple[str, ...]
    front: tuple[int, ...]
    """The places of those that none beats, the best of the first objective first."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def measured(self) -> tuple[int, ...]:
        """The places of trials that have all numbers."""
        return tuple(
            place
            for place, state in enumerate(self.states)
            if state == DONE and all(objective.values[place] is not None for objective in self.objectives)
        )

    @cached_property
    def best(self) -> frozenset[int]:
        """The places of the front, to be asked whether one is among them."""
        return frozenset(self.front)


def spelled(value: float | None) -> str:
    """A number for readers: whole ones in full, others by six digits, none where there is none."""
    if value is None or value != value:
        return ""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.6g}"


def front_of_two(x: Objective, y: Objective, places: Sequence[int]) -> list[int]:
    """Those of the places that no other is better than in both, x ascending; of equal ones the first.

    Of each place both numbers are known.
    """

    def key(objective: Objective, place: int) -> float:
        value = objective.values[place]
        assert value is not None, "only places with numbers are given"
        return -value if objective.higher_is_better else value

    found: list[int] = []
    least = float("inf")
    for place in sorted(places, key=lambda place: (key(x, place), key(y, place), place)):
        if key(y, place) < least:
            least = key(y, place)
            found.append(place)
    return found[::-1] if x.higher_is_better else found
