"""What softmax and log-softmax share: the steps of :mod:`hlsgen.layers.exponentials`, unrolled over the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hlsgen.backends.verilog.casts import Number, cast
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.layers.exponentials import Exponentials


class Steps(NamedTuple):
    """Distances to the largest, their exponentials, and the sum of those."""

    distances: list[Number]
    exponentials: list[Signal]
    sum: Number


def steps(logic: Logic, plan: Exponentials, x: Sequence[Number], counts: Sequence[Signal] | None = None) -> Steps:
    """Of all classes. ``counts``: a bit for each; the exponential of one that does not count is zero."""
    largest = logic.tree([number.signal for number in x], lambda a, b: logic.larger(a, b, "largest"))
    distances = [_distance(logic, plan, largest, number) for number in x]
    exponentials = []
    for k, distance in enumerate(distances):
        bit = constant(1) if counts is None else counts[k]
        never = bit.is_constant and not bit.low
        whole = constant(0) if never else _exponential(logic, plan, distance)
        exponentials.append(logic.choose(bit, whole, constant(0), "counted"))
    total = logic.total(exponentials, "total")
    return Steps(distances, exponentials, Number(total, plan.sum.frac))


def _distance(logic: Logic, plan: Exponentials, largest: Signal, x: Number) -> Number:
    apart = logic.subtract(largest, x.signal, "distance")
    return Number(logic.bounded(apart, 0, plan.distance.max_mantissa), x.frac)


def _exponential(logic: Logic, plan: Exponentials, distance: Number) -> Signal:
    """A product of tables, each of which reads an equal share of the index."""
    index = cast(logic, distance, plan.index).signal
    bits, words = plan.share.width, plan.words()
    result: Signal | None = None
    for place, table in zip(range(plan.tables - 1, -1, -1), words, strict=True):
        share = logic.bits(index, bits * place, bits, "share")
        factor = logic.lookup([int(word) for word in table], share, "factor")
        if result is None:
            result = factor
            continue
        product = Number(logic.multiply(result, factor), 2 * plan.exponential.frac)
        result = cast(logic, product, plan.exponential).signal
    assert result is not None
    return result
