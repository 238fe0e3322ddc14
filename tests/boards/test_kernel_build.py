"""How a kernel is built: build.tcl by a Tcl interpreter with stubs, link.cfg as it is read, the Makefile by make."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hlsgen.backends.boards import BOARDS, Alveo
from hlsgen.project import Project
from tests.boards.model import load
from tests.boards.test_block_design import PROGRAM, project

CARDS = {name: board for name, board in BOARDS.items() if isinstance(board, Alveo)}
HOSTILE = ("[set ::harm 1]", "a; set ::harm 1"), 'x}"; set ::harm 1; # $(shell touch harm) `touch harm`'
VITIS_HLS = """
set cells {}; set pins {}; set buses {}; set done {}; set said {}; set ended {}
foreach name {open_project set_top add_files open_solution set_part create_clock set_clock_uncertainty csim_design
              csynth_design cosim_design export_design close_project config_interface} {
    proc $name {args} "lappend ::done \\[linsert \\$args 0 $name\\]"
}
proc exit {code} { set ::ended $code; error "exit $code" }
proc puts {args} { lappend ::said [lindex $args end] }
"""


def built(made: Project, steps: str) -> dict[str, Any]:
    """The books of Vitis HLS after build.tcl has ended."""
    pytest.importorskip("tkinter")
    folder = made.write()
    given = json.dumps([VITIS_HLS, str(folder / "build.tcl"), "", {}])
    env = {**os.environ, "HLSGEN_STEPS": steps}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=given, capture_output=True, text=True, timeout=60, env=env, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("board", CARDS)
def test_a_kernel_is_exported(board: str, tmp_path: Path) -> None:
    tcl = built(project(board, tmp_path), "csynth export")
    assert tcl["said"] == [] and tcl["ended"] == "0"
    done = tcl["done"]
    assert "open_solution -reset solution1 -flow_target vitis" in done
    assert f"set_part {CARDS[board].part}" in done and "create_clock -period 5 -name default" in done
    assert f"export_design -format xo -output {tmp_path}/board/tiny.xo" in done


def test_a_zynq_board_and_none_have_an_ip(tmp_path: Path) -> None:
    made = project("zcu104", tmp_path / "zynq")
    for each in (made, made.with_settings(board=None, output_dir=tmp_path / "none")):
        done = built(each, "csynth export")["done"]
        assert (
            "open_solution -reset solution1 -flow_target vivado" in done and "export_design -format ip_catalog" in done
        )


@pytest.mark.parametrize("board", CARDS)
def test_every_port_is_linked_to_memory(board: str, tmp_path: Path) -> None:
    made = project(board, tmp_path)
    lines = made.files["board/link.cfg"].splitlines()
    assert "kernel_frequency=200" in lines and "nk=tiny:1:tiny_1" in lines
    read = configparser.ConfigParser(strict=False)  # sp is said again and again
    read.read_string("[top]\n" + made.files["board/link.cfg"])
    assert read.sections() == ["top", "connectivity"]
    bank = "HBM[{}]" if board in ("u50", "u55c", "u280") else "DDR[0]"
    expected = [f"sp=tiny_1.m_axi_gmem{n}:{bank.format(n)}" for n in range(len(made.plan.ports))]
    assert [line for line in lines if line.startswith("sp=")] == expected
    code = made.files["firmware/tiny.cpp"]
    assert all(f"port={port.wire.name} offset=slave bundle=gmem{n} " in code for n, port in enumerate(made.plan.ports))


def make(folder: Path, *words: str) -> tuple[int, list[str]]:
    """Run make with programs that only say how they were called."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("no make on PATH")
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name in ("v++", "emconfigutil", "cxx"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\n')
        (programs / name).chmod(0o755)
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "XILINX_XRT": "/opt/xilinx/xrt"}
    done = subprocess.run(
        [program, "--no-print-directory", "-s", *words, f"CXX={programs}/cxx"],
        cwd=folder, capture_output=True, text=True, timeout=60, env=env,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_the_makefile(tmp_path: Path) -> None:
    folder = project("u280", tmp_path).write() / "board"
    code, said = make(folder, "xclbin")
    assert code != 0 and said[0].startswith(
        "tiny.xo is missing: run build.tcl in the project's folder with HLSGEN_STEPS=\"cs"
    )
    (folder / "tiny.xo").touch()
    link = "v++ --link --target {} --platform {} --config link.cfg --save-temps --output tiny.{}.xclbin tiny.xo"
    known = CARDS["u280"].platform
    assert make(folder, "xclbin") == (0, [link.format("hw", known, "hw")])
    assert make(folder, "xclbin", "TARGET=hw_emu", "PLATFORM=mine") == (0, [link.format("hw_emu", "mine", "hw_emu")])
    code, (said,) = make(folder, "host")
    assert code == 0 and said.endswith(
        "-I/opt/xilinx/xrt/include -o host host.cpp -L/opt/xilinx/xrt/lib -lxrt_coreutil -pthread"
    )
    (folder / "host").write_text('#!/bin/sh\necho "host $* $XCL_EMULATION_MODE"\n')
    (folder / "host").chmod(0o755)
    assert make(folder, "test")[1][-1] == "host tiny.hw.xclbin "
    said = make(folder, "test", "TARGET=hw_emu")[1]
    assert f"emconfigutil --platform {known}" in said and said[-1] == "host tiny.hw_emu.xclbin hw_emu"


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    made = project("u200", tmp_path, *HOSTILE)
    tcl = built(made, "csynth export")
    assert tcl["said"] == [] and tcl["ended"] == "0" and tcl["harm"] == "0"
    folder = made.write() / "board"
    (folder / f"{made.name}.xo").touch()
    code, (said,) = make(folder, "xclbin")
    assert code == 0 and said.startswith("v++ --link") and not (folder / "harm").exists()
    ports = load(made.write(), "ports")
    assert [port.name for port in ports.INPUTS] == [wire.name for wire in made.plan.inputs]
    for name, text in made.files.items():
        if name.startswith("board/"):
            assert "set ::harm" not in text and "touch harm" not in text, name
