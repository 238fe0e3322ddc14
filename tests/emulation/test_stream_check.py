"""Designs as processes on streams of their depths: they come to their end, or the stream that is too short is named."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hlsgen.emulation.stream_check import check_streams
from hlsgen.errors import ConfigError, DeadlockError, InputError
from hlsgen.project import Project
from tests.backends.fork_joins import fork_join
from tests.backends.test_fifos import depths, residual
from tests.passes.builders import Net, grid, project_of


def yields_the_same(project: Project, shape: tuple[int, ...]) -> dict[str, int]:
    """Assert that processes on streams of their depths yield what the emulator does; returns what the streams held."""
    x = grid(shape, samples=20)
    check, outputs = check_streams(project.plan, [x.reshape(len(x), -1)])
    for got, right in zip(outputs, project.emulator.run([x.reshape(len(x), -1)], raw=True), strict=True):
        np.testing.assert_array_equal(got, right)
    assert {s.name: s.depth for s in check.streams} == depths(project)
    return {s.name: s.held for s in check.streams}


def test_a_shortcut():
    """A row and two pixels, twice: what the second window reads first waits for it."""
    held = yields_the_same(residual(), (9, 8, 2))
    assert held == {"stem": 1, "stem_branch": 2 * 8 + 2, "stem_branch_2": 1, "first": 1, "second": 1, "add": 1}


def test_branches():
    project = fork_join(7)
    held = yields_the_same(project, (7, 6, 2))
    assert all(1 <= held[name] <= depth for name, depth in depths(project).items())
    assert max(held.values()) > 2


def test_the_stream_that_is_too_short_is_named_and_its_depth_heals():
    with pytest.raises(DeadlockError) as caught:
        residual(layers={"stem": {"fifo_depth": 3}}).check_streams()
    found = re.search(
        r"stream '(\w+)' from stem_branch \(clone\) to add \(merge\) .* 3 words and needs (\d+);", str(caught.value)
    )
    assert (
        found is not None
        and found[1] == "stem_branch"
        and "fifo_depth of 18 to 'stem'; or leave it out where it is said" in str(caught.value)
    )
    needed = int(found[2])
    assert needed == 2 * 8 + 2, "two windows, as it holds with room enough"
    assert residual(layers={"stem": {"fifo_depth": needed}}).check_streams().streams
    with pytest.raises(DeadlockError, match=f"is full with {needed - 1} words and needs {needed};"):
        residual(layers={"stem": {"fifo_depth": needed - 1}}).check_streams()


def chain() -> Project:
    """Arrays, of which none waits for another."""
    net = Net()
    return project_of(net.source(net.conv("conv", net.input((6, 5, 2)), 2, 2)), input_precision="fixed<4,2>")


def test_what_is_given():
    project = residual()
    assert str(project.check_streams(grid((9, 8, 2), samples=3))).splitlines()[2].split() == ["stem", "2", "1"]
    with pytest.raises(InputError):
        project.check_streams(np.zeros((2, 9)))
    with pytest.raises(ConfigError, match="check_streams.*on arrays and has no streams"):
        chain().check_streams()


def joins() -> Any:
    """Three shortcuts behind each other, each over two convolutions, and one over all of them."""
    net = Net()
    net.input((6, 5, 2))
    block = "x"
    for k in range(3):
        net.conv(f"a{k}", block, 2, 2, padding="same")
        net.conv(f"b{k}", f"a{k}", 2, 2, padding="same")
        net.conv(f"s{k}", block, 2, 2, size=1)
        block = net.call("Add", f"sum{k}", [f"b{k}", f"s{k}"])
    return net.source(net.call("Concatenate", "all", [block, "x"], axis=-1))


@pytest.mark.parametrize(
    "short", [{"x", "sum0", "sum1"}, {"x"}, {"s0", "s1"}], ids=lambda names: " ".join(sorted(names))
)
def test_the_depths_that_are_named_heal_several_joins(short: set[str]) -> None:
    source = joins()
    layers: dict[str, dict[str, int]] = {name: {"fifo_depth": 2} for name in (*short, "a0", "b1")}
    settings = {"io_type": "io_stream", "input_precision": "fixed<6,2>", "default_width": 8}
    with pytest.raises(DeadlockError) as caught:
        project_of(source, **settings, layers=layers).check_streams()
    advice = str(caught.value).rpartition("give a fifo_depth of ")[2]
    named = {layer: int(depth) for depth, layer in re.findall(r"(\d+) to '(\w+)'", advice)}
    assert named
    healed = {layer: {"fifo_depth": depth} for layer, depth in named.items()}
    assert project_of(source, **settings, layers=layers | healed).check_streams().streams
