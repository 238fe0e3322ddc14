"""The layer graph: nodes that own a layer, values that flow between them.

Values and nodes are compared by identity. Only the methods of :class:`Graph` change edges; a value
that is used cannot be removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hlsgen.errors import GraphError
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import Expected
from hlsgen.ir.interval import Interval
from hlsgen.ir.reason import Reason
from hlsgen.ir.text import graph_table
from hlsgen.ir.types import FixedType

if TYPE_CHECKING:
    from hlsgen.layers.base import Layer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """Where a node comes from: the layer of the user's model, as the user spells it."""

    name: str
    class_name: str
    final: bool = True
    """Whether the node yields the layer's own output (not an inner step, as the sum before an activation)."""


@dataclass(eq=False)
class Value:
    """What flows on an edge: a tensor of ``shape`` (without the batch)."""

    name: str
    shape: Shape
    producer: Node
    type: FixedType | None = None
    interval: Interval | None = None
    expected: Expected | None = None
    """How large it is expected to get in use (calibration or probe), None before that is known."""

    def __repr__(self) -> str:
        return f"%{self.name}"

    @property
    def size(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size


@dataclass
class Settings:
    """What the configuration and the model fix for one node; None means: to be inferred."""

    result: FixedType | None = None
    accum: FixedType | None = None
    weight: FixedType | None = None
    bias: FixedType | None = None
    strategy: str = "latency"
    reuse_factor: int = 1
    named: frozenset[str] = frozenset()
    """The roles (weight, bias, accum, result) that the user fixed for this very layer, by its name."""
    result_by_model: bool = False
    """Whether ``result`` is the model's own quantiser rather than the configuration's wish."""
    refitted: bool = False
    """Whether constants that the model's quantisers fixed were multiplied by a scale, as the user asked for."""
    weight_granularity: str = "tensor"
    widest: int | None = None
    """The configuration's ``max_width``: no constant that is placed gets wider."""


@dataclass(eq=False)
class Node:
    """One operation. ``layer`` holds its parameters; every node has exactly one output."""

    name: str
    layer: Layer
    inputs: tuple[Value, ...]
    source: Source
    output: Value = field(init=False)
    settings: Settings = field(default_factory=Settings)
    exact: Interval | None = None
    """The proved range of the exact result before any cast."""
    sum_type: FixedType | None = None
    """Holds the exact result before any cast."""
    accum_type: FixedType | None = None
    read_frac: int | None = None
    """The finest grid (fraction bits) on which readers round the result; None if one of them uses all of it."""
    wanted: Demand = EVERYTHING
    """What the readers can tell apart, where the result type was narrowed to that."""
    wishes: dict[str, FixedType] = field(default_factory=dict)
    """What the configuration fixed, by role (weight, bias, accum, result)."""
    reason: Reason | None = None
    """Who chose the result type, once it is known."""

    def __repr__(self) -> str:
        return f"{self.layer.kind} {self.name}"

    @property
    def input(self) -> Value:
        return self.inputs[0]


class Graph:
    """A directed acyclic graph of nodes in topological order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: dict[Node, None] = {}
        self._uses: dict[Value, list[Node]] = {}
        self._names: set[str] = set()
        self.outputs: tuple[Value, ...] = ()
        self.output_names: tuple[str, ...] = ()
        self.aliases: dict[str, Value] = {}
        """Trace key (the source model's layer name) -> the value that now carries that layer's output."""
        self.notes: list[str] = []
        """What passes want the summary to say (constants rounded, layers fused, warnings)."""

    def __str__(self) -> str:
        return graph_table(self)

    # -- reading ----------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Node]:
        return list(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def inputs(self) -> list[Value]:
        return [node.output for node in self._nodes if node.layer.kind == "Input"]

    def uses(self, value: Value) -> list[Node]:
        """Return the nodes that read ``value`` (a node twice, if it reads it twice)."""
        return list(self._uses[value])

    def use_count(self, value: Value) -> int:
        return len(self._uses[value]) + self.outputs.count(value)

    def sole_user(self, value: Value) -> Node | None:
        """Return the only reader of ``value``, or None if it has several or is an output of the model."""
        uses = self._uses[value]
        return uses[0] if len(uses) == 1 and value not in self.outputs else None

    def rename(self, node: Node, wish: str) -> None:
        """Give a node (and its value) another name, made unique."""
        self._names.discard(node.name)
        node.name = node.output.name = self.unique_name(wish)
        self._names.add(node.name)

    # -- changing ---------------------------------------------------------------------------

    def unique_name(self, wish: str) -> str:
        name, count = wish, 0
        while name in self._names:
            count += 1
            name = f"{wish}_{count}"
        return name

    def add(self, layer: Layer, inputs: Sequence[Value], name: str, source: Source) -> Value:
        """Append a node and return its output."""
        for value in inputs:
            if value not in self._uses:
                raise GraphError(f"{name}: its input {value!r} is not a value of this graph")
        node = Node(self.unique_name(name), layer, tuple(inputs), source)
        self._names.add(node.name)
        node.output = Value(node.name, layer.output_shape([v.shape for v in inputs]), node)
        self._nodes[node] = None
        self._uses[node.output] = []
        for value in inputs:
            self._uses[value].append(node)
        return node.output

    def insert_after(self, value: Value, layer: Layer, name: str, source: Source) -> Value:
        """Put a new node behind ``value``: all readers of ``value`` read the new output instead."""
        users, was_output = self.uses(value), value in self.outputs
        added = self.add(layer, (value,), name, source)
        for user in dict.fromkeys(users):
            self._set_inputs(user, [added if v is value else v for v in user.inputs])
        if was_output:
            self.outputs = tuple(added if v is value else v for v in self.outputs)
        self.sort()
        return added

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let every reader of ``old`` (and the model's outputs and aliases) read ``new``."""
        if old.shape != new.shape:
            raise GraphError(f"{old!r} of shape {old.shape} cannot be replaced by {new!r} of shape {new.shape}")
        for user in dict.fromkeys(self.uses(old)):
            self._set_inputs(user, [new if v is old else v for v in user.inputs])
        self.outputs = tuple(new if v is old else v for v in self.outputs)
        for key, value in self.aliases.items():
            if value is old:
                self.aliases[key] = new

    def bypass(self, node: Node) -> None:
        """Remove a node with one input; its readers read that input."""
        self.replace_uses(node.output, node.input)
        self.remove(node)

    def remove(self, node: Node) -> None:
        if self.use_count(node.output):
            readers = [repr(u) for u in self._uses[node.output]] or ["the model's outputs"]
            raise GraphError(f"{node!r} cannot be removed: read by {', '.join(readers)}")
        for value in node.inputs:
            self._uses[value].remove(node)
        del self._uses[node.output], self._nodes[node]
        self._names.discard(node.name)

    def set_inputs(self, node: Node, inputs: Sequence[Value]) -> None:
        """Rewire ``node``; the shape of its output may not change."""
        if node.layer.output_shape([v.shape for v in inputs]) != node.output.shape:
            raise GraphError(f"{node!r}: rewiring would change its output shape")
        self._set_inputs(node, inputs)

    def set_layer(self, node: Node, layer: Layer, inputs: Sequence[Value] | None = None) -> None:
        """Exchange the layer (and, with it, the inputs) of a node that keeps its output shape."""
        wanted = tuple(node.inputs if inputs is None else inputs)
        if layer.output_shape([v.shape for v in wanted]) != node.output.shape:
            raise GraphError(f"{node!r}: the new layer would change its output shape")
        node.layer = layer
        self._set_inputs(node, wanted)

    def _set_inputs(self, node: Node, inputs: Sequence[Value]) -> None:
        for value in node.inputs:
            self._uses[value].remove(node)
        node.inputs = tuple(inputs)
        for value in node.inputs:
            self._uses[value].append(node)

    def set_outputs(self, values: Iterable[Value], names: Iterable[str]) -> None:
        self.outputs, self.output_names = tuple(values), tuple(names)

    def sort(self) -> None:
        """Restore topological order (stable)."""
        waiting = {node: len(node.inputs) for node in self._nodes}
        ready = [node for node, count in waiting.items() if count == 0]
        order: dict[Node, None] = {}
        for node in ready:  # grows while it is walked
            order[node] = None
            for user in self._uses[node.output]:
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready.append(user)
        if len(order) != len(self._nodes):
            raise GraphError(f"graph {self.name}: it has a cycle")
        self._nodes = order

    def prune(self) -> bool:
        """Remove nodes that no output depends on; inputs stay."""
        before = len(self._nodes)
        for node in reversed(self.nodes):
            if node.layer.kind != "Input" and not self.use_count(node.output):
                self.aliases = {k: v for k, v in self.aliases.items() if v is not node.output}
                self.remove(node)
        return len(self._nodes) != before

    def verify(self) -> None:
        """Raise GraphError unless edges, order, shapes and outputs are consistent."""
        seen: set[Value] = set()
        for node in self._nodes:
            for value in node.inputs:
                if value not in seen:
                    raise GraphError(f"{node!r} reads {value!r} before it is computed")
            shape = node.layer.output_shape([v.shape for v in node.inputs])
            if shape != node.output.shape:
                raise GraphError(f"{node!r}: output shape {node.output.shape}, but its layer says {shape}")
            seen.add(node.output)
        for value in (*self.outputs, *self.aliases.values()):
            if value not in seen:
                raise GraphError(f"output {value!r} is computed by no node of graph {self.name}")
