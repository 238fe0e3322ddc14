"""What circuits take of a device and how fast they are, with yosys and nextpnr themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import hlsgen
from hlsgen import tools
from hlsgen.backends.verilog.logic import Rom
from hlsgen.backends.verilog.text import rom_texts
from hlsgen.errors import ConfigError, InputError, TimingError, ToolError
from hlsgen.project import Project, TimingWarning
from hlsgen.synthesis import timing, yosys
from hlsgen.synthesis.resources import FAMILIES, Resources, total
from hlsgen.synthesis.units import Modules, unit_of
from tests.passes.builders import Net, project_of
from tests.rtl.synthesis import found
from tests.rtl.test_loops import cores, lstm


def small(seed: int = 0, **settings) -> Project:
    """Two layers: products that share multipliers, of weights from a seed, and some that do not."""
    net = Net(seed, name="tiny")
    x = net.dense("fc1", net.input((4,), "x"), 4, 2)
    x = net.call("ReLU", "relu", x)
    net.call("Dense", "fc2", x, {"kernel": [[0.75, -0.5], [1, 0.25]], "bias": [0.25, -1]}, units=2)
    layers = {"fc1": {"strategy": "resource", "reuse_factor": 4}, **settings.pop("layers", {})}
    precision = {"precision": {"weight": "fixed<4,2>", "result": "fixed<8,4>"}}
    source = net.source("fc2")
    given = {"backend": "verilog", "defaults": precision, "input_precision": "fixed<8,4>", **settings}
    return project_of(source, layers=layers, **given)


@pytest.fixture
def apart(monkeypatch, tmp_path):
    """A cache of the test's own."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HLSGEN_CACHE", str(folder))
    return folder


@pytest.fixture
def no_program(monkeypatch) -> Callable[[], None]:
    """From when it is called, no program is started."""

    def refuse(command, **options):
        raise AssertionError(f"{command} is started")

    return lambda: [monkeypatch.setattr(module, "run", refuse) for module in (yosys, timing)]


@pytest.mark.parametrize("family", ["ecp5", pytest.param("xc7", marks=pytest.mark.slow)])
def test_area(family, no_program):
    found(tools.find_yosys)
    project, said = small(), []
    area = project.area(family, log=said.append)
    assert area.family == family
    assert list(area.modules) == ["fc1__flow", "fc1__core", "relu__core", "fc2__core"]
    assert list(area.layers) == ["fc1", "relu", "fc2"]
    assert area.layers["fc1"] == area.modules["fc1__core"] and area.between == area.modules["fc1__flow"]
    assert area.total == total([*area.layers.values(), area.between]) == total(area.modules.values())
    assert area.layers["fc1"].luts > 0 and area.layers["fc1"].ffs > 0 and area.total.brams == 0
    lines = str(area).splitlines()
    assert lines[0].split() == ["module", "LUT", "FF", "carry", "DSP", "BRAM"]
    assert lines[-2].split() == ["total", *area.total.row]
    assert lines[-1].startswith(f"{family}, an estimate of yosys")
    assert f"Area\n{area}" in project.summary()
    no_program()
    assert project.area(family) == area


def test_area_of_a_loop(no_program):
    """Its cores are units of their own, and what they take is part of it."""
    found(tools.find_yosys)
    project = lstm()
    area = project.area("ecp5")
    assert list(area.modules) == ["rnn_inputs__flow", "rnn_inputs__core", "rnn__loop__core"]
    (cores_of_step,) = area.inside.values()
    inner = cores(project)["rnn__loop"].inner
    assert [f"net_{name.removesuffix('__core')}" for name in cores_of_step] == [core.module for core in inner]
    assert all(taken.luts + taken.ffs + taken.dsps + taken.brams > 0 for taken in cores_of_step.values())
    step, within = area.modules["rnn__loop__core"], total(cores_of_step.values())
    assert step.dsps == within.dsps == 18 and step.brams == within.brams == 4
    assert step.luts > within.luts and step.ffs > within.ffs, "its states and what is held have registers"
    assert area.layers == {"rnn": area.modules["rnn_inputs__core"] + step}
    assert area.total == total(area.modules.values())
    assert [cores_of_step[f"rnn_{name}__core"].ffs for name in ("relu", "relu_1")] == [4 * 7 + 1, 2 * 7 + 1]
    lines = str(area).splitlines()
    assert lines[4].startswith("rnn__loop__core ") and lines[5].startswith("  rnn_recurrent__core  ")
    assert lines[-2].split() == ["total", *area.total.row]
    no_program()
    assert project.area("ecp5") == area and f"Area\n{area}" in project.summary()


