"""Each report of the vendor's tools by itself: what is read, by version, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hlsgen.backends.vitis.reports import Performance
from hlsgen.backends.vitis.reports.cosim import Transaction, read_cosim
from hlsgen.backends.vitis.reports.csynth import Loop, read_csynth
from hlsgen.backends.vitis.reports.hardware import (
    read_export_text,
    read_export_xml,
    read_utilization,
    with_timing,
)
from hlsgen.errors import ToolError
from tests.backends.vendor_reports import texts

BOMB = """<?xml version="1.0"?><!DOCTYPE profile [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<profile><UserAssignments>&b;</UserAssignments><PerformanceEstimates/></profile>"""
OUTSIDE = """<!DOCTYPE profile [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<profile><UserAssignments><Part>&x;</Part></UserAssignments><PerformanceEstimates/></profile>"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, text: str) -> Path:
        return texts.build(tmp_path, {name: text}) / name

    return write


# -- C synthesis -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "dsp"), [("2020.1", "DSP48E"), ("2020.2", "DSP"), ("2025.2", "DSP")])
def test_csynth(file: Callable[..., Path], version: str, dsp: str) -> None:
    found = read_csynth(file("csynth.xml", texts.csynth(version=version, dsp=dsp)))
    assert (found.top, found.part, found.version) == ("net", texts.PART, version)
    assert (found.target_clock, found.estimated_clock) == (4.0, 2.917)
    assert found.performance == Performance(40, 40, 20, 21)
    assert found.resources == {"BRAM": 2, "DSP": 8, "FF": 402, "LUT": 760, "URAM": 0}
    assert found.available["DSP"] == 1728
    assert found.utilization()["DSP"] == 8 / 1728
    names = {module.name: module for module in found.modules}
    inner = names["dense_fc1_config_Pipeline_Output"]
    assert inner.performance == Performance(20, 20, 16, 17), "an interval from 16 to 17"
    assert inner.resources == {"DSP": 8, "FF": 300, "LUT": 500, "BRAM": 2}
    assert inner.loops == (Loop("Row", 8, 88, None, 11), Loop("Column", 10, 9, 1, 4))
    assert names["relu_fc1_relu_config_s"].performance == Performance(None, None, 6, 6)
    assert [one.module for one in found.instances[1].inner] == ["dense_fc1_config_Pipeline_Output"]


def test_csynth_of_vivado_hls_has_no_hierarchy(file: Callable[..., Path]) -> None:
    found = read_csynth(file("csynth.xml", texts.csynth(version="2018.2", dsp="DSP48E", instances=(), modules=())))
    assert (found.instances, found.modules, found.resources["DSP"]) == ((), (), 8)


@pytest.mark.parametrize("word", ["undef", "NA", "?", "", "inf", "nan", "-", "1e400", "9" * 400])
def test_a_figure_that_is_none(file: Callable[..., Path], word: str) -> None:
    assert read_csynth(file("csynth.xml", texts.csynth(latency=word))).performance == Performance(None, None, 20, 21)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (texts.csynth()[:-400], "not a complete XML file"),
        ("", "not a complete XML file"),
        ("<html/>", "found <html> without its sections"),
        (f"<{'x' * 9000}/>", "found <x{60}> without"),
        ("<a>" * 2000, "more than 500 deep"),
        (BOMB, "it has a document type"),
        (OUTSIDE, "it has a document type"),
    ],
)
def test_csynth_that_is_none(file: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        read_csynth(file("csynth.xml", text))


def test_a_bomb_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_bytes(BOMB.replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode("utf-16"))
    with pytest.raises(ToolError, match="it has a document type"):
        read_csynth(path)


def test_a_report_that_is_too_large(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.backends.vitis.reports.safe_xml.LARGEST", 100)
    with pytest.raises(ToolError, match="more than the 100 bytes allowed"):
        read_csynth(file("csynth.xml", texts.csynth()))


# -- co-simulation ---------------------------------------------------------------------------------


def test_cosim(tmp_path: Path) -> None:
    texts.build(tmp_path, texts.COMPLETE)
    found = read_cosim(tmp_path / texts.SOLUTION / "sim/report/net_cosim.rpt")
    assert (found.rtl, found.status, found.passed) == ("Verilog", "Pass", True)
    assert found.performance == Performance(38, 41, 20, 21)
    assert (found.latency_average, found.interval_average, found.total_cycles) == (39, 20, 203)
    assert found.transactions == (Transaction(38, 20), Transaction(41, 21), Transaction(39, None))


def test_an_older_cosim_has_no_total(file: Callable[..., Path]) -> None:
    assert read_cosim(file("a_cosim.rpt", texts.cosim(total=None))).total_cycles is None


def test_the_total_of_lat_rpt(tmp_path: Path) -> None:
    texts.build(tmp_path, {"net_cosim.rpt": texts.cosim(total=None), "verilog/lat.rpt": texts.LAT})
    assert read_cosim(tmp_path / "net_cosim.rpt").total_cycles == 203


def test_a_failed_cosim(file: Callable[..., Path]) -> None:
    found = read_cosim(file("net_cosim.rpt", texts.cosim(status="Fail", latency=("NA", "NA", "NA"))))
    assert not found.passed
    assert found.performance.latency_max is None
    assert "co-simulation of Verilog: Fail" in str(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no row for VHDL or Verilog"),
        ("\0\0\0", "is no text"),
        (texts.cosim().replace("|   Verilog|", "|   Verilog|        NA|"), "neither VHDL nor Verilog was simulated"),
        (texts.cosim(latency=(38, 41), total=None), "5 figures for Verilog, expected 6 or 7"),
    ],
)
def test_cosim_that_is_none(file: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        read_cosim(file("net_cosim.rpt", text))


# -- Vivado ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("run", "stage"), [("synth", "synthesis"), ("impl", "implementation")])
def test_export_xml(file: Callable[..., Path], run: str, stage: str) -> None:
    found = read_export_xml(file("export.xml", texts.export_xml(run)))
    assert (found.stage, found.part, found.version) == (stage, texts.PART, "2023.2")
    assert (found.target_clock, found.achieved_clock, found.slack, found.met) == (4.0, 3.5, 0.5, True)
    assert found.resources == {"BRAM": 2, "DSP": 8, "FF": 350, "LUT": 700, "URAM": 0}
    assert found.available["BRAM"] == 624
    assert found.cells[1].path == "inst/dense_fc1_U0" and found.cells[1].resources == {"FF": 20, "LUT": 520}


def test_a_clock_that_is_not_kept(file: Callable[..., Path]) -> None:
    found = read_export_xml(file("export.xml", texts.export_xml(slack=-0.25, met="FALSE")))
    assert (found.met, found.achieved_clock) == (False, 4.25)
    assert "target 4 ns, achieved 4.25 ns, not kept" in str(found)


@pytest.mark.parametrize(
    ("stage", "clock"), [("Synthesis", 3.412), ("Implementation", 3.871)], ids=["synthesis", "implementation"]
)
def test_export_text(file: Callable[..., Path], stage: str, clock: float) -> None:
    found = read_export_text(file("net_export.rpt", texts.export_text(stage)))
    assert (found.stage, found.top, found.part, found.version) == (stage.lower(), "net", texts.PART, "2024.2")
    assert (found.target_clock, found.achieved_clock, found.met) == (4.0, clock, True)
    assert found.resources == {"LUT": 812, "FF": 390, "DSP": 8, "BRAM": 2, "URAM": 0}


def test_export_text_of_a_clock_that_is_not_kept(file: Callable[..., Path]) -> None:
    text = texts.export_text().replace("3.412", "4.5").replace("Timing met", "Timing not met")
    found = read_export_text(file("net_export.rpt", text))
    assert (found.met, found.slack) == (False, -0.5)


@pytest.mark.parametrize("family", ["Slice", "CLB", "Versal"])
def test_utilization(file: Callable[..., Path], family: str) -> None:
    found = read_utilization(file("vivado_synth.rpt", texts.utilization(family=family)))
    assert (found.stage, found.top, found.version) == ("synthesis", "net", "2022.2")
    assert found.resources == {"LUT": 731, "FF": 377, "BRAM": 3, "URAM": 0, "DSP": 8}, "1.5 tiles are 3 blocks"
    assert found.available == {"LUT": 230400, "FF": 460800, "BRAM": 624, "URAM": 96, "DSP": 1728}
    assert found.met is None


def test_utilization_after_routing(file: Callable[..., Path]) -> None:
    assert read_utilization(file("a.rpt", texts.utilization(state="Routed"))).stage == "implementation"


@pytest.mark.parametrize(("slack", "met", "clock"), [("-0.125", False, 4.125), ("0.250", True, 3.75)])
def test_timing(file: Callable[..., Path], slack: str, met: bool, clock: float) -> None:
    found = read_utilization(file("vivado_synth.rpt", texts.utilization()))
    found = with_timing(found, file("vivado_timing.rpt", texts.timing(slack)))
    assert (found.slack, found.met, found.target_clock, found.achieved_clock) == (float(slack), met, 4.0, clock)


@pytest.mark.parametrize("word", ["inf", "NA"])
def test_no_path_is_constrained(file: Callable[..., Path], word: str) -> None:
    found = read_utilization(file("vivado_synth.rpt", texts.utilization()))
    found = with_timing(found, file("vivado_timing.rpt", texts.timing(word)))
    assert (found.slack, found.met, found.target_clock, found.achieved_clock) == (None, None, 4.0, None)


def test_timing_of_another_stage(file: Callable[..., Path]) -> None:
    synthesized = read_utilization(file("vivado_synth.rpt", texts.utilization()))
    assert with_timing(synthesized, file("timing.rpt", texts.timing(state="Routed"))) == synthesized
    assert with_timing(synthesized, file("timing.rpt", texts.timing(state="Synthesized"))).met is False


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_export_xml, texts.csynth(), "found <profile> without AreaReport"),
        (read_export_xml, texts.export_xml()[:900], "not a complete XML file"),
        (read_export_xml, BOMB, "it has a document type"),
        (read_export_text, "Vivado v.2024.2", "no figures of resources"),
        (read_utilization, texts.timing(), "no table of LUTs"),
        (read_utilization, "", "no table of LUTs"),
    ],
)
def test_what_is_none_of_vivado(
    file: Callable[..., Path], read: Callable[[Path], Any], text: str, message: str
) -> None:
    with pytest.raises(ToolError, match=message):
        read(file("report", text))


