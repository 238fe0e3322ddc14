"""Where yosys and nextpnr are looked for, and what is said where there is none."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.errors import ToolError

KINDS = [
    (tools.find_yosys, "yosys", "HLSGEN_YOSYS", "Yosys 0.70 (git sha1 28ba3cb92)"),
    (
        tools.find_nextpnr,
        "nextpnr-ecp5",
        "HLSGEN_NEXTPNR_ECP5",
        '"nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.11.1)',
    ),
]
kinds = pytest.mark.parametrize(("find", "name", "variable", "version"), KINDS, ids=[kind[1] for kind in KINDS])


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """As on a machine without them."""
    monkeypatch.delenv("HLSGEN_YOSYS", raising=False)
    monkeypatch.delenv("HLSGEN_NEXTPNR_ECP5", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")


def program(folder: Path, name: str, says: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Preparing to run it.'\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


@kinds
def test_none(find, name, variable, version):
    with pytest.raises(
        ToolError, match=rf"no {name} was .*pip install 'hlsgen\[rtl\]', .*yowasp-{name}\) .*{variable}"
    ):
        find()


@kinds
def test_named(find, name, variable, version, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, program(tmp_path, "mine", version))
    found = find()
    assert (found.name, found.command, found.version) == (name, (str(tmp_path / "mine"),), version)


@kinds
@pytest.mark.parametrize("prefix", ["", "yowasp-"])
def test_on_path(find, name, variable, version, monkeypatch, tmp_path, prefix):
    program(tmp_path, prefix + name, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find().command == (str(tmp_path / f"{prefix}{name}"),)


@kinds
def test_another_program(find, name, variable, version, monkeypatch, tmp_path):
    for named in (program(tmp_path, "mine", "something else, version 3"), str(tmp_path / "missing")):
        monkeypatch.setenv(variable, named)
        with pytest.raises(ToolError, match=f"{variable}={named}: no {name} that can be started"):
            find()


@kinds
def test_a_package(find, name, variable, version, monkeypatch, tmp_path):
    """It is run by this Python; what it prints and its exit status are its own."""
    module = f"yowasp_{name.replace('-', '_')}"
    function = f"run_{name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(f"def {function}(argv):\n    print('given', *argv)\n    return len(argv)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: object() if wanted == module else None)
    monkeypatch.setattr(importlib.metadata, "version", lambda distribution: f"{distribution}'s")
    found = find()
    assert found.version == f"{name} of yowasp-{name} yowasp-{name}'s"
    assert found.command[0] == sys.executable
    assert tools.run(found.command, cwd=tmp_path, env=found.environment).output == "given"
    with pytest.raises(ToolError, match="failed with exit status 1: given -p"):
        tools.run([*found.command, "-p"], cwd=tmp_path, env=found.environment)


def test_a_program_in_a_thread_can_be_ended(monkeypatch, tmp_path):
    """What ends it is handed over when it has started."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(ToolError, match="ended by signal 9"):
        tools.run(["sleep", "60"], cwd=tmp_path, started=lambda end: end())