@pytest.mark.slow
def test_timing_of_a_loop():
    """The slowest path is that of cores within the loop, by their names; cells are those of all units."""
    found(tools.find_yosys)
    found(tools.find_nextpnr)
    project = lstm()
    reached = project.timing("ecp5-25k", clock_period=20.0)
    assert reached.layers == ("rnn",)
    assert {hop.module for hop in reached.path} <= {
        f"rnn__loop__core.{name}" for name in project.area("ecp5").inside["rnn__loop__core"]
    }
    assert all(hop.first and "part" not in hop.first for hop in reached.path)
    used = project.area("ecp5").total
    assert [reached.used[kind][0] for kind in ("TRELLIS_FF", "MULT18X18D", "DP16KD")] == [
        used.ffs,
        used.dsps,
        used.brams,
    ]


def test_one_layer_changes(apart):
    """Only that is synthesized, and the summary waits for it."""
    found(tools.find_yosys)
    former, said = small().area("ecp5"), []
    changed = small(seed=7)
    assert "an estimate of yosys" not in changed.summary()
    area = changed.area("ecp5", log=said.append)
    assert [line for line in said if " of " in line] == [said[-1]]
    assert re.fullmatch(r"1 of 1: fc1__core, \d+\.\d s", said[-1])
    assert area.layers["fc2"] == former.layers["fc2"] and area.between == former.between


def test_multipliers_come_and_go():
    """Two of them, of 8 by 4 bits."""
    area = {dsp: alone("tiny_fc1", small(dsp=dsp), "ecp5") for dsp in ("auto", "yes", "no")}
    assert [taken.dsps for taken in area.values()] == [2, 2, 0]
    assert area["no"].luts > area["auto"].luts


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xc7", "xcup"])
def test_small_products(family):
    """Of 3 by 4 bits, which Xilinx' devices get multipliers for where they are asked for."""
    counts = {dsp: alone("tiny_fc1", small(dsp=dsp, input_precision="fixed<3,2>"), family) for dsp in ("auto", "yes")}
    assert {dsp: taken.dsps for dsp, taken in counts.items()} == {"auto": 0, "yes": 2}


def alone(module: str, project: Project, family: str) -> Resources:
    """What one module of a circuit takes that holds no units of its own."""
    return taken_by(module, project.circuit.modules, family)


def taken_by(module: str, texts: Mapping[str, str], family: str) -> Resources:
    unit = unit_of(module, Modules(texts)).unit
    assert not unit.holds
    synthesis = yosys.Synthesis(found(tools.find_yosys), FAMILIES[family])
    return FAMILIES[family].counted(synthesis.all_of({module: unit}, None)[unit].cells)


def memory(words: int, width: int, family: str) -> Resources:
    """What a table of pseudo-random words takes."""
    values = tuple((pow(3, k, 65537) * 40503) % 2**width for k in range(words))
    return taken_by("memory", rom_texts([Rom("memory", values, width, (words - 1).bit_length())]), family)


@pytest.mark.parametrize("family", ["ecp5", pytest.param("xc7", marks=pytest.mark.slow)])
def test_deep_tables_are_block_memory(family):
    deep, shallow = memory(2048, 16, family), memory(16, 16, family)
    assert (deep.brams, deep.luts) == (2, 0)
    assert shallow.brams == 0 and shallow.luts > 0


def test_timing(no_program):
    found(tools.find_yosys)
    found(tools.find_nextpnr)
    project = small(clock_period=20.0)
    reached = project.timing("ecp5-25k")
    assert reached.met and reached.least_period < 20 == reached.clock_period
    assert reached.fmax * reached.least_period == pytest.approx(1000)
    assert set(reached.layers) <= {"fc1", "relu", "fc2"} and reached.path
    spent = sum(hop.logic + hop.routing for hop in reached.path)
    assert spent == pytest.approx(reached.least_period, abs=0.01)
    used = project.area("ecp5").total
    assert reached.used["TRELLIS_FF"] == (used.ffs, 24288) and reached.used["MULT18X18D"] == (used.dsps, 28)
    assert f"{reached.fmax:.1f} MHz on ecp5-25k" in str(reached) and "20 ns met" in str(reached)
    assert f"Timing\n{reached}" in project.summary()
    no_program()
    assert project.timing("ecp5-25k") == reached


