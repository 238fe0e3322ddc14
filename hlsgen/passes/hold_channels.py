"""Hold the results of layers times powers of two, as the configuration says."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hlsgen.config import Config
from hlsgen.errors import ConfigError
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.ties import Indices
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.base import Pass
from hlsgen.passes.channel_classes import ChannelClasses
from hlsgen.passes.equalise_channels import move_channels
from hlsgen.passes.scale_routes import may_move


@dataclass(frozen=True)
class HoldChannels(Pass):
    """Multiply what layers with ``hold`` yield, and divide the weights of whatever reads it by the same.

    before: ``x -> Dense (columns W[:, c]) -> Relu -> Dense (rows V[c, :])``
    after:  ``x -> Dense (W[:, c] * scale[c]) -> Relu -> Dense (V[c, :] / scale[c])``

    As :class:`~hlsgen.passes.equalise_channels.EqualiseChannels` does by itself, and as exactly; channels that are tied
    to those (of a sum, of a pooling) move along. Raises ConfigError where that is not possible, with what stands
    against it.
    """

    exact = False
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        wished = {name: s.hold.scale for name, s in self.config.layers.items() if s.hold is not None}
        if not wished:
            return False
        classes = ChannelClasses(graph, may_move, lambda value: bool(_pinned(graph, value)))
        found: dict[int, tuple[int, str]] = {}
        for name, scale in wished.items():
            value = _value_of(graph, name)
            for channel, exponent in enumerate(_exponents(name, value, scale)):
                number = int(classes.of(value)[channel])
                if exponent and classes.fixed[number]:
                    raise ConfigError(f"layers: hold of '{name}': {_obstacle(graph, classes, number)}")
                other, by = found.setdefault(number, (int(exponent), name))
                if other != exponent:
                    raise ConfigError(
                        f"layers: hold of '{name}': channel {channel} is to be held times 2**{exponent}, and times "
                        f"2**{other} by that of '{by}' or of another channel, with which it is tied; give both the same"
                    )
        every = np.zeros(classes.count, dtype=np.int64)
        every[list(found)] = [exponent for exponent, _ in found.values()]
        moved = {value: every[classes.of(value)] for value in graph.values}
        move_channels(graph, {value: tuple(map(int, mine)) for value, mine in moved.items() if mine.any()})
        return bool(every.any())


def _value_of(graph: Graph, name: str) -> Value:
    if any(value.name == name for value in graph.inputs):
        raise ConfigError(
            f"layers: hold of '{name}': it is an input of the model; see input_precision, input_granularity"
        )
    if name not in graph.aliases:
        raise ConfigError(f"layers: hold of '{name}': its result is not there any more (it has several, or none)")
    return graph.aliases[name]


def _exponents(name: str, value: Value, scale: float | tuple[float, ...]) -> Indices:
    """By how many octaves each channel moves."""
    numbers, channels = np.asarray(scale), value.shape[-1]
    if numbers.shape not in ((), (1,), (channels,)):
        raise ConfigError(
            f"layers: hold of '{name}': {numbers.size} scales, expected {channels} (one for each channel, "
            "the last axis) or one for all"
        )
    return np.broadcast_to(np.frexp(numbers)[1] - 1, (channels,)).astype(np.int64)


def _pinned(graph: Graph, value: Value) -> str:
    """Why a value keeps its size; empty if it need not."""
    if value in graph.outputs:
        return f"'{value.name}' is an output of the model"
    if value.producer.is_input:
        return f"'{value.name}' is an input of the model"
    if value.producer.wish.result_by_model:
        return f"a quantiser of the model fixed the type of '{value.name}'"
    return ""


def _obstacle(graph: Graph, classes: ChannelClasses, number: int) -> str:
    """Why the channels of a class keep their size."""
    for value in graph.values:
        if number in classes.of(value) and (why := _pinned(graph, value)):
            return f"{why}, and its channels are tied to these or are these"
    for node in graph:
        if not node.is_input and any(number in classes.of(v) for v in (*node.inputs, *node.outputs)) and _stops(node):
            kind = f"'{node.name}' ({node.layer.kind})"
            if isinstance(node.layer, LinearLayer):
                return f"types are fixed for the weights of {kind}, which would take the scale in; give it a width"
            return f"{kind} reads or yields these channels, and does not commute with factors"
    raise AssertionError("a class is fixed by something")


def _stops(node: Node) -> bool:
    """Whether no factor gets through a node, nor into it."""
    if isinstance(node.layer, LinearLayer):
        return not may_move(node)
    return node.layer.ties(node.input_shapes) is None
