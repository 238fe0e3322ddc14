"""Hold the results of layers, and the features of inputs, less offsets and times scales, as the configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hlsgen.config import Config
from hlsgen.errors import ConfigError
from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.held import Held
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.table import Table
from hlsgen.passes.base import Pass
from hlsgen.passes.channel_classes import ChannelClasses
from hlsgen.passes.channel_offsets import ChannelOffsets
from hlsgen.passes.move_channels import move_channels
from hlsgen.passes.scale_routes import may_move


@dataclass(frozen=True)
class HoldChannels(Pass):
    """Hold what layers with ``hold`` yield as ``(v - offset) * scale``, and let whatever reads it take that back.

    before: ``x -> Dense (columns W[:, c], bias b[c]) -> MaxPool -> Dense (rows V[c, :], bias a)``
    after:  ``x -> Dense (W[:, c] * s[c], (b[c] - o[c]) * s[c]) -> MaxPool -> Dense (V[c, :] / s[c], a + o V)``

    A function without an adder (sigmoid, tanh, ...) takes one scale and one offset into its table. Likewise the
    features of an input that have types of their own (``input_precision``): the port has one, and the features whose
    types reach less far are held times the power of two that is less.

    The real function stays what it was but for rounding of float64, and exactly where scales are powers of two and
    there are no offsets. Channels that are tied to those (of a sum, of a pooling) move along. Raises ConfigError where
    that is not possible, with what stands against it.
    """

    exact = False
    optional = False
    config: Config = field(default_factory=Config, compare=False)

    def run(self, graph: Graph) -> bool:
        inputs = list(self._of_inputs(graph))
        wished, free = [*inputs, *self._of_layers(graph)], {wish.value for wish in inputs}
        if not wished:
            return False
        scales = ChannelScales(graph, free)
        for wish in wished:
            scales.take(wish)
        factors = scales.found()
        offsets = _offsets(graph, wished, free)
        held = {v: Held.of(factors[v], np.zeros(v.shape[-1]) if offsets is None else offsets[v]) for v in graph.values}
        moved = {value: how for value, how in held.items() if how is not None}
        _check_functions(moved)
        move_channels(graph, moved)
        return bool(moved)

    def _of_layers(self, graph: Graph) -> Iterator[_Wished]:
        for name, settings in self.config.layers.items():
            if settings.hold is not None:
                value, hold = _value_of(graph, name), settings.hold
                scale, offset = _numbers(name, value, "scale", hold.scale), _numbers(name, value, "offset", hold.offset)
                yield _Wished(f"layers: hold of '{name}'", value, scale, offset)

    def _of_inputs(self, graph: Graph) -> Iterator[_Wished]:
        """Inputs with a type for each feature."""
        for value in graph.inputs:
            octaves = value.producer.wish.octaves
            if octaves is not None:
                scale = np.exp2(np.array(octaves, dtype=np.float64))
                yield _Wished(f"input_precision of '{value.name}'", value, scale)


class _Wished(NamedTuple):
    """How the channels of a value are to be held, and where that is said; None: nothing is."""

    where: str
    value: Value
    scale: Floats | None
    offset: Floats | None = None


def _value_of(graph: Graph, name: str) -> Value:
    where = f"layers: hold of '{name}'"
    if any(value.name == name for value in graph.inputs):
        raise ConfigError(
            f"{where}: it is an input of the model; give input_precision, which may be one for each feature"
        )
    if name not in graph.aliases:
        raise ConfigError(f"{where}: its result is not there any more (it has several, or none)")
    return graph.aliases[name]


def _numbers(name: str, value: Value, what: str, said: float | tuple[float, ...] | None) -> Floats | None:
    """A number for each channel."""
    if said is None:
        return None
    numbers, channels = np.asarray(said, dtype=np.float64), value.shape[-1]
    if numbers.shape not in ((), (1,), (channels,)):
        raise ConfigError(
            f"layers: hold of '{name}': {numbers.size} {what}s, expected {channels} (one for each channel, "
            "the last axis) or one for all"
        )
    return np.broadcast_to(numbers, (channels,))


class ChannelScales:
    """The scales that are said, and those of the channels that are tied to these."""

    def __init__(self, graph: Graph, free: Set[Value]) -> None:
        """``free``: the inputs whose features may be held times factors."""
        self._graph, self._free = graph, free
        self.classes = ChannelClasses(graph, may_move, lambda value: bool(_pinned(graph, value, free)), _is_function)
        self._said: dict[int, tuple[float, str]] = {}

    def take(self, wish: _Wished) -> None:
        for channel, scale in enumerate(() if wish.scale is None else wish.scale.tolist()):
            number = int(self.classes.of(wish.value)[channel])
            if scale != 1 and self.classes.fixed[number]:
                raise ConfigError(f"{wish.where}: {self.obstacle(number)}")
            other, by = self._said.setdefault(number, (scale, wish.where))
            if other != scale:
                raise ConfigError(
                    f"{wish.where}: channel {channel} is to be held times {_shown(scale)}, and times {_shown(other)} "
                    f"by {by} or by that of another channel, with which it is tied; give both the same"
                )

    def found(self) -> dict[Value, Floats]:
        every = np.ones(self.classes.count)
        every[list(self._said)] = [scale for scale, _ in self._said.values()]
        return {value: every[self.classes.of(value)] for value in self._graph.values}

    def obstacle(self, number: int) -> str:
        """Why the channels of a class keep their size."""
        graph, of = self._graph, self.classes.of
        for value in graph.values:
            if number in of(value) and (why := _pinned(graph, value, self._free)):
                return f"{why}, and its channels are tied to these or are these"
        for node in graph:
            values = node.inputs if _is_function(node) else (*node.inputs, *node.outputs)
            if not node.is_input and any(number in of(value) for value in values) and _stops(node):
                return _words(node, "does not commute with factors", "scale")
        raise AssertionError("a class is fixed by something")


def _offsets(graph: Graph, wished: list[_Wished], free: Set[Value]) -> dict[Value, Floats] | None:
    """The offset of every channel; None if none is said."""
    said = [(wish, wish.offset) for wish in wished if wish.offset is not None]
    if not any(offset.any() for _, offset in said):
        return None
    classes = ChannelOffsets(graph, may_move, lambda value: bool(_pinned(graph, value, set())))
    by: dict[int, str] = {}
    for wish, offsets in said:
        for channel, (number, offset) in enumerate(zip(classes.of(wish.value).tolist(), offsets.tolist(), strict=True)):
            known = float(classes.known[number])
            if offset and classes.fixed[number]:
                raise ConfigError(f"{wish.where}: {_offset_obstacle(graph, classes, number)}")
            if number in by and known != offset:
                raise ConfigError(
                    f"{wish.where}: channel {channel} is to be held less {offset:.6g}, and less {known:.6g} by "
                    f"{by[number]} or by that of another channel, with which it is tied; give both the same"
                )
            by.setdefault(number, wish.where)
            classes.known[number] = offset
    wrong = classes.solve()
    if wrong.size:
        _refuse_sum(graph, classes, int(wrong[0]), list(by.values()))
    return {value: classes.known[classes.of(value)] for value in graph.values}


def _offset_obstacle(graph: Graph, classes: ChannelOffsets, number: int) -> str:
    """Why nothing can be subtracted of the channels of a class."""
    for value in graph.values:
        if number in classes.of(value) and (why := _pinned(graph, value, set())):
            return f"{why}, and its channels are tied to these or are these"
    for node in graph:
        if any(number in classes.of(value) for value in classes.stopped(node)):
            if isinstance(node.layer, LinearLayer) and may_move(node):
                return (
                    f"'{node.name}' ({node.layer.kind}) pads these channels with zeros, which no bias takes an offset "
                    "back of; give a scale alone"
                )
            return _words(node, "does not commute with offsets", "offset")
    raise AssertionError("a class is fixed by something")


def _refuse_sum(graph: Graph, classes: ChannelOffsets, number: int, by: list[str]) -> None:
    value = next(value for value in graph.values if number in classes.of(value))
    several = " and ".join(dict.fromkeys(by))
    raise ConfigError(
        f"{several}: offsets of the operands of a sum add up to that of '{value.name}', and these do not (an operand "
        "that does not take one has 0); say fewer of them"
    )


def _check_functions(held: dict[Value, Held]) -> None:
    """Raise ConfigError where the form of a function does not take a scale."""
    for value, how in held.items():
        layer = value.producer.layer
        if isinstance(layer, Table) and layer.unary.negative and how.scale[0] != 1:
            raise ConfigError(
                f"layers: hold of '{value.producer.source.name}': '{layer.unary}' runs along a line below zero, which "
                "has no slope but 1; give an offset alone"
            )


def _words(node: Node, why: str, what: str) -> str:
    kind = f"'{node.name}' ({node.layer.kind})"
    if isinstance(node.layer, LinearLayer):
        return f"types are fixed for the weights of {kind}, which would take the {what} in; give it a width"
    return f"{kind} reads or yields these channels, and {why}"


def _shown(scale: float) -> str:
    part, exponent = np.frexp(scale)
    return f"2**{int(exponent) - 1}" if part == 0.5 else f"{scale:.6g}"


def _pinned(graph: Graph, value: Value, free: Set[Value]) -> str:
    """Why a value keeps its size; empty if it need not. ``free``: inputs that do not."""
    if value in graph.outputs:
        return f"'{value.name}' is an output of the model"
    if value.producer.is_input and value not in free:
        return f"'{value.name}' is an input of the model"
    if value.producer.wish.result_by_model:
        return f"a quantiser of the model fixed the type of '{value.name}'"
    return ""


def _is_function(node: Node) -> bool:
    """Whether a table takes in a scale and an offset."""
    return isinstance(node.layer, Table)


def _stops(node: Node) -> bool:
    """Whether no factor gets through a node, nor into it."""
    if isinstance(node.layer, LinearLayer):
        return not may_move(node)
    return node.layer.ties(node.input_shapes) is None
