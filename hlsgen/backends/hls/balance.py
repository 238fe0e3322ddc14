"""Reuse factors that are left to hlsgen: each layer shares multipliers for as long as the slowest one takes anyway."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import schedule_of
from hlsgen.backends.hls.kernel import bind
from hlsgen.backends.hls.planning import planned
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.ir.op import Op


def balanced(design: Design, config: Config) -> Design:
    """The same design, with a factor for every layer whose ``reuse_factor`` is auto.

    It is the largest with which the layer's kernel takes no more cycles than a sample may: the wished ``interval``,
    else what the slowest kernel takes when nothing is shared. A layer that takes longer with every factor has the
    least, and a note says so. No bit depends on it.
    """
    if not any(op.wish.hardware.balanced and op.layer.has_multiplier for op in design):
        return design
    plan = planned(design, config, "balanced")
    most = config.interval or schedule_of(bordered(plan)).interval
    ops, notes = [], list(design.notes)
    steps = {step.op: step for step in plan.calls if step.op is not None}
    for op in design:
        if op.wish.hardware.balanced and op.layer.has_multiplier:
            op, cycles = _within(op, steps[op.name], plan, most)
            if cycles > most:
                notes.append(f"warning: {op.name}: takes {cycles} cycles a sample at least, not the wished {most}")
        ops.append(op)
    return replace(design, ops=tuple(ops), notes=tuple(notes))


def _within(op: Op, step: Step, plan: Plan, most: int) -> tuple[Op, int]:
    """The operation with the largest factor that keeps to so many cycles, and those."""
    factors: Sequence[int] = op.layer.valid_reuse_factors(op.strategy)
    fitting = bisect_right(factors, most, key=lambda factor: _cycles(_shared(op, factor), step, plan))
    chosen = _shared(op, factors[max(fitting - 1, 0)])
    return chosen, _cycles(chosen, step, plan)


def _shared(op: Op, factor: int) -> Op:
    return replace(op, wish=replace(op.wish, hardware=replace(op.wish.hardware, reuse_factor=factor)))


def _cycles(op: Op, step: Step, plan: Plan) -> int:
    return replace(step, kernel=bind(op)).schedule(plan.stream).cycles
