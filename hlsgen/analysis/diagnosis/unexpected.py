"""Data that are far larger than those by which the results behind an input were placed: then these all overflow."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.analysis.diagnosis.causes import Cause
from hlsgen.analysis.diagnosis.measurement import INPUT, RANGE, Measurement
from hlsgen.analysis.diagnosis.result import Kind
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Reason

_TIMES = 2.5
"""So much larger is no matter of a few samples."""


def unexpected_input(work: Measurement, cause: Cause) -> Cause | None:
    """The input whose data are why an inferred type is too narrow; None where it is not that."""
    inferred = cause.tensor.typing.reason not in (Reason.CONFIGURATION, Reason.MODEL)
    if cause.op.is_input or cause.effect != RANGE or not inferred or cause.op.wish.type(cause.wished) is not None:
        return None
    inputs = [op for op in work.design if op.is_input and op.output.typing.reason is not Reason.MODEL]
    times = {op: _times(work, op) for op in inputs}
    op = max(times, key=lambda one: times[one], default=None)
    return None if op is None or times[op] < _TIMES else _as_cause(work, op, times[op], cause)


def _times(work: Measurement, op: Op) -> float:
    """How much larger the data of an input are than those expected there."""
    expected = op.output.expected
    return 0.0 if expected is None or not expected.rms else work.size(work.ideal[op.output]) / expected.rms


def _as_cause(work: Measurement, op: Op, times: float, behind: Cause) -> Cause:
    tensor, expected = op.output, op.output.expected
    assert expected is not None
    usual = work.size(work.ideal[tensor] * tensor.factors)
    text = (
        f"its data ({usual:.3g} rms) are {times:.3g} times larger than those by which results were placed "
        f"({expected.origin.value}), so that they overflow, first in layer '{behind.op.source.name}': {behind.text}"
    )
    numbers = {**behind.numbers, "rms": usual, "times larger": times}
    return replace(
        behind, kind=Kind.NOT_NORMALISED, op=op, tensor=tensor, role=INPUT, others=(), text=text, numbers=numbers
    )
