"""How many bits what nobody fixed gets: the budget, and as many as what surrounds it."""

from __future__ import annotations

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.types import FixedType
from hlsgen.precision.inputs import fills
from hlsgen.precision.placement import MERGE_GROWTH, Room

UNEQUAL = 2
"""Expectations that differ by fewer octaves are one: to the next power of two, either may go the other way."""
_SPARE = 2
"""So many bits more than that, for data that are smaller still, and as every layer rounds again."""
_MISSED = 5
"""Standardised data leave no more bits unused than this: products of inputs multiply what is not known of those."""
_WIDEST = 64
"""Nothing gets wider for what is not known."""


class Widths:
    """The room of every node of a graph: its own budget, or ``default``; nothing is wider than ``widest``."""

    def __init__(self, graph: Graph, default: int, widest: int | None) -> None:
        self.default, self.widest = default, widest
        stated = [v.producer.wish.result for v in graph.inputs if fills(v)]
        self._stated = max((fixed.width for fixed in stated if fixed is not None), default=0)
        self._final: dict[str, list[FixedType]] = {}
        for node in graph:
            gives = node.source.final or not node.wish.result_by_model
            if gives and node.wish.result is not None and not node.is_input:
                self._final.setdefault(node.source.name, []).append(node.wish.result)

    def result(self, node: Node) -> int:
        """The budget of its results."""
        return self._capped(node.wish.bits("result", self.default))

    def weight(self, node: Node) -> int:
        """The budget of its constants."""
        return self._capped(node.wish.bits("weight", self.default))

    def _capped(self, bits: int) -> int:
        return min(bits, self.widest or bits)

    def of(self, node: Node) -> Room:
        """An inner step gets as many bits as the result of its layer, and half its step or less.

        Behind an input type that is wider than the budget and holds far more than standardised data, the bits that
        those would leave unused come on top, up to two more than that type has; in products, where they add up, as many
        more as leave standardised data all but five of the budget.
        """
        around = self._around(node)
        width = max([self.result(node), *(fixed.width for fixed in around), self._cautious(node)])
        finest = max((fixed.frac + 1 for fixed in around), default=None) if node.wish.result is None else None
        growth = MERGE_GROWTH if node.layer.grows else 0
        return Room(self._capped(width), finest, growth, self.widest)

    def _around(self, node: Node) -> list[FixedType]:
        """The types that were wished for the node itself, or for the layer of which it is an inner step."""
        if node.wish.result is not None:
            return [node.wish.result]
        return [] if node.source.final else self._final.get(node.source.name, [])

    def _cautious(self, node: Node) -> int:
        octaves = max((v.expected.octaves for v in node.outputs if v.expected is not None), default=0)
        budget = self.result(node)
        if octaves < UNEQUAL:
            return budget
        usual = min(budget + octaves, self._stated) + _SPARE if self._stated > budget else budget
        if not node.layer.pure:  # a table: as wide as its argument is enough, and what lies beyond saturates
            return usual
        return min(max(usual, budget + octaves - _MISSED), max(usual, _WIDEST))
