"""Shift what layers compute by what the configuration says, against the mean error that rounding makes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hlsgen.config import Config
from hlsgen.errors import ConfigError
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Node
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class CorrectBiases(Pass):
    """Add ``bias_correction`` of a layer, a number a channel or one for all, to its bias.

    before: ``x -> Dense (bias b) -> Relu``
    after:  ``x -> Dense (bias b + correction) -> Relu``

    Of a recurrent layer, that is the bias of what it reads of each step: what it carries has sums of its own.

    This changes the function, and is meant to: what the model means stays known beside it (``Constant.meant``), and is
    what comparisons take. Raises ConfigError for a layer without a bias, or with other channels.
    """

    exact = False
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        changed = False
        for name, settings in self.config.layers.items():
            if settings.bias_correction is not None:
                node = _summing(graph, name)
                self._correct(graph, node, np.asarray(settings.bias_correction, dtype=np.float64))
                changed = True
        return changed

    def _correct(self, graph: Graph, node: Node, numbers: Floats) -> None:
        layer = node.layer
        assert isinstance(layer, LinearLayer)
        channels = layer.bias.shape[0]
        if numbers.shape not in ((), (1,), (channels,)):
            raise ConfigError(
                f"layers: bias_correction of '{node.source.name}': {numbers.size} numbers, expected {channels} "
                "(one for each channel) or one for all"
            )
        graph.set_layer(node, replace(layer, bias=layer.bias.shifted(np.broadcast_to(numbers, (channels,)))))
        graph.notes.append(
            f"{node.name}: shifted by {numbers.min():.3g} to {numbers.max():.3g}, as bias_correction says; comparisons "
            "take the model's function without it"
        )


def _summing(graph: Graph, name: str) -> Node:
    """The node whose bias is that of a layer. Raises ConfigError where there is none, or several."""
    nodes = [node for node in graph if node.source.name == name]
    sums = [node for node in nodes if isinstance(node.layer, LinearLayer) and not _is_half(graph, node, nodes)]
    sums = [node for node in sums if node.loop is None] or sums
    where = f"layers: bias_correction of '{name}'"
    if not sums:
        kinds = " and ".join(dict.fromkeys(node.layer.kind for node in nodes)) or "fused away"
        raise ConfigError(f"{where}: it has no bias ({kinds}); name a layer of weights or a BatchNormalization")
    if len(sums) > 1 or sums[0].loop is not None:
        several = f"{len(sums)} sums" if len(sums) > 1 else "a sum in every step"
        raise ConfigError(f"{where}: it computes {several}, and one bias is meant; name a layer that reads its result")
    (node,) = sums
    assert isinstance(node.layer, LinearLayer)
    if node.layer.bias.given:
        raise ConfigError(f"{where}: its bias is fixed by the model's quantiser, which nothing may change")
    return node


def _is_half(graph: Graph, node: Node, nodes: Sequence[Node]) -> bool:
    """Whether a layer's next sum reads a sum of it, as in a separable convolution."""
    user = graph.sole_user(node.output)
    return user in nodes and user is not None and isinstance(user.layer, LinearLayer)
