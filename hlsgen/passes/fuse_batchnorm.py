"""Fold BatchNormalization (any Scale) into the linear layer in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class FuseBatchnorm(Pass):
    """Multiply the scale into weights and bias: ``(x W + b) s + t = x (W s) + (b s + t)``.

    before: ``x -> Conv2D -> Scale -> y``
    after:  ``x -> Conv2D -> y``

    Done where both hold real numbers (weights that the model's quantisers fixed are left alone), the
    sum is read by nobody else, and no type is fixed in between for that layer. Changes numerics: one rounding of the
    fused weights replaces two.
    """

    exact = False

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, Scale) and self._fuse(graph, node):
                changed = True
        return changed

    def _fuse(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, Scale)
        producer = node.input.producer
        if not isinstance(producer.layer, LinearLayer) or graph.sole_user(node.input) is not node:
            return False
        if node.layer.given or pinned(producer) or constants_pinned(node):
            return False
        fused = producer.layer.scaled(node.layer.weight.values, node.layer.bias.values)
        if fused is None:
            return False
        graph.notes.append(f"{node.name} is fused into {producer.name}")
        merge_into_producer(graph, node, fused)
        return True


def merge_into_producer(graph: Graph, node: Node, fused: LinearLayer) -> None:
    """Let the producer of a node's input compute both as ``fused``, in the types that were meant for the node."""
    producer = node.input.producer
    graph.set_layer(producer, fused)
    producer.settings.result = node.settings.result
    producer.settings.result_by_model = node.settings.result_by_model
    producer.settings.accum = producer.settings.accum or node.settings.accum
    producer.output.expected = node.output.expected
    graph.replace_uses(node.output, producer.output)
    graph.remove(node)


def pinned(node: Node) -> bool:
    """Whether the type between this node and its reader is meant for it (then nothing may be merged across).

    A default for all layers is no such wish: what is fused gets it afterwards, once.
    """
    return node.settings.result_by_model or not node.settings.named.isdisjoint({"accum", "result"})


def constants_pinned(node: Node) -> bool:
    """Whether the user fixed the types of this very layer's constants."""
    return not node.settings.named.isdisjoint({"weight", "bias"})
