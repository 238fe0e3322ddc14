"""The Vitis backend, with stub tools in place of Vitis."""

from __future__ import annotations

import re
import shutil
import subprocess
from math import prod
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError, InputError, MismatchError, ToolError
from tests.backends import stubs
from tests.backends.vendor_reports import texts
from tests.passes.builders import Net, project_of


@pytest.fixture
def tools_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder at the front of PATH for stub tools; no other Vitis can be found."""
    folder = tmp_path / "2024.1" / "bin"
    folder.mkdir(parents=True)
    for name in ("HLSGEN_VITIS", "XILINX_HLS", "XILINX_VITIS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def make(examples: Path, folder: Path, **overrides: object) -> hlsgen.Project:
    options = {"project_name": "tiny", "output_dir": folder / "prj", **overrides}
    return hlsgen.convert(examples / "iris_mlp" / "model.keras", **options)


@pytest.mark.parametrize(
    ("name", "arguments"), [("vitis-run", "--mode hls --tcl build.tcl"), ("vitis_hls", "-f build.tcl")]
)
def test_synthesize(
    examples: Path, tmp_path: Path, tools_folder: Path, capsys: pytest.CaptureFixture[str], name: str, arguments: str
) -> None:
    program = stubs.install(tools_folder, name, "success")
    report = make(examples, tmp_path).synthesize(cosim=True)
    assert report is not None
    assert (report.top, report.resources["DSP"]) == ("tiny", 96)
    line = f"INFO: [HLS 200-10] {program} {arguments} steps=csynth cosim"
    assert line in capsys.readouterr().out, "the log is streamed"
    assert line in (tmp_path / "prj" / "hlsgen_vitis.log").read_text()


def test_reports_of_all_steps(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis-run", "success")
    report = make(examples, tmp_path).synthesize(cosim=True, vsynth=True, log=None)
    assert report is not None and report.cosim is not None and report.synthesis is not None
    assert (report.cosim.performance.latency_max, report.cosim.samples_checked) == (41, 10)
    assert (report.synthesis.resources["LUT"], report.synthesis.met) == (700, True)
    assert report.implementation is None
    steps = "steps=csynth cosim vsynth"
    assert steps in (tmp_path / "prj" / "hlsgen_vitis.log").read_text()
    text = str(report)
    assert "outputs   of 10 samples, all integers those of the emulator" in text
    assert "after synthesis by Vivado 2023.2" in text


@pytest.mark.parametrize("step", ["csim", "cosim"])
@pytest.mark.parametrize("behaviour", ["mismatch", "unnoticed"])
def test_another_integer_than_the_emulators(
    examples: Path, tmp_path: Path, tools_folder: Path, behaviour: str, step: str
) -> None:
    stubs.install(tools_folder, "vitis-run", behaviour)
    project = make(examples, tmp_path)
    expected = int(project.files["tb_data/expected.dat"].splitlines()[2].split()[0])
    simulation = {"csim": "C simulation", "cosim": "co-simulation"}[step]
    message = rf"{simulation}: output 'classes', sample 2, element \(0,\): found 4711, expected {expected}.* 1 of 10"
    with pytest.raises(MismatchError, match=message) as caught:
        project.synthesize(log=None, **{step: True})
    error = caught.value
    assert (error.output, error.sample, error.element) == ("classes", 2, (0,))
    assert (error.found, error.expected) == (4711, expected)
    assert isinstance(error.__cause__, ToolError if behaviour == "mismatch" else None.__class__)


def test_all_outputs_of_several_are_compared(tmp_path: Path, tools_folder: Path) -> None:
    net = Net(0)
    x = net.input((2, 3))
    graph = net.source(net.call("ReLU", "a", x), net.call("Softmax", "b", x))
    project = project_of(graph, project_name="tiny", output_dir=tmp_path / "prj")
    first = [len(project.design.outputs[0].shape), project.design.outputs[0].size]
    assert first == [2, 6]
    stubs.install(tools_folder, "vitis-run", "success")
    assert project.synthesize(cosim=True, log=None).cosim.samples_checked == 10
    program = tools_folder / "vitis-run"
    spoil = "awk 'NR==5 {$10=$10+1} {print}' tb_data/expected.dat"
    program.write_text(program.read_text().replace("cat tb_data/expected.dat", spoil))
    with pytest.raises(MismatchError) as caught:
        project.synthesize(cosim=True, log=None)
    error = caught.value
    assert (error.output, error.sample, error.element) == (project.design.outputs[1].name, 4, (1, 0))
    assert error.found == error.expected + 1


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("outputs_gone", "wrote no .*rtl_outputs.dat, so nothing was compared"),
        ("outputs_short", "has 4 samples, expected 10"),
    ],
)
def test_outputs_that_are_not_all_there(
    examples: Path, tmp_path: Path, tools_folder: Path, behaviour: str, message: str
) -> None:
    stubs.install(tools_folder, "vitis-run", behaviour)
    with pytest.raises(ToolError, match=message):
        make(examples, tmp_path).synthesize(cosim=True, log=None)


def test_outputs_of_a_former_run_are_not_taken(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis-run", "success")
    project = make(examples, tmp_path)
    project.synthesize(cosim=True, log=None)
    program = tools_folder / "vitis-run"
    program.write_text(program.read_text().replace("cat tb_data/expected.dat >tb_data/rtl_outputs.dat", ":"))
    with pytest.raises(ToolError, match="the test bench wrote no .*rtl_outputs.dat"):
        project.synthesize(cosim=True, log=None)


@pytest.mark.parametrize("line", ["1 2", "1 2 x", "1 2 3 4", "1 2 3.0", "1 2 \u0663", ""])
def test_outputs_that_are_no_integers(examples: Path, tmp_path: Path, tools_folder: Path, line: str) -> None:
    program = stubs.install(tools_folder, "vitis-run", "success")
    spoil = f"sed '1s/.*/{line}/' tb_data/expected.dat"
    program.write_text(program.read_text().replace("cat tb_data/expected.dat", spoil), encoding="utf-8")
    with pytest.raises(ToolError, match="sample 0: found . words?, expected 3"):
        make(examples, tmp_path).synthesize(csim=True, log=None)


def test_a_simulation_that_the_tool_calls_failed(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    """All integers are right, and something else is not: TLAST, say."""
    stubs.install(tools_folder, "vitis-run", "success")
    (tools_folder / "cosim.rpt").write_text(texts.cosim(status="Fail"))
    with pytest.raises(ToolError, match="co-simulation: Vitis HLS reports 'Fail', expected 'Pass'"):
        make(examples, tmp_path).synthesize(cosim=True, log=None)


@pytest.mark.parametrize(("step", "file"), [("cosim", "tiny_cosim.rpt"), ("vsynth", "export_syn.xml")])
def test_a_step_that_left_no_report(examples: Path, tmp_path: Path, tools_folder: Path, step: str, file: str) -> None:
    program = stubs.install(tools_folder, "vitis-run", "success")
    program.write_text(program.read_text().replace("exit 0", f"find . -name {file} -delete"))
    with pytest.raises(ToolError, match=f"wrote no {file}: it named no error"):
        make(examples, tmp_path).synthesize(log=None, **{step: True})


def test_csim_alone_has_no_report(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis_hls", "success")
    assert make(examples, tmp_path).synthesize(csim=True, csynth=False) is None


def test_failure_carries_the_first_error(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis-run", "failure")
    with pytest.raises(ToolError, match=re.escape("ERROR: [HLS 207-1] the first thing wrong\nfull log:")):
        make(examples, tmp_path).synthesize()


def test_an_old_report_is_not_taken_for_a_new_one(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis-run", "success")
    project = make(examples, tmp_path)
    project.synthesize()
    stubs.install(tools_folder, "vitis-run", "no_report")
    with pytest.raises(ToolError, match="wrote no csynth.xml: ERROR: .* a quiet failure"):
        project.synthesize()


def test_an_old_report_that_cannot_be_removed(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    stubs.install(tools_folder, "vitis-run", "success")
    project = make(examples, tmp_path)
    project.synthesize()
    (report,) = (tmp_path / "prj").rglob("csynth.xml")
    report.unlink()
    report.mkdir()
    with pytest.raises(ToolError, match=r"csynth\.xml: cannot be removed"):
        project.synthesize()


def test_no_vitis(examples: Path, tmp_path: Path, tools_folder: Path) -> None:
    with pytest.raises(ToolError, match="neither vitis-run nor vitis_hls is on PATH; source settings64.sh"):
        make(examples, tmp_path).synthesize()
    assert not (tmp_path / "prj").exists()


def test_nothing_to_do(examples: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one of csim, csynth, cosim, export, vsynth"):
        make(examples, tmp_path).synthesize(csynth=False)


@pytest.mark.parametrize(
    "part", ["x", "xcu250; exec rm", "xcu250-figd2104-2L-e]", "[exit]", "$env(HOME)", "xcu250\n-2"]
)
def test_a_part_that_is_none(examples: Path, tmp_path: Path, part: str) -> None:
    with pytest.raises(ConfigError, match="expected a device as Vitis names it"):
        _ = make(examples, tmp_path, part=part).files


@pytest.mark.parametrize(
    "part", ["xcu250-figd2104-2L-e", "xc7z020clg400-1", "xcvc1902-vsva2197-2MP-e-S", "xczu9eg-ffvb1156-2-e"]
)
def test_parts(examples: Path, tmp_path: Path, part: str) -> None:
    assert f"set_part {part}\n" in make(examples, tmp_path, part=part).files["build.tcl"]


def test_uncertainty_of_the_clock(examples: Path, tmp_path: Path) -> None:
    assert "uncertainty" not in make(examples, tmp_path).files["build.tcl"], "the tool's own"
    script = make(examples, tmp_path, clock_uncertainty=12.5).files["build.tcl"]
    assert "create_clock -period 5 -name default\n    set_clock_uncertainty 12.5% default\n" in script
    with pytest.raises(ConfigError, match="clock_uncertainty: Input should be less than 100"):
        make(examples, tmp_path, clock_uncertainty=100)


def test_only_of_the_test_bench_unknown_pragmas_are_nobodys_business(examples: Path, tmp_path: Path) -> None:
    script = make(examples, tmp_path).files["build.tcl"]
    (line,) = [line for line in script.splitlines() if "-Wno-unknown-pragmas" in line]
    assert "add_files -tb" in line


def test_script_for_a_name_full_of_tricks(examples: Path, tmp_path: Path) -> None:
    script = make(examples, tmp_path, project_name='a"; exec rm [exit] $x').files["build.tcl"]
    (top,) = re.findall(r"^ *set_top (.*)$", script, re.MULTILINE)
    assert re.fullmatch(r"[A-Za-z]\w*", top)
    assert "exec" not in script.replace(top, "")


CALLED = [
    ("", {"csynth": ""}),
    ("csim csynth", {"csim": "-argv {here}/tb_data", "csynth": ""}),
    ("csynth cosim export", {"csynth": "", "cosim": "-argv {here}/tb_data", "export": "-format ip_catalog"}),
    ("csynth vsynth", {"csynth": "", "export": "-flow syn -rtl verilog -format ip_catalog"}),
    ("csynth export vsynth", {"csynth": "", "export": "-flow syn -rtl verilog -format ip_catalog"}),
    ("rm", None),
]


def in_tcl(folder: Path, steps: str, bench: str = "") -> subprocess.CompletedProcess[str]:
    """The script itself, with the tool's commands replaced by ones that print their name; ``bench``: what simulations do."""
    commands = "open_project set_top add_files open_solution set_part create_clock set_clock_uncertainty close_project"
    doing = "csim_design csynth_design cosim_design export_design"
    stub = f'foreach name {{{commands} {doing}}} {{ proc $name args "puts \\"$name \\$args\\"" }}\n'
    if bench:
        stub += f"proc csim_design args {{{bench}}}\nproc cosim_design args {{{bench}}}\n"
    (folder / "stub.tcl").write_text(stub + "source build.tcl\n", encoding="utf-8")
    env = {"PATH": "/usr/bin:/bin"} | ({"HLSGEN_STEPS": steps} if steps else {})
    return subprocess.run(["tclsh", "stub.tcl"], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
@pytest.mark.parametrize(("steps", "called"), CALLED, ids=[steps for steps, _ in CALLED])
def test_script_in_tcl(examples: Path, tmp_path: Path, steps: str, called: dict[str, str] | None) -> None:
    folder = make(examples, tmp_path, clock_uncertainty=10).write()
    run = in_tcl(folder, steps)
    if called is None:
        assert run.returncode == 1
        assert "unknown step rm; valid: csim csynth cosim export vsynth" in run.stderr
        return
    assert run.returncode == 0, run.stderr
    found = dict(re.findall(r"^(\w+)_design (.*)$", run.stdout, re.MULTILINE))
    assert found == {name: options.format(here=folder) for name, options in called.items()}
    assert list(found) == list(called), "in this order"
    assert f"-I{folder}/firmware" in run.stdout and "set_clock_uncertainty 10% default" in run.stdout


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
def test_script_packs_a_kernel_once(examples: Path, tmp_path: Path) -> None:
    folder = make(examples, tmp_path, board="u250", io_type="io_stream").write()
    run = in_tcl(folder, "csynth export vsynth")
    assert re.findall(r"^export_design (.*)$", run.stdout, re.MULTILINE) == [
        f"-flow syn -rtl verilog -format xo -output {folder}/board/tiny.xo"
    ]


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="tclsh is not installed")
@pytest.mark.parametrize("fails", [False, True])
def test_script_keeps_what_a_bench_wrote(examples: Path, tmp_path: Path, fails: bool) -> None:
    folder = make(examples, tmp_path).write()
    (folder / "tb_data" / "outputs.dat").write_text("of a former run")
    (folder / "tb_data" / "rtl_outputs.dat").write_text("of a former run")
    bench = 'set file [open tb_data/outputs.dat w]; puts $file "[info level 0]"; close $file'
    run = in_tcl(folder, "csim csynth cosim", bench + ("; error {the bench returned 1}" if fails else ""))
    assert run.returncode == int(fails)
    assert (folder / "tb_data" / "csim_outputs.dat").read_text().startswith("csim_design -argv")
    kept = folder / "tb_data" / "rtl_outputs.dat"
    if fails:
        assert "ERROR: the bench returned 1" in run.stderr
        assert kept.read_text() == "of a former run", "the second simulation was not begun"
    else:
        assert kept.read_text().startswith("cosim_design -argv")
    assert not (folder / "tb_data" / "outputs.dat").exists()


