"""Refuse types whose products no executor of the design computes."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.errors import UnsupportedError
from hlsgen.ir.op import Op
from hlsgen.ir.types import WIDEST_WORD
from hlsgen.precision.draft import Draft, Step


@dataclass(frozen=True)
class CheckWidths(Step):
    """Raise UnsupportedError for an operation with a value, a product or a comparison too wide for its kernel.

    The proved ranges are narrow enough then (inference refuses the others), but a kernel multiplies words of the types
    that are stated, and those are as wide as the user made them.
    """

    exact = True
    optional = False

    def run(self, draft: Draft) -> bool:
        for node in draft.graph:
            if not node.is_input:
                _check(draft.op(node))
        return False


def _check(op: Op) -> None:
    advice = "give its inputs or weights narrower types"
    widest, most = max(tensor.type.width for tensor in (*op.inputs, *op.outputs)), op.layer.widest_word
    if widest > most:
        raise UnsupportedError(
            f"layer '{op.source.name}': a value of {widest} bits, and {op.layer.kind} takes at most {most}; {advice}"
        )
    types = [tensor.type for tensor in op.inputs]
    product, common = op.layer.product_width(types), op.layer.common_width(types)
    for what, width in (("a product", product), ("the common grid of the operands", common)):
        if width > WIDEST_WORD:
            raise UnsupportedError(
                f"layer '{op.source.name}': {what} of {op.layer.kind} has {width} bits, at most {WIDEST_WORD} are "
                f"supported; {advice}"
            )
