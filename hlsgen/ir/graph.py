"""The layer graph: nodes that own a layer, values that flow between them.

Values and nodes are compared by identity. Only the methods of :class:`Graph` change edges; a value
that is used cannot be removed. A graph holds wishes, never types: what inference finds goes into a Design.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import prod
from typing import TypeVar

from hlsgen.errors import GraphError
from hlsgen.ir.constant import Shape
from hlsgen.ir.expected import Expected
from hlsgen.ir.fit import output_shapes
from hlsgen.ir.held import Held
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Loop, Role, units
from hlsgen.ir.text import table
from hlsgen.ir.wish import Wish


@dataclass(frozen=True)
class Source:
    """Where a node comes from: the layer of the user's model, as the user spells it."""

    name: str
    class_name: str
    final: bool = True
    """Whether the node yields the layer's own output (not an inner step, as the sum before an activation)."""

    @property
    def where(self) -> str:
        """How messages and comments name the layer."""
        return f"layer '{self.name}' ({self.class_name})"


@dataclass(eq=False)
class Value:
    """What flows on an edge: a tensor of ``shape`` (without the batch)."""

    name: str
    shape: Shape
    producer: Node
    expected: Expected | None = None
    """How large it is expected to get in use (calibration or probe), None before that is known."""
    held: Held | None = None
    """How it holds what the model means; None: as it is."""

    def __repr__(self) -> str:
        return f"%{self.name}"

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def order(self) -> tuple[int, ...] | None:
        """Of an input: the axes of what users give, in the order in which it holds them; None: the same."""
        return self.producer.layer.given_order

    @property
    def loop(self) -> Loop | None:
        """The loop of which each step has one; None for what there is once."""
        border = self.producer.layer.border
        return None if border is not None and border.role.leaves else self.producer.loop


@dataclass(eq=False)
class Node:
    """One operation: ``layer`` says what it computes, ``wish`` which types are fixed for it and how it is computed."""

    name: str
    layer: Layer
    inputs: tuple[Value, ...]
    source: Source
    loop: Loop | None = None
    """The loop of which it computes a step."""
    outputs: tuple[Value, ...] = field(init=False)
    wish: Wish = field(default_factory=Wish)
    fused: tuple[Source, ...] = ()
    """The source layers that were fused into it."""
    refitted: bool = False
    """Whether constants that the model's quantisers fixed were multiplied by a scale, as the user asked for."""

    def __repr__(self) -> str:
        return f"{self.layer.kind} {self.name}"

    @property
    def input(self) -> Value:
        return self.inputs[0]

    @property
    def output(self) -> Value:
        """The only output."""
        (only,) = self.outputs
        return only

    @property
    def origins(self) -> tuple[Source, ...]:
        """The source layers that it computes: its own, and those fused into it."""
        return (self.source, *self.fused)

    @property
    def is_input(self) -> bool:
        return self.layer.is_input

    @property
    def input_shapes(self) -> list[Shape]:
        return [value.shape for value in self.inputs]


