"""Whether two graphs are one architecture with different numbers in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from hlsgen.errors import WeightsError, brief
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.layer import Layer, Statistics

_ADVICE = "with_weights() takes the same architecture with other weights; convert() takes any"


def with_constants_of(former: Graph, given: Graph) -> Graph:
    """A graph with the names and sources of ``former`` and the layers of ``given``: only its numbers are others.

    Raises WeightsError for another structure; see :func:`check_same`.
    """
    check_same(former, given)
    graph = former.copy()
    for node, other in zip(graph.nodes, given.nodes, strict=True):
        graph.set_layer(node, other.layer)
    graph.notes = list(given.notes)
    return graph


def check_same(former: Graph, given: Graph, advice: str = _ADVICE) -> None:
    """Raise WeightsError where two graphs differ in anything but names and numbers: the nodes in their order, what
    they read, their options, the types that the model's quantisers fixed, and the shapes of their constants. ``advice``
    ends the message."""
    places = [{value: place for place, value in enumerate(graph.values)} for graph in (former, given)]
    for node, other in zip_longest(former.nodes, given.nodes):
        if node is None or other is None or (difference := _difference(node, other, places)):
            found = "nothing" if other is None else _spelt(other)
            if node is not None and other is not None:
                found = f"{found}: {difference}"
            where = "behind its last layer" if node is None else node.source.where
            raise WeightsError(f"{where}: the new model has {found}, expected {_expected(node)}; {advice}")
    if [places[0][value] for value in former.outputs] != [places[1][value] for value in given.outputs]:
        raise WeightsError(f"the outputs of the new model are those of other layers; {advice}")


def _spelt(node: Node) -> str:
    return f"{node.layer.kind} ('{node.source.name}')"


def _expected(node: Node | None) -> str:
    return "nothing" if node is None else f"{node.layer.kind} as it was"


def _difference(node: Node, other: Node, places: list[dict[Value, int]]) -> str | None:
    """What differs between two nodes, in words."""
    if type(node.layer) is not type(other.layer):
        return "another operation"
    if [places[0][value] for value in node.inputs] != [places[1][value] for value in other.inputs]:
        return "it reads other layers"
    shapes = [[value.shape for value in n.outputs] for n in (node, other)]
    if shapes[0] != shapes[1]:
        return f"its shape is {shapes[1]}, and was {shapes[0]}"
    types = [{role: str(wished) for role, wished in n.wish.types.items()} for n in (node, other)]
    if types[0] != types[1]:
        return f"its quantisers have types {_types(other)}, and had {_types(node)}"
    return next(_differing(node.layer, other.layer), None)


def _types(node: Node) -> str:
    return ", ".join(f"{role} {wished.type}" for role, wished in node.wish.types.items()) or "none"


def _differing(layer: Layer, other: Layer) -> Iterator[str]:
    """The fields of two layers of one class that are not alike."""
    for field in fields(layer):
        was, found = getattr(layer, field.name), getattr(other, field.name)
        if _form(was) != _form(found):
            yield f"its '{field.name}' is {_shown(found)}, and was {_shown(was)}"


def _form(value: Any) -> Any:
    """What has to agree: of numbers that are data their shape, and who fixed them; of a function all but its code."""
    match value:
        case Constant(values=single) if not value.shape:  # an option of the layer, as the slope of a rectifier
            return "constant", float(single)
        case Constant():
            return "constant", value.shape, value.given
        case Statistics():
            return "statistics", value.mean.shape
        case np.ndarray():
            return "array", value.shape
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), *((f.name, _form(getattr(value, f.name))) for f in fields(value))
    return "function" if callable(value) else value


def _shown(value: Any) -> str:
    match value:
        case Constant(values=single) if not value.shape:
            return f"{float(single):g}"
        case Constant():
            by = "the model's quantiser" if value.given else "real numbers"
            return f"of shape {value.shape} ({by})"
        case Statistics() | np.ndarray():
            return "other numbers"
    return brief(value)
