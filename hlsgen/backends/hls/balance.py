"""Reuse factors that are left to hlsgen, by the schedule of kernels."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import schedule_of
from hlsgen.backends.hls.kernel import bind
from hlsgen.backends.hls.planning import planned
from hlsgen.backends.sharing import is_left_open, shared_within
from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.ir.op import Op


def balanced(design: Design, config: Config) -> Design:
    """The same design, with a factor for every layer whose ``reuse_factor`` is auto.

    A sample may take the wished ``interval``, else what the slowest kernel takes when nothing is shared.
    """
    if not any(map(is_left_open, design)):
        return design
    plan = planned(design, config, "balanced")
    steps = {step.op: step for step in plan.calls if step.op is not None}

    def cycles(op: Op) -> int:
        return replace(steps[op.name], kernel=bind(op)).schedule(plan.stream).cycles

    return shared_within(design, config.interval or schedule_of(bordered(plan)).interval, cycles)
