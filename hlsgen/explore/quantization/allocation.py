"""How many bits each tensor gets: those for which a bit costs less loss than anywhere else.

The loss of every tensor at every width is known, each measured with all others as they are. A Lagrangian chooses for
each the width with the least ``loss + price * cost`` of its own; the price is bisected until the losses add up to a
budget (Shoham and Gersho 1988; no Hessian is needed). Losses need not add up in truth: who calls measures, and asks for
another budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

_ROUNDS = 80
"""Of bisection: the price is then known to a double's last bits."""


@dataclass(frozen=True)
class Curve:
    """A tensor's loss and cost by its width, in ascending widths."""

    name: str
    widths: tuple[int, ...]
    losses: tuple[float, ...]
    costs: tuple[float, ...]

    @classmethod
    def of(cls, name: str, losses: Mapping[int, float], costs: Mapping[int, float]) -> Curve:
        """Losses that rise with a width are noise of the measurement: a width loses no less than a wider one."""
        widths = sorted(losses)
        falling: list[float] = []
        for width in reversed(widths):
            falling.append(max([losses[width], *falling[-1:], 0.0]))
        return cls(name, tuple(widths), tuple(reversed(falling)), tuple(costs[width] for width in widths))

    def best(self, price: float) -> int:
        """The place of the width with the least loss and price together; of equals the narrower."""
        totals = [loss + price * cost for loss, cost in zip(self.losses, self.costs, strict=True)]
        return totals.index(min(totals))


def lagrangian(curves: Sequence[Curve], budget: float) -> dict[str, int]:
    """The widths of least cost whose losses add up to ``budget`` at most, among those that some price makes best.

    Where not even the widest stay within it, the widths of least loss.
    """
    low, high = 0.0, 1.0
    while _loss(curves, high) <= budget and high < 1e30:
        high *= 16.0
    if _loss(curves, low) > budget:
        return _widths(curves, low)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2.0 if low else high / 16.0
        if middle < 1e-30:
            break
        low, high = (middle, high) if _loss(curves, middle) <= budget else (low, middle)
    return _widths(curves, low)


def greedy(curves: Sequence[Curve], budget: float) -> dict[str, int]:
    """From the widest on, the bit that costs least loss for what it saves is taken off, while losses add up to
    ``budget`` at most."""
    places = {curve.name: len(curve.widths) - 1 for curve in curves}
    spent = sum(curve.losses[-1] for curve in curves)
    while True:
        steps = [
            (_rate(curve, place), curve.name, curve)
            for curve in curves
            if (place := places[curve.name]) > 0 and spent + _more(curve, place) <= budget
        ]
        if not steps:
            return {curve.name: curve.widths[places[curve.name]] for curve in curves}
        _, name, curve = min(steps, key=lambda step: step[:2])
        spent += _more(curve, places[name])
        places[name] -= 1


def _more(curve: Curve, place: int) -> float:
    return curve.losses[place - 1] - curve.losses[place]


def _rate(curve: Curve, place: int) -> float:
    saved = curve.costs[place] - curve.costs[place - 1]
    return _more(curve, place) / saved if saved > 0 else inf


def _loss(curves: Sequence[Curve], price: float) -> float:
    return sum(curve.losses[curve.best(price)] for curve in curves)


def _widths(curves: Sequence[Curve], price: float) -> dict[str, int]:
    return {curve.name: curve.widths[curve.best(price)] for curve in curves}
