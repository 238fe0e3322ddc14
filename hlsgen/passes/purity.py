"""Which values are exactly what the model's own fixed-point arithmetic says."""

from __future__ import annotations

from collections.abc import Set

from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.layer import Layer


def is_pure(node: Node, layer: Layer, pure: Set[Value]) -> bool:
    """Whether no rounding of ours touches what a node yields, if that is so for the values in ``pure``.

    ``layer`` is the node's own, or that with its constants fixed. What a quantiser of the model cast is pure: whatever
    was rounded in front of it, the model goes on with that very grid.
    """
    if node.is_input or node.wish.result_by_model:
        return True
    if not layer.pure or any(value not in pure for value in node.inputs):
        return False
    return all(constant.given or layer.stands_for(name) for name, constant in layer.constants().items())


def pure_values(graph: Graph) -> set[Value]:
    """The values that no rounding of ours touches before types are inferred, nor then."""
    found: set[Value] = set()
    for node in graph:
        if is_pure(node, node.layer, found):
            found.update(node.outputs)
    return found