class Graph:
    """A directed acyclic graph of nodes in topological order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: dict[Node, None] = {}
        self._uses: dict[Value, list[Node]] = {}
        self._names: set[str] = set()
        self._tried: dict[str, dict[int, int]] = {}
        """Of each wished name, by number of outputs: how many numbers behind it are known to be taken."""
        self.outputs: tuple[Value, ...] = ()
        self.output_names: tuple[str, ...] = ()
        self.aliases: dict[str, Value] = {}
        """Trace key (the source model's layer name) -> the value that now carries that layer's output."""
        self.notes: list[str] = []
        """What passes want the summary to say (constants rounded, layers fused, warnings)."""

    def __str__(self) -> str:
        """One line a node: what it is, what it reads, its shape and what is wished for it."""
        rows = [
            [
                node.name,
                f"{node.layer.kind} {node.layer.describe()}".strip(),
                ", ".join(value.name for value in node.inputs),
                " ".join("x".join(map(str, value.shape)) for value in node.outputs),
                " ".join(f"{role}:{wished.type}" for role, wished in node.wish.types.items()),
            ]
            for node in self
        ]
        return table(["name", "operation", "reads", "shape", "wished"], rows)

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
        return [node.output for node in self._nodes if node.is_input]

    @property
    def values(self) -> list[Value]:
        """All values, in the order in which they are computed."""
        return [value for node in self._nodes for value in node.outputs]

    def uses(self, value: Value) -> list[Node]:
        """Return the nodes that read ``value`` (a node twice, if it reads it twice)."""
        return list(self._uses[value])

    def use_count(self, value: Value) -> int:
        return len(self._uses[value]) + self.outputs.count(value)

    def sole_user(self, value: Value) -> Node | None:
        """Return the only reader of ``value``, or None if it has several or is an output of the model."""
        uses = self._uses[value]
        return uses[0] if len(uses) == 1 and value not in self.outputs else None

    # -- changing ---------------------------------------------------------------------------

    def unique_name(self, wish: str, outputs: int = 1) -> str:
        """A name that no node has, nor any value of one; nor do others have those of its own values."""
        tried = self._tried.setdefault(wish, {})
        count = tried.get(outputs, 0)
        while not self._names.isdisjoint(_all_names(name := f"{wish}_{count}" if count else wish, outputs)):
            count += 1
        tried[outputs] = count
        return name

    def new_loop(self, wish: str, steps: int) -> Loop:
        """A loop of a name that no other has, to give its borders."""
        taken = {node.loop.name for node in self._nodes if node.loop is not None}
        return Loop(next(name for name in _numbered(wish) if name not in taken), steps)

    def add(self, layer: Layer, inputs: Sequence[Value], name: str, source: Source) -> Value:
        """Append a node of one output and return that."""
        return self.add_node(layer, inputs, name, source).output

    def add_node(self, layer: Layer, inputs: Sequence[Value], name: str, source: Source) -> Node:
        """Append a node; a layer may have several outputs. Raises GraphError if it does not fit its inputs."""
        for value in inputs:
            if value not in self._uses:
                raise GraphError(f"{name}: its input {value!r} is not a value of this graph")
        shapes = output_shapes(source.where, layer, [value.shape for value in inputs])
        node = Node(self.unique_name(name, len(shapes)), layer, tuple(inputs), source, _loop_of(layer, inputs))
        self._names |= _all_names(node.name, len(shapes))
        names = _value_names(node.name, len(shapes))
        node.outputs = tuple(Value(label, shape, node) for label, shape in zip(names, shapes, strict=True))
        self._nodes[node] = None
        for value in node.outputs:
            self._uses[value] = []
        for value in inputs:
            self._uses[value].append(node)
        return node

    def rename(self, node: Node, wish: str) -> None:
        """Give a node (and its values) another name, made unique; several values are numbered (``name:0``)."""
        self._release(node)
        node.name = self.unique_name(wish, len(node.outputs))
        self._names |= _all_names(node.name, len(node.outputs))
        for value, name in zip(node.outputs, _value_names(node.name, len(node.outputs)), strict=True):
            value.name = name

    def _release(self, node: Node) -> None:
        """Let others have the names of a node and its values."""
        names = _all_names(node.name, len(node.outputs))
        self._names -= names
        for base in {base for name in names for base in (name, name.rpartition(":")[0])}:
            for wish in (base, base.rpartition("_")[0]):
                self._tried.pop(wish, None)

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
        for value in node.outputs:
            if self.use_count(value):
                readers = [repr(u) for u in self._uses[value]] or ["the model's outputs"]
                raise GraphError(f"{node!r} cannot be removed: read by {', '.join(readers)}")
        for value in node.inputs:
            self._uses[value].remove(node)
        for value in node.outputs:
            del self._uses[value]
        del self._nodes[node]
        self._release(node)

    def set_inputs(self, node: Node, inputs: Sequence[Value]) -> None:
        """Rewire ``node``; the shape of its output may not change."""
        if output_shapes(node.source.where, node.layer, [v.shape for v in inputs]) != _shapes(node):
            raise GraphError(f"{node!r}: rewiring would change its output shape")
        self._set_inputs(node, inputs)

    def set_layer(self, node: Node, layer: Layer, inputs: Sequence[Value] | None = None) -> None:
        """Exchange the layer (and, with it, the inputs) of a node that keeps its output shape."""
        wanted = tuple(node.inputs if inputs is None else inputs)
        if output_shapes(node.source.where, layer, [v.shape for v in wanted]) != _shapes(node):
            raise GraphError(f"{node!r}: the new layer would change its output shape")
        node.layer = layer
        self._set_inputs(node, wanted)

    def absorb(self, node: Node, other: Node) -> None:
        """Note that ``node`` from now on computes what ``other`` did, too."""
        node.fused = tuple(dict.fromkeys((*node.fused, *other.origins)))

    def _set_inputs(self, node: Node, inputs: Sequence[Value]) -> None:
        for value in node.inputs:
            self._uses[value].remove(node)
        node.inputs = tuple(inputs)
        for value in node.inputs:
            self._uses[value].append(node)

    def set_outputs(self, values: Iterable[Value], names: Iterable[str]) -> None:
        self.outputs, self.output_names = tuple(values), tuple(names)

    def sort(self) -> None:
        """Restore topological order (stable), the nodes of a loop side by side."""
        held: dict[Node | Loop, list[Node]] = {}
        for node in self._nodes:
            held.setdefault(_unit(node), []).append(node)

        def readers(unit: Node | Loop) -> Iterator[Node | Loop]:
            users = (user for node in held[unit] for value in node.outputs for user in self._uses[value])
            return (_unit(user) for user in users if _unit(user) != unit)

        waiting = {
            unit: sum(_unit(value.producer) != unit for node in nodes for value in node.inputs)
            for unit, nodes in held.items()
        }
        order: list[Node] = []
        for unit in _ordered(waiting, readers):
            order += [unit] if isinstance(unit, Node) else self._ordered_step(unit, held[unit])
        if len(order) != len(self._nodes):
            raise GraphError(f"graph {self.name}: it has a cycle")
        self._nodes = dict.fromkeys(order)

    def _ordered_step(self, loop: Loop, nodes: Iterable[Node]) -> list[Node]:
        """The nodes of a loop, each behind what it reads of its step."""

        def readers(node: Node) -> Iterator[Node]:
            return (user for value in node.outputs if value.loop == loop for user in self._uses[value])

        return _ordered({node: sum(value.loop == loop for value in node.inputs) for node in nodes}, readers)

    def prune(self) -> bool:
        """Remove nodes that no output depends on; inputs stay. What a state is in the next step is as the state is."""
        dead = set(self._nodes) - self._live()
        for node in reversed(self.nodes):
            if node in dead:
                self.aliases = {k: v for k, v in self.aliases.items() if v not in node.outputs}
                self.remove(node)
        return bool(dead)

    def _live(self) -> set[Node]:
        """Inputs, and all that outputs depend on."""
        carried = {(b.loop, b.slot): node for node in self._nodes if (b := node.layer.border) and b.role is Role.CARRY}
        found: set[Node] = set()
        waiting = [node for node in self._nodes if node.is_input] + [value.producer for value in self.outputs]
        while waiting:
            node = waiting.pop()
            if node in found:
                continue
            found.add(node)
            waiting += [value.producer for value in node.inputs]
            border = node.layer.border
            if border is not None and border.role is Role.STATE and (border.loop, border.slot) in carried:
                waiting.append(carried[border.loop, border.slot])
        return found

    def verify(self) -> None:
        """Raise GraphError unless edges, order, shapes (of constants, too) and outputs are consistent."""
        seen: set[Value] = set()
        for node in self._nodes:
            for value in node.inputs:
                if value not in seen:
                    raise GraphError(f"{node!r} reads {value!r} before it is computed")
            shapes = output_shapes(node.source.where, node.layer, node.input_shapes)
            if shapes != _shapes(node):
                raise GraphError(f"{node!r}: output shape {_spelt(_shapes(node))}, but its layer says {_spelt(shapes)}")
            seen.update(node.outputs)
        self._verify_loops()
        for value in (*self.outputs, *self.aliases.values()):
            if value not in seen:
                raise GraphError(f"output {value!r} is computed by no node of graph {self.name}")

    def _verify_loops(self) -> None:
        """Raise GraphError for a loop in pieces, a state that is not carried on, and a value taken out of its step."""
        found = [unit[0].loop for unit in units(self._nodes)]
        loops = [loop for loop in found if loop is not None]
        if len(loops) != len(set(loops)):
            raise GraphError(f"graph {self.name}: the nodes of a loop do not stand side by side")
        borders = [node.layer.border for node in self._nodes if node.layer.border is not None]
        states, carried = (
            sorted((b.loop.name, b.slot) for b in borders if b.role is role) for role in (Role.STATE, Role.CARRY)
        )
        if states != carried:
            raise GraphError(f"graph {self.name}: its states {states} are not those that are carried on, {carried}")
        for node in self._nodes:
            if any(value.loop not in (None, node.loop) for value in node.inputs):
                raise GraphError(f"{node!r} reads the step of a loop that it does not belong to")
        for value in (*self.outputs, *self.aliases.values()):
            if value.loop is not None:
                raise GraphError(f"output {value!r} is a step of loop '{value.loop.name}'")

    # -- copying ----------------------------------------------------------------------------

    def copy(self) -> Graph:
        """A graph of its own with the same nodes; layers, wishes and expectations are shared, as they never change."""
        other = Graph(self.name)
        known: dict[Value, Value] = {}
        for node in self._nodes:
            made = other.add_node(node.layer, [known[value] for value in node.inputs], node.name, node.source)
            made.wish, made.fused, made.refitted = node.wish, node.fused, node.refitted
            for before, after in zip(node.outputs, made.outputs, strict=True):
                after.expected, after.held = before.expected, before.held
                known[before] = after
        other.set_outputs([known[value] for value in self.outputs], self.output_names)
        other.aliases = {key: known[value] for key, value in self.aliases.items()}
        other.notes = list(self.notes)
        return other


def _numbered(name: str) -> Iterator[str]:
    """A name, and the same with numbers."""
    yield name
    yield from (f"{name}_{number}" for number in count(1))


def _loop_of(layer: Layer, inputs: Sequence[Value]) -> Loop | None:
    """The loop of a node: that which its layer opens, else that of what it reads."""
    if layer.border is not None:
        return layer.border.loop
    return next((value.loop for value in inputs if value.loop is not None), None)


T = TypeVar("T", bound=Hashable)


def _ordered(waiting: dict[T, int], readers: Callable[[T], Iterable[T]]) -> list[T]:
    """Each behind all that it waits for (stable), of which there are so many; what depends on a cycle is left out."""
    ready = [one for one, count in waiting.items() if count == 0]
    for done in ready:  # grows while it is walked
        for reader in readers(done):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return ready


def _unit(node: Node) -> Node | Loop:
    return node.loop or node


def _shapes(node: Node) -> tuple[Shape, ...]:
    return tuple(value.shape for value in node.outputs)


def _spelt(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(str(shape) for shape in shapes)


def _all_names(name: str, outputs: int) -> set[str]:
    return {name, *_value_names(name, outputs)}


def _value_names(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}:{i}" for i in range(count)]
