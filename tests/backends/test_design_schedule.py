"""The schedule of a design: by hand for small ones, and word times against a simulation of one process after another."""

from __future__ import annotations

import itertools

import pytest

from hlsgen.backends.hls.design_schedule import Form
from hlsgen.backends.hls.flow import Feed, latency, traffic
from hlsgen.backends.hls.program import Plan
from hlsgen.project import Project
from tests.backends.fork_joins import fork_join
from tests.passes.builders import Net, project_of


def mlp(**settings) -> Project:
    net = Net(name="dut")
    x = net.dense("fc1", net.input((16,), "x"), 16, 8)
    x = net.call("ReLU", "relu", x)
    net.dense("fc2", x, 8, 4)
    return project_of(net.source("fc2"), input_precision="fixed<6,3>", **settings)


def test_one_pipeline():
    made = mlp(layers={"fc2": {"reuse_factor": 4}}).schedule
    assert (made.form, made.interval, made.bottleneck.name) == (Form.FLAT, 4, "fc2")
    assert [call.multipliers for call in made.calls] == [32, 0, 8], "all share over the interval"
    assert made.latency == sum(call.depth for call in made.calls) == (2 + 3 + 5) + (2 + 1) + (2 + 3 + 4)


def test_processes_on_arrays():
    made = mlp(layers={"fc1": {"strategy": "resource", "reuse_factor": 8}}).schedule
    assert (made.form, made.interval, made.bottleneck.name) == (Form.ARRAYS, 8, "fc1")
    assert [(call.steps, call.interval, call.multipliers) for call in made.calls] == [(8, 1, 16), (1, 1, 0), (1, 1, 32)]
    assert made.latency == sum(call.latency for call in made.calls) == (8 + 2 + 3 + 2) + (1 + 3) + (1 + 2 + 3 + 4)


def test_streams():
    """A window is complete after a row and two pixels; the last pixel goes through what is behind at once."""
    net = Net(name="dut")
    x = net.conv("conv", net.input((5, 5, 2), "x"), 2, 3, size=2, padding="valid")
    net.call("ReLU", "relu", x)
    project = project_of(net.source("relu"), input_precision="fixed<6,3>", io_type="io_stream")
    made = project.schedule
    assert (made.form, made.interval, made.bottleneck.layer) == (Form.STREAMS, 25, "conv")
    assert [call.kernel for call in made.calls] == ["read_words", "conv2d", "relu", "write_words"]
    assert made.latency == 24 + sum(call.depth for call in made.calls)
    passed = traffic(project.plan, Feed(pipelines=False))
    assert passed["conv"].arrivals.tolist() == [5 * row + column for row in range(1, 5) for column in range(1, 5)]
    assert [call.multipliers for call in made.calls] == [0, 24, 0, 0]


def test_multipliers_of_packs_and_of_whole_tensors():
    net = Net(name="dut")
    net.batchnorm("bn", net.input((3, 4, 2), "x"), 2)
    source = net.source("bn")
    found = [project_of(source, io_type=io).schedule.bottleneck for io in ("io_parallel", "io_stream")]
    assert [(call.kernel, call.steps, call.multipliers) for call in found] == [("scale", 1, 24), ("scale", 12, 2)]


def test_the_summary_shows_it():
    project = mlp()
    assert str(project.schedule) in project.summary()
    assert "one pipeline: interval 1, set by fc1 (dense); latency about 22 from" in project.summary()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("feed", [Feed(), Feed(pipelines=False), Feed(period=300, samples=3)], ids=str)
def test_words_pass_as_in_a_simulation(seed: int, feed: Feed):
    plan = fork_join(seed).plan
    assert latency(plan) == max(simulate(plan, Feed())[wire.name][0][-1] for wire in plan.outputs)
    passed, simulated = traffic(plan, feed), simulate(plan, feed)
    assert {name: (t.arrivals.tolist(), t.departures.tolist()) for name, t in passed.items()} == simulated


def simulate(plan: Plan, feed: Feed) -> dict[str, tuple[list[int], list[int]]]:
    """Process after process, each step as soon as its words are there and its loop is that far."""
    arrivals = {w.name: [k * feed.period // w.words for k in range(w.words * feed.samples)] for w in plan.inputs}
    departures: dict[str, list[int]] = {}
    for step in plan.steps:
        schedule = step.schedule(True)
        depth = schedule.depth if feed.pipelines else 0
        events = [(int(c), 0, w.name) for w, cs in zip(step.inputs, schedule.reads, strict=True) for c in cs]
        events += [(int(c), 1, w.name) for w, cs in zip(step.outputs, schedule.writes, strict=True) for c in cs]
        here: dict[str, list[int]] = {wire.name: [] for wire in (*step.inputs, *step.outputs)}
        late = 0  # how far the process is behind one that never waits
        for sample in range(feed.samples):
            begin = sample * (schedule.cycles + depth * len(schedule.fills))
            for cycle, of_step in itertools.groupby(sorted(events), key=lambda event: event[0]):
                now = begin + cycle + depth * (sum(int(first) <= cycle for first in schedule.fills) - 1)
                moved = [(name, writes) for _, writes, name in of_step]
                needed = [arrivals[name][len(here[name])] for name, writes in moved if not writes]
                late = max([late, *(arrival - now for arrival in needed)])
                for name, writes in moved:
                    here[name].append(now + late + depth * writes)
        departures |= {wire.name: here[wire.name] for wire in step.inputs}
        arrivals |= {wire.name: here[wire.name] for wire in step.outputs}
    return {name: (cycles, departures.get(name, cycles)) for name, cycles in arrivals.items()}
