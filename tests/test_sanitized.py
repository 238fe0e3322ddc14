"""Kernels and bindings under sanitizers: every kernel once in every run; the whole ladder with ``make sanitize``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hlsgen
from hlsgen.errors import ToolError
from hlsgen.tools import run
from tests import sanitized
from tests.compiled import program
from tests.fuzz.cases.evaluated import data_for
from tests.fuzz.networks import every_network
from tests.ladder.harness import Reference, Variant, check_vendor, flat
from tests.passes.builders import project_of

SEEDS = (13, 88, 173, 96, 157, 254, 238, 104, 49)
STORED = Path(__file__).parent / "hgq/stored/image.keras"
"""Networks that have every kernel among them, the last one of HGQ2, which gives elements types of their own."""
STEPS = 9


def networks() -> Iterator[Any]:
    for source in (*SEEDS, STORED):
        for io_type in ("io_parallel", "io_stream"):
            yield pytest.param(source, io_type, id=f"{getattr(source, 'stem', source)}, {io_type}")


def made(source: int | Path, io_type: str) -> Any:
    if isinstance(source, Path):
        return hlsgen.convert(source, io_type=io_type, project_name="dut")
    return project_of(every_network(source, steps=STEPS), io_type=io_type, project_name="dut")


@pytest.mark.parametrize("source,io_type", networks())
def test_emulator(source, io_type):
    project = made(source, io_type)
    reference = Reference(project, data_for(project, samples=37))
    inputs = [flat(array) for array in reference.arrays]
    for threads in (1, 3):
        found = sanitized.emulate(project.plan, inputs, sanitized.QUICK, threads)
        for tensor, got in zip(project.design.outputs, found, strict=True):
            assert (got.astype(object) == reference.mantissas(project, tensor).astype(object)).all(), tensor.name


@pytest.mark.parametrize("seed,io_type", [(SEEDS[0], "io_stream"), (SEEDS[1], "io_parallel")])
def test_generated_program(seed, io_type, monkeypatch):
    project = made(seed, io_type)
    monkeypatch.setattr(sanitized, "enabled", True)
    check_vendor(project, Variant("as configured", io_type), Reference(project, data_for(project)), precompiled=False)


def test_the_networks_have_every_kernel():
    """And loops; but what takes several outputs apart, and what is chosen by settings."""
    headers = {path.stem for path in (sanitized.ROOT / "hls_templates/firmware/hlsgen").glob("*.h")}
    projects = [made(source, "io_stream") for source in (*SEEDS, STORED)]
    included = {
        call.kernel.header.removeprefix("hlsgen/").removesuffix(".h")
        for project in projects
        for call in project.plan.calls
    }
    kernels = {name for name in headers if f"void {name}(" in text_of(name)}
    assert kernels - included <= {"discard", "repack", "matvec"}
    assert sum(any(step.body is not None for step in project.plan.steps) for project in projects) >= 2


def text_of(name: str) -> str:
    return (sanitized.ROOT / f"hls_templates/firmware/hlsgen/{name}.h").read_text(encoding="utf-8")


# -- they do find ----------------------------------------------------------------------------------

BEYOND = "int main(int n, char**) { int* a = new int[2]; return a[n + 1]; }\n"
SHIFTED = "int shifted(int x) { return -x << 3; }\n"
CALLS = '#include "{name}"\nint main(int n, char**) {{ return shifted(n) == 0; }}\n'


def ended(text: str, files: dict[str, str], folder: Path) -> str:
    """What a program says under the sanitizers; empty if it ended well."""
    options = ["-std=c++14", "-O0", "-I.", *sanitized.CHECKS]
    built = program({"main.cpp": text, **files}, ["main.cpp"], options)
    try:
        run([str(built)], cwd=folder, env=sanitized.environment(), log_file=folder / "log")
    except ToolError:
        return (folder / "log").read_text()
    return ""


def test_reading_beyond_an_array_is_found(tmp_path):
    assert "heap-buffer-overflow" in ended(BEYOND, {}, tmp_path)


def test_only_the_vendors_own_shifts_are_let_through(tmp_path):
    assert "left shift of negative value" in ended(CALLS.format(name="kernel.h"), {"kernel.h": SHIFTED}, tmp_path)
    assert ended(CALLS.format(name="ap_private.h"), {"ap_private.h": SHIFTED}, tmp_path) == ""


class Ending:
    """An argument that ends the process which it is sent to."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.abort, ()


def test_the_end_of_the_emulators_process_fails_a_test_and_not_the_next():
    with pytest.raises(AssertionError, match="ended its process"):
        sanitized.emulate(Ending(), [])  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="AttributeError"):
        sanitized.emulate(None, [])  # type: ignore[arg-type]