def test_no_timing_summary(file: Callable[..., Path]) -> None:
    found = read_utilization(file("vivado_synth.rpt", texts.utilization()))
    with pytest.raises(ToolError, match="no Design Timing Summary"):
        with_timing(found, file("timing.rpt", texts.utilization()))


@pytest.mark.parametrize("read", [read_csynth, read_cosim, read_export_xml, read_export_text, read_utilization])
def test_a_report_that_is_missing(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(ToolError, match=str(tmp_path)):
        read(tmp_path / "gone")
    with pytest.raises(ToolError, match=str(tmp_path)):
        read(tmp_path)


# -- damaged ---------------------------------------------------------------------------------------


SOUND: dict[str, tuple[Callable[[Path], Any], str]] = {
    "csynth.xml": (read_csynth, texts.csynth()),
    "net_cosim.rpt": (read_cosim, texts.cosim()),
    "export_syn.xml": (read_export_xml, texts.export_xml()),
    "net_export.rpt": (read_export_text, texts.export_text()),
    "vivado_synth.rpt": (read_utilization, texts.utilization()),
}


def damaged(content: bytes, random: Random) -> bytes:
    """Cut off, with bytes changed, or with a part that stands twice or not at all."""
    a, b = sorted(random.randrange(len(content)) for _ in range(2))
    part = bytes(random.choice(b"<>|/\0\xff 9-\n~") for _ in range(random.randrange(1, 4)))
    return random.choice(
        [content[:a], content[:a] + part + content[a + 1 :], content[:a] + content[b:], content[:b] + content[a:]]
    )


@pytest.mark.parametrize("name", SOUND)
def test_a_damaged_report_is_read_or_refused(tmp_path: Path, name: str) -> None:
    read, text = SOUND[name]
    random, path, refused = Random(name), tmp_path / name, 0
    for _ in range(300):
        path.write_bytes(damaged(text.encode(), random))
        try:
            assert str(read(path))
        except ToolError as error:
            refused += 1
            assert name in str(error)
    assert 0 < refused < 300
