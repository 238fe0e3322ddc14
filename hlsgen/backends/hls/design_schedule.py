"""The schedule of a whole design: how often a sample can enter, who says so, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hlsgen.backends.hls.flow import latency as stream_latency
from hlsgen.backends.hls.loading import loading_of
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.backends.hls.schedule import Schedule
from hlsgen.backends.hls.timing import Passing
from hlsgen.ir.text import table


class Form(Enum):
    """What the top function is."""

    FLAT = "one pipeline"
    ARRAYS = "processes on arrays"
    STREAMS = "processes on streams"


@dataclass(frozen=True)
class CallSchedule:
    """One kernel call of a design."""

    name: str
    layer: str | None
    """The source model's layer whose output it computes, if it is one's."""
    kernel: str
    steps: int
    interval: int
    """Cycles from step to step."""
    cycles: int
    """All steps of a sample: exact."""
    depth: int
    """Of the pipeline: an estimate."""
    latency: int
    """From its first step to its last result: ``cycles`` and the depth of every loop, an estimate."""
    multipliers: int
    """Of weights: those that products share, before constants make some of them cheaper."""


@dataclass(frozen=True)
class DesignSchedule:
    """Intervals are exact as long as inputs come and outputs are taken in time; the latency is an estimate.

    Between samples, the pipeline of a process drains, which takes about its depth on top of the interval.
    """

    form: Form
    interval: int
    """Cycles from sample to sample."""
    latency: int
    """Cycles from the first input to the last output."""
    bottleneck: CallSchedule | None
    """The call that sets the interval; None of a design without any, and where a larger one is wished."""
    calls: tuple[CallSchedule, ...]
    loading: int = 0
    """Cycles more, at most, of a sample that loads weights: a word each, once the memory has answered."""

    def __str__(self) -> str:
        names = [
            [c.name, c.kernel, *map(str, (c.steps, c.interval, c.cycles, f"~{c.depth}", c.multipliers))]
            for c in self.calls
        ]
        header = ["call", "kernel", "steps", "interval", "cycles", "depth", "multipliers"]
        by = "" if self.bottleneck is None else f", set by {self.bottleneck.name} ({self.bottleneck.kernel})"
        loads = (
            f"\na sample that loads weights: up to {self.loading} cycles more, once the memory has answered"
            if self.loading
            else ""
        )
        return (
            f"{table(header, names)}\n{self.form.value}: interval {self.interval}{by}; latency about {self.latency} "
            f"from the first input to the last output (in cycles; depths are estimates){loads}"
        )


def schedule_of(plan: Plan) -> DesignSchedule:
    """The schedule of a planned design."""
    form = Form.STREAMS if plan.stream else Form.ARRAYS if plan.dataflow else Form.FLAT
    schedules = [_schedule(step, form) for step in plan.steps]
    shared = plan.interval if form is Form.FLAT else 1
    calls = tuple(_call(step, schedule, form, shared) for step, schedule in zip(plan.steps, schedules, strict=True))
    slowest = max(calls, key=lambda call: (call.cycles, call.layer is not None), default=None)
    interval = max(shared, 1 if slowest is None else slowest.cycles)
    latency = stream_latency(plan) if form is Form.STREAMS else _longest_path(plan, schedules)
    bottleneck = slowest if slowest and slowest.cycles == interval else None
    loading = loading_of(plan)
    return DesignSchedule(form, interval, latency, bottleneck, calls, 0 if loading is None else loading.words)


def _schedule(step: Step, form: Form) -> Schedule:
    if form is not Form.FLAT:
        return step.schedule(form is Form.STREAMS)
    timing = step.kernel.timing  # all its loops are unrolled
    return Schedule(1, timing.interval, timing.interval, timing.depth)


def _call(step: Step, schedule: Schedule, form: Form, shared: int) -> CallSchedule:
    return CallSchedule(
        step.name,
        step.layer,
        step.kernel.function,
        schedule.steps,
        schedule.interval,
        schedule.cycles,
        schedule.depth,
        schedule.latency,
        _multipliers(step, schedule, form, shared),
    )


def _multipliers(step: Step, schedule: Schedule, form: Form, shared: int) -> int:
    """Those of a position, of all positions that are computed at once; a flat pipeline shares them in its interval."""
    kernel = step.kernel
    if form is Form.FLAT:
        return -(-kernel.multipliers * kernel.positions * schedule.interval // shared)
    if isinstance(kernel.timing, Passing):
        return -(-kernel.multipliers * kernel.positions // schedule.steps)
    return kernel.multipliers


def _longest_path(plan: Plan, schedules: list[Schedule]) -> int:
    """A call begins when all that it reads is complete."""
    ready = dict.fromkeys((wire.name for wire in plan.inputs), 0)
    for step, schedule in zip(plan.steps, schedules, strict=True):
        latency = schedule.depth if not plan.dataflow else schedule.latency
        done = max((ready[wire.name] for wire in step.inputs), default=0) + latency
        ready |= {wire.name: done for wire in step.outputs}
    return max((ready[wire.name] for wire in plan.outputs), default=0)
