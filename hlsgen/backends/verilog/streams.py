"""Stages: what regroups the words of streams, moves them, and makes windows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from hlsgen.backends.verilog.moves import Step, pace_of, sequence_text
from hlsgen.backends.verilog.order import order_of, order_stage
from hlsgen.backends.verilog.pace import Buffering, Pace, gathering, splitting
from hlsgen.backends.verilog.parts import Part
from hlsgen.backends.verilog.spans import span_stage
from hlsgen.backends.verilog.text import counter_bits, render
from hlsgen.backends.verilog.whole import whole_stage
from hlsgen.backends.verilog.windows import lines_stage, windows_stage
from hlsgen.layers.shape_ops import Concatenate


def _gather(part: Part, module: str) -> tuple[str, Pace]:
    """Holds one word, and takes the next in the clock in which it gives that."""
    parts = part.y.words.elements // part.x.elements
    return _text(part, module, parts), gathering(part.y.words.beats, parts)


def _split(part: Part, module: str) -> tuple[str, Pace]:
    """Holds one word, and takes the next in the clock in which it gives the last part of it."""
    parts = part.x.elements // part.y.words.elements
    return _text(part, module, parts), splitting(part.x.beats, parts)


def _repeat(part: Part, module: str) -> tuple[str, Pace]:
    parts = part.y.words.beats // part.x.beats
    return _text(part, module, parts), splitting(part.x.beats, parts)


def _text(part: Part, module: str, parts: int) -> str:
    return render(f"{part.kind}.v.j2", module=module, x=part.x, y=part.y.words, parts=parts, bits=counter_bits(parts))


def _windows(part: Part, module: str) -> tuple[str, Pace]:
    return windows_stage(part.op, part.x, part.y.words, module)


def _lines(part: Part, module: str) -> tuple[str, Buffering]:
    return lines_stage(part.op, part.x, part.y.words, module)


def _whole(part: Part, module: str) -> tuple[str, Pace]:
    return whole_stage(part.op, part.x, part.y.words, module)


def _spans(part: Part, module: str) -> tuple[str, Pace]:
    return span_stage(part.op, part.x, part.y.words, module)


def _moves(part: Part, module: str) -> tuple[str, Pace]:
    assert part.moves is not None
    return _sequence(part, part.moves.steps, module)


def _order(part: Part, module: str) -> tuple[str, Buffering]:
    assert part.moves is not None
    order = order_of(part.moves.words, part.x.beats)
    return order_stage(order, part.x, part.y.words, part.op, module)


def _joined(part: Part, module: str) -> tuple[str, Pace]:
    """So many words of the first, so many of the other, again and again."""
    layer, op = part.op.layer, part.op
    assert isinstance(layer, Concatenate)
    runs = [prod(tensor.shape[layer.axis : -1]) for tensor in op.inputs]
    turns = prod(op.output.shape[: layer.axis])
    return _sequence(part, [Step(k, gives=True) for _ in range(turns) for k in (0, 1) for _ in range(runs[k])], module)


def _sequence(part: Part, steps: list[Step], module: str) -> tuple[str, Pace]:
    xs = [flow.words for flow in part.reads]
    return sequence_text(steps, xs, part.y.words, part.op, module), pace_of(steps)


def deeper(part: Part, module: str) -> tuple[str, Buffering] | None:
    """The text and pace of the same with a larger memory; None for what has none."""
    return lines_stage(part.op, part.x, part.y.words, module, deeper=True) if part.kind == "lines" else None


STAGES: Mapping[str, Callable[[Part, str], tuple[str, Pace | Buffering]]] = {
    "gather": _gather,
    "split": _split,
    "repeat": _repeat,
    "lines": _lines,
    "windows": _windows,
    "whole": _whole,
    "spans": _spans,
    "moves": _moves,
    "order": _order,
    "joined": _joined,
}
"""The text of a stage's module, and its pace."""
