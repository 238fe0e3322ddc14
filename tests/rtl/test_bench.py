"""The test bench that a project brings: it passes with its vectors, and fails with others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.project import Project
from tests.rtl.test_branches import ports
from tests.rtl.test_networks import images


def built(folder: Path, name: str) -> str:
    """The program of a test bench, as the head of its text says how to build it; without its optimisations."""
    verilator = tools.find_verilator()
    files = [f"{name}.v", *sorted(str(path.relative_to(folder)) for path in (folder / "rtl").glob("*.v"))]
    command = [
        str(verilator.path),
        "--cc",
        "--exe",
        "--main",
        "--timing",
        "-Wno-fatal",
        "-CFLAGS",
        "-fcoroutines -std=c++20",
    ]
    tools.run([*command, "--top-module", name, *files], cwd=folder, env=verilator.environment)
    make = ["make", "-C", "obj_dir", "-f", f"V{name}.mk", "CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O0", "OPT_SLOW=-O0"]
    tools.run([*make, "OPT_GLOBAL=-O0"], cwd=folder, env=verilator.environment)
    return f"obj_dir/V{name}"


@pytest.mark.slow
@pytest.mark.parametrize("network", [images, ports], ids=["image", "ports"])
def test_bench(tmp_path: Path, network: Callable[[], Project]):
    project = network().with_settings(output_dir=tmp_path / "out")
    folder = project.write()
    program = built(folder, f"{project.name}_bench")
    words = 10 * len(project.design.outputs)
    for arguments in ([], ["+free"]):
        output = tools.run([str(folder / program), *arguments], cwd=folder).output
        assert f"PASS: {words} words" in output
    expected = folder / "tb_data" / f"{project.circuit.outputs[-1].name}.hex"
    first, *others = expected.read_text().splitlines()
    expected.write_text("\n".join([f"{int(first, 16) ^ 1:0{len(first)}x}", *others]) + "\n")
    assert f"FAIL: {words} of {words} words, 1 wrong" in tools.run([str(folder / program)], cwd=folder).output
