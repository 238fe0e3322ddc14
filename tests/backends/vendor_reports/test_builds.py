"""Reports of whole builds: where they lie, which layer a module is, two builds side by side, the command."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import hlsgen
from hlsgen.backends.vitis.reports import Performance, Report, against, compare, read_reports
from hlsgen.backends.vitis.reports.layers import step_of_module
from hlsgen.cli import main
from hlsgen.errors import ToolError, UnknownNameError
from hlsgen.linter.source import Source
from hlsgen.linter.steps import Step, steps_of
from tests.backends.vendor_reports import texts
from tests.backends.vendor_reports.texts import COMPLETE, SOLUTION


def test_a_complete_build(tmp_path: Path) -> None:
    report = read_reports(texts.build(tmp_path, COMPLETE))
    assert (report.top, report.resources["DSP"], report.performance) == ("net", 8, Performance(40, 40, 20, 21))
    assert report.cosim is not None and report.cosim.total_cycles == 203
    assert report.synthesis is not None and report.synthesis.resources["LUT"] == 700, "the XML knows more than the text"
    assert report.hardware is report.synthesis
    assert report.notes == ()
    assert report.figures() == {
        "latency": 41, "interval": 21, "clock": 3.5, "BRAM": 2, "DSP": 8, "FF": 350, "LUT": 700, "URAM": 0
    }  # fmt: skip


def test_figures_by_layer(tmp_path: Path) -> None:
    report = read_reports(texts.build(tmp_path, COMPLETE))
    read, dense, relu = report.layers
    assert (read.layer, read.step, read.modules) == ("the words of port x", "x_packs", ("read_words_x_packs_config_s",))
    assert (dense.layer, dense.step, dense.modules) == ("fc 1", "fc1", ("dense_fc1_config_s",)), "with all inside"
    assert (dense.performance, dense.resources["LUT"]) == (Performance(24, 24, 20, 20), 560)
    assert relu.modules == ("relu_fc1_relu_config_s",) * 2
    assert (relu.resources, relu.performance) == ({"FF": 60, "LUT": 180}, Performance(None, None, 6, 6))
    assert (dense.vivado, relu.vivado) == ({"FF": 20, "LUT": 520}, {"FF": 40, "LUT": 141})
    assert [one.step for one in report.layer("fc 1")] == ["fc1", "fc1_relu"]
    with pytest.raises(UnknownNameError, match="no layer 'fc_1' in the report; did you mean 'fc 1'"):
        report.layer("fc_1")


def test_layers_where_nobody_says_who_calls_whom(tmp_path: Path) -> None:
    files = {**COMPLETE, f"{SOLUTION}/syn/report/csynth.xml": texts.csynth(instances=())}
    _, dense, _ = read_reports(texts.build(tmp_path, files)).layers
    assert (dense.modules, dense.resources["LUT"]) == (("dense_fc1_config_s",), 560)


def test_layers_that_are_inlined(tmp_path: Path) -> None:
    top = texts.module("net", 40, 20, {"LUT": 760})
    files = {**COMPLETE, f"{SOLUTION}/syn/report/csynth.xml": texts.csynth(instances=(), modules=(top,))}
    report = read_reports(texts.build(tmp_path, files))
    assert [one.performance for one in report.layers] == [None, None, None]
    assert "  fc 1                 fc1       inlined" in str(report)


def test_no_layers_where_there_are_no_modules(tmp_path: Path) -> None:
    files = {**COMPLETE, f"{SOLUTION}/syn/report/csynth.xml": texts.csynth(instances=(), modules=())}
    assert read_reports(texts.build(tmp_path, files)).layers == ()


@pytest.mark.parametrize(
    ("module", "step"),
    [
        ("dense_a_config_s", "a"),
        ("relu_dense_a_config_s", "dense_a"),
        ("matvec_dense_a_config_pack_ap_fixed_16_6_5_3_0_8u_Pipeline_Row", "dense_a"),
        ("weigh_a_config_1", "a"),
        ("weigh_a_configs", None),
        ("weigh_aa_config", None),
        ("clone_s", "clone"),
        ("clone_3", "clone"),
        ("clones", None),
        ("entry_proc", None),
    ],
)
def test_the_step_of_a_module(module: str, step: str | None) -> None:
    names = {"a": "dense", "dense_a": "relu", "clone": "clone"}
    steps = [Step(name, function, (), "", 1, 1) for name, function in names.items()]
    found = step_of_module(module, steps)
    assert (None if found is None else found.name) == step


def test_steps_of_a_top_function() -> None:
    steps = steps_of(Source("net.cpp", texts.SOURCE))
    assert [(step.name, step.function, step.layer, step.first, step.last) for step in steps] == [
        ("x_packs", "read_words", "the words of port x", 5, 8),
        ("fc1", "dense", "fc 1", 10, 14),
        ("fc1_relu", "relu", "fc 1", 16, 17),
    ]


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_modules_of_a_generated_design(examples: Path, io_type: str) -> None:
    """Layers whose names begin and end with each other's: of 'fc1' there are a step 'fc1_dense' and one 'fc1'."""
    project = hlsgen.convert(examples / "iris_mlp" / "model.keras", io_type=io_type)
    steps = steps_of(Source("iris_mlp.cpp", project.files["firmware/iris_mlp.cpp"]))
    assert {"fc1", "fc2", "classes"} <= {step.layer for step in steps}
    assert len(steps) == (6 if io_type == "io_parallel" else 8)
    for step in steps:
        for module in (f"{step.function}_{step.name}_config_s", f"matvec_{step.name}_config_Pipeline_Row"):
            assert step_of_module(module, steps) is step


