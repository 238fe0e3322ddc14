"""Remove nodes that change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """Drop casts without a type, reshapes to the same shape, and what moves nothing or picks one of one.

    before: ``x -> Reshape (16,) -> Dense``, x of shape (16,)
    after:  ``x -> Dense``
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        idle = [node for node in graph if node.wish.result is None and node.layer.is_identity(node.input_shapes)]
        for node in idle:
            graph.bypass(node)
        return graph.prune() or bool(idle)
