"""Take out permutations that undo each other, as between the layers of a ``channels_first`` network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Constant, Shape
from hlsgen.ir.graph import Graph, Node, Source, Value
from hlsgen.ir.layer import Layer, Packing
from hlsgen.layers.dense import Dense
from hlsgen.layers.merge import Merge
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate, Mover, Permute, Reshape, UpSampling
from hlsgen.passes.base import Pass

Order = tuple[int, ...]


@dataclass(frozen=True)
class CancelPermutes(Pass):
    """Compute what works element by element in the order of axes that its neighbours have.

    before: ``x -> Permute -> Conv2D -> Permute back -> Relu -> Permute -> Conv2D -> Permute back -> Reshape -> Dense``
    after:  ``x -> Permute -> Conv2D -> Relu -> Conv2D -> Reshape -> Dense`` with the rows of its weights in that order

    Done where fewer permutations are left. What is in between keeps its name, and holds its axes in the other order.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        while _shared(graph) or _joined(graph) or _relaid(graph) or _absorbed(graph):
            changed = True
        if changed:
            graph.notes.append(
                "permutations of axes that undo each other are left out: traces of the layers in between have the axes "
                "of the layers around them"
            )
        return changed


# -- side by side, and one behind the other ---------------------------------------------------------


def _shared(graph: Graph) -> bool:
    """Let one permutation stand for another of the same value in the same order."""
    known: dict[tuple[Value, Order], Node] = {}
    for node in graph:
        if isinstance(node.layer, Permute) and node.loop is None:
            first = known.setdefault((node.input, node.layer.order), node)
            if first is not node:
                graph.replace_uses(node.output, first.output)
                graph.remove(node)
                return True
    return False


def _joined(graph: Graph) -> bool:
    """Replace a permutation of a permutation by one or none."""
    for node in graph:
        before = node.inputs[0].producer if isinstance(node.layer, Permute) else node
        if before is node or not isinstance(before.layer, Permute) or node.loop is not None:
            continue
        assert isinstance(node.layer, Permute)
        order = tuple(before.layer.order[axis] for axis in node.layer.order)
        if order == tuple(range(len(order))):
            graph.replace_uses(node.output, before.input)
            graph.remove(node)
        else:
            graph.set_layer(node, Permute(order), [before.input])
        _dropped(graph, [before])
        return True
    return False


def _dropped(graph: Graph, permutes: Iterable[Node]) -> None:
    """Remove permutations that nobody reads any more; the layer that one was the end of ends in front of it.

    A permutation that is a layer of the model has no value then: what it read is not what it means.
    """
    for node in permutes:
        if graph.use_count(node.output):
            continue
        name, before = node.name, node.input.producer
        ends_layer = before.source.name == node.source.name
        for key in [key for key, value in graph.aliases.items() if value is node.output]:
            if ends_layer:
                graph.aliases[key] = node.input
            else:
                del graph.aliases[key]
        graph.remove(node)
        if ends_layer and len(before.outputs) == 1:
            graph.rename(before, name)


# -- with elementwise layers in between -------------------------------------------------------------


def _relaid(graph: Graph) -> bool:
    """Compute a region of elementwise layers in the order of axes in front of a permutation, if that is worth it."""
    tried: set[Node] = set()
    for node in graph:
        if isinstance(node.layer, Permute) and node.loop is None:
            for reader in graph.uses(node.output):
                if _carries(reader) and reader not in tried:
                    region = _Region(graph, node.layer.order, reader)
                    tried |= set(region.nodes)
                    if region.gain > 0:
                        region.apply()
                        return True
    return False


def _carries(node: Node) -> bool:
    """Whether a node means the same in any order of its axes (with other options, perhaps)."""
    if node.loop is not None or len(node.outputs) != 1:
        return False
    if isinstance(node.layer, Merge):
        return len(set(node.input_shapes)) == 1
    if isinstance(node.layer, Scale):
        return node.layer.measured is None and all(_is_one(c) for c in node.layer.constants().values())
    return isinstance(node.layer, Concatenate) or (node.layer.packing is Packing.ELEMENTS and len(node.inputs) == 1)