# -- data for the test bench ---------------------------------------------------------------------


def test_test_bench_data_is_what_the_emulator_computes(examples: Path, tmp_path: Path) -> None:
    x = examples / "iris_mlp" / "x.npy"
    project = make(examples, tmp_path, test_vectors={"x": x})
    expected = project.files["tb_data/expected.dat"].splitlines()
    found = project.predict(np.load(x)[:10], raw=True)
    assert [[int(word) for word in line.split()] for line in expected] == found.tolist()


def test_test_bench_data_without_vectors_is_seeded(examples: Path, tmp_path: Path) -> None:
    first, second = (make(examples, tmp_path).files for _ in range(2))
    assert first == second
    assert len(first["tb_data/inputs.dat"].splitlines()) == 10


@pytest.mark.parametrize(("shape", "samples"), [((2000,), 10), ((300, 1000), 6)])
def test_large_designs_have_fewer_samples(shape: tuple[int, ...], samples: int) -> None:
    """A line for each is seconds of work and megabytes of text."""
    net = Net(0)
    project = project_of(net.source(net.call("ReLU", "r", net.input(shape))))
    for name in ("inputs", "expected"):
        lines = project.files[f"tb_data/{name}.dat"].splitlines()
        assert len(lines) == samples
        assert len(lines[0].split()) == prod(shape)


def test_test_vectors_that_are_none(examples: Path, tmp_path: Path) -> None:
    bad = tmp_path / "x.npy"
    bad.write_text("no array")
    with pytest.raises(InputError, match="test_vectors.x: .*cannot be read"):
        _ = make(examples, tmp_path, test_vectors={"x": bad}).files
