"""Bitstreams: what is written for the tools, what they say, and, where they are there, what they make."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from hlsgen import tools
from hlsgen.board.build import build, files, load
from hlsgen.board.table import BOARDS
from hlsgen.errors import ConfigError, TimingError, ToolError, UnsupportedError
from tests.board.models import board_of, wide, xor_project
from tests.passes.builders import Net, project_of

STUB = """#!{python}
import json, pathlib, sys
name, *words = sys.argv
if words == ["--version"]:
    print("Yosys 0.70, nextpnr-ecp5 (Version 0.11), Project Trellis ecppack Version 1.4")
    sys.exit()
kind = pathlib.Path(name).name
with open("{calls}", "a") as file:
    file.write(json.dumps([kind, *words]) + "\\n")
plan = json.loads(pathlib.Path("{plan}").read_text())
if kind == "nextpnr-ecp5":
    after = dict(zip(words, words[1:]))
    pathlib.Path(after["--log"]).write_text(plan["log"])
    fmax = plan["fmax"].pop(0)
    pathlib.Path("{plan}").write_text(json.dumps(plan))
    if plan["fails"]:
        print("ERROR: Unable to place cell 'x', no Bels remaining of type MULT18X18D")
        sys.exit(1)
    path = [dict(net="network." + layer + ".y") for layer in ("fc1", "n_out", "n_out")]
    clocks = dict(clk=dict(achieved=fmax, constraint=25))
    pathlib.Path(after["--report"]).write_text(json.dumps(dict(
        fmax=clocks,
        utilization=dict(TRELLIS_COMB=dict(used=798, available=83640), DLLDELD=dict(used=0, available=8)),
        critical_paths=[{{"from": "posedge clk", "to": "posedge clk", "path": path}}],
    )))
if kind == "ecppack":
    pathlib.Path(words[-1]).write_text("bits")
"""


class Tools:
    """Programs that note how they are called; nextpnr finds the speeds of ``fmax``, one after the other."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.plan, self.called = folder / "plan.json", folder / "calls"
        text = STUB.format(python=sys.executable, calls=self.called, plan=self.plan)
        for name in ("yosys", "nextpnr-ecp5", "ecppack", "openFPGALoader"):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
            monkeypatch.setenv(f"HLSGEN_{name.upper().replace('-', '_')}", str(folder / name))
        self.expect()

    def expect(self, *fmax: float, log: str = "", fails: bool = False) -> None:
        self.plan.write_text(json.dumps({"fmax": fmax or [80.0], "log": log, "fails": fails}))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.called.read_text().splitlines()]


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Tools:
    (tmp_path / "bin").mkdir()
    return Tools(tmp_path / "bin", monkeypatch)


def test_what_is_run(programs, tmp_path):
    built = xor_project().bitstream("ulx3s", folder=tmp_path / "out")
    assert built.path == tmp_path / "out" / "n_xor.bit"
    assert (built.fmax, dict(built.cells)) == (80.0, {"TRELLIS_COMB": (798, 83640)})
    yosys, nextpnr, pack = programs.calls
    assert yosys == ["yosys", "-q", "n_xor.ys"]
    assert nextpnr[:7] == ["nextpnr-ecp5", "--85k", "--package", "CABGA381", "--speed", "6", "--json"]
    assert pack == ["ecppack", "--compress", "n_xor.config", "--bit", "n_xor.bit"]
    assert "clock 25 MHz of at most 80.0, 1000000 baud" in str(built)
    load(built)
    assert programs.calls[-1] == ["openFPGALoader", "-b", "ulx3s", "n_xor.bit"]


def test_the_folder_is_complete(tmp_path, programs):
    """The Makefile makes what is made here, and every file that it names is there."""
    built = xor_project().bitstream("ulx3s", folder=tmp_path / "out")
    here = programs.calls
    programs.called.unlink()
    programs.expect()
    for name in ("n_xor.config", "n_xor.bit"):
        (built.path.parent / name).unlink(missing_ok=True)
    (built.path.parent / "n_xor.json").touch()
    tools.run(["make", "-B", *(f"{v.upper()}={programs.plan.parent / p}" for v, p in VARIABLES)], cwd=built.path.parent)
    assert programs.calls == here


VARIABLES = (("yosys", "yosys"), ("nextpnr_ecp5", "nextpnr-ecp5"), ("ecppack", "ecppack"))


def test_a_clock_that_is_not_met(programs, tmp_path):
    project, out = xor_project(), tmp_path / "out"
    assert project.bitstream("ulx3s", folder=out).path.is_file()
    programs.expect(19.5)
    with pytest.raises(
        TimingError,
        match=r"n_xor on ulx3s: nextpnr finds 19.5 MHz \(51.28 ns\), the clock is 25 MHz; the slowest path is in layer "
        r"'n_out'. Set clock_period: 52 or more, or allow a slower clock",
    ) as caught:
        project.bitstream("ulx3s", folder=out)
    assert caught.value.megahertz == 19.5
    assert not list(out.glob("*.bit")), "of what failed, no bitstream is left"


def test_a_slower_clock_on_wish(programs, tmp_path):
    programs.expect(19.5, 17.2, 16.5)  # the second try has 17.86 MHz, the third 15.63
    built = xor_project().bitstream("ulx3s", baud=115_200, folder=tmp_path / "out", allow_slow=True)
    clock = built.design.clock
    assert clock.pll is not None and (clock.megahertz, built.fmax) == (15.625, 16.5)
    assert f"// {clock.megahertz:g} MHz by a PLL, 115200 baud" in (tmp_path / "out/board/hlsgen_board.v").read_text()
    programs.expect(19, 17, 15, 12)
    with pytest.raises(TimingError):
        xor_project().bitstream("ulx3s", baud=115_200, folder=tmp_path / "out", allow_slow=True)


