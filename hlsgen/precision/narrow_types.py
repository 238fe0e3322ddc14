"""Store of a value only what its readers can tell apart: type inference backwards from the consumers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import Role
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason, Tensor
from hlsgen.precision.draft import Draft, Step, demands


@dataclass(frozen=True)
class NarrowTypes(Step):
    """Drop high bits beyond which every reader saturates, and low bits that every reader cuts off.

    before: ``x -> Dense : fixed<22,9> -> Relu : ufixed<8,3,RND,SAT>``
    after:  ``x -> Dense : ufixed<9,3,TRN,SAT> -> Relu : ufixed<8,3,RND,SAT>``

    Exact. Only inferred types inside of a layer of the model change: what bears the name of a layer is kept as it
    is, since traces show it.
    """

    exact = True

    def run(self, draft: Draft) -> bool:
        casts = {node: draft.casts(node) for node in draft.graph if len(node.outputs) == 1}
        changed = False
        for value, demand in demands(draft.graph, draft.layers, casts).items():
            narrowed = _narrowed(draft.layers[value.producer], draft.tensors[value], demand)
            if narrowed is not None:
                tensor, changed = draft.tensors[value], True
                draft.tensors[value] = replace(tensor, typing=replace(tensor.typing, result=narrowed, demand=demand))
        if changed:
            _follow(draft)
        return changed


def may_narrow(layer: Layer, tensor: Tensor, demand: Demand) -> bool:
    """Whether somebody who wants less than everything of a value may have it stored in less."""
    return demand != EVERYTHING and tensor.typing.reason in (Reason.EXACT, Reason.BUDGET) and not layer.structural


def _narrowed(layer: Layer, tensor: Tensor, demand: Demand) -> FixedType | None:
    """A type narrower than the tensor's own that still holds what is wanted; None if there is none."""
    if not may_narrow(layer, tensor, demand):
        return None
    fixed, reason = tensor.type, tensor.typing.reason
    kept = tensor.interval.clipped(demand.low, demand.high)
    low, high, frac, rounding = kept.lowest, kept.highest, fixed.frac, fixed.rounding
    if demand.frac is not None and demand.frac < frac and reason is Reason.EXACT:
        cut = frac - demand.frac
        low, high, frac, rounding = low >> cut, high >> cut, demand.frac, Rounding.TRN
    same = (kept.lowest, kept.highest) == tensor.interval.whole()
    narrowed = FixedType.covering(low, high, frac).with_modes(rounding, fixed.overflow if same else Overflow.SAT)
    return narrowed if narrowed.width < fixed.width else None


def _follow(draft: Draft) -> None:
    """Let what only moves or picks values have types no wider than what it is given."""
    for node in draft.graph:
        border = node.layer.border
        if node.is_input or (border is not None and border.role is Role.STATE):
            continue
        layer, inputs = draft.layers[node], draft.inputs(node)
        exacts = layer.intervals([tensor.interval for tensor in inputs], node.input_shapes)
        for value, exact in zip(node.outputs, exacts, strict=True):
            tensor = draft.tensors[value]
            typing = replace(tensor.typing, exact=exact)
            if layer.renames:
                typing = replace(typing, result=inputs[0].type)
            elif layer.structural and typing.reason is Reason.EXACT:
                typing = replace(typing, result=exact.type())
            draft.tensors[value] = replace(tensor, typing=typing, interval=typing.summed.cast(typing.result))