# -- where they lie --------------------------------------------------------------------------------


LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "of v++": {"component/hls/syn/report/csynth.xml": texts.csynth()},
    "of hls4ml": {
        "net_prj/solution1/syn/report/net_csynth.xml": texts.csynth(),
        "vivado_synth.rpt": texts.utilization(),
    },
    "of Vivado alone": {"vivado_synth.rpt": texts.utilization(), "vivado_timing.rpt": texts.timing()},
    "of a file": {"csynth.xml": texts.csynth()},
    "with copies": {
        "c/hls/syn/report/csynth.xml": texts.csynth(),
        "c/hls/impl/misc/hls_files/hls/syn/report/csynth.xml": texts.csynth(top="other"),
        "c/hls/.autopilot/db/syn/report/csynth.xml": texts.csynth(top="other"),
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path: Path, layout: str) -> None:
    report = read_reports(texts.build(tmp_path, LAYOUTS[layout]))
    assert (report.csynth is not None) == ("Vivado" not in layout)
    assert (report.synthesis is not None) == ("vivado_synth.rpt" in LAYOUTS[layout])
    if report.synthesis is not None:
        assert report.synthesis.resources["BRAM"] == 3
        assert report.synthesis.met is (False if "Vivado" in layout else None)
    assert report.layers == ()


def test_a_solution_by_itself(tmp_path: Path) -> None:
    assert read_reports(texts.build(tmp_path, COMPLETE) / SOLUTION).top == "net"


@pytest.mark.parametrize(
    "file", ["syn/report/csynth.xml", "sim/report/net_cosim.rpt", "impl/report/verilog/export_syn.xml"]
)
def test_a_single_file(tmp_path: Path, file: str) -> None:
    report = read_reports(texts.build(tmp_path, COMPLETE) / SOLUTION / file)
    known = [report.csynth, report.cosim, report.synthesis]
    assert [one is not None for one in known].count(True) == 1
    assert str(report)


