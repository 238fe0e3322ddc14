"""Say where channels differ so much that one type cannot hold them, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Node, Value
from hlsgen.ir.types import MAX_WIDTH
from hlsgen.ir.typing import Reason
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.channel_shares import channel_shares, channels_of, even_noise, rounding_noise, weight_noise
from hlsgen.precision.draft import Draft, Step

_ROUNDED = (Reason.BUDGET, Reason.CONFIGURATION, Reason.DEFAULT, Reason.FUNCTION)
"""Who chose the types of which a loss is ours: what the model's quantisers round is the model."""


@dataclass(frozen=True)
class StateUnequalChannels(Step):
    """Warn of values and weights that lose much only because their channels share a type; changes no type.

    That is what ``equalise_channels`` could not move: outputs of the model, ports, what lies in front of functions that
    do not commute with factors, what somebody fixed. Options: the loss that is worth a warning, as a part of what the
    model gives (estimated); and by how many octaves it must exceed that of even channels.
    """

    exact = True
    optional = False
    most: float = 0.01
    least_octaves: int = 2

    def run(self, draft: Draft) -> bool:
        shares = channel_shares(draft.graph)
        for node in draft.graph:
            texts = [self._of_value(draft, value, shares[value]) for value in node.outputs]
            if len(node.outputs) == 1:
                texts.append(self._of_weights(draft, node, shares[node.output]))
            draft.notes += [f"warning: {node.source.name}: {text}" for text in texts if text is not None]
        return False

    def _too_much(self, noise: Floats, even: float) -> bool:
        return float(np.linalg.norm(noise)) > max(self.most, 2.0**self.least_octaves * even)

    def _of_value(self, draft: Draft, value: Value, shares: Floats) -> str | None:
        typing, channels = draft.tensors[value].typing, channels_of(value)
        op = draft.op(value.producer)
        if channels is None or not (op.is_input or op.rounds(draft.tensors[value])) or typing.reason not in _ROUNDED:
            return None
        fixed = typing.result
        noise = rounding_noise(float(fixed.step), channels, shares)
        part = channels.largest / max(float(channels.largest.max()), np.finfo(np.float64).tiny)
        alike = float(np.linalg.norm(rounding_noise(float(fixed.step) * part, channels, shares)))
        if not self._too_much(noise, max(alike, even_noise(fixed.width))):
            return None  # or the step is too large for all of them, which is another story
        few = noise > self._part(noise)
        bits = np.maximum(np.frexp(channels.largest[few])[1] + fixed.frac, 0)
        what = "features" if value.producer.is_input else "channels"
        return (
            f"{few.sum()} of {few.size} {what} keep only {bits.min()} to {bits.max()} bits of {fixed}, "
            f"since others are far larger; {_cost(noise)}; give it a wider type, or scale the model such that "
            f"its {what} are alike"
        )

    def _of_weights(self, draft: Draft, node: Node, shares: Floats) -> str | None:
        layer = draft.layers[node]
        if not isinstance(layer, LinearLayer) or layer.weight.given or (channels := channels_of(node.input)) is None:
            return None
        fixed, power = layer.weight.known_type, np.square(channels.rms)
        noise = weight_noise(layer, layer.weight, power, shares)
        if not self._too_much(noise, even_noise(fixed.width)):
            return None
        if self._helps(layer, layer.weight.placed(fixed.width), power, shares, noise):
            return None  # it is the place of a fixed type that loses, not its one grid
        few = noise > self._part(noise)
        return (
            f"the weights of {few.sum()} of {few.size} channels lose too much in their type {fixed}; {_cost(noise)}; "
            f"give them a wider type{self._or_a_grid_each(layer, power, shares, noise)}"
        )

    def _or_a_grid_each(self, layer: LinearLayer, power: Floats, shares: Floats, noise: Floats) -> str:
        """Advice that is worth giving only where it helps."""
        groups, width = layer.groups("weight"), layer.weight.known_type.width
        assert groups is not None
        grouped = layer.weight.placed_in_groups(groups, width, MAX_WIDTH)
        if not self._helps(layer, grouped, power, shares, noise):
            return ""
        return ", or a grid for each channel (weight_granularity: channel)"

    def _helps(self, layer: LinearLayer, weight: Constant, power: Floats, shares: Floats, noise: Floats) -> bool:
        """Whether the loss would be far smaller if the weights were rounded so."""
        better = float(np.linalg.norm(weight_noise(layer, weight, power, shares)))
        return better * 2.0**self.least_octaves < float(np.linalg.norm(noise))

    def _part(self, noise: Floats) -> float:
        """The noise of a channel that has a part in what is too much."""
        return self.most / 2.0 / float(np.sqrt(noise.size))


def _cost(noise: Floats) -> str:
    percent = min(100.0 * float(np.linalg.norm(noise)), 100.0)
    return f"that is estimated to cost {percent:.2g} % of what the model gives"
