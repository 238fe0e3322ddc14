"""Hold the results of layers, and the features of inputs, times powers of two, as the configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import NamedTuple

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

    Likewise the features of an input that have types of their own (``input_precision``): the port has one, and the
    features whose types reach less far are held times what that is less.

    As :class:`~hlsgen.passes.equalise_channels.EqualiseChannels` does by itself, and as exactly; channels that are tied
    to those (of a sum, of a pooling) move along. Raises ConfigError where that is not possible, with what stands
    against it.
    """

    exact = False
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        inputs = list(self._of_inputs(graph))
        wished, free = [*inputs, *self._of_layers(graph)], {wish.value for wish in inputs}
        if not wished:
            return False
        classes = ChannelClasses(graph, may_move, lambda value: bool(_pinned(graph, value, free)))
        found: dict[int, tuple[int, str]] = {}
        for wish in wished:
            for channel, exponent in enumerate(wish.exponents):
                number = int(classes.of(wish.value)[channel])
                if exponent and classes.fixed[number]:
                    raise ConfigError(f"{wish.where}: {_obstacle(graph, classes, number, free)}")
                other, by = found.setdefault(number, (int(exponent), wish.where))
                if other != exponent:
                    raise ConfigError(
                        f"{wish.where}: channel {channel} is to be held times 2**{exponent}, and times 2**{other} by "
                        f"{by} or by that of another channel, with which it is tied; give both the same"
                    )
        every = np.zeros(classes.count, dtype=np.int64)
        every[list(found)] = [exponent for exponent, _ in found.values()]
        moved = {value: every[classes.of(value)] for value in graph.values}
        move_channels(graph, {value: tuple(map(int, mine)) for value, mine in moved.items() if mine.any()})
        return bool(every.any())

    def _of_layers(self, graph: Graph) -> Iterator[_Wished]:
        for name, settings in self.config.layers.items():
            if settings.hold is not None:
                value = _value_of(graph, name)
                yield _Wished(f"layers: hold of '{name}'", value, _exponents(name, value, settings.hold.scale))

    def _of_inputs(self, graph: Graph) -> Iterator[_Wished]:
        """Inputs with a type for each feature."""
        for value in graph.inputs:
            octaves = value.producer.wish.octaves
            if octaves is not None:
                yield _Wished(f"input_precision of '{value.name}'", value, np.array(octaves, dtype=np.int64))


class _Wished(NamedTuple):
    """By how many octaves the channels of a value are to move, and where that is said."""

    where: str
    value: Value
    exponents: Indices


def _value_of(graph: Graph, name: str) -> Value:
    where = f"layers: hold of '{name}'"
    if any(value.name == name for value in graph.inputs):
        raise ConfigError(
            f"{where}: it is an input of the model; give input_precision, which may be one for each feature"
        )
    if name not in graph.aliases:
        raise ConfigError(f"{where}: its result is not there any more (it has several, or none)")
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


def _pinned(graph: Graph, value: Value, free: Set[Value]) -> str:
    """Why a value keeps its size; empty if it need not. ``free``: inputs that do not."""
    if value in graph.outputs:
        return f"'{value.name}' is an output of the model"
    if value.producer.is_input and value not in free:
        return f"'{value.name}' is an input of the model"
    if value.producer.wish.result_by_model:
        return f"a quantiser of the model fixed the type of '{value.name}'"
    return ""


def _obstacle(graph: Graph, classes: ChannelClasses, number: int, free: Set[Value]) -> str:
    """Why the channels of a class keep their size."""
    for value in graph.values:
        if number in classes.of(value) and (why := _pinned(graph, value, free)):
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
