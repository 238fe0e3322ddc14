"""Signals in order: a network of comparisons, and prefix sums."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.backends.verilog.logic import Logic, Signal

Pair = tuple[int, int]


def network(count: int) -> list[Pair]:
    """Pairs of places; if of each the larger one goes to the first place, so many numbers come to be in falling order.

    Batcher's merge exchange (Knuth, *The Art of Computer Programming*, 5.2.2, algorithm M).
    """
    found = []
    top = 1 << (count - 1).bit_length() >> 1
    p = top
    while p:
        q, r, d = top, 0, p
        while True:
            found += [(i, i + d) for i in range(count - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return found


def largest_first(logic: Logic, signals: Sequence[Signal], count: int) -> list[Signal]:
    """The ``count`` largest, the largest first. Of comparisons only those that have a part in that."""
    held, wanted = list(signals), set(range(count))
    steps: list[tuple[Pair, bool, bool]] = []
    for pair in reversed(network(len(held))):
        first, second = (place in wanted for place in pair)
        if first or second:
            steps.append((pair, first, second))
            wanted.update(pair)
    for (i, k), first, second in reversed(steps):
        a, b = held[i], held[k]
        if first:
            held[i] = logic.larger(a, b, "larger")
        if second:
            held[k] = logic.smaller(a, b, "smaller")
    return held[:count]


def prefix_sums(logic: Logic, terms: Sequence[Signal], hint: str) -> list[Signal]:
    """The sums of the first, of the first two, and so on, as few levels behind each other as there can be."""
    if len(terms) == 1:
        return list(terms)
    half = (len(terms) + 1) // 2
    left, right = prefix_sums(logic, terms[:half], hint), prefix_sums(logic, terms[half:], hint)
    return [*left, *(logic.add(left[-1], term, hint) for term in right)]
