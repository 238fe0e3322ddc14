"""The harnesses of docs/harness.md, word by word as they stand there."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.errors import ConfigError, ToolError
from hlsgen.tools import Completed
from tests.rtl.test_networks import xor


@pytest.fixture(scope="module")
def page(repository: Path) -> dict[str, str]:
    """The files of the page by their names, which are in their first lines."""
    text = (repository / "docs" / "harness.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|cpp)\n(?:#|//) (\S+)\n(.*?)```", text, re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope="module")
def folder(page: dict[str, str], repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the scripts of the page lie and have run."""
    home = tmp_path_factory.mktemp("harness")
    (home / "example-models").symlink_to(repository / "example-models")
    for name in ("vectors.py", "run.py"):
        (home / name).write_text(page[name], encoding="utf-8")
    told = python(home, "vectors.py").output
    text = (repository / "docs" / "harness.md").read_text(encoding="utf-8")
    assert f"It prints `{told.strip()}`" in text
    for name in ("test_iris.py", "harness.cpp"):
        (home / "iris_rtl" / name).write_text(page[name], encoding="utf-8")
    return home


def python(home: Path, script: str) -> Completed:
    verilator = tools.find_verilator()
    path = os.pathsep.join([str(verilator.path.parent), os.environ.get("PATH", "")])
    found = {"PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **verilator.environment}
    found["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    return tools.run([sys.executable, script], cwd=home, env=found)


@contextmanager
def broken(file: Path) -> Iterator[None]:
    """While one bit of the last word that is expected is another."""
    kept = file.read_text()
    *others, last = kept.splitlines()
    file.write_text("\n".join([*others, f"{int(last, 16) ^ 1:x}"]) + "\n")
    try:
        yield
    finally:
        file.write_text(kept)


@pytest.mark.slow
def test_cocotb(folder: Path):
    pytest.importorskip("cocotb", reason="the page's harness in Python: pip install cocotb")
    assert "TESTS=1 PASS=1 FAIL=0" in python(folder, "run.py").output
    with broken(folder / "iris_rtl" / "taken.hex"), pytest.raises(ToolError, match="Failed 1 of 1 tests"):
        python(folder, "run.py")


@pytest.mark.slow
def test_verilator(folder: Path):
    verilator, rtl = tools.find_verilator(), folder / "iris_rtl"
    files = sorted(str(path.relative_to(rtl)) for path in (rtl / "rtl").glob("*.v"))
    command = [str(verilator.path), "--cc", "--exe", "-Wno-fatal", "--top-module", "iris", "--prefix", "Viris"]
    tools.run([*command, "harness.cpp", *files], cwd=rtl, env=verilator.environment)
    make = ["make", "-C", "obj_dir", "-f", "Viris.mk", "CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O0", "OPT_SLOW=-O0"]
    tools.run([*make, "OPT_GLOBAL=-O0"], cwd=rtl, env=verilator.environment)
    program = str(rtl / "obj_dir" / "Viris")
    assert "100 of 100 words, 0 wrong" in tools.run([program], cwd=rtl).output
    with broken(rtl / "taken.hex"), pytest.raises(ToolError, match="100 of 100 words, 1 wrong"):
        tools.run([program], cwd=rtl)


def test_vhdl_is_refused():
    with pytest.raises(ConfigError, match="vhdl: there is no VHDL, .*; use backend: verilog"):
        xor().with_settings(backend="vhdl")
