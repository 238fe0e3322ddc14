"""Turn a scale and a coarse quantiser behind it into integer comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.types import FixedType
from hlsgen.layers.convert import Convert
from hlsgen.layers.pooling2d import GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.quantized import QuantizedFunction, TernarySteps
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.scaled_steps import Cut, ScaledSteps, Staircase
from hlsgen.layers.shape_ops import Mover, ZeroPadding
from hlsgen.layers.thresholds import Thresholds
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
            case QuantizedFunction(function=function) if function.kind == "cast" and function.scale is None:
                stairs = self._of_cast(function.type)
                return None if stairs is None else stairs.clipped(function.low, function.high)
            case Convert() | Relu(slope=None):
                return self._few_levels(node)
        return None

    def _of_cast(self, fixed: FixedType | None) -> Staircase | None:
        return None if fixed is None or 1 << fixed.width > self.most_levels else Staircase.of_cast(fixed)

    def _few_levels(self, node: Node) -> Staircase | None:
        fixed = node.settings.result
        stairs = self._of_cast(fixed)
        if stairs is None or fixed is None or not isinstance(node.layer, Relu):
            return stairs
        ceiling = node.layer.ceiling
        if ceiling is not None and ceiling.mantissas is None:
            return None
        highest = fixed.max_mantissa if ceiling is None else int(fixed.cast(*ceiling.fixed))
        return stairs.clipped(0, highest)

    def _fuse(self, graph: Graph, node: Node, stairs: Staircase) -> bool:
        producer = self._scale_in_front(graph, node)
        if producer is None or pinned(producer) or constants_pinned(producer):
            return False
        assert isinstance(producer.layer, Scale)
        steps = ScaledSteps(stairs, producer.layer.weight.effective, producer.layer.bias.effective)
        graph.notes.append(f"{producer.name} is fused into {node.name}: thresholds instead of multiplications")
        if node.input is not producer.output:
            graph.set_layer(producer, steps)
            producer.settings.result = node.settings.result
            producer.settings.result_by_model = node.settings.result_by_model
            graph.bypass(node)
            return True
        graph.set_layer(node, steps, producer.inputs)
        for key, value in graph.aliases.items():
            if value is producer.output:
                graph.aliases[key] = node.output
        return True

    def _scale_in_front(self, graph: Graph, node: Node) -> Node | None:
        """The Scale whose values reach only this quantiser, moved or picked on the way."""
        reader, producer = node, node.input.producer
        while graph.sole_user(producer.output) is reader:
            if isinstance(producer.layer, Scale):
                return producer
            picks = isinstance(producer.layer, Mover | MaxPooling2D | GlobalMaxPooling)
            if not picks or isinstance(producer.layer, ZeroPadding) or producer.settings.result is not None:
                return None
            reader, producer = producer, producer.input.producer
        return None
