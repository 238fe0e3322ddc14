"""Fold exact scales into weights that the model's quantisers fixed, where not a bit changes."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass
from hlsgen.passes.fuse_batchnorm import merge_into_producer


@dataclass(frozen=True)
class FuseExactScales(Pass):
    """Multiply mantissas by mantissas: the product of two fixed-point numbers is one, exactly.

    before: ``x -> QDense -> Scale with quantised scale and bias``
    after:  ``x -> Dense`` with wider weights

    Exact. Option: the widest weights for which one wide multiplication is better than two narrow ones.
    """

    exact = True
    widest: int = 18

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, Scale) and self._fuse(graph, node):
                changed = True
        return changed

    def _fuse(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, Scale)
        producer, scale = node.input.producer, node.layer
        if not isinstance(producer.layer, LinearLayer) or graph.sole_user(node.input) is not node:
            return False
        if producer.settings.result is not None or producer.settings.accum is not None:
            return False  # a cast in between would be lost
        given = (producer.layer.weight, producer.layer.bias, scale.weight, scale.bias)
        wishes = (producer.settings.weight, producer.settings.bias, node.settings.weight, node.settings.bias)
        if any(p.mantissas is None for p in given) or any(w is not None for w in wishes):
            return False
        fused = producer.layer.scaled_exactly(scale.weight, scale.bias, self.widest)
        if fused is None:
            return False
        graph.notes.append(f"{node.name} is fused into {producer.name}, exactly")
        merge_into_producer(graph, node, fused)
        return True
