"""What trials are judged by, and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Costs = tuple[float, ...]
"""The objectives of a trial in their order, each so that less is better."""
_LEAST, _MOST = 1e-3, 1e15
"""Numbers between which digits are shown."""


@dataclass(frozen=True)
class Goal:
    """An objective as its results know it."""

    name: str
    higher_is_better: bool
    unit: str = ""
    """``ns``, ``cycles``, ``bits``, ``MHz``; of counts and shares, none."""

    def cost(self, value: float) -> float:
        """The value, so that less is better."""
        return -value if self.higher_is_better else value

    def text(self, value: float) -> str:
        """A value as tables show it: counts whole, shares to the fourth digit, tiny and huge ones by powers of ten."""
        if value and not _LEAST <= abs(value) < _MOST:
            return f"{value:.3g}"
        if float(value).is_integer() and not (self.higher_is_better and abs(value) <= 1):
            return f"{value:,.0f}"
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"

    def said(self, value: float) -> str:
        """A value with the name and the unit, for sentences."""
        return f"{self.name} {self.with_unit(self.text(value))}"

    def with_unit(self, text: str) -> str:
        """A number with the unit, but for one that the name says."""
        return text if self.unit in ("", self.name) else f"{text} {self.unit}"


def costs(goals: Sequence[Goal], values: Mapping[str, float]) -> Costs:
    """The objectives of a trial, so that less is better."""
    return tuple(goal.cost(values[goal.name]) for goal in goals)


def covers(one: Costs, other: Costs) -> bool:
    """Whether one is nowhere worse than another."""
    return all(a <= b for a, b in zip(one, other, strict=True))


def dominates(one: Costs, other: Costs) -> bool:
    """Whether one is nowhere worse than another, and better somewhere."""
    return covers(one, other) and one != other


def front_of(points: Sequence[Costs]) -> list[int]:
    """The numbers of those that none dominates, in their order; of equal ones the first alone."""
    order = sorted(range(len(points)), key=lambda i: (points[i], i))
    kept: list[int] = []
    for i in order:  # what dominates comes before what is dominated
        if not any(covers(points[k], points[i]) for k in kept):
            kept.append(i)
    return sorted(kept)


def hypervolume(points: Iterable[Costs], reference: Costs) -> float:
    """The volume that points dominate together, up to a reference point; those beyond it count for nothing.

    By slices along the last objective (Fonseca, Paquete, Lopez-Ibanez 2006, without its bounds), each with the front of
    the one before: fast enough for fronts of some hundred points in up to four objectives.
    """
    inside = [point for point in points if all(c < r for c, r in zip(point, reference, strict=True))]
    return _volume([inside[i] for i in front_of(inside)], reference)


def _volume(front: list[Costs], reference: Costs) -> float:
    if not front:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(point[0] for point in front)
    if len(reference) == 2:
        return _area(front, reference)
    levels = sorted(front, key=lambda point: point[-1])
    total, slice_ = 0.0, list[Costs]()
    for number, point in enumerate(levels):
        added = point[:-1]
        if not any(covers(other, added) for other in slice_):
            slice_ = [*(other for other in slice_ if not covers(added, other)), added]
        above = levels[number + 1][-1] if number + 1 < len(levels) else reference[-1]
        if above > point[-1]:
            total += (above - point[-1]) * _volume(slice_, reference[:-1])
    return total


def _area(front: list[Costs], reference: Costs) -> float:
    total, edge = 0.0, reference[1]
    for first, second in sorted(front):
        if second < edge:
            total += (reference[0] - first) * (edge - second)
            edge = second
    return total
