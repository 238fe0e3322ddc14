"""Reuse factors that are left to hlsgen, by the words of a circuit: a folded core takes as many clocks for each."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.backends.sharing import is_left_open, shared_within, with_factor
from hlsgen.backends.verilog.core import MOST_SIDE_BY_SIDE, Core, Place
from hlsgen.backends.verilog.fabric import levels_within
from hlsgen.backends.verilog.outline import parts_of
from hlsgen.backends.verilog.parts import Flow, Outline, Part
from hlsgen.backends.verilog.plan import plain_core
from hlsgen.backends.verilog.recurrence import loop_core
from hlsgen.backends.verilog.streams import STAGES
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.ir.op import Op


def balanced(design: Design, config: Config) -> Design:
    """The same design, with a factor for every layer whose ``reuse_factor`` is auto.

    A sample may take the wished ``interval``, else what the slowest module takes when nothing that is left open is
    shared. What takes longer than wished, whatever is chosen, is named in a note.
    """
    if config.interval is None and not any(map(is_left_open, design)):
        return design
    parts = parts_of(design)
    loops = _Loops(parts, levels_within(config.clock_period, config.part))
    beats = {part.op.name: part.y.sample.beats for part in parts.parts if part.kind == "core"}

    def clocks(op: Op) -> int:
        return loops.clocks(op) if op.name in loops else beats[op.name] * op.reuse_factor

    least = _least(parts, loops, design)
    slowest = max(least, key=lambda name: least[name])
    most = config.interval or least[slowest]
    shared = shared_within(design, most, clocks)
    noted = {op.name for op in shared if is_left_open(op) and clocks(op) > most}
    if least[slowest] <= most or slowest in noted:
        return shared
    note = f"warning: {slowest}: takes {least[slowest]} cycles a sample at least, not the wished {most}"
    return replace(shared, notes=(*shared.notes, note))


def _least(parts: Outline, loops: _Loops, design: Design) -> dict[str, int]:
    """Clocks a sample of each operation, and of each port, where nothing that is left open is shared."""
    flows, tensors = (*parts.inputs, *parts.outputs), (*design.inputs, *design.outputs)
    found = {tensor.name: flow.sample.beats for flow, tensor in zip(flows, tensors, strict=True)}
    for part in parts.parts:
        found[part.op.name] = max(_clocks_of(part, loops), found.get(part.op.name, 1))
    return found


def _clocks_of(part: Part, loops: _Loops) -> int:
    if part.kind == "wires":
        return 1
    if part.kind == "loop":
        return loops.clocks_of(part, 1)
    if part.is_core:
        return part.y.sample.beats * (1 if is_left_open(part.op) else part.op.reuse_factor)
    return STAGES[part.kind](part, part.kind)[1].clocks * part.y.turns


class _Loops:
    """How long the steps of loops take, by the factors of the layers in them.

    Those of one loop that are left open share its time: where one is shared by a factor, so are the others, as far as
    they can be.
    """

    def __init__(self, parts: Outline, levels: int) -> None:
        self._levels = levels
        self._of = {inner.op.name: part for part in parts.parts if part.body is not None for inner in part.body.parts}
        self._cores: dict[tuple[Flow, int], Core] = {}

    def __contains__(self, name: str) -> bool:
        """Whether it is a layer that a state goes through."""
        return name in self._of

    def clocks(self, op: Op) -> int:
        """Clocks a sample of the loop in which such a layer is, if it has this factor."""
        return self.clocks_of(self._of[op.name], op.reuse_factor)

    def clocks_of(self, part: Part, most: int) -> int:
        """The same of the part of a loop, where all that is left open has the largest factor up to ``most``."""
        body = part.body
        assert body is not None
        place = Place("loop", tuple(flow.words for flow in part.reads), part.y.words, self._levels)
        names = {inner: f"part{k}" for k, inner in enumerate(body.parts)}
        core = loop_core(part, place, names, lambda inner, name: self._core(inner, name, most))
        return core.interval * body.loop.steps

    def _core(self, part: Part, name: str, most: int) -> Core:
        op = part.op
        if is_left_open(op):
            factors = op.layer.valid_reuse_factors(op.strategy)
            built = [factor for factor in factors if op.layer.products <= factor * MOST_SIDE_BY_SIDE] or factors[-1:]
            op = with_factor(op, max((factor for factor in built if factor <= most), default=built[0]))
        key = part.y, op.reuse_factor
        if key not in self._cores:
            place = Place(name, tuple(flow.words for flow in part.reads), part.y.words, self._levels)
            self._cores[key] = plain_core(replace(part, op=op), place)
        return self._cores[key]
