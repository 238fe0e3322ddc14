"""Leave rounding and saturation off where they are proved to do nothing: they cost hardware."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.interval import Interval
from hlsgen.ir.reason import Reason
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.input import Input
from hlsgen.layers.shape_ops import Reshape
from hlsgen.passes.base import Pass


@dataclass(frozen=True)
class LeaveOffModes(Pass):
    """Spell a result type without its rounding or overflow mode where no value is rounded or overflows.

    before: ``x -> Dense : fixed<9,4,RND,SAT>``, its sums proved to lie on that grid between -2 and 3
    after:  ``x -> Dense : fixed<9,4>``

    Exact. What the configuration fixed is left as it is spelt.
    """

    exact = True

    def run(self, graph: Graph) -> bool:
        changed = False
        for node in graph:
            if not isinstance(node.layer, Input):
                changed |= self._spell(node)
        return changed

    def _spell(self, node: Node) -> bool:
        before = node.output.type
        assert before is not None and node.exact is not None
        if isinstance(node.layer, Reshape):
            node.output.type = node.input.type
        elif node.reason is not Reason.CONFIGURATION:
            summed = node.exact if node.settings.accum is None else node.exact.cast(node.settings.accum)
            node.output.type = without_idle_modes(before, summed)
        return node.output.type != before


def without_idle_modes(fixed: FixedType, values: Interval) -> FixedType:
    """The type with the modes that have something to do for ``values`` (their exact range before the cast)."""
    if fixed.saturation_bits:
        return fixed
    rounding = fixed.rounding if values.frac > fixed.frac else Rounding.TRN
    return fixed.with_modes(rounding, Overflow.WRAP if values.fits(fixed) else fixed.overflow)
