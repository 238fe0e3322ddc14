"""Remove nodes that change nothing."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.convert import Convert
from hlsgen.layers.depth_to_space import Cropping
from hlsgen.layers.pooling2d import AveragePooling2D, MaxPooling2D
from hlsgen.layers.shape_ops import Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.window import Window
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """Drop casts without a type, reshapes to the same shape, and what moves nothing or picks one of one.

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
        case Cropping(crop=crop):
            return not any(crop)
        case UpSampling(factors=factors):
            return factors == (1, 1)
        case MaxPooling2D(window=window):
            return window == Window((1, 1)) and node.settings.result is None
        case AveragePooling2D(window=window, reciprocal=reciprocal):
            return window == Window((1, 1)) and node.settings.result is None and reciprocal.effective[1] == 1.0
    return False
