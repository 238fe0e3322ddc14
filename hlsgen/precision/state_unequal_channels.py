"""Say where channels differ so much that one type cannot hold them, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Node, Value
from hlsgen.ir.text import percent
from hlsgen.ir.types import MAX_WIDTH
from hlsgen.ir.typing import Reason
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.channel_shares import channel_shares, channels_of, even_noise, rounding_noise, weight_noise
from hlsgen.precision.draft import Draft, Estimate, Step

_ROUNDED = (Reason.BUDGET, Reason.CONFIGURATION, Reason.DEFAULT, Reason.FUNCTION)
"""Who chose the types of which a loss is ours: what the model's quantisers round is the model."""
_MUCH = 0.1
"""A port whose channels lose less than this, each as a part of itself, is no reason to warn: it may be as is meant."""
_WEIGHTIER = 4.0
"""What is estimated to cost so many times as much as unequal channels has another cause."""


class _Loss(NamedTuple):
    """What a value's or a layer's channels lose for sharing a type."""

    what: str
    cost: float
    advice: str
    of_weights: bool = False

    def estimate(self, name: str, others: Sequence[str] = ()) -> Estimate:
        """``others``: layers that lose, too, but less."""
        what = f"{self.what} (less so in {', '.join(others)})" if others else self.what
        cost = f"that is estimated to cost {percent(min(self.cost, 1.0))} % of what the model gives"
        return Estimate(name, f"{what}; {cost}; {self.advice}", self.cost, f"{what}; {self.advice}")


@dataclass(frozen=True)
class StateUnequalChannels(Step):
    """Say which values and weights lose much only because their channels share a type; changes no type.

    That is what ``equalise_channels`` could not move: outputs of the model, ports, what lies in front of functions that
    do not commute with factors, what somebody fixed. Of hidden channels whose types nobody fixed it explains what
    ``state_rounding`` found: one estimate, for the layer that loses most. Options: the loss that counts, as a part of
    what the model gives (estimated); and by how many octaves it must exceed that of even channels.
    """

    exact = True
    optional = False
    most: float = 0.01
    least_octaves: int = 2

    def run(self, draft: Draft) -> bool:
        shares = channel_shares(draft.graph)
        hidden: dict[str, _Loss] = {}
        for node in draft.graph:
            name, losses = node.source.name, self._of_node(draft, node, shares)
            if node.wish.types:  # of a type that somebody wished, no other estimate says what it loses
                draft.notes += [_worst(losses).estimate(name).note] if losses else []
                continue
            if _is_port(draft, node):  # each channel of which may be looked at alone
                ports = [loss.estimate(name) for loss in losses if not loss.of_weights]
                draft.notes += [e.note if e.cost > _MUCH else e.remark for e in ports]
                losses = [loss for loss in losses if loss.of_weights]
            if losses:
                hidden[name] = _worst([*losses, *([hidden[name]] if name in hidden else [])])
        _explain(draft, hidden)
        return False

    def _of_node(self, draft: Draft, node: Node, shares: Mapping[Value, Floats]) -> list[_Loss]:
        losses = [self._of_value(draft, value, shares[value]) for value in node.outputs]
        if len(node.outputs) == 1:
            losses.append(self._of_weights(draft, node, shares[node.output]))
        return [loss for loss in losses if loss is not None]

    def _too_much(self, noise: Floats, even: float) -> bool:
        return float(np.linalg.norm(noise)) > max(self.most, 2.0**self.least_octaves * even)

    def _of_value(self, draft: Draft, value: Value, shares: Floats) -> _Loss | None:
        typing, channels = draft.tensors[value].typing, channels_of(value)
        op = draft.op(value.producer)
        if channels is None or not (op.is_input or op.rounds(draft.tensors[value])) or typing.reason not in _ROUNDED:
            return None
        if typing.reason is Reason.FUNCTION and value in draft.graph.outputs:
            return None  # what a function leaves of a channel that it turns off is next to nothing, and is meant to be
        fixed = typing.result
        noise = rounding_noise(float(fixed.step), channels, shares)
        part = channels.largest / max(float(channels.largest.max()), np.finfo(np.float64).tiny)
        alike = float(np.linalg.norm(rounding_noise(float(fixed.step) * part, channels, shares)))
        if not self._too_much(noise, max(alike, even_noise(fixed.width))):
            return None  # or the step is too large for all of them, which is another story
        few = noise > self._part(noise)
        bits = np.maximum(np.frexp(channels.largest[few])[1] + fixed.frac, 0)
        what = "features" if value.producer.is_input else "channels"
        return _Loss(
            f"{few.sum()} of {few.size} {what} keep only {bits.min()} to {bits.max()} bits of {fixed}, since others "
            "are far larger",
            float(np.linalg.norm(noise)),
            f"give it a wider type, or scale the model such that its {what} are alike",
        )

    def _of_weights(self, draft: Draft, node: Node, shares: Floats) -> _Loss | None:
        layer = draft.layers[node]
        if not isinstance(layer, LinearLayer) or layer.weight.given or (channels := channels_of(node.input)) is None:
            return None
        fixed, power = layer.weight.known_type, np.square(channels.rms)
        noise = weight_noise(layer, layer.weight, power, shares)
        if not self._too_much(noise, even_noise(fixed.width)):
            return None
        if self._helps(layer, layer.weight.placed(fixed.width, node.wish.placing), power, shares, noise):
            return None  # it is the place of a fixed type that loses, not its one grid
        few = noise > self._part(noise)
        return _Loss(
            f"the weights of {few.sum()} of {few.size} channels lose too much in their type {fixed}",
            float(np.linalg.norm(noise)),
            f"give them a wider type{self._or_a_grid_each(node, layer, power, shares, noise)}",
            of_weights=True,
        )

    def _or_a_grid_each(self, node: Node, layer: LinearLayer, power: Floats, shares: Floats, noise: Floats) -> str:
        """Advice that is worth giving only where it helps."""
        groups, width = layer.groups("weight"), layer.weight.known_type.width
        assert groups is not None
        grouped = layer.weight.placed_in_groups(groups, width, MAX_WIDTH, node.wish.placing)
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


def _is_port(draft: Draft, node: Node) -> bool:
    return not set(node.outputs).isdisjoint(draft.graph.outputs)


def _worst(found: Iterable[_Loss]) -> _Loss:
    return max(found, key=lambda loss: loss.cost)


def _explain(draft: Draft, hidden: Mapping[str, _Loss]) -> None:
    """Put unequal channels in the place of what was estimated without a look at them.

    Those of inputs are in no other estimate; of inner ones, only what puts an output off is worth a word.
    """
    inputs = {node.source.name for node in draft.graph if node.is_input}
    features = [loss.estimate(name) for name, loss in hidden.items() if name in inputs]
    inner = {name: loss for name, loss in hidden.items() if name not in inputs}
    if inner and draft.estimates:
        worst = max(inner, key=lambda name: inner[name].cost)
        if max(estimate.cost for estimate in draft.estimates) <= _WEIGHTIER * inner[worst].cost:
            draft.estimates = [inner[worst].estimate(worst, [name for name in inner if name != worst])]
    draft.estimates += features
