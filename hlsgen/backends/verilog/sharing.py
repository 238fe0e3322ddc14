"""Graphs of shared adders (:mod:`hlsgen.adders`) as logic.

A node is a signal with the range that is proved of it; an adder is a level of logic, so the registers follow from the
depths. A sum that one output alone needs has the number of that output in its name.
"""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.adders import AdderGraph
from hlsgen.backends.verilog.casts import Number, aligned
from hlsgen.backends.verilog.logic import Logic, constant

_ZERO = Number(constant(0), 0)


def shared_sums(
    logic: Logic, graph: AdderGraph, x: Sequence[Number], weight_frac: int, bias: Sequence[Number]
) -> list[Number]:
    """The outputs of a graph, each with its bias: exact. ``x``: numbers of one grid, whose mantissas are the sources;
    ``weight_frac``: of the matrix."""
    signals, frac = [number.signal for number in x], x[0].frac + weight_frac
    for adder, node, hint in zip(graph.adders, graph.nodes[len(x) :], _hints(graph), strict=True):
        terms = (signals[adder.left], adder.left_shift), (signals[adder.right], adder.right_shift)
        sign = "-" if adder.subtract else "+"
        signals.append(logic.add_shifted(terms, sign, (node.low, node.high), hint))
    found = []
    for output, start in zip(graph.outputs, bias, strict=True):
        total = _ZERO if output.node is None else Number(signals[output.node], frac - output.shift)
        a, b, grid = aligned(logic, _coarsest(start, total.frac), total)
        found.append(Number(logic.subtract(a, b, "biased") if output.negative else logic.add(b, a, "biased"), grid))
    return found


def _coarsest(number: Number, frac: int) -> Number:
    """A constant on the coarsest grid that has it, so that nothing is moved for zeros; zero on the one given."""
    value = number.signal.low
    zeros = (value & -value).bit_length() - 1
    return Number(constant(value >> zeros), number.frac - zeros) if value else Number(constant(0), frac)


def _hints(graph: AdderGraph) -> list[str]:
    """A name for each adder: of the output that alone needs it, or shared."""
    first, several = len(graph.sources), -1
    needed_by: list[int | None] = [None] * (first + len(graph.adders))

    def note(node: int, output: int | None) -> None:
        needed_by[node] = output if needed_by[node] in (None, output) else several

    for number, output in enumerate(graph.outputs):
        if output.node is not None:
            note(output.node, number)
    for place in reversed(range(len(graph.adders))):
        for operand in (graph.adders[place].left, graph.adders[place].right):
            note(operand, needed_by[first + place])
    return ["shared" if output == several else f"sum{output}" for output in needed_by[first:]]
