"""Let convolutions do the zero padding in front of them."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.shape_ops import ZeroPadding
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class FusePadding(Pass):
    """Fold ZeroPadding into the window of every convolution behind it.

    before: ``x -> ZeroPadding -> Conv2D``
    after:  ``x -> Conv2D`` with that padding

    Where the layer takes it (``Layer.with_padding``).
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, ZeroPadding) and node.wish.result is None:
                changed |= self._fold(graph, node, node.layer.padding)
        return graph.prune() or changed

    def _fold(self, graph: Graph, node: Node, padding: tuple[int, int, int, int]) -> bool:
        changed = False
        for user in dict.fromkeys(graph.uses(node.output)):
            padded = user.layer.with_padding(node.input.shape, padding)
            if padded is not None:
                graph.set_layer(user, padded, [node.input])
                graph.absorb(user, node)
                graph.notes.append(f"{node.name} is fused into {user.name}")
                changed = True
        return changed
