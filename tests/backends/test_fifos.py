"""Depths of streams: what waits for another path, what the user wishes, what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from hlsgen.backends.hls import fifos
from hlsgen.backends.hls.fifos import SLACK
from hlsgen.backends.hls.program import Plan
from hlsgen.errors import ConfigError
from hlsgen.project import Project
from tests.backends.fork_joins import fork_join
from tests.backends.simulation import samples_take
from tests.passes.builders import Net, project_of


def residual(**settings) -> Project:
    """Two convolutions and a shortcut: the first result needs a row and two pixels, twice."""
    net = Net(name="dut")
    x = net.call("ReLU", "stem", net.input((9, 8, 2), "x"))
    a = net.conv("first", x, 2, 2, padding="same")
    b = net.conv("second", a, 2, 2, padding="same")
    net.dense("classes", net.call("Flatten", "flat", net.call("Add", "add", [x, b])), 144, 2)
    common = {"io_type": "io_stream", "input_precision": "fixed<4,2>"}
    return project_of(net.source("classes"), **{**common, **settings})


def depths(project: Project) -> dict[str, int]:
    return {name: fifo.depth for name, fifo in project.plan.fifos.items()}


def test_only_the_shortcut_holds_a_lag():
    found = residual().plan.fifos
    needed = {name: fifo.needed for name, fifo in found.items()}
    assert {name for name, n in needed.items() if n is None} == {"stem", "add"}
    assert max(needed[name] for name in ("stem_branch_2", "first", "second")) <= 2
    assert 2 * (8 + 1) <= needed["stem_branch"] <= 9 * 8 / 2
    assert found["stem_branch"].depth == -(-(needed["stem_branch"] + SLACK) // 16) * 16 < 9 * 8
    assert [found[name].depth for name in ("stem", "add", "stem_branch_2", "first")] == [2] * 4
    assert found["second"].depth == 16, "the other side of the addition: pipelines are estimated"


def test_arrays_of_paths_that_part_and_meet_are_streams():
    """Nothing says how much of an array waits between processes; without a shortcut arrays stay what they are."""
    project = residual(io_type="io_parallel", strategy="resource")
    assert (project.plan.stream, project.plan.dataflow) == (True, True)
    assert max(depths(project).values()) > 2
    net = Net(name="dut")
    x = net.conv("first", net.call("ReLU", "stem", net.input((9, 8, 2), "x")), 2, 2, padding="same")
    net.dense("classes", net.call("Flatten", "flat", net.conv("second", x, 2, 2, padding="same")), 144, 2)
    plain = project_of(net.source("classes"), input_precision="fixed<4,2>", strategy="resource")
    assert (plain.plan.stream, plain.plan.dataflow) == (False, True)


def test_the_top_function_and_the_summary_have_them():
    project = residual()
    text = project.files["firmware/dut.cpp"]
    printed = dict(re.findall(r"#pragma HLS STREAM variable=(\w+) depth=(\d+)", text))
    behind_ports = {"x_2_packs": 2, "classes_packs": 2}
    assert {name: int(depth) for name, depth in printed.items()} == depths(project) | behind_ports
    table = project.summary().partition("Streams between processes\n")[2].partition("\n\n")[0]
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[2:]}
    assert rows["stem_branch"][-1] == str(depths(project)["stem_branch"]) and rows["stem"][2] == "any"


def test_a_path_that_is_longer_by_turns_alone():
    """No window waits: the depth is for the pipelines."""
    net = Net(name="dut")
    x = net.input((6, 6, 2), "x")
    a = net.conv("a", x, 2, 2, size=1)
    net.call("Add", "add", [x, a])
    layers = {"a": {"strategy": "resource", "reuse_factor": 2}}
    project = project_of(net.source("add"), io_type="io_stream", input_precision="fixed<4,2>", layers=layers)
    assert project.schedule.interval == 72
    assert all(fifo.needed < 8 and fifo.depth <= 16 for fifo in project.plan.fifos.values())


@pytest.mark.parametrize("seed", range(12))
def test_no_process_is_slower_for_want_of_room(seed: int):
    """The seventh sample comes as soon after the sixth as with streams without end: after the design's interval.

    (The first may follow each other faster, where another path than the slowest process makes them late.)

    Streams on one path have 2 places, so that words that come in bursts make others wait: for little.
    """
    project = fork_join(seed)
    plan, bounded = project.plan, depths(project)
    meeting = {name: None if fifo.needed is None else fifo.depth for name, fifo in plan.fifos.items()}
    assert interval(plan, dict.fromkeys(bounded)) == project.schedule.interval
    assert interval(plan, meeting) == project.schedule.interval
    assert interval(plan, bounded) <= 1.15 * project.schedule.interval


def interval(plan: Plan, limits: Mapping[str, int | None]) -> int:
    return samples_take(plan, limits, 7) - samples_take(plan, limits, 6)


@pytest.mark.parametrize("seed", range(12, 40))
def test_no_design_stops(seed: int):
    project = fork_join(seed, steps=14)
    samples_take(project.plan, depths(project), 2)


def test_a_stream_that_is_too_short_stops_the_simulation():
    project = residual()
    with pytest.raises(RuntimeError, match="stops: .*'stem_branch'"):
        samples_take(project.plan, {**depths(project), "stem_branch": 8}, 1)


def test_streams_that_are_too_long_to_follow_hold_a_whole_sample(monkeypatch):
    monkeypatch.setattr(fifos, "_MOST_WORDS", 400)
    project = residual()
    assert project.plan.fifos["stem_branch"].depth == 72 and project.plan.fifos["stem"].depth == 2
    samples_take(project.plan, depths(project), 2)


# -- wishes ----------------------------------------------------------------------------------------


def test_a_depth_by_name_is_that_of_all_streams_of_the_output():
    project = residual(layers={"stem": {"fifo_depth": 5}, "flat": {"fifo_depth": 7}})
    found = depths(project)
    assert {found[name] for name in ("stem", "stem_branch", "stem_branch_2")} == {5}
    assert found["add"] == 7, "a reshape is another name of what it reads"
    assert "warning: stream stem_branch: 5 words of depth are less than the" in project.summary()
    assert "warning: stream" not in residual().summary()


def test_the_least_depth_and_that_of_a_class():
    plain = depths(residual())
    assert depths(residual(fifo_depth=9)) == {name: max(depth, 9) for name, depth in plain.items()}
    found = depths(
        residual(fifo_depth=9, layer_types={"Conv2D": {"fifo_depth": 3}}, layers={"first": {"fifo_depth": 40}})
    )
    assert (found["first"], found["second"], found["stem"]) == (40, 3, 9)


def test_streams_of_the_border():
    """Between a port and a kernel; and in a design on arrays that is too large for them."""
    project = residual(layers={"classes": {"fifo_depth": 6}}, fifo_depth=3)
    text = project.files["firmware/dut.cpp"]
    assert "variable=classes_packs depth=6" in text and "variable=x_2_packs depth=3" in text
    net = Net(name="dut")
    net.conv("conv", net.input((20, 20, 2), "x"), 2, 2)
    large = project_of(net.source("conv"), input_precision="fixed<4,2>", fifo_depth=7)
    assert large.config.io_type == "io_parallel" and "variable=conv_packs depth=7" in large.files["firmware/dut.cpp"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": {"clases": {"fifo_depth": 4}}}, "no layer 'clases'; did you mean 'classes'"),
        ({"fifo_depth": 1}, "fifo_depth: .*greater than or equal to 2, found 1"),
        ({"fifo_depth": 2**24 + 1}, "fifo_depth: .*less than or equal to 16777216"),
        (
            {"layers": {"add": {"fifo_depth": 4}, "flat": {"fifo_depth": 5}}},
            "fifo_depth is 4 for 'add' and 5 for 'flat', whose output is on the same stream",
        ),
    ],
)
def test_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        residual(**settings).plan  # noqa: B018


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fifo_depth": 4}, "fifo_depth 4 is the depth of a stream.*io_parallel"),
        ({"layers": {"conv": {"fifo_depth": 5}}}, "fifo_depth 5 .* choose io_type: io_stream"),
    ],
)
def test_arrays_have_no_depth(settings, message):
    net = Net(name="dut")
    net.conv("conv", net.input((9, 8, 2), "x"), 2, 2)
    with pytest.raises(ConfigError, match=message):
        project_of(net.source("conv"), input_precision="fixed<4,2>", **settings).plan  # noqa: B018
