"""Large designs are compiled in parts: the same integers, few compilers at a time, nothing left by a failure."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hlsgen.backends.hls import texts
from hlsgen.backends.hls.parts import STEPS_OF_A_PART, borders, parts_of
from hlsgen.emulation import build
from hlsgen.errors import ToolError
from hlsgen.native import compilation
from tests.passes.builders import Net, grid, project_of


def branched(io_type: str = "io_parallel"):
    """Two inputs, two outputs, skips over several layers, a stream that is regrouped."""
    net = Net(5)
    a, b = net.input((4, 4, 2), "a"), net.input((4, 4, 2), "b")
    x = net.conv("conv", net.call("Add", "sum", [a, b]), 2, 4, padding="same", activation="relu")
    y = net.conv("conv2", x, 4, 4, padding="same")
    z = net.call("Add", "skip", [x, y])
    flat = net.call("Flatten", "flat", net.call("MaxPooling2D", "pool", z, pool_size=[2, 2], strides=[2, 2]))
    net.dense("fc", flat, 16, 5, activation="relu")
    net.dense("out", "fc", 5, 3)
    net.dense("side", flat, 16, 2)
    return project_of(net.source("out", "side"), io_type=io_type)


def chain(layers: int):
    net = Net(1)
    x = net.input((3,))
    for i in range(layers):
        x = net.dense(f"fc{i}", x, 3, 3)
    return project_of(net.source(x))


def in_parts(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(texts, "parts_of", partial(parts_of, most=most))


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("most", [1, 4])
def test_parts_compute_the_same(monkeypatch, io_type, most):
    whole, divided = branched(io_type), branched(io_type)
    in_parts(monkeypatch, most)
    assert len(parts_of(divided.plan, most)) > 1
    x = {"a": grid((4, 4, 2), samples=50), "b": grid((4, 4, 2), samples=50)[::-1]}
    for project in (divided, whole):  # the whole one's weights are others' neighbours in the same process
        exact = project.evaluate(x, raw=True)
        for name, found in zip(("out", "side"), project.predict(x, raw=True, threads=2), strict=True):
            np.testing.assert_array_equal(found, exact[name])
        in_parts(monkeypatch, 10_000)


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_every_step_is_in_one_part_and_every_tensor_arrives(io_type, most):
    plan = branched(io_type).plan
    parts = parts_of(plan, most)
    assert [step for part in parts for step in part.steps] == plan.steps
    assert [c.name for part in parts for c in part.constants] == [c.name for c in plan.constants]
    assert max(len(part.steps) for part in parts) <= most
    assert max(len(p.steps) for p in parts) - min(len(p.steps) for p in parts) <= 1
    known = set(plan.inputs)
    for part in parts:
        assert known >= set(part.inputs)
        known |= set(part.outputs)
    assert known == {*plan.inputs, *plan.outputs, *borders(plan, parts)}


def test_a_design_below_the_threshold_is_one_unit():
    assert texts.units(texts.emulation_files(chain(STEPS_OF_A_PART).plan)) == ["design.cpp"]
    files = texts.emulation_files(chain(STEPS_OF_A_PART + 1).plan)
    assert texts.units(files) == ["design.cpp", "hlsgen_part_0/unit.cpp", "hlsgen_part_1/unit.cpp"]
    assert "dense.h" not in files["design.cpp"], "the entry points need no kernels"


def test_the_hardware_has_no_parts(monkeypatch):
    plan = branched().plan
    whole = texts.firmware_files(plan)
    in_parts(monkeypatch, 1)
    assert texts.firmware_files(plan) == whole


class Recorder:
    """Stands for the compiler; knows how many ran at once."""

    def __init__(self, fail: str = "") -> None:
        self.fail, self.guard = fail, threading.Lock()
        self.now = self.most = self.count = 0

    def __call__(self, command, **_):
        with self.guard:
            self.now, self.count = self.now + 1, self.count + 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self.guard:
            self.now -= 1
        if self.fail and self.fail in " ".join(command):
            raise ToolError("broken on purpose")
        Path(command[command.index("-o") + 1]).write_bytes(b"made")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HLSGEN_CACHE", str(folder))
    monkeypatch.setattr(build, "bindings_object", lambda *_: Path("bindings.o"))
    return folder


def compile_with(recorder, monkeypatch, cache, designs: int = 1) -> None:
    monkeypatch.setattr(compilation, "run", recorder)
    files = {f"part_{i}/unit.cpp": "" for i in range(9)} | {"design.cpp": ""}
    compiler = build.find_compiler()
    targets = [cache / f"hlsgen_{i}.so" for i in range(designs)]
    jobs = [
        threading.Thread(target=build._compile, args=(compiler, (), files, target.stem, target)) for target in targets
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [target for target in targets if not target.exists()] == []


def test_units_are_compiled_side_by_side_and_not_too_many(monkeypatch, cache):
    monkeypatch.setattr(compilation, "_PROCESSORS", 3)
    monkeypatch.setattr(compilation, "_COMPILERS", threading.BoundedSemaphore(3))
    recorder = Recorder()
    compile_with(recorder, monkeypatch, cache, designs=2)
    assert 2 <= recorder.most <= 3 + 2, "three compilers, and the linkers of two designs"
    assert recorder.count == 2 * (10 + 1)


def test_a_unit_that_fails_leaves_nothing_but_its_log(monkeypatch, cache):
    recorder = Recorder(fail="part_3/unit.cpp")
    monkeypatch.setattr(compilation, "_PROCESSORS", 2)
    monkeypatch.setattr(compilation, "run", recorder)
    files = {f"part_{i}/unit.cpp": "" for i in range(9)} | {"design.cpp": ""}
    with pytest.raises(ToolError, match="bug of hlsgen.*report it with.*failed.log\nbroken on purpose"):
        build._compile(build.find_compiler(), (), files, "hlsgen_x", cache / "hlsgen_x.so")
    assert [path.name for path in cache.iterdir()] == ["hlsgen_x.failed.log"]
    assert recorder.count < 10, "what waited was given up"
