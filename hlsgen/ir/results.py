"""Which steps of a graph, or of a design, compute the result of a layer of the source model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from hlsgen.ir.graph import Source
from hlsgen.ir.layer import Layer


class Step(Protocol):
    """A node of a graph, or an operation of a design."""

    @property
    def layer(self) -> Layer: ...
    @property
    def source(self) -> Source: ...


S = TypeVar("S", bound=Step)


def yielding(last: S, read_by: Callable[[S], Iterable[S]]) -> list[S]:
    """The steps that a type for the result of a layer is for: the ``last`` one of the layer, or those of the same layer
    whose values that one only moves or joins.

    ``read_by``: the steps that a step reads.
    """
    if "result" in last.layer.casts or not last.layer.structural:
        return [last]
    own = [step for step in read_by(last) if step.source.name == last.source.name]
    return list(dict.fromkeys(found for step in own for found in yielding(step, read_by)))
