"""Let convolutions do the zero padding in front of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.shape_ops import ZeroPadding
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class FusePadding(Pass):
    """Fold ZeroPadding into the window of every convolution behind it.

    before: ``x -> ZeroPadding -> Conv2D``
    after:  ``x -> Conv2D`` with that padding

    Not where the image is smaller than the kernel: the proof of the sum's range would come out sharper than
    with the zeros as data, and with it the types.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if isinstance(node.layer, ZeroPadding) and node.settings.result is None:
                changed |= self._fold(graph, node)
        return graph.prune() or changed

    def _fold(self, graph: Graph, node: Node) -> bool:
        assert isinstance(node.layer, ZeroPadding)
        padding, changed = node.layer.padding, False
        for user in dict.fromkeys(graph.uses(node.output)):
            if isinstance(user.layer, Conv2D | DepthwiseConv2D):
                window = user.layer.window.with_padding(padding)
                if not all(mask.all() for mask in window.masks(node.input.shape)):
                    continue
                graph.set_layer(user, replace(user.layer, window=window), [node.input])
                graph.notes.append(f"{node.name} is fused into {user.name}")
                changed = True
        return changed
