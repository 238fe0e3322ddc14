"""The test bench that a project brings: it passes with its vectors, and fails with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from hlsgen import tools
from tests.rtl.test_networks import images


def built(folder: Path) -> str:
    """The program of a test bench, as the head of its text says how to build it; without its optimisations."""
    verilator = tools.find_verilator()
    name = "images_bench"
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
def test_bench(tmp_path: Path):
    project = images().with_settings(output_dir=tmp_path / "out")
    folder = project.write()
    program = built(folder)
    for arguments in ([], ["+free"]):
        output = tools.run([str(folder / program), *arguments], cwd=folder).output
        assert "PASS: 10 words" in output
    expected = folder / "tb_data" / "y.hex"
    first, *others = expected.read_text().splitlines()
    expected.write_text("\n".join([f"{int(first, 16) ^ 1:0{len(first)}x}", *others]) + "\n")
    assert "FAIL: 10 of 10 words, 1 wrong" in tools.run([str(folder / program)], cwd=folder).output