@pytest.mark.slow
def test_page(repository: Path, monkeypatch, capsys):
    """What docs/circuits.md shows is so, by the versions that it names."""
    tools_of_page = {found(tools.find_yosys).title, found(tools.find_nextpnr).title}
    if tools_of_page != {"yosys 0.70", "nextpnr-ecp5 0.11"}:
        pytest.skip(f"other versions: {tools_of_page}")
    monkeypatch.chdir(repository)
    section = (repository / "docs" / "circuits.md").read_text(encoding="utf-8").partition("\n## Area and timing\n")[2]
    block, shown = (re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)[1] for kind in ("python", "text"))
    exec(compile(block, "docs/circuits.md", "exec"), {"hlsgen": hlsgen})
    assert capsys.readouterr().out == shown


@pytest.mark.slow
def test_a_clock_that_is_not_kept():
    """The layer is named; nothing is placed again to be told otherwise."""
    found(tools.find_yosys)
    found(tools.find_nextpnr)
    project = small(clock_period=0.5)  # a register behind each operation, which no device keeps at 2 GHz
    with pytest.raises(
        TimingError, match=r"keeps no clock of 0\.5 ns: it reaches .* MHz on ecp5-12k.*timing\(clock_pe"
    ):
        project.timing("ecp5-12k")
    with pytest.warns(TimingWarning, match="keeps no clock"):
        warned = project.timing("ecp5-12k", on_failure="warn")
    reached = project.timing("ecp5-12k", on_failure="ignore")
    assert reached == warned and not reached.met and "0.5 ns not met" in str(reached)


@pytest.mark.slow
def test_a_device_that_is_too_small():
    found(tools.find_yosys)
    found(tools.find_nextpnr)
    net = Net(seed=2)
    net.dense("wide", net.input((8,), "x"), 8, 8)
    shared = {"strategy": "resource", "reuse_factor": 2}
    project = project_of(net.source("wide"), backend="verilog", input_precision="fixed<9,4>", **shared)
    with pytest.raises(ConfigError, match=r"takes 32 MULT18X18D, and ecp5-12k has 28; take a larger .* dsp: no"):
        project.timing("ecp5-12k")


def test_what_is_refused():
    project = small()
    with pytest.raises(ConfigError, match="there is no family 'xc8'"):
        project.area("xc8")
    with pytest.raises(ConfigError, match="there is no device 'ecp5-86k'; did you mean 'ecp5-85k'"):
        project.timing("ecp5-86k")
    for options, text in (
        ({"clock_period": 0}, "clock_period is 0, expected nanoseconds above 0"),
        ({"clock_period": True}, "clock_period is True"),
        ({"seed": 0}, "seed is 0, expected a whole number from 1"),
        ({"on_failure": "warning"}, "on_failure is 'warning'; did you mean 'warn'"),
    ):
        with pytest.raises(InputError, match=text):
            project.timing(**options)
    vitis = project.with_settings(backend="vitis")
    for method in (vitis.area, vitis.timing):
        with pytest.raises(ConfigError, match="of backend 'vitis', of which no circuit"):
            method()


def test_a_tool_that_fails(monkeypatch, tmp_path, apart):
    """The module is named, and the log is kept."""
    program = tmp_path / "yosys"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Yosys 0.70 || { echo "ERROR: no way"; exit 1; }\n')
    program.chmod(0o755)
    monkeypatch.setenv("HLSGEN_YOSYS", str(program))
    with pytest.raises(ToolError, match="yosys does not synthesize module tiny: yosys failed .*: ERROR: no way"):
        small().area("ecp5")
    (log,) = apart.glob("cells_*.failed.log")
    assert log.read_text() == "ERROR: no way\n"
    assert "an estimate" not in small().summary()


def test_a_tool_that_runs_out_of_memory(monkeypatch, tmp_path, apart):
    """WebAssembly says no more than this; the module is named, and what can be done."""
    program = tmp_path / "yosys"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo Yosys 0.70 && exit\necho Caused by:; echo "    thrown Wasm exception"\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("HLSGEN_YOSYS", str(program))
    text = "module tiny: memory seems to be short, .* larger reuse_factor, .* HLSGEN_YOSYS .*: thrown Wasm exception"
    with pytest.raises(ToolError, match=text):
        small().area("ecp5")


def test_an_interrupt_ends_what_runs(monkeypatch, tmp_path, apart):
    program = tmp_path / "yosys"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo Yosys 0.70 && exit\necho $$ > {tmp_path}/pid\nsleep 60\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("HLSGEN_YOSYS", str(program))

    def interrupted(began, names, log):
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text().strip():
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(yosys, "_follow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small().area("ecp5")
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
