"""Turn a scale and a coarse quantiser behind it into integer comparisons."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.staircase import Staircase
from hlsgen.layers.scale import Scale
from hlsgen.layers.scaled_steps import ScaledSteps
from hlsgen.passes.base import Pass
from hlsgen.passes.scale_routes import constants_pinned, pinned


@dataclass(frozen=True)
class FuseThresholds(Pass):
    """Solve the steps of a quantiser for the input of the Scale in front of it.

    before: ``x -> Scale -> MaxPooling2D -> binary, ternary or a quantiser of few levels``
    after:  ``x -> Thresholds -> MaxPooling2D``

    The comparisons use the real scale and bias, so they are right at every tie and for negative gamma; the
    scale is not rounded any more, which is why this pass counts as changing numerics. Between scale and quantiser may
    be what moves values or picks the largest: steps that never fall pick the same. Option: the most levels for
    which comparisons (each of some ten lookup tables) replace a multiplication (a DSP block).
    """

    exact = False
    most_levels: int = 8

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            stairs = node.layer.staircase(node.wish.result, self.most_levels)
            if stairs is not None and self._fuse(graph, node, stairs):
                changed = True
        return graph.prune() or changed

    def _fuse(self, graph: Graph, node: Node, stairs: Staircase) -> bool:
        producer = self._scale_in_front(graph, node)
        if producer is None or pinned(producer) or constants_pinned(producer):
            return False
        assert isinstance(producer.layer, Scale)
        steps = ScaledSteps(stairs, producer.layer.weight.effective, producer.layer.bias.effective)
        graph.notes.append(f"{producer.name} is fused into {node.name}: thresholds instead of multiplications")
        if node.input is not producer.output:
            graph.set_layer(producer, steps)
            producer.wish = producer.wish.with_result_of(node.wish)
            graph.absorb(producer, node)
            graph.bypass(node)
            return True
        graph.set_layer(node, steps, producer.inputs)
        graph.absorb(node, producer)
        for key, value in graph.aliases.items():
            if value is producer.output:
                graph.aliases[key] = node.output
        return True

    def _scale_in_front(self, graph: Graph, node: Node) -> Node | None:
        """The Scale whose values reach only this quantiser, moved or picked on the way."""
        if node.is_input:
            return None
        reader, value = node, node.input
        while graph.sole_user(value) is reader:
            producer = value.producer
            if isinstance(producer.layer, Scale):
                return producer
            if not producer.layer.picks or producer.wish.result is not None:
                return None
            reader, value = producer, producer.input
        return None
