"""Bits by a price: against every allocation that there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hlsgen.explore.quantization.allocation import Curve, greedy, lagrangian
from hlsgen.explore.quantization.search import Aim
from hlsgen.explore.quantization.sensitivity import WIDEST, loss_curve


def curves_of(seed: int, count: int = 4, widths: int = 6) -> list[Curve]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        size, cost = 10 ** rng.uniform(-2, 1), rng.uniform(0.2, 2)
        noise = rng.uniform(0.5, 2, widths)
        losses = {width: float(size * 4.0**-width * noise[width - 2]) for width in range(2, 2 + widths)}
        found.append(Curve.of(f"t{number}", losses, {width: float(width * cost) for width in losses}))
    return found


def totals(curves: list[Curve], widths: dict[str, int]) -> tuple[float, float]:
    places = [curve.widths.index(widths[curve.name]) for curve in curves]
    losses = sum(curve.losses[place] for curve, place in zip(curves, places, strict=True))
    return losses, sum(curve.costs[place] for curve, place in zip(curves, places, strict=True))


def every(curves: list[Curve]) -> list[tuple[float, float]]:
    names = [curve.name for curve in curves]
    return [
        totals(curves, dict(zip(names, widths, strict=True))) for widths in product(*(curve.widths for curve in curves))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_no_other_allocation_has_less_cost_for_the_loss_that_a_price_leads_to(seed: int) -> None:
    curves = curves_of(seed)
    for budget in (1e-4, 1e-3, 1e-2, 1e-1):
        loss, cost = totals(curves, lagrangian(curves, budget))
        within = [c for other, c in every(curves) if other <= loss]
        assert cost == pytest.approx(min(within), abs=1e-12)
        if min(other for other, _ in every(curves)) <= budget:
            assert loss <= budget


@pytest.mark.parametrize("seed", range(8))
def test_greedy_keeps_to_the_budget_and_leaves_no_bit_that_fits(seed: int) -> None:
    curves = curves_of(seed)
    for budget in (1e-4, 1e-3, 1e-2):
        widths = greedy(curves, budget)
        loss, _ = totals(curves, widths)
        if min(other for other, _ in every(curves)) > budget:
            continue
        assert loss <= budget
        for curve in curves:
            if widths[curve.name] > curve.widths[0]:
                assert totals(curves, widths | {curve.name: widths[curve.name] - 1})[0] > budget


def test_an_impossible_budget_gets_all_bits() -> None:
    curves = curves_of(0)
    assert set(lagrangian(curves, 0.0).values()) == {7} == set(greedy(curves, 0.0).values())


def test_losses_that_rise_with_the_width_are_levelled() -> None:
    curve = Curve.of("t", {4: 1.0, 5: 0.25, 6: 0.5, 7: 0.1}, {4: 4, 5: 5, 6: 6, 7: 7})
    assert curve.losses == (1.0, 0.5, 0.5, 0.1)


def test_a_loss_between_and_beyond_follows_the_law_of_noise() -> None:
    found = loss_curve(lambda width: 4.0**-width, tried=(8, 6, 3))
    assert set(found) == set(range(3, WIDEST + 1))
    assert all(found[width] == pytest.approx(4.0**-width) for width in range(3, 13))


def test_what_is_hopeless_is_not_measured() -> None:
    asked = []

    def measure(width: int) -> float:
        asked.append(width)
        return 1.0

    found = loss_curve(measure, tried=(8, 6, 3))
    assert asked == [8] and found[3] > found[6] > found[8]


@pytest.mark.parametrize("most", [1e-7, 2e-4, 1e-3, 0.07, 1.3])
@pytest.mark.parametrize("power", [0.3, 0.5, 1.0])
def test_the_largest_budget_is_found_with_few_looks(most: float, power: float) -> None:
    looks = []

    def missed(budget: float) -> float:
        looks.append(budget)
        return 0.01 * (budget / most) ** power

    found = Aim(12).largest(missed, 0.01)
    assert most / 1.3 <= found <= most * (1 + 1e-9) and len(looks) <= 8


def test_where_nothing_is_missed_or_all_is_the_last_budget_is_the_end() -> None:
    assert Aim(12).largest(lambda budget: 0.0, 0.01) > 1.0
    assert Aim(12).largest(lambda budget: 1.0, 0.01) < 1e-8
    assert Aim(12).largest(lambda budget: 0.1 * (budget > 1e-5), 0.0) <= 1e-5
