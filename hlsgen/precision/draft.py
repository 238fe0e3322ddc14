"""A graph while its types are being inferred; the graph itself is never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.ir.demand import EVERYTHING, Demand, union
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.layer import Casts, Layer
from hlsgen.ir.loop import Role
from hlsgen.ir.op import Op
from hlsgen.ir.text import table
from hlsgen.ir.typing import Tensor
from hlsgen.passes.base import Stage


@dataclass(frozen=True)
class Estimate:
    """What a type is estimated to cost, in words; the layer's name stands in front of them."""

    name: str
    text: str
    cost: float
    """The part of what the model gives by which it is off."""
    reason: str = ""
    """Why it costs that, and what helps, if something is known that measuring does not tell."""

    @property
    def note(self) -> str:
        """As a warning."""
        return f"warning: {self.remark}"

    @property
    def remark(self) -> str:
        return f"{self.name}: {self.text}"


class Draft:
    """What was found so far: the layer of each node with its constants fixed, and each value's frozen typing."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: dict[Node, Layer] = {}
        self.tensors: dict[Value, Tensor] = {}
        self.notes: list[str] = []
        self.estimates: list[Estimate] = []
        """What inferred types cost: each cause once. Data may tell better."""

    def __str__(self) -> str:
        rows = [
            [
                node.name,
                f"{layer.kind} {layer.describe()}".strip(),
                " ".join(f"{name}:{constant.type}" for name, constant in layer.constants().items()),
                " ".join(str(self.tensors[value].type) for value in node.outputs),
            ]
            for node, layer in self.layers.items()
        ]
        return table(["name", "operation", "constants", "result"], rows)

    def inputs(self, node: Node) -> tuple[Tensor, ...]:
        return tuple(self.tensors[value] for value in node.inputs)

    def op(self, node: Node) -> Op:
        """A node with what was found of it."""
        outputs = tuple(self.tensors[value] for value in node.outputs)
        layer = self.layers[node]
        return Op(
            node.name,
            layer,
            self.inputs(node),
            outputs,
            node.wish,
            node.source,
            node.fused,
            node.loop,
            node.refitted,
        )

    def casts(self, node: Node) -> Casts:
        """What was found of the casts of a node with one output."""
        tensor = self.tensors[node.output]
        typing = tensor.typing
        return Casts(typing.result, typing.accum, typing.exact, self.inputs(node)[0].type if node.inputs else None)


@dataclass(frozen=True)
class Step(Stage):
    """One step of inference. Fields are its options; ``run`` returns whether anything changed."""

    def run(self, draft: Draft) -> bool:
        raise NotImplementedError


def wished_casts(node: Node) -> Casts:
    """What is known of a node's casts before inference."""
    return Casts(node.wish.result, node.wish.accum)


def demands(
    graph: Graph,
    layers: Mapping[Node, Layer],
    casts: Mapping[Node, Casts],
    *,
    of_functions: bool = False,
    traced: bool = True,
) -> dict[Value, Demand]:
    """What is wanted of every value, found from the last node to the first.

    ``of_functions``: what functions can tell apart, whatever types their results have. ``traced``: whether all is
    wanted of what bears the name of a layer, as traces show it, or only what its readers want.
    """
    shown = {*graph.outputs, *(graph.aliases.values() if traced else ())}
    found: dict[Value, Demand] = {}

    def wanted(node: Node) -> Demand:
        if len(node.outputs) > 1:
            return EVERYTHING
        ask = layers[node].told_apart if of_functions else layers[node].wanted
        return ask(casts[node], found[node.output])

    for node in reversed(graph.nodes):
        for value in node.outputs:
            if value in shown or _is_state(node):
                found[value] = EVERYTHING
            else:
                found[value] = union(wanted(user) for user in graph.uses(value))
    return found


def _is_state(node: Node) -> bool:
    """Whether other steps of a loop read what it yields."""
    border = node.layer.border
    return border is not None and border.role in (Role.STATE, Role.CARRY)
