"""Channels held times factors, so that those of a tensor are alike: of its weights, of its values, or of both.

What one layer multiplies a channel by, the next divides its weights by (Nagel et al. 2019, "Data-free quantization
through weight equalization and bias correction", section 4.1). The weights in front of a channel want a factor of one
over their size, the values one over theirs, the weights behind their size. What is best of these for the channels that
meet in a tensor, :class:`~hlsgen.explore.quantization.noise.Noise` says. With free scales, one more factor for all of
them moves values and weights within the octave that a binary point leaves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.explore.quantization.noise import Noise
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.channel_classes import ChannelClasses
from hlsgen.passes.scale_routes import may_move

Equalisation = Literal["none", "weights", "values", "both"]
_MOST = 6
"""Octaves by which a channel is moved at most."""
_PARTS = 8
"""Of an octave: how finely the factor of all channels is looked for."""
_WORTH = 0.9
"""Channels are moved if that leaves no more than this of the noise; likewise by free factors for powers of two."""
_SWEEPS = 2
_DIGITS = 5
"""Of a free factor."""

Scales = dict[str, tuple[float, ...]]
"""Factors, one a channel, by the layer whose result they are for."""


class _Way(NamedTuple):
    """How much of each wish a channel gets: of the weights in front, of the values, of the weights behind."""

    front: float = 0.0
    values: float = 0.0
    behind: float = 0.0


_NONE = _Way()
_WAYS: dict[Equalisation, tuple[_Way, ...]] = {
    "none": (),
    "weights": (_Way(0.5, 0.0, 0.5),),
    "values": (_Way(0.0, 1.0, 0.0),),
    "both": (_Way(1 / 3, 1 / 3, 1 / 3),),
}
_EVERY = (
    *(way for ways in _WAYS.values() for way in ways),
    _Way(1.0, 0.0, 0.0),
    _Way(0.0, 0.0, 1.0),
    _Way(0.5, 0.5, 0.0),
    _Way(0.0, 0.5, 0.5),
    _Way(0.25, 0.5, 0.25),
    _Way(0.25, 0.0, 0.25),
    _Way(0.5, 0.0, 0.0),
)
"""What is compared where nobody said anything."""


def scales(graph: Graph, noise: Noise, how: Equalisation | Literal["auto"], free: bool) -> Scales:
    """By what the channels of a rewritten graph are to be held.

    ``noise``: what rounding costs there; ``free``: any factors, not only powers of two. Channels that are tied to each
    other are said once. Empty where nothing moves.
    """
    classes = ChannelClasses(graph, may_move, lambda value: is_pinned(graph, value))
    factors = _Search(graph, classes, noise, _EVERY if how == "auto" else _WAYS[how], free).found()
    if (factors == 1).all():
        return {}
    found: Scales = {}
    said = np.zeros(classes.count, dtype=bool)
    for name, value in graph.aliases.items():
        own = classes.of(value)
        if value.producer.is_input or ((factors[own] == 1) | said[own]).all():
            continue
        found[name] = tuple(factors[own].tolist())
        said[own] = True
    return found if said[factors != 1].all() else {}


def is_pinned(graph: Graph, value: Value) -> bool:
    """Whether a value is an end of the model, or has a type that somebody fixed."""
    return value in graph.outputs or value.producer.is_input or value.producer.wish.casts


class _Search:
    """The factors of all classes of channels, found for those that meet in a tensor together."""

    def __init__(self, graph: Graph, classes: ChannelClasses, noise: Noise, ways: tuple[_Way, ...], free: bool) -> None:
        self._graph, self._classes, self._noise, self._ways, self._free = graph, classes, noise, ways, free
        self._movable = [n for n in graph if isinstance(n.layer, LinearLayer) and may_move(n)]
        self._factors = np.ones(classes.count)
        front, values, behind = (_Logarithms(classes.count) for _ in range(3))
        for node in self._movable:
            columns, rows = _sizes(node)
            front.add(classes.of(node.output), columns)
            behind.add(classes.of(node.input), rows)
        for value in noise.rounded:
            values.add(classes.of(value), noise.largest(value))
        self._wishes = np.stack([-front.mean, -values.mean, behind.mean])
        self._can = ~classes.fixed & front.met & behind.met

    def found(self) -> Floats:
        """The factor of each class; one of those that cannot move, and of those for which it is not worth it."""
        component = self._classes.components(self._graph.values)
        groups = [self._can & (component == number) for number in np.unique(component[self._can])]
        for _ in range(_SWEEPS if len(groups) > 1 else 1):
            for group in groups:
                self._move(group)
        return self._factors

    def _move(self, group: NDArray[np.bool_]) -> None:
        values = [v for v in self._noise.rounded if group[self._classes.of(v)].any()]
        nodes = [n for n in self._movable if any(group[self._classes.of(v)].any() for v in (n.input, n.output))]

        def cost(factors: Floats) -> float:
            def of(value: Value) -> Floats:
                return np.asarray(factors[self._classes.of(value)])

            among_values = sum(self._noise.of_value(value, of(value)) for value in values)
            return among_values + sum(self._noise.of_weights(node, of(node.input), of(node.output)) for node in nodes)

        def with_group(factors: Floats) -> Floats:
            every = self._factors.copy()
            every[group] = factors
            return every

        still = with_group(np.ones(int(group.sum())))
        best, least = still, cost(still) * _WORTH
        tried = [with_group(octave) for octave in self._by_octaves(group)] if group.sum() > 1 else []
        best, least = _better(best, least, tried, cost)
        if self._free:
            exact = [self._exactly(way, group) for way in (_NONE, *self._ways)] if group.sum() > 1 else [still[group]]
            _, whole = min(((cost(with_group(f)), n) for n, f in enumerate(exact)), key=lambda each: each[0])
            parts = np.exp2(np.arange(_PARTS) / _PARTS)
            finer = [with_group(rounded(exact[whole] * part)) for part in parts]
            best, least = _better(best, least * _WORTH, finer, cost)
        self._factors = best

    def _by_octaves(self, group: NDArray[np.bool_]) -> Iterable[Floats]:
        return (np.exp2(np.round(np.log2(self._exactly(way, group)))) for way in self._ways)

    def _exactly(self, way: _Way, group: NDArray[np.bool_]) -> Floats:
        """The factors by one way; that of the channel in the middle is one."""
        wanted = np.asarray(way) @ self._wishes[:, group]
        return np.asarray(np.exp2(np.clip(wanted - np.median(wanted), -_MOST, _MOST)))


def _better(
    best: Floats, least: float, tried: Iterable[Floats], cost: Callable[[Floats], float]
) -> tuple[Floats, float]:
    """The factors that cost least, and what they do."""
    for factors in tried:
        found = cost(factors)
        if found < least:
            best, least = factors, found
    return best, least


def rounded(factors: Floats) -> Floats:
    """With as many digits as are written."""
    return np.array([float(f"{factor:.{_DIGITS}g}") for factor in factors])


def _sizes(node: Node) -> tuple[Floats, Floats]:
    """The largest weight of each output channel and of each input channel."""
    layer = node.layer
    assert isinstance(layer, LinearLayer)
    weights = np.abs(layer.weight.effective)
    columns, rows = np.zeros(node.output.shape[-1]), np.zeros(node.input.shape[-1])
    np.maximum.at(columns, np.broadcast_to(layer.per_output(np.arange(len(columns))), weights.shape), weights)
    np.maximum.at(rows, np.broadcast_to(layer.per_input(np.arange(len(rows))), weights.shape), weights)
    return columns, rows


class _Logarithms:
    """Sizes of classes, each in octaves from the largest of the tensor where it was met; what is zero has none, and
    takes what others want."""

    def __init__(self, count: int) -> None:
        self._sum, self._count, self.met = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)

    def add(self, classes: NDArray[np.int64], sizes: Floats) -> None:
        largest = sizes.max(initial=0.0)
        alive = sizes > 0
        np.add.at(self._sum, classes[alive], np.log2(sizes[alive] / largest))
        np.add.at(self._count, classes[alive], 1)
        self.met[classes] = True

    @property
    def mean(self) -> Floats:
        return self._sum / np.maximum(self._count, 1)
