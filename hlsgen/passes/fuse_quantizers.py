"""Let the arithmetic in front of a linear quantiser do its cast."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.types import FixedType, Overflow
from hlsgen.layers.convert import Convert
from hlsgen.layers.pooling2d import GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.shape_ops import Mover
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
        producer.settings.result = node.settings.result
        producer.settings.result_by_model = node.settings.result_by_model
        graph.bypass(node)
        return True


def caster(graph: Graph, node: Node) -> Node | None:
    """The arithmetic whose exact result reaches nothing but this cast; None if there is none."""
    fixed = node.settings.result
    if fixed is None or not node.settings.result_by_model:
        return None
    reader, producer = node, node.input.producer
    while graph.sole_user(producer.output) is reader and producer.settings.result is None:
        if not producer.layer.structural:
            return None if producer.layer.kind == "Input" else producer
        if not changes_places(producer, fixed):
            return None
        reader, producer = producer, producer.input.producer
    return None


def changes_places(node: Node, fixed: FixedType) -> bool:
    """Whether a cast gives the same in front of a node as behind it."""
    match node.layer:
        case Mover():
            return True  # zeros of padding are zero in every type
        case MaxPooling2D() | GlobalMaxPooling():
            return fixed.overflow in (Overflow.SAT, Overflow.SAT_SYM)
    return False
