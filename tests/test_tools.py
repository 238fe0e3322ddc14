"""Finding and starting programs, and the folders hlsgen keeps things in."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.errors import ToolError


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No variable of hlsgen's or Vitis's is set."""
    for name in ("HLSGEN_CXX", "CXX", "HLSGEN_VITIS", "XILINX_HLS", "XILINX_VITIS", "HLSGEN_VENDOR_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# -- running -------------------------------------------------------------------------------------


def test_lines_are_streamed_and_kept(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", 'echo "one $1"; echo two >&2')
    lines: list[str] = []
    done = tools.run([program, "a b; $HOME"], cwd=tmp_path, log=lines.append)
    assert lines == ["one a b; $HOME", "two"]
    assert done.output == "one a b; $HOME\ntwo"
    assert done.log_file == tmp_path / "tool.log"
    assert done.log_file.read_text() == "one a b; $HOME\ntwo\n"


def test_a_silent_program_leaves_no_log(tmp_path: Path) -> None:
    assert tools.run([script(tmp_path / "tool", "true")], cwd=tmp_path).log_file is None
    assert not (tmp_path / "tool.log").exists()


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "echo.log").symlink_to(tmp_path / "mine")
    with pytest.raises(ToolError, match=r"echo\.log: the log cannot be written \(it is a link\)"):
        tools.run(["echo", "text"], cwd=tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk at hand")
def test_a_log_on_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"/dev/full: the log cannot be written \(No space left on device\)"):
        tools.run(["seq", "100000"], cwd=tmp_path, log_file=Path("/dev/full"))


def test_failure_names_the_first_error_line_and_the_log(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", "echo fine; echo 'a.cpp:3: error: no x'; echo 'a.cpp:4: error: no y'; exit 3")
    with pytest.raises(ToolError) as caught:
        tools.run([program], cwd=tmp_path)
    message = str(caught.value)
    assert "tool failed with exit status 3: a.cpp:3: error: no x" in message
    assert f"full log: {tmp_path / 'tool.log'}" in message


def test_a_program_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no_such_tool cannot be started .* on PATH"):
        tools.run(["no_such_tool"], cwd=tmp_path)


def test_timeout_ends_the_program_and_its_children(tmp_path: Path) -> None:
    program = script(tmp_path / "tool", "echo begun; sleep 60 & sleep 60")
    began = time.monotonic()
    with pytest.raises(ToolError, match="ended after 0.3 s"):
        tools.run([program], cwd=tmp_path, timeout=0.3)
    assert time.monotonic() - began < 10


def test_first_error_prefers_what_vitis_calls_one() -> None:
    lines = ["INFO: 0 errors", "x.cpp:1: error: y", "ERROR: [HLS 200-70] synthesis failed"]
    assert tools.first_error(lines) == "ERROR: [HLS 200-70] synthesis failed"
    assert tools.first_error(lines[:2]) == "x.cpp:1: error: y"
    assert tools.first_error(["said something", ""]) == "said something"
    assert tools.first_error([]) == ""


# -- the compiler --------------------------------------------------------------------------------


def test_compiler_by_variable_with_arguments(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrapper = script(tmp_path / "wrapper", 'echo "wrapped $1 9.9"')
    bare.setenv("CXX", "unused")
    bare.setenv("HLSGEN_CXX", f"{wrapper} g++")
    compiler = tools.find_compiler()
    assert compiler.command == (str(wrapper), "g++")
    assert compiler.version == "wrapped g++ 9.9"


def test_no_compiler(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="no C\\+\\+ compiler: g\\+\\+ was not found .*install.* set HLSGEN_CXX"):
        tools.find_compiler()
    bare.setenv("CXX", "nope")
    with pytest.raises(ToolError, match="CXX=nope was not found"):
        tools.find_compiler()


def test_cpu_flags_is_one_line() -> None:
    assert tools.cpu_flags()
    assert "\n" not in tools.cpu_flags()


def test_processors_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 8} if process == 0 else set(), raising=False)
    assert tools.processors() == 3


@pytest.mark.parametrize(("counted", "expected"), [(64, 64), (None, 1)])
def test_processors_where_there_is_no_affinity(
    monkeypatch: pytest.MonkeyPatch, counted: int | None, expected: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert tools.processors() == expected


# -- folders -------------------------------------------------------------------------------------


def test_cache_is_made_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "a" / "b"))
    folder = tools.cache_dir()
    assert folder == tmp_path / "a" / "b"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("variable", "expected"), [("XDG_CACHE_HOME", "hlsgen"), ("HOME", ".cache/hlsgen")])
