"""Constant matrices as shared adders in C++: statements on fixed-point numbers, exact by their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hlsgen.adders import AdderGraph, Output, product_graph
from hlsgen.ir.types import FixedType, Ints

_SLACK = 2
"""The tool pipelines sums by itself; so many additions beyond the fewest cost little, and save a few of a hundred."""


@dataclass(frozen=True, eq=False)
class Adders:
    """A matrix (inputs, outputs) for inputs ``x`` of a type; ``frac``: fraction bits of its mantissas.

    The graph is searched for when a text is made of it: emulators multiply.
    """

    matrix: Ints
    x: FixedType
    frac: int

    @cached_property
    def graph(self) -> AdderGraph:
        return product_graph(self.matrix, self.x, _SLACK)


def statements(adders: Adders) -> list[str]:
    """A line for each adder, whose type has the range that is proved of it, then one for each output."""
    graph, first = adders.graph, len(adders.graph.sources)
    lines = []
    for place, adder in enumerate(graph.adders):
        node = graph.nodes[first + place]
        held = FixedType.covering(node.low, node.high, adders.x.frac)
        left = _scaled(_name(adder.left, first), adder.left_shift)
        right = _scaled(_name(adder.right, first), adder.right_shift)
        lines.append(f"const {held.cpp} s{place} = {left} {'-' if adder.subtract else '+'} {right};")
    return lines + [_added(place, output, adders) for place, output in enumerate(graph.outputs)]


def _added(place: int, output: Output, adders: Adders) -> str:
    if output.node is None:
        return f"// sum[{place}] is its bias"
    value = _scaled(_name(output.node, len(adders.graph.sources)), output.shift - adders.frac)
    return f"hlsgen::{'deduct' if output.negative else 'accumulate'}(sum[{place}], {value});"


def _name(node: int, sources: int) -> str:
    return f"x[{node}]" if node < sources else f"s{node - sources}"


def _scaled(value: str, places: int) -> str:
    """A number times a power of two, which moves its binary point."""
    return f"hlsgen::scaled<{places}>({value})" if places else value
