"""Store of a value only what its readers can tell apart: type inference backwards from the consumers."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.demand import EVERYTHING, Demand, union
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.reason import Reason
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.shape_ops import Reshape
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class NarrowTypes(Pass):
    """Drop high bits beyond which every reader saturates, and low bits that every reader cuts off.

    before: ``x -> Dense : fixed<22,9> -> Relu : ufixed<8,3,RND,SAT>``
    after:  ``x -> Dense : ufixed<9,3,TRN,SAT> -> Relu : ufixed<8,3,RND,SAT>``

    Exact. Only inferred types inside of a layer of the model change: what bears the name of a layer is kept as it
    is, since traces show it.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for value, demand in demands(graph).items():
            narrowed = _narrowed(value.producer, demand)
            if narrowed is not None:
                value.type, value.producer.wanted, changed = narrowed, demand, True
        if changed:
            _follow(graph)
        return changed


def demands(graph: Graph) -> dict[Value, Demand]:
    """What is wanted of every value, found from the last node to the first."""
    shown = {*graph.outputs, *graph.aliases.values()}
    found: dict[Value, Demand] = {}
    for node in reversed(graph.nodes):
        value = node.output
        users = () if value in shown else graph.uses(value)
        found[value] = union(user.layer.wanted(user, found[user.output]) for user in users)
    return found


def _narrowed(node: Node, demand: Demand) -> FixedType | None:
    """A type narrower than the node's own that still holds what is wanted; None if there is none."""
    fixed, interval = node.output.type, node.output.interval
    if demand == EVERYTHING or node.reason not in (Reason.EXACT, Reason.BUDGET) or node.layer.structural:
        return None
    assert fixed is not None and interval is not None
    kept = interval.clipped(demand.low, demand.high)
    low, high, frac, rounding = kept.lowest, kept.highest, fixed.frac, fixed.rounding
    if demand.frac is not None and demand.frac < frac and node.reason is Reason.EXACT:
        cut = frac - demand.frac
        low, high, frac, rounding = low >> cut, high >> cut, demand.frac, Rounding.TRN
    same = (kept.lowest, kept.highest) == interval.whole()
    narrowed = FixedType.covering(low, high, frac).with_modes(rounding, fixed.overflow if same else Overflow.SAT)
    return narrowed if narrowed.width < fixed.width else None


def _follow(graph: Graph) -> None:
    """Let what only moves or picks values have types no wider than what it is given."""
    for node in graph:
        if not node.inputs:
            continue
        ranges = [v.interval for v in node.inputs]
        node.exact = node.layer.interval([r for r in ranges if r is not None], [v.shape for v in node.inputs])
        if isinstance(node.layer, Reshape):
            node.output.type = node.input.type
        elif node.layer.structural and node.reason is Reason.EXACT:
            node.output.type = node.exact.type()
        assert node.output.type is not None
        summed = node.exact if node.settings.accum is None else node.exact.cast(node.settings.accum)
        node.output.interval = summed.cast(node.output.type)
