"""Note what readers can tell apart of inner steps, and store all of them: what counting overflows goes by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.precision.draft import Draft, Step, demands
from hlsgen.precision.narrow_types import may_narrow


@dataclass(frozen=True)
class NoteDemands(Step):
    """Say of each value inside of a layer what the functions behind it can tell apart, whatever their results' types.

    before: ``x -> Dense : fixed<22,9> -> Relu : ufixed<8,3,RND,SAT>``
    after:  the same, and of the Dense is known that all below zero looks the same

    Behind what NarrowTypes stores, a result never meets what it would saturate at: whoever counts that needs the value
    as it was.
    """

    exact = True

    def run(self, draft: Draft) -> bool:
        casts = {node: draft.casts(node) for node in draft.graph if len(node.outputs) == 1}
        noted = {
            value: demand
            for value, demand in demands(draft.graph, draft.layers, casts, of_functions=True).items()
            if may_narrow(draft.layers[value.producer], draft.tensors[value], demand)
        }
        for value, demand in noted.items():
            tensor = draft.tensors[value]
            draft.tensors[value] = replace(tensor, typing=replace(tensor.typing, demand=demand))
        return bool(noted)
