"""Turn a scale and a coarse quantiser behind it into integer comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.convert import Convert
from hlsgen.layers.quantized import TernarySteps
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.scaled_steps import Cut, ScaledSteps, Staircase
from hlsgen.layers.thresholds import Thresholds
from hlsgen.passes.base import Pass
from hlsgen.passes.fuse_batchnorm import constants_pinned, pinned


@dataclass(frozen=True)
class FuseThresholds(Pass):
    """Solve the steps of a quantiser for the input of the Scale in front of it.

    before: ``x -> Scale -> binary, ternary or a quantiser of few levels``
    after:  ``x -> Thresholds``

    The comparisons use the real scale and bias, so they are right at every tie and for negative gamma; the
    scale is not rounded any more, which is why this pass counts as changing numerics. Option: the most levels
    for which comparisons replace a multiplication.
    """

    exact = False
    most_levels: int = 8

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            stairs = self._staircase(node)
            if stairs is not None and self._fuse(graph, node, stairs):
                changed = True
        return graph.prune() or changed

    def _staircase(self, node: Node) -> Staircase | None:
        match node.layer:
            case Thresholds(thresholds=cuts, levels=levels) if cuts.shape[0] == 1 and levels.type is not None:
                at, frac = cuts.fixed
                places = tuple(Cut(int(m) * Fraction(2) ** -frac) for m in at[0])
                return Staircase(places, tuple(int(v) for v in levels.fixed[0][0]), levels.type)
            case TernarySteps(threshold=threshold, function=function):
                low, high = Cut(-threshold, beyond=threshold != 0), Cut(threshold, beyond=threshold == 0)
                return Staircase((low, high), (function.low, 0, function.high), function.type)
            case Convert() | Relu(slope=None, ceiling=None):
                return self._few_levels(node)
        return None

    def _few_levels(self, node: Node) -> Staircase | None:
        fixed = node.settings.result
        if fixed is None or 1 << fixed.width > self.most_levels or (isinstance(node.layer, Relu) and fixed.signed):
            return None
        return Staircase.of_cast(fixed)

    def _fuse(self, graph: Graph, node: Node, stairs: Staircase) -> bool:
        producer = node.input.producer
        if not isinstance(producer.layer, Scale) or graph.sole_user(node.input) is not node:
            return False
        scale = producer.layer
        if pinned(producer) or constants_pinned(producer):
            return False
        layer = ScaledSteps(stairs, scale.weight.effective, scale.bias.effective)
        graph.set_layer(node, layer, producer.inputs)
        for key, value in graph.aliases.items():
            if value is producer.output:
                graph.aliases[key] = node.output
        graph.notes.append(f"{producer.name} is fused into {node.name}: thresholds instead of multiplications")
        return True
