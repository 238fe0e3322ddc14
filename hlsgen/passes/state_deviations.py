"""Say how far off a sum can be whose weights were refitted at the user's wish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class StateDeviations(Pass):
    """Note the largest deviation of every layer that ``fuse_quantized`` changed; leaves the graph as it is."""

    exact = True
    optional = False

    def run(self, graph: Graph) -> bool:
        for node in graph:
            if node.settings.refitted and isinstance(node.layer, LinearLayer):
                weight = node.layer.weight
                graph.notes.append(
                    f"{node.name}: scales are fused into quantised weights (fuse_quantized), now {weight.type}; its "
                    f"sums are off by at most {largest_deviation(node, node.layer):.4g} for that"
                )
        return False


def largest_deviation(node: Node, layer: LinearLayer) -> float:
    """A bound of ``|x dW + db|`` over all inputs: rounding of the constants times the largest inputs, added up."""
    interval = node.input.interval
    assert interval is not None
    largest = np.maximum(np.abs(interval.low.astype(np.float64)), np.abs(interval.high.astype(np.float64)))
    x = np.broadcast_to(largest * 2.0**-interval.frac, (1, *node.input.shape))
    off = replace(layer, weight=_error(layer.weight), bias=_error(layer.bias))
    return float(off.evaluate_float([x]).max())


def _error(constant: Constant) -> Constant:
    return Constant.of(np.abs(constant.effective - constant.values))