def _in_order(layer: Layer, order: Order, shape: Shape) -> Layer:
    """The layer for inputs of the axes ``order``, which have ``shape`` then."""
    if isinstance(layer, Scale):
        channels = np.zeros(shape[-1], dtype=np.int64)
        return replace(layer, weight=layer.weight.part(channels), bias=layer.bias.part(channels))
    return Concatenate(order.index(layer.axis)) if isinstance(layer, Concatenate) else layer


def _is_one(constant: Constant) -> bool:
    """Whether all channels have the same."""
    return bool((constant.values == constant.values[0]).all())


class _Region:
    """Elementwise nodes that are joined by edges, all of which get the axes that are in front of a permutation."""

    def __init__(self, graph: Graph, behind: Order, first: Node) -> None:
        self.graph, self.behind = graph, behind
        self.front = tuple(int(axis) for axis in np.argsort(behind))
        """The order by which values of the region become those that are to be in their place."""
        self.nodes = self._connected(first)
        own = {node.output: node for node in self.nodes}
        self.read = dict.fromkeys(v for node in self.nodes for v in node.inputs if v not in own)
        self.given = [value for value in own if self._outside(value) or value in graph.outputs]

    def _connected(self, first: Node) -> dict[Node, None]:
        found, waiting = {first: None}, [first]
        while waiting:
            node = waiting.pop()
            around = [*self.graph.uses(node.output), *(value.producer for value in node.inputs)]
            more = dict.fromkeys(other for other in around if other not in found and _carries(other))
            found |= more
            waiting += more
        return {node: None for node in self.graph if node in found}

    def _outside(self, value: Value) -> list[Node]:
        return [user for user in dict.fromkeys(self.graph.uses(value)) if user not in self.nodes]

    def _undoes(self, node: Node, order: Order) -> bool:
        return isinstance(node.layer, Permute) and node.layer.order == order

    @property
    def gain(self) -> int:
        """How many permutations are fewer; one in front of a permutation or of a flattening becomes part of it."""
        gained = 0
        for value in self.read:
            if self._per_channel(value) is not None:
                continue
            stays = value in self.graph.outputs or bool(self._outside(value))
            if self._undoes(value.producer, self.behind):
                gained += not stays
            elif stays or not isinstance(value.producer.layer, Permute):
                gained -= 1
        for value in self.given:
            users = self._outside(value)
            gained += sum(self._undoes(user, self.front) for user in users)
            gained -= value in self.graph.outputs or not all(_takes_permuted(self.graph, user) for user in users)
        return gained

    def apply(self) -> None:
        graph, made = self.graph, dict[Value, Value]()
        for value in self.read:
            made[value] = self._brought_in(value)
        for node in self.nodes:
            inputs = sorted((made[value] for value in node.inputs), key=lambda v: v.size != node.output.size)
            layer = _in_order(node.layer, self.front, inputs[0].shape)
            new = graph.add_node(layer, inputs, node.name, node.source)
            new.wish, new.fused, new.refitted = node.wish, node.fused, node.refitted
            made[node.output] = new.output
        for value in self.given:
            self._hand_on(value, made[value])
        inside = {node.output for node in self.nodes}
        graph.aliases = {key: made[value] if value in inside else value for key, value in graph.aliases.items()}
        for node in reversed(self.nodes):
            name = node.name
            graph.remove(node)
            graph.rename(made[node.output].producer, name)
        _dropped(graph, [value.producer for value in self.read if self._undoes(value.producer, self.behind)])
        graph.sort()

    def _brought_in(self, value: Value) -> Value:
        """What nodes of the region read in place of a value from outside."""
        small = self._per_channel(value)
        if small is not None:
            shape = (*(1 for _ in self.front[1:]), small.size)
            return self.graph.add(Reshape(shape), [small], f"{small.producer.name}_last", _inner(small.producer))
        if self._undoes(value.producer, self.behind):
            return value.producer.input
        return self._permuted(value, self.front)

    def _per_channel(self, value: Value) -> Value | None:
        """What a value repeats, if that is one element for each index of the axis that is to be the last, and only
        merges read it that take such operands."""
        axis = self.front[-1]
        for user in self.graph.uses(value):
            if user in self.nodes and not _takes_one_a_channel(user, value):
                return None
        wanted = tuple(extent if place == axis else 1 for place, extent in enumerate(value.shape))
        small, moves = value, list[Mover]()
        while isinstance(small.producer.layer, UpSampling | Reshape) and small.shape != wanted:
            moves.insert(0, small.producer.layer)
            small = small.producer.input
        if not moves or small.shape != wanted:
            return None
        numbers = np.arange(small.size, dtype=np.float64).reshape(1, *small.shape)
        repeated = numbers
        for layer in moves:
            repeated = layer.move(repeated)
        return small if (repeated == numbers).all() else None

    def _hand_on(self, value: Value, new: Value) -> None:
        """Let readers outside read ``new``, in the order of axes that they want."""
        graph = self.graph
        for user in self._outside(value):
            if self._undoes(user, self.front):
                graph.replace_uses(user.output, new)
                graph.remove(user)
        users = self._outside(value)
        if not users and value not in graph.outputs:
            return
        back = self._permuted(new, self.behind)
        for user in users:
            graph.set_inputs(user, [back if v is value else v for v in user.inputs])
        graph.outputs = tuple(back if v is value else v for v in graph.outputs)
        graph.aliases = {key: back if v is value else v for key, v in graph.aliases.items()}

    def _permuted(self, value: Value, order: Order) -> Value:
        return self.graph.add(Permute(order), [value], f"{value.producer.name}_permuted", _inner(value.producer))


