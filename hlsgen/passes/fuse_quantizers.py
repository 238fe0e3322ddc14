"""Let the arithmetic in front of a linear quantiser do its cast."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.convert import Convert
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class FuseQuantizers(Pass):
    """Merge a cast into the arithmetic in front of it, through what only moves or picks values.

    before: ``x -> Dense -> Flatten -> Convert to fixed<8,3,RND_CONV,SAT>``
    after:  ``x -> Dense -> Flatten``, Dense with that result type

    Exact: a result without a type of its own is the exact sum, and it is cast once either way. A cast that saturates
    never falls, so it may change places with the largest of several values; one that wraps may not.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, Convert) and self._fuse(graph, node):
                changed = True
        return changed

    def _fuse(self, graph: Graph, node: Node) -> bool:
        producer = caster(graph, node)
        if producer is None:
            return False
        producer.wish = producer.wish.with_result_of(node.wish)
        graph.absorb(producer, node)
        graph.bypass(node)
        return True


def caster(graph: Graph, node: Node) -> Node | None:
    """The arithmetic whose exact result reaches nothing but this cast; None if there is none.

    Not one of several results, for a node's wish is for all of them.
    """
    fixed = node.wish.result
    if fixed is None or not node.wish.result_by_model:
        return None
    reader, value = node, node.input
    while graph.sole_user(value) is reader and value.producer.wish.result is None:
        producer = value.producer
        if not producer.layer.structural:
            return producer if len(producer.outputs) == 1 and not producer.is_input else None
        if not producer.layer.commutes_with_cast(fixed):
            return None
        reader, value = producer, producer.input
    return None
