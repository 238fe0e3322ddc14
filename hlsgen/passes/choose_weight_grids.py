"""Give the weights of each output channel a grid of their own, where the one grid of a tensor would lose them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.types import MAX_WIDTH
from hlsgen.ir.wish import Granularity
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.base import Pass
from hlsgen.passes.channel_shares import channel_shares, channels_of, even_noise, weight_noise
from hlsgen.passes.scale_routes import may_move


@dataclass(frozen=True)
class ChooseWeightGrids(Pass):
    """Wish ``weight_granularity: channel`` for a layer, where nobody said anything and it is far better.

    before: ``x -> Dense (columns W[:, c] of very different sizes)``
    after:  ``x -> Dense (the same; each column will have its bits, shifted to one grid in the sum)``

    That is where ``equalise_channels`` cannot move the channels: in front of outputs, of types that somebody fixed, of
    functions that do not commute with factors. The words of the weights get wider by up to 8 bits, whose zeros cost
    no multiplier. Options: the budget in bits of layers of which nothing else is said, and its cap; the loss by
    which it is worth it, as a part of what the model gives (estimated); by how many octaves that must exceed what
    is left with grids, and what even weights lose.
    """

    exact = False
    width: int = 16
    widest: int | None = None
    most: float = 0.01
    least_octaves: int = 2

    def run(self, graph: Graph) -> bool:
        asking = [node for node in graph if node.wish.granularity is Granularity.AUTO and may_move(node)]
        if not asking:
            return False
        shares = channel_shares(graph)
        chosen = [node for node in asking if self._gains(node, shares[node.output])]
        for node in chosen:
            node.wish = replace(node.wish, granularity=Granularity.CHANNEL)
            graph.notes.append(
                f"{node.name}: the weights of each channel have a grid of their own, since some are far smaller than "
                "others (weight_granularity: tensor for one)"
            )
        return bool(chosen)

    def _gains(self, node: Node, shares: Floats) -> bool:
        layer, channels = node.layer, channels_of(node.input)
        assert isinstance(layer, LinearLayer)
        if channels is None or layer.constant_width:
            return False
        bits, placing = node.wish.bits("weight", self.width), node.wish.placing
        power, width = np.square(channels.rms), min(bits, self.widest or bits)
        least = max(self.most, 2.0**self.least_octaves * even_noise(width))

        def loss(weight: Constant) -> float:
            return float(np.linalg.norm(weight_noise(layer, weight, power, shares)))

        if (
            _largest_loss(layer, width, power, shares) < least
            or (one := loss(layer.weight.placed(width, placing))) < least
        ):
            return False
        groups = layer.groups("weight")
        assert groups is not None
        grouped = layer.weight.placed_in_groups(groups, width, self.widest or MAX_WIDTH, placing)
        return loss(grouped) < one / 2.0**self.least_octaves


def _largest_loss(layer: LinearLayer, width: int, power: Floats, shares: Floats) -> float:
    """What rounding to one grid can cost at most: quickly found, and little for almost all layers."""
    weights = layer.weight.effective
    step = float(np.exp2(np.frexp(np.abs(weights).max(initial=0.0))[1] + 2 - width))
    off = replace(layer, weight=Constant.of(np.full(weights.shape, step / 2))).power_behind(power)
    whole = layer.power_behind(power)
    return float(np.sqrt((shares * np.divide(off, whole, out=np.zeros_like(off), where=whole > 0)).sum()))
