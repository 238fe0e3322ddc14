"""Which channels of a graph can be held less an offset, and what follows for all others from those that are said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.ties import Indices
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.merge import Merge
from hlsgen.layers.table import Table
from hlsgen.passes.channel_classes import connected

Mask = NDArray[np.bool_]

_CLOSE = 1e-9
"""Offsets that add up but for so much of their size do so but for rounding of float64."""


class ChannelOffsets:
    """The channels of all values, divided into classes of one offset; of sums, offsets add up.

    ``movable`` says whether a linear layer's weights are real numbers, into whose bias offsets fold; ``fixed`` of which
    values nothing is subtracted. Linear layers that pad let none in, and what does not say that it lets offsets through
    (:meth:`~hlsgen.ir.layer.Layer.keeps_offsets`) has none on both sides.
    """

    def __init__(self, graph: Graph, movable: Callable[[Node], bool], fixed: Callable[[Value], bool]) -> None:
        self._graph, self._movable = graph, movable
        values = graph.values
        ends = np.cumsum([0, *(value.shape[-1] for value in values)])
        self._first = {value: int(first) for value, first in zip(values, ends[:-1], strict=True)}
        held = np.zeros(int(ends[-1]), dtype=bool)
        for value in [v for v in values if fixed(v)] + [v for node in graph for v in self.stopped(node)]:
            held[self._places(value)] = True
        self._labels = connected(len(held), [pair for node in graph for pair in self._pairs(node)])
        count = int(self._labels.max(initial=-1)) + 1
        self.known = np.full(count, np.nan)
        """The offset of each class; NaN where it is not known yet."""
        self.known[self._labels[held]] = 0.0
        self.fixed = ~np.isnan(self.known)
        """Which classes have none."""
        self._sums = self._equations()

    def stopped(self, node: Node) -> tuple[Value, ...]:
        """The values of which nothing can be subtracted for this node."""
        layer, shapes = node.layer, node.input_shapes
        if node.is_input:
            return node.outputs
        if isinstance(layer, LinearLayer):
            if not self._movable(node):
                return (*node.inputs, *node.outputs)
            return node.inputs if layer.pads else ()
        if isinstance(layer, Table):
            return node.inputs
        passes = layer.ties(shapes) is not None and (layer.keeps_offsets(shapes) or _sign(node) is not None)
        return () if passes else (*node.inputs, *node.outputs)

    def of(self, value: Value) -> Indices:
        """The class of each channel of a value."""
        return self._labels[self._places(value)]

    def _places(self, value: Value) -> slice:
        return slice(self._first[value], self._first[value] + value.shape[-1])

    def _pairs(self, node: Node) -> list[tuple[Indices, Indices]]:
        """Channels of one offset: of a function all, as it has one table."""
        if isinstance(node.layer, Table):
            first, channels = self._first[node.output], np.arange(node.output.shape[-1])
            return [(first + channels[:-1], first + channels[1:])]
        if node.is_input or not node.layer.keeps_offsets(node.input_shapes):
            return []
        return [
            (self._first[node.inputs[tie.place]] + tie.before, self._first[node.outputs[tie.output]] + tie.behind)
            for tie in node.layer.ties(node.input_shapes) or ()
        ]

    def _equations(self) -> tuple[Indices, Indices, Indices, Floats]:
        """Classes a, b and c, and signs: ``c = a + sign b`` of every channel of every sum."""
        nodes = [(node, sign) for node in self._graph if (sign := _sign(node)) is not None]
        none = np.zeros(0, dtype=np.int64)
        a, b = (np.concatenate([none, *(self.of(node.inputs[i]) for node, _ in nodes)]) for i in range(2))
        c = np.concatenate([none, *(self.of(node.output) for node, _ in nodes)])
        signs = [np.full(node.output.shape[-1], float(sign)) for node, sign in nodes]
        return a, b, c, np.concatenate([np.zeros(0), *signs])

    def solve(self) -> Indices:
        """Give every class its offset; returns the classes that sums say otherwise of.

        Of what is not said, an operand of a sum has none, unless that of the sum is said: then the first that may
        takes it, and the others have none.
        """
        a, b, c, sign = self._sums
        behind = np.zeros(len(self.known), dtype=bool)
        behind[c] = True
        while np.isnan(self.known).any():
            if not self._follow():
                open_sums = np.isnan(self.known[a]) & np.isnan(self.known[b]) & ~np.isnan(self.known[c])
                unsaid = np.isnan(self.known)
                if open_sums.any():
                    self.known[b[open_sums]] = 0.0
                else:
                    first = unsaid & ~behind
                    self.known[first if first.any() else unsaid] = 0.0
        off = np.abs(self.known[c] - self.known[a] - sign * self.known[b])
        size = np.abs(self.known[c]) + np.abs(self.known[a]) + np.abs(self.known[b])
        return np.asarray(c[off > _CLOSE * size])

    def _follow(self) -> bool:
        """Find the third of three offsets where two are known; False if there is no such sum."""
        a, b, c, sign = self._sums
        x = self.known
        by_operands = _learn(x, c, x[a] + sign * x[b])
        first = _learn(x, a, x[c] - sign * x[b])
        second = _learn(x, b, sign * (x[c] - x[a]))
        return by_operands or first or second


def _learn(x: Floats, classes: Indices, values: Floats) -> bool:
    """Take the values that are known of classes that are not; whether there were some."""
    new = np.isnan(x[classes]) & ~np.isnan(values)
    x[classes[new]] = values[new] + 0.0  # no zero has a sign
    return bool(new.any())


def _sign(node: Node) -> int | None:
    """How the second operand of a sum counts; None if it is none."""
    return {"add": 1, "subtract": -1}.get(node.layer.op) if isinstance(node.layer, Merge) else None
