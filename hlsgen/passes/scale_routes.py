"""Ways for a Scale to a linear layer that can take it in, through layers that commute with it.

Nothing is changed while a way is searched: a scale moves only if it ends in weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from hlsgen.ir.affine import Affine
from hlsgen.ir.expected import Expected
from hlsgen.ir.graph import Graph, Node, Source, Value
from hlsgen.layers.convert import Convert
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Mover

Fold = Callable[[Node, Affine], LinearLayer | None]
"""Fold an affine map into a linear node (behind or in front of it); None where that is not allowed."""


@dataclass(frozen=True)
class Route:
    """Where a scale goes: the layers that take it in, what is left over elsewhere, the nodes it passes."""

    fused: list[tuple[Node, LinearLayer]] = field(default_factory=list)
    left: list[tuple[Node, Value, Affine]] = field(default_factory=list)
    passed: list[Node] = field(default_factory=list)

    def with_part(self, part: Route) -> Route:
        return Route(self.fused + part.fused, self.left + part.left, self.passed + part.passed)


def pinned(node: Node) -> bool:
    """Whether the type between this node and its reader is meant for it (then nothing may be merged across).

    A default for all layers is no such wish: what is fused gets it afterwards, once.
    """
    return node.wish.result_by_model or node.wish.named("accum", "result")


def constants_pinned(node: Node) -> bool:
    """Whether the user fixed the types of this very layer's constants."""
    return node.wish.named(*node.layer.constant_roles.values())


def fixes_constants(node: Node) -> bool:
    """Whether any type is wished for the constants of a node."""
    return any(role in node.wish.types for role in node.layer.constant_roles.values())


def may_move(node: Node) -> bool:
    """Whether the weights of a linear layer are real numbers, whose types nobody fixed."""
    layer = node.layer
    return (
        isinstance(layer, LinearLayer)
        and layer.weight.mantissas is None
        and (layer.bias.mantissas is None or not layer.bias.effective.any())
        and not fixes_constants(node)
    )


# -- back to a producer -----------------------------------------------------------------------


def route_back(graph: Graph, reader: Node, value: Value, affine: Affine, fold: Fold) -> Route | None:
    """The way of an affine map from ``reader`` back to the linear layers that compute ``value``, if nobody else
    reads anything on it."""
    producer = value.producer
    if graph.sole_user(value) is not reader or pinned(producer):
        return None
    if isinstance(producer.layer, LinearLayer):
        fused = fold(producer, affine)
        return None if fused is None else Route([(producer, fused)])
    parts = producer.layer.scale_before(producer.input_shapes, affine) if len(producer.outputs) == 1 else None
    if parts is None:
        return None
    routes = [route_back(graph, producer, v, part, fold) for v, part in zip(producer.inputs, parts, strict=True)]
    found = [route for route in routes if route is not None]
    if not found:
        return None
    left = [(producer, v, p) for v, p, r in zip(producer.inputs, parts, routes, strict=True) if r is None]
    total = Route([], left, [producer])
    for route in found:
        total = total.with_part(route)
    return total


def merge_back(graph: Graph, node: Node, route: Route) -> None:
    """Let the layers of a route compute what ``node`` (a Scale) does, in the types that were meant for the node."""
    _expect_scaled(node, route)
    for reader, value, affine in route.left:
        source = Source(node.source.name, node.source.class_name, False)
        added = graph.add(Scale(affine.scale, affine.shift), (value,), f"{node.name}_part", source)
        graph.set_inputs(reader, [added if v is value else v for v in reader.inputs])
        added.producer.wish = added.producer.wish.with_budgets_of(node.wish, "weight", "result")
        added.expected = node.output.expected and _carried(node.output.expected, route)
    graph.sort()
    for producer, layer in route.fused:
        graph.set_layer(producer, layer)
        graph.absorb(producer, node)
        producer.wish = producer.wish.with_budgets_of(node.wish, "weight", "result")
        if producer.wish.accum is None:
            producer.wish = producer.wish.with_type("accum", node.wish.types.get("accum"))
    if all(isinstance(passed.layer, Mover) for passed in route.passed):
        (producer, _), *_ = route.fused
        producer.wish = producer.wish.with_result_of(node.wish)
    elif node.wish.result is not None:
        graph.set_layer(node, Convert())
        return
    graph.bypass(node)


def _expect_scaled(node: Node, route: Route) -> None:
    """What a scaled value gets before a pooling: as much larger than behind it as it was without the scale."""
    behind, unscaled = node.output.expected, node.input.expected
    if behind is None or unscaled is None:
        return
    changed = [producer for producer, _ in route.fused] + route.passed
    carried = _carried(behind, route)
    for value in [v for n in changed for v in n.outputs]:
        ratio = 1.0
        if value.expected is not None and unscaled.reach > 0:
            ratio = max(1.0, value.expected.reach / unscaled.reach)
        value.expected = carried if ratio == 1.0 else carried.times(ratio)


def _carried(expected: Expected, route: Route) -> Expected:
    """What is expected on the other side of a route: not in which channel, where channels change places on it."""
    found = expected if all(_keeps_channels(passed) for passed in route.passed) else expected.of_no_channel()
    return found.elsewhere()


def _keeps_channels(node: Node) -> bool:
    """Whether the channels of the result are those of the only input, all of them and in their order."""
    ties = node.layer.ties(node.input_shapes)
    same = ties is not None and len(ties) == 1 and np.array_equal(ties[0].before, ties[0].behind)
    return same and node.input_shapes[0][-1] == node.output.shape[-1]


# -- ahead to consumers -----------------------------------------------------------------------


def route_ahead(graph: Graph, value: Value, affine: Affine, fold: Fold) -> Route | None:
    """The way of an affine map on ``value`` into all linear layers that read it."""
    users = list(dict.fromkeys(graph.uses(value)))
    if value in graph.outputs or not users:
        return None
    total = Route()
    for user in users:
        part = _route_into(graph, user, value, affine, fold)
        if part is None or not set(part.passed).isdisjoint(total.passed):
            return None
        total = total.with_part(part)
    return total


def _route_into(graph: Graph, user: Node, value: Value, affine: Affine, fold: Fold) -> Route | None:
    if user.inputs.count(value) != 1:
        return None
    if isinstance(user.layer, LinearLayer):
        fused = fold(user, affine)
        return None if fused is None else Route([(user, fused)])
    if pinned(user) or len(user.outputs) > 1:
        return None
    behind = user.layer.scale_behind(user.input_shapes, user.inputs.index(value), affine)
    route = None if behind is None else route_ahead(graph, user.output, behind, fold)
    return None if route is None else Route([], [], [user]).with_part(route)


def merge_ahead(graph: Graph, node: Node, route: Route) -> None:
    """Let the readers of ``node`` (a Scale) take it in; what is between carries the unscaled value."""
    for user, layer in route.fused:
        graph.set_layer(user, layer)
        graph.absorb(user, node)
        user.wish = user.wish.with_budgets_of(node.wish, "weight")
    for key in [k for k, v in graph.aliases.items() if v is node.output]:
        graph.aliases[key] = route.fused[0][0].output
    graph.bypass(node)
    for passed in sorted(route.passed, key=graph.nodes.index):
        expected = [v.expected for v in passed.inputs if v.expected is not None]
        if expected:
            largest = max(expected, key=lambda e: e.reach).elsewhere()
            passed.output.expected = largest if _keeps_channels(passed) else largest.of_no_channel()
