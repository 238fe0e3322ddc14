"""Remove nodes that change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.convert import Convert
from hlsgen.layers.shape_ops import Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """Drop casts without a type, reshapes to the same shape, permutations and paddings that move nothing.

    before: ``x -> Reshape (16,) -> Dense``, x of shape (16,)
    after:  ``x -> Dense``
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        idle = [node for node in graph if _does_nothing(node)]
        for node in idle:
            graph.bypass(node)
        return graph.prune() or bool(idle)


def _does_nothing(node: Node) -> bool:
    match node.layer:
        case Convert():
            return node.settings.result is None
        case Reshape(shape=shape):
            return node.input.shape == shape
        case Permute(order=order):
            return order == tuple(range(len(order)))
        case ZeroPadding(padding=padding):
            return not any(padding)
        case UpSampling(factors=factors):
            return factors == (1, 1)
    return False
