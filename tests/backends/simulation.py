"""Designs of streams cycle by cycle, with streams of given depths: how long samples take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from hlsgen.backends.hls.program import Plan, Step


def samples_take(plan: Plan, depths: Mapping[str, int | None], samples: int) -> int:
    """Cycles until the last output, pipelines having no depth; None is a stream without end.

    Inputs are there from the start. Raises RuntimeError if the design stops.
    """
    held = dict.fromkeys(depths, 0)
    processes = [_process(step, depths, held, samples) for step in plan.steps]
    due = [0] * len(processes)
    cycle, running = 0, set(range(len(processes)))
    while running:
        moved = True
        while moved:  # a word that is written can be read in the same cycle, by whom comes later
            moved = False
            for number in sorted(running):
                if due[number] > cycle:
                    continue
                try:
                    wait = next(processes[number])
                except StopIteration:
                    running.discard(number)
                    moved = True
                    continue
                if wait:
                    due[number], moved = cycle + wait, True
        future = [due[number] for number in running if due[number] > cycle]
        if running and not future:
            raise RuntimeError(f"stops: {[plan.steps[number].name for number in running]}")
        cycle = min(future, default=cycle)
    return cycle


def _process(step: Step, depths: Mapping[str, int | None], held: dict[str, int], samples: int) -> Iterator[int]:
    """Do what each cycle has to be done; yields cycles to the next, 0 where words or room lack."""
    schedule = step.schedule(True)
    events = [(int(c), 0, w.name) for w, cycles in zip(step.inputs, schedule.reads, strict=True) for c in cycles]
    events += [(int(c), 1, w.name) for w, cycles in zip(step.outputs, schedule.writes, strict=True) for c in cycles]
    by_cycle = [(cycle, [event[1:] for event in of]) for cycle, of in groupby(sorted(events), key=lambda e: e[0])]
    at = 0
    for sample in range(samples):
        for cycle, moved in by_cycle:
            now = sample * schedule.cycles + cycle
            if now > at:
                yield now - at
                at = now
            inner = [(writes, name) for writes, name in moved if name in depths]
            while not all(_possible(writes, name, depths, held) for writes, name in inner):
                yield 0
            for writes, name in inner:
                held[name] += 1 if writes else -1


def _possible(writes: int, name: str, depths: Mapping[str, int | None], held: Mapping[str, int]) -> bool:
    if not writes:
        return held[name] > 0
    depth = depths[name]
    return depth is None or held[name] < depth