def test_too_large(programs, tmp_path):
    log = "Info:     TRELLIS_IO:  10/  365   2%\nInfo:     MULT18X18D:  2048/  156  1312%\n"
    programs.expect(log=log, fails=True)
    with pytest.raises(
        ConfigError,
        match=r"n_xor is too large for ulx3s \(LFE5U-85F-6BG381C\): it takes 2,048 MULT18X18D, of which there are 156. "
        "Raise reuse_factor",
    ):
        xor_project().bitstream("ulx3s", folder=tmp_path / "out")
    programs.expect(log="", fails=True)
    with pytest.raises(ToolError, match="nextpnr-ecp5 failed .*no Bels remaining"):
        xor_project().bitstream("ulx3s", folder=tmp_path / "out")


def test_samples_that_are_too_large():
    net = Net(name="large")
    net.conv("conv", net.input((100, 100, 2), "image"), 2, 2)
    project = project_of(net.source("conv"), backend="verilog", input_precision="fixed<8,4>")
    with pytest.raises(
        UnsupportedError, match="a sample takes 20,000 bytes on the line, and frames hold at most 16,384"
    ):
        project.board_design("ulx3s")


def test_several_inputs_are_refused():
    net = Net(name="two")
    net.call("Add", "sum", [net.input((4,), "a"), net.input((4,), "b")])
    project = project_of(net.source("sum"), backend="verilog")
    with pytest.raises(UnsupportedError, match="circuit two: has the inputs a, b and the outputs sum, and frames"):
        project.board_design("ulx3s")


@pytest.mark.parametrize("baud", [0, -1, 1.5, True, "fast"])
def test_rates_that_are_none(baud):
    with pytest.raises(ConfigError, match="baud: found .*expected a whole number"):
        xor_project().board_design("ulx3s", baud=baud)


def test_of_another_backend():
    with pytest.raises(ConfigError, match='backend="verilog"'):
        xor_project().with_settings(backend="vitis").board_design("ulx3s")


@pytest.mark.parametrize("name", BOARDS)
def test_every_port_has_its_pin(name):
    design = board_of(xor_project(), name)
    top, pins = design.verilog["board/hlsgen_board.v"], design.pins()
    head = top[top.index("module") : top.index(");")]
    ports = {line.split("//")[0].strip(" ,\n").split()[-1] for line in head.splitlines()[1:] if line.strip()}
    located = set()
    for line in pins.splitlines():
        words = line.replace('"', "").split()
        if words[0] in ("LOCATE", "set_io"):
            located.add((words[2] if words[0] == "LOCATE" else words[1]).split("[")[0])
    assert located == ports


def test_texts_do_not_change():
    """From run to run, and with the board: the network is the same."""
    first, second = files(board_of(wide(), "ulx3s")), files(board_of(wide(), "ulx3s"))
    assert first == second
    other = files(board_of(wide(), "icebreaker"))
    assert {k: v for k, v in other.items() if k.startswith("rtl/")} == {
        k: v for k, v in first.items() if k.startswith("rtl/")
    }
    assert board_of(wide(), "ulx3s").about == board_of(wide(), "icebreaker").about


def there(*find) -> bool:
    try:
        return all(one() for one in find)
    except ToolError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(("board", "clock_period"), [("ulx3s-12f", None), ("ecpix5-45", 20), ("icebreaker", None)])
def test_bitstream(board, clock_period, tmp_path):
    """By the real tools."""
    family = BOARDS[board].device.family
    if not there(tools.find_yosys, lambda: tools.find_nextpnr(family), lambda: tools.find_packer(family)):
        pytest.skip("yosys and nextpnr are not installed (extra board)")
    project = xor_project()
    if clock_period is not None:
        project = project.with_settings(clock_period=clock_period)
    built = project.bitstream(board, folder=tmp_path / "out")
    assert built.fmax >= built.design.clock.megahertz
    data = built.path.read_bytes()
    assert len(data) > 10_000
    if family == "ecp5":
        assert f"Part: {built.design.board.device.part[:9]}".encode() in data[:200]
        assert ("EHXPLLL" in built.cells) == (clock_period is not None)
    shutil.rmtree(tmp_path / "out" / "rtl")
    with pytest.raises(ToolError, match="yosys"):
        build(built.design, tmp_path / "out")
    assert not built.path.exists()


def test_tools_that_are_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("HLSGEN_OPENFPGALOADER", raising=False)
    with pytest.raises(ToolError, match=r"openFPGALoader was not found on PATH; install it"):
        tools.find_loader()
    monkeypatch.setenv("HLSGEN_OPENFPGALOADER", "/nowhere/loader")
    with pytest.raises(ToolError, match="HLSGEN_OPENFPGALOADER=/nowhere/loader: was not found"):
        tools.find_loader()


def test_memory_of_frames_is_large_enough():
    """Two of the largest sample, and those of many small ones."""
    about = board_of(xor_project()).about
    assert (about.room, about.samples_of_frame) == (2048, 1022)
    net = Net(name="image")
    net.conv("conv", net.input((40, 30, 2), "image"), 2, 2)
    about = board_of(project_of(net.source("conv"), backend="verilog", input_precision="fixed<8,4>")).about
    assert (about.sample_bytes, about.room, about.samples_of_frame) == (2400, 8192, 1)
    assert np.log2(about.room) % 1 == 0
