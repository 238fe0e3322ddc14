"""Refuse types whose values or products no executor of the design computes."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.errors import UnsupportedError
from hlsgen.ir.op import Op
from hlsgen.ir.types import WIDEST_WORD
from hlsgen.precision.draft import Draft, Step

_REACH = 500
"""Exponents of two between which values lie: their squares, too, are numbers of float64, by which errors are known."""


@dataclass(frozen=True)
class CheckWidths(Step):
    """Raise UnsupportedError for an operation with a value, a product or a comparison too wide for its kernel.

    Also for a value that is larger or smaller than can be computed with: a product of a hundred factors, say.

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
    for tensor in op.outputs:
        if max(abs(tensor.type.integer), abs(tensor.type.frac)) > _REACH:
            raise UnsupportedError(
                f"layer '{op.source.name}': its result is {tensor.type}, and values are supported from 2^{_REACH} down "
                f"to 2^-{_REACH} (float32 reaches from 2^128 to 2^-149); {advice}"
            )
    types = [tensor.type for tensor in op.inputs]
    product, common = op.layer.product_width(types), op.layer.common_width(types)
    for what, width in (("a product", product), ("the common grid of the operands", common)):
        if width > WIDEST_WORD:
            raise UnsupportedError(
                f"layer '{op.source.name}': {what} of {op.layer.kind} has {width} bits, at most {WIDEST_WORD} are "
                f"supported; {advice}"
            )
