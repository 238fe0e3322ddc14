"""Reuse factors that are left to hlsgen, by the words of a circuit: a folded core takes as many clocks for each."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.backends.sharing import is_left_open, shared_within
from hlsgen.backends.verilog.outline import Outline, Part, parts_of
from hlsgen.backends.verilog.streams import STAGES
from hlsgen.config import Config
from hlsgen.design.design import Design


def balanced(design: Design, config: Config) -> Design:
    """The same design, with a factor for every layer whose ``reuse_factor`` is auto.

    A sample may take the wished ``interval``, else what the slowest module takes when nothing that is left open is
    shared. What takes longer than wished, whatever is chosen, is named in a note.
    """
    if config.interval is None and not any(map(is_left_open, design)):
        return design
    parts = parts_of(design)
    beats = {part.op.name: part.y.words.beats for part in parts.parts if part.kind == "core"}
    least = _least(parts, design)
    slowest = max(least, key=lambda name: least[name])
    most = config.interval or least[slowest]
    shared = shared_within(design, most, lambda op: beats[op.name] * op.reuse_factor)
    noted = {op.name for op in shared if is_left_open(op) and beats[op.name] * op.reuse_factor > most}
    if least[slowest] <= most or slowest in noted:
        return shared
    note = f"warning: {slowest}: takes {least[slowest]} cycles a sample at least, not the wished {most}"
    return replace(shared, notes=(*shared.notes, note))


def _least(parts: Outline, design: Design) -> dict[str, int]:
    """Clocks a sample of each operation, and of each port, where nothing that is left open is shared."""
    flows, tensors = (*parts.inputs, *parts.outputs), (*design.inputs, *design.outputs)
    found = {tensor.name: flow.words.beats for flow, tensor in zip(flows, tensors, strict=True)}
    for part in parts.parts:
        factor = 1 if is_left_open(part.op) else part.op.reuse_factor
        own = part.y.words.beats * factor if part.is_core else _clocks_of_stage(part)
        found[part.op.name] = max(own, found.get(part.op.name, 1))
    return found


def _clocks_of_stage(part: Part) -> int:
    return 1 if part.kind == "wires" else STAGES[part.kind](part, part.kind)[1].clocks