def test_implementation_beside_synthesis(tmp_path: Path) -> None:
    impl = f"{SOLUTION}/impl/report/verilog/export_impl.xml"
    report = read_reports(texts.build(tmp_path, {**COMPLETE, impl: texts.export_xml("impl", lut=650, slack=0.1)}))
    assert report.synthesis is not None and report.implementation is not None
    assert (report.synthesis.resources["LUT"], report.implementation.resources["LUT"]) == (700, 650)
    assert report.figures()["clock"] == 3.9


def test_nothing_asked_of_C_synthesis_without_it(tmp_path: Path) -> None:
    report = read_reports(texts.build(tmp_path, LAYOUTS["of Vivado alone"]))
    with pytest.raises(UnknownNameError, match="no csynth.xml is there; run C synthesis"):
        _ = report.resources


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"readme": ""}, "no report of Vitis HLS or Vivado is there"),
        ({f"{SOLUTION}/syn/report/readme": ""}, "no report of Vitis HLS or Vivado is there"),
        ({**COMPLETE, "net_prj/solution2/syn/report/csynth.xml": texts.csynth()}, "reports of 2 builds .*solution2"),
        ({**COMPLETE, f"{SOLUTION}/sim/report/net_cosim.rpt": ""}, "no row for VHDL or Verilog"),
        ({**COMPLETE, f"{SOLUTION}/impl/report/verilog/export_syn.xml": "<a"}, "not a complete XML file"),
        (
            {**COMPLETE, f"{SOLUTION}/impl/report/verilog/export_syn.xml": texts.export_xml(part="xcu250-figd2104-2L-e")},
            "reports of two builds: C synthesis is for xczu7ev-ffvc1156-2-e, Vivado's synthesis for xcu250",
        ),
        (
            {SOLUTION + "/syn/report/csynth.xml": texts.csynth(top="new"), SOLUTION + "/sim/report/net_cosim.rpt": texts.cosim()},
            "reports of two designs: .*'new'.*'net'",
        ),
    ],
)  # fmt: skip
def test_folders_that_are_no_build(tmp_path: Path, files: Mapping[str, str], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        read_reports(texts.build(tmp_path, files))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no such folder"):
        read_reports(tmp_path / "gone")


def test_a_report_of_a_former_build_is_noted(tmp_path: Path) -> None:
    texts.build(tmp_path, COMPLETE)
    old = tmp_path / SOLUTION / "sim/report/net_cosim.rpt"
    os.utime(old, (1_000_000_000, 1_000_000_000))
    (note,) = read_reports(tmp_path).notes
    assert note.startswith(f"{old} is older than csynth.xml")


def test_texts_beside_those_that_are_read(tmp_path: Path) -> None:
    """Other reports of Vivado have names that are like these."""
    others = {"a_timing_paths.rpt": "paths", "utilization_hierarchical.rpt": "| Instance | Module |"}
    report = read_reports(texts.build(tmp_path, {**LAYOUTS["of Vivado alone"], **others}))
    assert report.synthesis is not None and report.synthesis.slack == -0.125


def test_what_concerns_a_reader_is_noted(tmp_path: Path) -> None:
    refused = '<Pragma type="unroll" location="net.cpp:12" status="ignored" options="factor=3" msg_body="no loop"/>'
    made = texts.csynth(used=2000, clock=4.5, pragmas=refused)
    files = {
        f"{SOLUTION}/syn/report/csynth.xml": made,
        f"{SOLUTION}/impl/report/verilog/export_impl.xml": texts.export_xml("impl", lut=300_000, met="FALSE"),
    }
    report = read_reports(texts.build(tmp_path, files))
    assert report.notes == (
        "C synthesis: it does not fit: DSP 116%",
        "C synthesis: the clock is not kept: estimated 4.5 ns, target 4 ns",
        "C synthesis: a pragma was not taken: 'unroll factor=3' at net.cpp:12: ignored, no loop",
        "implementation: it does not fit: LUT 130%",
        "implementation: the clock is not kept",
    )
    assert "note: C synthesis: it does not fit: DSP 116%" in str(report).splitlines()
    assert "note: implementation" in report._repr_html_() and report._repr_html_().startswith("<pre>")


# -- side by side ----------------------------------------------------------------------------------


def other(report: Report) -> Report:
    assert report.csynth is not None
    csynth = replace(report.csynth, version="2024.1", resources={**report.csynth.resources, "DSP": 12, "URAM": 3})
    dense = replace(report.layers[1], resources={"DSP": 12, "LUT": 600})
    return replace(report, folder="other", csynth=csynth, cosim=None, layers=(report.layers[0], dense))


def test_two_builds(tmp_path: Path) -> None:
    before = read_reports(texts.build(tmp_path, COMPLETE))
    found = compare(before, other(before))
    dsp = found.of("C synthesis")["DSP"]
    assert (dsp.before, dsp.after, dsp.difference, dsp.ratio) == (8, 12, 4, 1.5)
    uram = found.of("C synthesis")["URAM"]
    assert (uram.difference, uram.ratio) == (3, None)
    simulated = found.of("co-simulation")["latency"]
    assert (simulated.before, simulated.after, simulated.difference, simulated.ratio) == (41, None, None, None)
    assert found.of("layer fc 1 (fc1)")["LUT"].difference == 40
    assert found.of("layer fc 1 (fc1)")["BRAM"].after is None
    assert found.notes == ("version differs: 2023.2 before, 2024.1 after",)
    text = str(found)
    assert "  DSP            8     12          +4    1.5" in text
    assert "note: version differs: 2023.2 before, 2024.1 after" in text
    assert "co-simulation\n" in text and "  latency           41      -" in text


def test_a_build_and_itself_differ_in_nothing(tmp_path: Path) -> None:
    report = read_reports(texts.build(tmp_path, COMPLETE))
    found = compare(report, report)
    assert {change.difference for change in found.changes} == {0}
    assert str(found).endswith("the figures of 3 layers are the same")


def test_what_was_expected(tmp_path: Path) -> None:
    report = read_reports(texts.build(tmp_path, COMPLETE))
    found = against({"DSP": 10, "latency": 40, "power": 1}, report)
    assert [(change.what, change.difference) for change in found.changes] == [("DSP", -2), ("latency", 1)]


# -- the command -----------------------------------------------------------------------------------


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_command_prints_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = call(capsys, "reports", texts.build(tmp_path, COMPLETE))
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == f"net on {texts.PART} (Vitis HLS 2023.2)"
    assert "co-simulation of Verilog: Pass" in lines
    assert f"after synthesis by Vivado 2023.2 on {texts.PART}" in lines
    assert "  fc 1                 fc1            24        20     2    8  330  560     0" in lines
    assert "  fc 1                 fc1_relu        ?         6              60  180" in lines


def test_the_command_compares_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = texts.build(tmp_path / "a", COMPLETE)
    second = texts.build(tmp_path / "b", {**COMPLETE, f"{SOLUTION}/syn/report/csynth.xml": texts.csynth(used=4)})
    status, out, _ = call(capsys, "reports", first, second)
    assert status == 0
    assert out.splitlines()[:2] == [f"before: {first}", f"after:  {second}"]
    assert "  DSP            8      4          -4    0.5" in out


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = texts.build(tmp_path, COMPLETE)
    _, out, _ = call(capsys, "reports", folder, "--json")
    assert json.loads(out)["csynth"]["resources"]["DSP"] == 8
    assert json.loads(out)["layers"][1]["layer"] == "fc 1"
    _, out, _ = call(capsys, "reports", folder, folder, "--json")
    assert {"stage": "C synthesis", "what": "DSP", "before": 8, "after": 8} in json.loads(out)["changes"]


def test_the_command_fails_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = call(capsys, "reports", tmp_path)
    assert (status, out) == (1, "") and err.startswith(f"error: {tmp_path}: no report of Vitis HLS or Vivado")
