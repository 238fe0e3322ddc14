"""What is said of a cause beside its numbers."""

from __future__ import annotations

from hlsgen.analysis.diagnosis.causes import Cause
from hlsgen.analysis.diagnosis.measurement import ACCUM
from hlsgen.config import Config
from hlsgen.ir.typing import Reason


def who_chose(cause: Cause, config: Config) -> str:
    """Where the type that is the cause comes from."""
    wished = cause.op.wish.types.get(cause.wished)
    if wished is not None:
        return f"The type is that of {wished.by.value}."
    if cause.role == ACCUM and config.max_width is not None:
        return f"The accumulator is cut by max_width: {config.max_width}."
    reason, named = cause.tensor.typing.reason, config.layers.get(cause.op.source.name)
    if not cause.op.source.final and named is not None and named.precision.result is not None:
        return f"The type follows from that of the layer's result, {named.precision.result} by the configuration."
    said = cause.op.wish.budgets.get("weight" if cause.wished == "weight" else "result")
    if said is not None and reason in (Reason.BUDGET, Reason.FUNCTION):
        return f"The type was inferred for a width of {said.bits} bits, which the configuration says."
    if reason in (Reason.BUDGET, Reason.FUNCTION):
        return f"The type was inferred for default_width: {config.default_width}."
    if reason is Reason.DEFAULT:
        return "The type is the default for inputs, as neither input_precision nor calibration was given."
    return ""
