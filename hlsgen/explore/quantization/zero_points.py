"""Offsets that channels are held less, so that a type's codes reach from their least to their largest value.

A range from -0.3 to 8 wastes nearly all of the codes below zero; less its least value, none. What reads it takes the
offset back in its bias, exactly but for the rounding of that bias (Jacob et al. 2018, "Quantization and training of
neural networks for efficient integer-arithmetic-only inference", where it is called zero point).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from hlsgen.explore.quantization.equalisation import is_pinned, rounded
from hlsgen.explore.quantization.noise import Noise
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Value
from hlsgen.layers.table import Table
from hlsgen.passes.channel_offsets import ChannelOffsets
from hlsgen.passes.scale_routes import may_move

_WORTH = 0.8
"""What of a value's noise an offset has to leave at most."""
_BELOW = 1e-3
"""Of a range: how far an offset is below the least value that was met, so that none has a sign."""

Offsets = Mapping[Value, Floats]


def zero_points(graph: Graph, noise: Noise) -> Offsets:
    """What the values of a rewritten graph are to be held less, a number a channel: those that have to be said; all
    others follow. Empty where it is not worth it: offsets of a sum are those of its operands, and may be worse for it.
    """
    said: dict[Value, Floats] = {}
    free = ChannelOffsets(graph, may_move, lambda value: is_pinned(graph, value))
    named = set(graph.aliases.values())
    costs = {value: noise.of_value(value) for value in noise.rounded}
    for value in sorted(named.intersection(costs), key=lambda value: (-costs[value], value.name)):
        for wanted in _wanted(value, noise, free):
            every = _solved(graph, {**said, value: wanted})
            if every is None:
                continue
            found = {other: noise.of_value(other, offsets=every[other]) for other in costs}
            if sum(found.values()) < sum(costs.values()) - (1 - _WORTH) * costs[value]:
                said[value], costs = wanted, found
    return said


def all_offsets(graph: Graph, said: Offsets) -> Offsets:
    """The offsets of all values that follow from those that are said."""
    return _solved(graph, said) or {}


def _solved(graph: Graph, said: Offsets) -> Offsets | None:
    """The same; None if sums say otherwise, or what channels are tied to."""
    classes = ChannelOffsets(graph, may_move, lambda value: is_pinned(graph, value))
    for value, offsets in said.items():
        own = classes.of(value)
        known = classes.known[own]
        if not (np.isnan(known) | (known == offsets)).all():
            return None
        classes.known[own] = offsets
        if (classes.known[own] != offsets).any():
            return None
    return None if classes.solve().size else {value: classes.known[classes.of(value)] for value in graph.values}


def _wanted(value: Value, noise: Noise, classes: ChannelOffsets) -> Iterator[Floats]:
    """The lower end of each channel's range, above which nothing has a sign, and its middle; of a function those of
    all. Nothing for what cannot have one."""
    low, high = noise.least(value), noise.most(value)
    if isinstance(value.producer.layer, Table):
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    free = ~classes.fixed[classes.of(value)]
    for offsets in (low - _BELOW * (high - low), (low + high) / 2.0):
        wanted = np.where(free, rounded(offsets), 0.0) + 0.0
        if wanted.any():
            yield wanted