def _inner(node: Node) -> Source:
    """Of a node that is put in behind another."""
    return replace(node.source, final=False)


def _takes_one_a_channel(node: Node, value: Value) -> bool:
    """Whether a node is a merge of a tensor and ``value``, which may have one element a channel in its place."""
    if not isinstance(node.layer, Merge):
        return False
    first, second = node.inputs
    other = second if value is first else first
    repeats = isinstance(other.producer.layer, UpSampling)
    return not repeats and (value is second or node.layer.op != "subtract")


# -- in front of a dense layer ----------------------------------------------------------------------


def _dense_behind(graph: Graph, node: Node) -> list[Node]:
    """The dense layers that alone read what a flattening gives, element by element; none: something else reads it."""
    while isinstance(node.layer, Reshape) or node.layer.packing is Packing.ELEMENTS:
        users = graph.uses(node.output)
        if node.output in graph.outputs or len(node.output.shape) != 1 or node.loop is not None or not users:
            return []
        if all(isinstance(user.layer, Dense) for user in users):
            return users
        if len(users) > 1 or len(users[0].inputs) > 1 or len(users[0].outputs) > 1:
            return []
        node = users[0]
    return []


def _takes_permuted(graph: Graph, node: Node) -> bool:
    """Whether a permutation in front of a node becomes part of it, or of what is behind."""
    return isinstance(node.layer, Permute) or (isinstance(node.layer, Reshape) and bool(_dense_behind(graph, node)))


def _absorbed(graph: Graph) -> bool:
    """Take a permutation in front of a flattening into the rows of the weights behind."""
    for node in graph:
        if isinstance(node.layer, Reshape) and isinstance(node.input.producer.layer, Permute):
            before, dense = node.input.producer, _dense_behind(graph, node)
            if not dense or before.loop is not None:
                continue
            assert isinstance(before.layer, Permute)
            places = np.arange(before.input.size).reshape(before.input.shape)
            rows = np.argsort(places.transpose(before.layer.order).reshape(-1))
            for user in dict.fromkeys(dense):
                assert isinstance(user.layer, Dense)
                graph.set_layer(user, replace(user.layer, weight=user.layer.weight.part(rows)))
            graph.set_inputs(node, [before.input])
            for between in list(_up_to_dense(graph, node)):
                graph.aliases = {key: value for key, value in graph.aliases.items() if value is not between.output}
                graph.rename(between, f"{between.name}_reordered")
            _dropped(graph, [before])
            return True
    return False


def _up_to_dense(graph: Graph, node: Node) -> Iterator[Node]:
    """The nodes from a flattening on that hold their elements in another order than the model: traces do not show
    them under its names."""
    while not isinstance(node.layer, Dense):
        yield node
        node = graph.uses(node.output)[0]
