"""Channels held times powers of two, so that those of a tensor are alike: of its weights, of its values, or of both.

What one layer multiplies a channel by, the next divides its weights by (Nagel et al. 2019, "Data-free quantization
through weight equalization and bias correction", section 4.1). Weights want ``k = (log2 rows behind - log2 columns
before) / 2``, values ``k = -log2 size``, and what is best of both shows when all is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hlsgen.explore.quantization.simulation import Known
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.channel_classes import ChannelClasses
from hlsgen.passes.scale_routes import may_move

Equalisation = Literal["none", "weights", "values", "both"]
TRIED: tuple[Equalisation, ...] = ("none", "weights", "both")
"""What is compared where nobody said anything."""
_MOST = 6
"""Octaves by which a channel is moved at most."""

Scales = dict[str, tuple[float, ...]]
"""Powers of two, one a channel, by the layer whose result they are for."""


def scales(graph: Graph, known: Known, how: Equalisation) -> Scales:
    """By what the channels of a rewritten graph are to be held; ``known``: what data make of each value.

    Channels that are tied to each other are said once. Empty where nothing moves.
    """
    if how == "none":
        return {}
    classes = ChannelClasses(graph, may_move, lambda value: _is_pinned(graph, value))
    exponents = _exponents(graph, classes, {tensor.name: values for tensor, values in known.items()}, how)
    if not exponents.any():
        return {}
    found: Scales = {}
    said = np.zeros(classes.count, dtype=bool)
    for name, value in graph.aliases.items():
        own = classes.of(value)
        if value.producer.is_input or not (exponents[own] * ~said[own]).any():
            continue
        found[name] = tuple(float(2.0**k) for k in exponents[own])
        said[own] = True
    unsaid = exponents * ~said
    return found if not unsaid.any() else {}


def _is_pinned(graph: Graph, value: Value) -> bool:
    return value in graph.outputs or value.producer.is_input or value.producer.wish.casts


def _exponents(
    graph: Graph, classes: ChannelClasses, known: Mapping[str, Floats], how: Equalisation
) -> NDArray[np.int64]:
    """The exponent of each class: zero for those that cannot move, and on the whole."""
    before, behind = (_Logarithms(classes.count) for _ in range(2))
    values = _Logarithms(classes.count)
    for node in graph:
        if isinstance(node.layer, LinearLayer) and may_move(node):
            columns, rows = _sizes(node)
            before.add(classes.of(node.output), columns)
            behind.add(classes.of(node.input), rows)
    for value in graph.values:
        if value.name in known and not value.producer.layer.structural:
            size = np.abs(known[value.name]).reshape(-1, value.shape[-1]).max(axis=0)
            values.add(classes.of(value), size)
    of_weights = (behind.mean - before.mean) / 2
    of_values = -values.mean
    wanted = {"weights": of_weights, "values": of_values, "both": (2 * of_weights + of_values) / 3}[how]
    free = ~classes.fixed & before.met & behind.met & values.met
    return _centred(graph, classes, np.where(free, wanted, 0.0), free)


def _centred(graph: Graph, classes: ChannelClasses, wanted: Floats, free: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Whole exponents, of which those of channels that meet in a value are zero in the middle."""
    component = classes.components(graph.values)
    found = np.zeros(classes.count, dtype=np.int64)
    for number in np.unique(component[free]):
        own = free & (component == number)
        if own.sum() > 1:
            middle = np.round(np.median(wanted[own]))
            found[own] = np.clip(np.round(wanted[own] - middle), -_MOST, _MOST).astype(np.int64)
    return found


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
    """Sizes of classes, each in octaves from the largest of the tensor where it was met."""

    def __init__(self, count: int) -> None:
        self._sum, self._count = np.zeros(count), np.zeros(count)

    def add(self, classes: NDArray[np.int64], sizes: Floats) -> None:
        largest = sizes.max(initial=0.0)
        alive = sizes > 0
        np.add.at(self._sum, classes[alive], np.log2(sizes[alive] / largest))
        np.add.at(self._count, classes[alive], 1)

    @property
    def met(self) -> NDArray[np.bool_]:
        return self._count > 0

    @property
    def mean(self) -> Floats:
        return self._sum / np.maximum(self._count, 1)
