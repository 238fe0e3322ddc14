"""Channels that can only be multiplied by a factor together, found over a whole graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.ties import Indices
from hlsgen.layers.linear import LinearLayer


class ChannelClasses:
    """The channels of all values, divided into classes: those of one class are tied to each other.

    ``movable`` says whether a linear layer's weights may take factors in, ``one_factor`` whether a layer's results can
    be made times a factor, the same for all channels; every other layer that ties nothing fixes the channels it reads
    and gives, and so does ``fixed`` for a value.
    """

    def __init__(
        self,
        graph: Graph,
        movable: Callable[[Node], bool],
        fixed: Callable[[Value], bool],
        one_factor: Callable[[Node], bool] = lambda node: False,
    ) -> None:
        values = graph.values
        ends = np.cumsum([0, *(value.shape[-1] for value in values)])
        self._first = {value: int(first) for value, first in zip(values, ends[:-1], strict=True)}
        held = np.zeros(int(ends[-1]), dtype=bool)
        pairs: list[tuple[Indices, Indices]] = []
        for node in graph:
            free = isinstance(node.layer, LinearLayer) and movable(node)
            ties = None if node.is_input else node.layer.ties(node.input_shapes)
            if not free and not node.is_input and ties is None:
                whole = one_factor(node)
                for value in node.inputs if whole else (*node.inputs, *node.outputs):
                    held[self._places(value)] = True
                for value in node.outputs if whole else ():
                    channels = self._first[value] + np.arange(value.shape[-1])
                    pairs.append((channels[:-1], channels[1:]))
            for tie in ties or ():
                source, target = self._first[node.inputs[tie.place]], self._first[node.outputs[tie.output]]
                pairs.append((source + tie.before, target + tie.behind))
        for value in values:
            if fixed(value):
                held[self._places(value)] = True
        self._labels = connected(len(held), pairs)
        self.count = int(self._labels.max(initial=-1)) + 1
        self.fixed = np.zeros(self.count, dtype=bool)
        """Which classes keep their size."""
        self.fixed[self._labels[held]] = True

    def _places(self, value: Value) -> slice:
        first = self._first[value]
        return slice(first, first + value.shape[-1])

    def of(self, value: Value) -> Indices:
        """The class of each channel of a value."""
        return self._labels[self._places(value)]

    def components(self, values: Iterable[Value]) -> Indices:
        """For each class the number of its component: classes that meet in a value, and could not keep their size."""
        pairs = []
        for value in values:
            free = self.of(value)[~self.fixed[self.of(value)]]
            pairs.append((free[:-1], free[1:]))
        return connected(self.count, pairs)


def connected(count: int, pairs: Iterable[tuple[Indices, Indices]]) -> Indices:
    """Number the connected components of ``count`` nodes; ``pairs`` are the edges, array by array."""
    every = list(pairs)
    a = np.concatenate([np.zeros(0, dtype=np.int64), *(pair[0] for pair in every)])
    b = np.concatenate([np.zeros(0, dtype=np.int64), *(pair[1] for pair in every)])
    labels = np.arange(count)
    while True:
        low = np.minimum(labels[a], labels[b])
        before = labels.copy()
        np.minimum.at(labels, before[a], low)
        np.minimum.at(labels, before[b], low)
        while not np.array_equal(shorter := labels[labels], labels):
            labels = shorter
        if np.array_equal(labels, before):
            return np.unique(labels, return_inverse=True)[1].reshape(-1)
