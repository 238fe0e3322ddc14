"""Work grows with the size of the model, not faster: counted in calls of functions, so no clock can disturb it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from hlsgen.backends.hls.texts import emulation_files, firmware_files
from tests.passes.builders import Net, project_of


def chain(layers: int):
    """Dense and ReLU layers in a row."""
    net = Net(1)
    x = net.input((4,))
    for i in range(layers):
        x = net.call("Activation", f"relu{i}", net.dense(f"fc{i}", x, 4, 4), activation="relu")
    return net.source(x)


def residual(blocks: int):
    """Each block reads its input twice: what walks all paths, or asks for the same value again, doubles with each."""
    net = Net(2)
    x = net.input((6, 6, 4))
    for i in range(blocks):
        y = net.conv(f"a{i}", x, 4, 4, padding="same", activation="relu")
        y = net.batchnorm(f"bn{i}", net.conv(f"b{i}", y, 4, 4, padding="same"), 4)
        x = net.call("Activation", f"relu{i}", net.call("Add", f"add{i}", [x, y]), activation="relu")
    return net.source(x)


def calls_of(action: Callable[[], Any]) -> int:
    """How many functions, of Python or C, are called."""
    count = 0

    def profile(_frame: Any, event: str, _what: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


SIZES = [(chain, 40), (residual, 5)]


@pytest.mark.parametrize(("make", "size"), SIZES)
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_converting_is_linear(make, size, io_type):
    project_of(make(2), io_type=io_type)  # what is done once
    one, two = (calls_of(lambda n=n: project_of(make(n), io_type=io_type)) for n in (size, 2 * size))
    assert 1.5 * one < two < 2.2 * one


@pytest.mark.parametrize(("make", "size"), SIZES)
@pytest.mark.parametrize(
    "use",
    [
        lambda project: emulation_files(project.plan),
        lambda project: firmware_files(project.plan),
        lambda project: project.summary(),
    ],
    ids=["emulation", "firmware", "summary"],
)
def test_writing_is_linear(make, size, use):
    use(project_of(make(2), io_type="io_stream"))
    one, two = (calls_of(lambda n=n: use(project_of(make(n), io_type="io_stream"))) for n in (size, 2 * size))
    assert two < 2.2 * one


def test_ranges_are_found_a_few_times_a_node():
    """The range of a layer's result is asked for by a few passes, once each, however many paths lead to it."""
    blocks = 13
    source, asked = residual(blocks), 0

    def profile(frame: Any, event: str, _what: Any) -> None:
        nonlocal asked
        code = frame.f_code
        asked += event == "call" and code.co_name == "interval" and "hlsgen/layers" in code.co_filename

    sys.setprofile(profile)
    try:
        project = project_of(source)
    finally:
        sys.setprofile(None)
    assert blocks * 4 <= asked <= 4 * len(project.design.ops)
