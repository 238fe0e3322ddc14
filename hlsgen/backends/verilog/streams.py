"""Stages: what regroups the words of a stream, and what makes windows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hlsgen.backends.verilog.circuit import Stage
from hlsgen.backends.verilog.outline import Part
from hlsgen.backends.verilog.text import counter_bits, render
from hlsgen.backends.verilog.whole import whole_stage
from hlsgen.backends.verilog.windows import window_stage


def _regroup(part: Part, name: str, module: str) -> Stage:
    """Both hold one word, and take the next in the clock in which they give the last part of it."""
    x, y = part.x, part.y
    parts = max(x.elements, y.elements) // min(x.elements, y.elements)
    text = render(f"{part.kind}.v.j2", module=module, x=x, y=y, parts=parts, bits=counter_bits(parts))
    return Stage(name, module, x, y, {module: text}, max(x.beats, y.beats))


def _windows(part: Part, name: str, module: str) -> Stage:
    return window_stage(part.op, part.x, part.y, name, module)


def _whole(part: Part, name: str, module: str) -> Stage:
    return whole_stage(part.op, part.x, part.y, name, module)


STAGES: Mapping[str, Callable[[Part, str, str], Stage]] = {
    "gather": _regroup,
    "split": _regroup,
    "windows": _windows,
    "whole": _whole,
}
