"""Leave rounding and saturation off where they are proved to do nothing: they cost hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlsgen.ir.graph import Node, Value
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.ir.typing import Reason
from hlsgen.precision.draft import Draft, Step


@dataclass(frozen=True)
class LeaveOffModes(Step):
    """Spell a result type without its rounding or overflow mode where no value is rounded or overflows.

    before: ``x -> Dense : fixed<9,4,RND,SAT>``, its sums proved to lie on that grid between -2 and 3
    after:  ``x -> Dense : fixed<9,4>``

    Exact. What the configuration fixed is left as it is spelt.
    """

    exact = True

    def run(self, draft: Draft) -> bool:
        changed = False
        for node in draft.graph:
            if not node.is_input:
                for value in node.outputs:
                    changed |= self._spell(draft, node, value)
        return changed

    def _spell(self, draft: Draft, node: Node, value: Value) -> bool:
        tensor = draft.tensors[value]
        typing, result = tensor.typing, tensor.type
        if draft.layers[node].renames:
            result = draft.tensors[node.input].type
        elif typing.reason is not Reason.CONFIGURATION:
            result = without_idle_modes(result, typing.summed)
        draft.tensors[value] = replace(tensor, typing=replace(typing, result=result))
        return result != typing.result


def without_idle_modes(fixed: FixedType, values: Interval) -> FixedType:
    """The type with the modes that have something to do for ``values`` (their exact range before the cast)."""
    if fixed.saturation_bits:
        return fixed
    rounding = fixed.rounding if values.frac > fixed.frac else Rounding.TRN
    return fixed.with_modes(rounding, Overflow.WRAP if values.fits(fixed) else fixed.overflow)
