"""A figure and how far off it may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A whole number that is estimated, and between which it is expected to lie in four of five cases."""

    value: int
    low: int
    high: int

    def __post_init__(self) -> None:
        assert 0 <= self.low <= self.value <= self.high, self

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.value + other.value, self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return f"{self.value:,}" if self.low == self.high else f"{self.value:,} ({self.low:,}..{self.high:,})"

    def holds(self, found: float) -> bool:
        """Whether a figure that was found lies in the interval."""
        return self.low <= found <= self.high


NOTHING = Figure(0, 0, 0)


def total(figures: Iterable[Figure]) -> Figure:
    """The sum; what figures are off by is taken to go together, as it does where a model is wrong."""
    return sum(figures, NOTHING)
