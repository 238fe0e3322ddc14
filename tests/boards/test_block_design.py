"""The script for Vivado, run by a Tcl interpreter whose commands of Vivado are stubs that keep books."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hlsgen.backends.boards import BOARDS, Zynq
from hlsgen.project import Project
from tests.passes.builders import Net, project_of

STUBS = """
set cells {}; set pins {}; set buses {}; set done {}
proc get_ipdefs {all pattern} { return [string map {:* :1.0 *: amd.com:} $pattern] }
proc get_board_parts {quiet pattern} { return [list [string map {* 1.2} $pattern] [string map {* 1.10} $pattern]] }
proc create_bd_cell {args} { lappend ::cells [lindex $args end]; return [lindex $args end] }
proc get_bd_cells {name} { if {$name ni $::cells} { error "no cell $name" }; return $name }
proc known {pin} { if {[lindex [split $pin /] 0] ni $::cells} { error "no cell of $pin" }; return $pin }
proc get_bd_pins {pin} { known $pin }
proc get_bd_intf_pins {args} {
    set pin [lindex $args end]
    if {[lindex $args 0] eq "-quiet" && $pin ni $::design_ports} { return {} }
    known $pin
}
proc connect_bd_net {from to} { lappend ::pins $from $to }
proc connect_bd_intf_net {from to} {
    foreach end [list $from $to] { if {$end in $::buses} { error "$end has two partners" } }
    lappend ::buses $from $to
}
proc set_property {args} { lappend ::done $args }
proc get_property {name object} {
    array set of {PROGRESS 100% STATUS done DIRECTORY . }
    set of(STATS.WNS) $::slack
    return $of($name)
}
foreach name {create_project current_project update_ip_catalog create_bd_design apply_bd_automation assign_bd_address
              validate_bd_design save_bd_design get_files add_files make_wrapper current_fileset launch_runs wait_on_run
              get_runs glob} {
    proc $name {args} "lappend ::done \\[linsert \\$args 0 $name\\]; return something"
}
rename file real_file
proc file {sub args} {
    if {$sub eq "copy"} { lappend ::done [linsert $args 0 copied]; return }
    if {$sub eq "exists"} { return $::exported }
    return [uplevel 1 real_file $sub $args]
}
set ended {}
proc exit {code} { set ::ended $code; error "exit $code" }
proc puts {args} { lappend ::said [lindex $args end] }
set said {}; set exported 1; set slack 0.1
"""


def project(board: str, folder: Path, names: tuple[str, str] = ("first", "second"), title: str = "tiny") -> Project:
    net = Net(3, title)
    net.call("Add", "sum", [net.input((3, 2), name) for name in names])
    net.call("ReLU", "positive", "sum")
    net.call("ReLU", "again", "positive")
    return project_of(
        net.source("sum", "positive", "again"), output_dir=folder, input_precision="fixed<7,3>", board=board
    )


PROGRAM = """
import json, sys
from tkinter import Tcl
stubs, script, ports, settings = json.load(sys.stdin)
def flat(part):
    parts = part if isinstance(part, tuple) else tcl.splitlist(part)
    return [word for one in parts for word in (flat(one) if isinstance(one, tuple) else [one])]
tcl = Tcl()
tcl.eval(stubs)
tcl.setvar("design_ports", ports)
for name, value in settings.items():
    tcl.setvar(name, value)
tcl.eval("catch {source {%s}}" % script)
found = {name: tcl.splitlist(tcl.getvar(name)) for name in ("cells", "pins", "buses", "said")}
found["done"] = [" ".join(map(str, flat(line))) for line in tcl.splitlist(tcl.getvar("done"))]
json.dump({**found, "ended": str(tcl.getvar("ended")), "harm": tcl.eval("info exists ::harm")}, sys.stdout)
"""
"""In a process of its own: an interpreter must die in the thread that made it."""


def run(made: Project, suffix: str = "", **settings: object) -> dict[str, Any]:
    """The books after the script has ended. ``suffix``: what the IP has appended to the names of its ports."""
    pytest.importorskip("tkinter")
    script = made.write() / "board" / "block_design.tcl"
    ports = " ".join(f"design/{port.wire.name}{suffix}" for port in made.plan.ports)
    given = json.dumps([STUBS, str(script), ports, settings])
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


ZYNQ = {name: board for name, board in BOARDS.items() if isinstance(board, Zynq)}


@pytest.mark.parametrize("suffix", ["", "_r"])
@pytest.mark.parametrize("board", ZYNQ)
def test_runs_to_its_end_with_every_cell_connected(board: str, suffix: str, tmp_path: Path) -> None:
    made = project(board, tmp_path)
    tcl = run(made, suffix)
    assert tcl["said"] == [] and tcl["ended"] == "0"
    cells, buses = tcl["cells"], tcl["buses"]
    assert cells == ["processor", "reset", "registers", "memory", "design", "dma_0", "dma_1", "dma_2"]
    connected = {pin.split("/")[0] for pin in tcl["pins"]} & {pin.split("/")[0] for pin in buses}
    assert connected == set(cells) - {"reset"}
    assert {f"design/{port.wire.name}{suffix}" for port in made.plan.ports} <= set(buses)
    ports = len(made.plan.ports)
    assert {f"memory/S{n:02d}_AXI" for n in range(ports)} <= set(buses) and f"memory/S{ports:02d}_AXI" not in buses
    assert {f"dma_{n}/S_AXI_LITE" for n in range(3)} <= set(buses)
    done = tcl["done"]
    assert any(f"board_part {ZYNQ[board].board_part}:part0:1.10" in line for line in done), "the newest, not 1.2"
    assert sum(line.startswith("copied") for line in done) == 2


@pytest.mark.parametrize(
    ("settings", "said"), [({"exported": 0}, "no IP in"), ({"slack": -0.2}, "clock of 100 MHz is missed by -0.2 ns")]
)
def test_ends_with_the_reason(settings: dict[str, object], said: str, tmp_path: Path) -> None:
    tcl = run(project("pynq-z2", tmp_path), **settings)
    (message,) = tcl["said"]
    assert said in message and tcl["ended"] == "1"


def test_another_ip_is_refused(tmp_path: Path) -> None:
    tcl = run(project("pynq-z2", tmp_path), "_of_another")
    assert "the IP has no port first" in tcl["said"][0]


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    made = project("pynq-z2", tmp_path, ("[set ::harm 1]", "a; set ::harm 1"), 'x}"; set ::harm 1; #')
    tcl = run(made)
    assert tcl["said"] == [] and tcl["harm"] == "0"
