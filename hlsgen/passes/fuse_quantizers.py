"""Let the producer of a value cast it to the type a quantiser asks for."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.convert import Convert
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class FuseQuantizers(Pass):
    """Merge a cast into the arithmetic in front of it.

    before: ``x -> Dense -> Convert to fixed<8,3,RND_CONV,SAT>``
    after:  ``x -> Dense`` with that result type

    Exact: a result without a type of its own is the exact sum, and it is cast once either way.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, Convert) and self._fuse(graph, node):
                changed = True
        return changed

    def _fuse(self, graph: Graph, node: Node) -> bool:
        producer = node.input.producer
        untyped = producer.settings.result is None and not producer.layer.structural and producer.layer.kind != "Input"
        if not untyped or graph.sole_user(node.input) is not node:
            return False
        producer.settings.result = node.settings.result
        producer.settings.result_by_model = node.settings.result_by_model
        graph.bypass(node)
        return True