def test_cache_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, expected: str) -> None:
    monkeypatch.delenv("HLSGEN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert tools.cache_dir() == tmp_path / expected


@pytest.mark.parametrize("given", ["", "caches", "./caches", "~/caches"])
def test_a_cache_place_that_is_not_absolute_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    """As the XDG specification says: the cache must not depend on the folder in which a program is started."""
    monkeypatch.delenv("HLSGEN_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert tools.cache_dir() == tmp_path / ".cache" / "hlsgen"


def test_our_own_variable_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HLSGEN_CACHE", "~/ours")
    assert tools.cache_dir() == tmp_path / "ours"


@pytest.mark.parametrize("given", ["~nobody_of_this_name/x", "~nobody_of_this_name"])
def test_cache_of_a_user_who_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HLSGEN_CACHE", given)
    with pytest.warns(UserWarning, match=f"cache {given} is not used: there is no such home folder"):
        assert tools.cache_dir().is_absolute()
    assert list(tmp_path.iterdir()) == [], "nor is a folder of that name made here"


def test_cache_relative_to_a_folder_that_was_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HLSGEN_CACHE", "relative")
    assert tools.cache_dir() == tmp_path / "here" / "relative"
    (tmp_path / "here" / "relative").rename(tmp_path / "elsewhere")
    (tmp_path / "here").rmdir()
    with pytest.warns(UserWarning, match="relative to the current folder, which was removed"):
        assert tools.cache_dir().is_absolute()


def test_no_home_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HLSGEN_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # as in a container with a user that nobody knows
    with pytest.warns(UserWarning, match="there is no such home folder"):
        assert tools.cache_dir().is_absolute()
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(ToolError, match="no temporary folder can be made .*set TMPDIR"):
        tools._temporary_folder()


def test_cache_that_others_may_write_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.warns(UserWarning, match="others may write to it .*chmod 700"):
        folder = tools.cache_dir()
    assert folder != tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert tools.cache_dir() == folder, "one temporary folder a process"


def test_cache_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir(mode=0o700)
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "c"))
    monkeypatch.setattr(os, "getuid", lambda: 12345678)
    with pytest.warns(UserWarning, match="belongs to user number"):
        assert tools.cache_dir() != tmp_path / "c"


def test_templates_are_found() -> None:
    assert (tools.templates_dir() / "firmware" / "hlsgen" / "arith.h").is_file()


# -- Vitis ---------------------------------------------------------------------------------------


def test_no_vitis(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("PATH", str(tmp_path))
    assert tools.find_vitis() is None


@pytest.mark.parametrize(
    ("place", "names", "kind", "version"),
    [
        ("Vitis_HLS/2022.2/bin", ["vitis_hls"], "vitis_hls", "2022.2"),
        ("Vitis/2022.2/bin", ["vitis-run", "vitis_hls"], "vitis_hls", "2022.2"),  # vitis-run has no HLS yet
        ("Vitis/2023.2/bin", ["vitis-run", "vitis_hls"], "vitis-run", "2023.2"),
        ("2025.1/Vitis/bin", ["vitis-run"], "vitis-run", "2025.1"),
        ("bin", ["vitis-run"], "vitis-run", ""),
    ],
)
def test_vitis_on_path(
    bare: pytest.MonkeyPatch, tmp_path: Path, place: str, names: list[str], kind: str, version: str
) -> None:
    for name in names:
        script(tmp_path / place / name, "true")
    bare.setenv("PATH", str(tmp_path / place))
    vitis = tools.find_vitis()
    assert vitis is not None
    assert (vitis.kind, vitis.version, vitis.path) == (kind, version, tmp_path / place / kind)


def test_vitis_by_variable(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = script(tmp_path / "2024.1" / "bin" / "vitis_hls", "true")
    for given in (program, tmp_path / "2024.1"):
        bare.setenv("HLSGEN_VITIS", str(given))
        assert tools.find_vitis() == tools.Vitis(program, "vitis_hls", "2024.1")
    bare.setenv("HLSGEN_VITIS", str(tmp_path))
    with pytest.raises(ToolError, match="expected vitis-run or vitis_hls"):
        tools.find_vitis()


def test_vendor_headers(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script(tmp_path / "2024.2" / "bin" / "vitis-run", "true")
    bare.setenv("PATH", str(tmp_path / "2024.2" / "bin"))
    include = tmp_path / "2024.2" / "include"
    include.mkdir()
    (include / "ap_fixed.h").touch()
    assert tools.vendor_headers() == include
    bare.setenv("HLSGEN_VENDOR_HEADERS", str(tmp_path))
    with pytest.raises(ToolError, match="no ap_fixed.h there"):
        tools.vendor_headers()
