"""The command line, as a user calls it: exit status, stdout, stderr, files."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

import h5py
import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen.backends.hls.texts import project_files
from hlsgen.cli import main, show
from hlsgen.cli.app import _save
from hlsgen.config import CalibrationMethod, Granularity, IoType, Strategy, load_config
from hlsgen.errors import OutputDirError
from hlsgen.synthesis.area import Area
from hlsgen.synthesis.critical_path import Hop
from hlsgen.synthesis.resources import Resources
from hlsgen.synthesis.timing import Timing
from tests.backends import stubs


@dataclass
class Result:
    status: int
    out: str
    err: str


class Call:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: object) -> Result:
        with pytest.raises(SystemExit) as exit_info:
            main([str(word) for word in words])
        text = self.capsys.readouterr()
        return Result(int(exit_info.value.code or 0), text.out, text.err)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    return Call(capsys)


@pytest.fixture
def iris(examples: Path) -> Path:
    return examples / "iris_mlp" / "model.keras"


COMMANDS = [
    "build",
    "convert",
    "config",
    "predict",
    "simulate",
    "area",
    "timing",
    "passes",
    "export",
    "doctor",
    "lint",
    "reports",
    "bitstream",
    "run",
    "cache",
    "profile",
    "compare",
    "sensitivity",
    "data",
]


def test_help_lists_the_commands(call: Call) -> None:
    result = call("--help")
    assert result.status == 0
    assert all(command in result.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(call: Call, command: str) -> None:
    result = call(command, "--help")
    assert result.status == 0
    assert len(result.out.splitlines()) > 4


CHOICES = [
    ("convert", "--io-type", get_args(IoType)),
    ("convert", "--strategy", get_args(Strategy)),
    ("convert", "--calibration-method", get_args(CalibrationMethod)),
    ("predict", "--calibration-method", get_args(CalibrationMethod)),
    ("config", "--granularity", get_args(Granularity)),
]


@pytest.mark.parametrize(("command", "option", "choices"), CHOICES)
def test_choices_are_those_of_the_configuration(
    call: Call, command: str, option: str, choices: tuple[str, ...]
) -> None:
    """Listed in the help, and in the refusal of any other."""
    listed = re.search(rf"{option} \W?([\w|]+)", call(command, "--help").out)
    assert listed is not None and listed[1].split("|") == list(choices)
    files = ["in.npy", "out.npy"] if command == "predict" else []
    wrong = call(command, "x.keras", *files, option, "serial")
    assert wrong.status == 2 and wrong.out == ""
    assert option in wrong.err and "'serial'" in wrong.err
    assert all(f"'{choice}'" in wrong.err for choice in choices)


def test_version(call: Call) -> None:
    assert call("--version").out == f"hlsgen {hlsgen.__version__}\n"


# -- build ---------------------------------------------------------------------------------------


def config_file(folder: Path, example: Path, **settings: object) -> Path:
    """A copy of an example's configuration that writes into ``folder``."""
    vectors = {"x": str(example / "x.npy"), "y": str(example / "y.npy")}
    data = {"model": str(example / "model.keras"), "output_dir": "prj", "test_vectors": vectors, **settings}
    path = folder / "c.yml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def stored_configs() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[1] / "configs").glob("*.yml"))


@pytest.mark.parametrize("path", stored_configs(), ids=lambda p: p.stem)
def test_every_stored_configuration_builds(call: Call, tmp_path: Path, path: Path) -> None:
    """As `hlsgen build`, into a folder of the test's own."""
    settings = hlsgen.load_config(path).model_dump(mode="json", exclude_unset=True)
    copy = tmp_path / path.name
    copy.write_text(yaml.safe_dump({**settings, "output_dir": str(tmp_path / "prj")}), encoding="utf-8")
    result = call("build", copy, "--min-agreement", "0.995")
    assert result.status == 0, result.err
    assert ("accuracy" in result.out) == (
        settings["test_vectors"].get("y") is not None
    )  # a single output has no classes
    assert "same top-1" in result.out
    if "QKeras" in path.read_text(encoding="utf-8"):
        assert re.search(r"before softmax\W+all 3000 values equal", result.out), result.out
    assert (tmp_path / "prj" / "hlsgen.json").is_file()


def test_build_prints_what_came_out(call: Call, tmp_path: Path, examples: Path) -> None:
    result = call("build", config_file(tmp_path, examples / "iris_mlp"))
    assert result.status == 0, result.err
    for text in ("150 samples", "98.67% (source model 98.67%)", "100.00% the same top-1", "largest difference", "prj"):
        assert text in result.out


def test_build_compares_with_real_targets(call: Call, tmp_path: Path, examples: Path) -> None:
    vectors = {"x": str(examples / "iris_mlp" / "x.npy"), "y": str(examples / "iris_mlp" / "expected.npy")}
    result = call("build", config_file(tmp_path, examples / "iris_mlp", test_vectors=vectors))
    assert "against y" in result.out
    assert "accuracy" not in result.out


def test_build_fails_below_the_wanted_agreement(call: Call, tmp_path: Path, examples: Path) -> None:
    config = config_file(tmp_path, examples / "iris_mlp", defaults={"precision": "fixed<3,2>"})
    assert call("build", config, "--min-agreement", "0.99").status == 1


def test_build_synthesizes(call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLSGEN_VITIS", str(stubs.install(tmp_path / "2024.1", "vitis-run", "success")))
    result = call("build", config_file(tmp_path, examples / "iris_mlp", project_name="tiny"), "--synthesize")
    assert result.status == 0, result.err
    assert "96 of 12288 (0.8%)" in result.out


@pytest.mark.parametrize("step", ["cosim", "vsynth"])
def test_build_takes_further_steps(
    call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("HLSGEN_VITIS", str(stubs.install(tmp_path / "2024.1", "vitis-run", "success")))
    config = config_file(tmp_path, examples / "iris_mlp", project_name="tiny")
    assert call("build", config, f"--{step}").status == 2
    result = call("build", config, "--synthesize", f"--{step}")
    assert result.status == 0, result.err
    assert {"cosim": "co-simulation of Verilog: Pass", "vsynth": "after synthesis by Vivado"}[step] in result.out


def rewritten(monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Every project has another text in a file of its firmware, in one place."""

    def files(plan: Any, further: Any) -> dict[str, str]:
        made = project_files(plan, further)
        assert old in made[name]
        return {**made, name: made[name].replace(old, new, 1)}

    monkeypatch.setattr("hlsgen.backends.vitis.backend.project_files", files)


def misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten(monkeypatch, "firmware/iris_mlp.cpp", "#pragma HLS PIPELINE", "#pragma HLS PIPLINE")


def test_build_asks_a_parser_before_it_stops(
    call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("clang.cindex", reason="libclang is not installed")
    rewritten(monkeypatch, "firmware/hlsgen/relu.h", "for (int i = 0;", "for (int i{0};")
    result = call("build", config_file(tmp_path, examples / "iris_mlp"))
    assert result.status == 0 and "error" not in result.out, result.out


def test_build_looks_at_the_text(call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    misspelt(monkeypatch)
    compiled = []
    monkeypatch.setattr(hlsgen.Project, "compile", lambda project: compiled.append(project))
    result = call("build", config_file(tmp_path, examples / "iris_mlp"))
    assert result.status == 1 and not compiled
    first, second, last = result.out.splitlines()
    assert first.startswith(
        "firmware/iris_mlp.cpp:12: error: there is no directive 'PIPLINE' (the whole design); the tool"
    )
    assert (second, last) == ("1 error, 0 warnings", "stopped; --no-lint builds nevertheless")


def test_build_without_a_look_at_the_text(
    call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misspelt(monkeypatch)
    result = call("build", config_file(tmp_path, examples / "iris_mlp"), "--no-lint")
    assert result.status == 0 and "PIPLINE" not in result.out
    assert "PIPLINE" in (tmp_path / "prj" / "firmware" / "iris_mlp.cpp").read_text()


def test_vectors_that_do_not_belong_together(call: Call, tmp_path: Path, examples: Path) -> None:
    np.save(tmp_path / "y.npy", np.zeros(7, dtype=np.int64))
    vectors = {"x": str(examples / "iris_mlp" / "x.npy"), "y": str(tmp_path / "y.npy")}
    result = call("build", config_file(tmp_path, examples / "iris_mlp", test_vectors=vectors))
    assert result.status == 1
    assert "y has 7 samples, x has 150" in result.err


# -- convert, config, predict --------------------------------------------------------------------


def test_convert(call: Call, tmp_path: Path, iris: Path) -> None:
    result = call("convert", iris, "-o", tmp_path / "prj", "--io-type", "io_stream", "--project-name", "flowers")
    assert result.status == 0, result.err
    assert "hls::stream" in (tmp_path / "prj" / "firmware" / "flowers.cpp").read_text()
    assert "Ports of the top function" in result.out
    assert f"written to {tmp_path / 'prj'}" in result.out


def test_convert_prints_the_graph_after_a_pass(call: Call, tmp_path: Path, examples: Path) -> None:
    model = examples / "mnist_cnn_bn" / "model.keras"
    result = call("convert", model, "-o", tmp_path / "prj", "-q", "--print-after", "remove_identities")
    assert result.status == 0, result.err
    assert "after remove_identities" in result.out and "bn1" in result.out, "before fusion the Scale is still there"
    wrong = call("convert", model, "-o", tmp_path / "prj", "--print-after", "remove_identity")
    assert wrong.status == 2 and "did you mean 'remove_identities'?" in wrong.err


def test_config_can_be_built(call: Call, tmp_path: Path, iris: Path) -> None:
    printed = call("config", iris, "--granularity", "name").out
    assert yaml.safe_load(printed)["layers"]["fc1"]["precision"]["weight"] == "auto"
    (tmp_path / "c.yml").write_text(printed.replace("model:", "output_dir: prj\nmodel:", 1), encoding="utf-8")
    assert call("build", tmp_path / "c.yml").status == 0


@pytest.mark.parametrize("raw", [False, True])
def test_predict(call: Call, tmp_path: Path, iris: Path, raw: bool) -> None:
    x = iris.parent / "x.npy"
    words = ["predict", iris, x, tmp_path / "out.npy", *(["--raw"] if raw else [])]
    assert call(*words).status == 0
    found = np.load(tmp_path / "out.npy")
    expected = hlsgen.convert(iris).predict(np.load(x), raw=raw)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)
    again = call(*words)
    assert again.status == 1
    assert "exists already" in again.err
    assert call(*words, "--overwrite").status == 0


@pytest.mark.parametrize("name", ["y.npy", "y.npz"])
def test_mantissas_that_no_file_holds_are_refused(call: Call, tmp_path: Path, iris: Path, name: str) -> None:
    wide = "input_precision: fixed<60,30>\ndefaults: {precision: {result: 'fixed<65,40>', accum: 'fixed<110,60>'}}\n"
    (tmp_path / "c.yml").write_text(f"model: {iris}\n{wide}", encoding="utf-8")
    result = call("predict", tmp_path / "c.yml", iris.parent / "x.npy", tmp_path / name, "--raw")
    assert result.status == 2 and "is fixed<65,40" in result.err and "integers of up to 64 bits" in result.err
    assert not (tmp_path / name).exists()


# -- errors --------------------------------------------------------------------------------------


def test_outputs_are_stored_under_any_name(tmp_path: Path) -> None:
    names, arrays = ("file", "allow_pickle", "a:b"), [np.arange(3), np.ones((2, 2)), np.zeros(1)]
    _save(tmp_path / "y.npz", arrays, names)
    with np.load(tmp_path / "y.npz") as stored:
        assert tuple(stored) == names
        for name, array in zip(names, arrays, strict=True):
            np.testing.assert_array_equal(stored[name], array)


@pytest.mark.parametrize("name", ["y.npy", "y.npz"])
def test_outputs_that_cannot_be_stored_leave_the_former_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(file: BinaryIO, *_: object, **options: object) -> None:
        file.write(b"half")
        raise OSError("24 requested and 4 written")  # as NumPy says it

    monkeypatch.setattr(np, "save", full)
    monkeypatch.setattr(np.lib.format, "write_array", full)
    (tmp_path / name).write_text("former")
    with pytest.raises(OutputDirError, match=rf"{name}: cannot be written \(24 requested and 4 written\)"):
        _save(tmp_path / name, np.zeros(3), ("y",))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "former")]


@pytest.mark.parametrize("name", ["no/such/y.npy", "x" * 300])
def test_outputs_where_none_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputDirError, match=r"cannot be written \((No such file|File name too long)"):
        _save(tmp_path / name, np.zeros(3), ("y",))


def test_our_errors_have_no_traceback(call: Call, tmp_path: Path) -> None:
    result = call("convert", tmp_path / "nope.keras")
    assert result.status == 1
    assert result.err.startswith("error: ")
    assert "nope.keras" in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


def test_wrong_configuration_is_wrong_use(call: Call, tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("modle: x\n", encoding="utf-8")
    result = call("build", tmp_path / "c.yml")
    assert result.status == 2
    assert "did you mean 'model'" in result.err


def test_wrong_use(call: Call) -> None:
    assert call("convert").status == 2
    assert call("convert", "x.keras", "--io-type", "serial").status == 2


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(hlsgen.HlsgenError, match="nope.keras"):
        main(["--debug", "convert", str(tmp_path / "nope.keras")])


def test_a_folder_of_somebody_else_is_refused(call: Call, tmp_path: Path, iris: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    result = call("convert", iris, "-o", tmp_path)
    assert result.status == 1
    assert "not an hlsgen project" in result.err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_compiler(call: Call, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLSGEN_CXX", str(tmp_path / "g++"))
    result = call("build", config_file(tmp_path, examples / "iris_mlp"))
    assert result.status == 1
    assert "no C++ compiler" in result.err


# -- simulate ------------------------------------------------------------------------------------


def test_simulate(call: Call, tmp_path: Path, examples: Path) -> None:
    folder = examples / "iris_mlp"
    config = config_file(tmp_path, folder, defaults={"strategy": "resource", "reuse_factor": 4})
    given = call("simulate", config, folder / "x.npy", "--stalls", "0.5", "--seed", "3", "--clock-period", "4")
    assert given.status == 0, given.err
    samples = len(np.load(folder / "x.npy"))
    assert f"{samples} of {samples} samples equal to the emulator" in given.out
    assert re.search(r"^FIFO +bits of a word +depth +most words$", given.out, re.MULTILINE)


def test_simulate_needs_samples(call: Call, iris: Path) -> None:
    result = call("simulate", iris)
    assert result.status == 2
    assert "test_vectors" in result.err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--gaps", "1"), "gaps is 1.0, expected a number from 0 up to below 1"),
        (("--trace", "waves.txt"), "expected .fst or .vcd"),
    ],
)
def test_simulate_refuses(call: Call, examples: Path, option: tuple[str, str], said: str) -> None:
    folder = examples / "iris_mlp"
    result = call("simulate", folder / "model.keras", folder / "x.npy", *option)
    assert result.status == 1
    assert said in result.err


# -- the rest ------------------------------------------------------------------------------------


def test_doctor(call: Call) -> None:
    result = call("doctor")
    assert result.status == 0
    assert "C++ compiler" in result.out


def test_doctor_without_compiler(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HLSGEN_CXX", str(tmp_path / "g++"))
    result = call("doctor")
    assert result.status == 1
    assert "MISSING" in result.out


USERS_NAMES = (
    "hlsgen_thesis",
    "hlsgen_0123.so",
    "bindings_of_book.o",
    "build_release1",
    "build_settings",
    "course.failed.log",
    f"hlsgen_{'g' * 32}.so",
    f"my_hlsgen_{'0' * 32}.so",
)


def test_cache(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path))
    tmp_path.chmod(0o700)
    digest = "0123456789abcdef" * 2
    (tmp_path / f"hlsgen_{digest}.so").write_bytes(b"x" * 2**20)
    (tmp_path / f"bindings_{digest}.failed.log").touch()
    (tmp_path / ".hlsgen-build-1").mkdir()
    for name in USERS_NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    assert "1 designs, 3 entries, 1.0 MiB" in call("cache", "show").out
    assert "3 entries removed" in call("cache", "clear").out
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.txt")}
    assert left == {f"{name}/notes.txt" for name in USERS_NAMES}, "only our own files are removed"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Circuits are measured by nobody: what was asked, in order."""
    asked: list[tuple[object, ...]] = []
    taken = Resources(120, 40, 8, 2, 1, (("INV", 3),))

    def area(project: hlsgen.Project, family: str | None, *, log: Callable[[str], None]) -> Area:
        log("1 of 1: [fc1]")
        asked.append((project.config.backend, project.config.clock_period, family))
        return Area("xcup", "yosys 0.70", {"fc1__core": taken}, {}, {"fc1": taken}, Resources())

    def timing(project: hlsgen.Project, device: str | None, **options: Any) -> Timing:
        asked.append((device, options["clock_period"], options["seed"], options["on_failure"]))
        path = (Hop("fc1__core", "fc1", "x", "sum", 4.0, 6.0),)
        return Timing(
            device or "ecp5-85k",
            "nextpnr 0.11",
            1,
            options["clock_period"] or 5.0,
            100.0,
            path,
            {"TRELLIS_FF": (40, 24288)},
        )

    monkeypatch.setattr(hlsgen.Project, "area", area)
    monkeypatch.setattr(hlsgen.Project, "timing", timing)
    return asked


def test_area(call: Call, iris: Path, measured: list[tuple[object, ...]]) -> None:
    result = call("area", iris, "--strategy", "resource", "--reuse-factor", 16, "--clock-period", 8)
    assert result.status == 0
    assert result.out == (
        "module     LUT  FF  carry  DSP  BRAM\n---------  ---  --  -----  ---  ----\n"
        "fc1__core  120  40  8      2    1\ntotal      120  40  8      2    1\n"
        "xcup, an estimate of yosys 0.70; beside these 3 INV\n"
    )
    assert call("area", iris, "--family", "ecp5").status == 0
    assert measured == [("verilog", 8.0, None), ("verilog", 5.0, "ecp5")]


def test_timing(call: Call, iris: Path, measured: list[tuple[object, ...]]) -> None:
    """The exit status says whether the clock is kept."""
    kept = call("timing", iris, "--keep", 10, "--device", "ecp5-25k", "--seed", 3)
    assert kept.status == 0
    assert kept.out.splitlines()[0] == "100.0 MHz on ecp5-25k, a period of 10.00 ns: 10 ns met"
    missed = call("timing", iris)
    assert missed.status == 1 and missed.out.splitlines()[0].endswith(": 5 ns not met")
    assert measured == [("ecp5-25k", 10.0, 3, "ignore"), (None, None, 1, "ignore")]


def test_passes(call: Call) -> None:
    out = call("passes").out
    assert out.index("apply_config") < out.index("infer_types")


def test_places_by_calibration_data(call: Call, tmp_path: Path, iris: Path) -> None:
    x = iris.parent / "x.npy"
    out = call("convert", iris, "-o", tmp_path / "a", "--calibration", x, "--calibration-method", "mse",
               "--default-width", "8").out  # fmt: skip
    assert "fixed<8,4,RND,SAT>" in out and "(calibration)" in out
    result = call("convert", iris, "-o", tmp_path / "b", "--calibration-method", "mse")
    assert result.status == 2 and "calibration_method 'mse' needs data to work on" in result.err


def test_as_a_program(repository: Path) -> None:
    for way in (["-c", "from hlsgen.cli import main; main()"], ["-m", "hlsgen"]):
        run = subprocess.run(
            [sys.executable, *way, "passes"], cwd=repository, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0 and "infer_types" in run.stdout, run.stderr


# -- standard output -----------------------------------------------------------------------------


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, *words: object) -> bytes:
    """What a command that succeeds prints where the output has this encoding."""
    taken = io.BytesIO()
    stream = io.TextIOWrapper(taken, encoding, errors="strict", write_through=True)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as exit_info:
        patch.setattr(sys, "stdout", stream)
        main([str(word) for word in words])
    assert not exit_info.value.code
    return taken.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
@pytest.mark.parametrize("name", [b"\xe2\x82\xac", b"\xc3\xa4", b"\xff"])
def test_a_path_that_the_output_cannot_spell_is_escaped(
    tmp_path: Path, iris: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, name: bytes
) -> None:
    place = tmp_path / os.fsdecode(name)
    place.mkdir()
    monkeypatch.chdir(place)
    written = place / "iris_mlp_hls"
    assert printed(monkeypatch, encoding, "convert", iris, "-q") == f"written to {written}\n".encode(
        encoding, "backslashreplace"
    )
    assert written.is_dir()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_a_printed_configuration_is_read_again_whatever_the_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 2]}},
        {"class_name": "ReLU", "config": {"name": "größe€"}},
    ]
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
        file.create_group("model_weights")
    text = printed(monkeypatch, encoding, "config", tmp_path / "model.h5", "-g", "name")
    (tmp_path / "config.yml").write_bytes(text)
    assert "größe€" in load_config(tmp_path / "config.yml").layers


NEEDS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")


@NEEDS_FULL
@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize("words", [["passes"], ["--help"], ["--version"], ["cache", "show"], ["doctor"]], ids=" ".join)
def test_an_output_that_takes_nothing_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], buffered: bool
) -> None:
    with Path("/dev/full").open("wb", buffering=-1 if buffered else 0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full, "utf-8", write_through=not buffered))
        with pytest.raises(SystemExit) as exit_info:
            main(words)
        assert exit_info.value.code == 1
        sys.stdout.flush()  # as Python does at its end: nothing fails any more
    assert capsys.readouterr().err == "error: the output cannot be written (No space left on device)\n"


def test_who_has_seen_enough_is_not_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as exit_info:
            main(["passes"])
    assert exit_info.value.code == 1 and not capsys.readouterr().err


@NEEDS_FULL
@pytest.mark.parametrize("buffered", [False, True])
def test_notes_warnings_and_errors_that_nobody_can_read_change_nothing(
    tmp_path: Path, iris: Path, monkeypatch: pytest.MonkeyPatch, buffered: bool
) -> None:
    monkeypatch.setattr(show, "_SHOWN_FROM", 0.0)
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "open"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)  # a warning
    calls = {("convert", iris, "-o", tmp_path / "out"): 0, ("cache", "show"): 0, ("config", "none"): 1}
    for words, status in calls.items():
        with Path("/dev/full").open("wb", buffering=-1 if buffered else 0) as full:
            monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(full, "utf-8", write_through=not buffered))
            with pytest.raises(SystemExit) as exit_info:
                main([str(word) for word in words])
            sys.stderr.flush()  # as Python does at its end
        assert int(exit_info.value.code or 0) == status, words
    assert (tmp_path / "out" / "build.tcl").is_file()


@pytest.mark.parametrize("factor", ["6", "auto"])
def test_a_reuse_factor_is_a_number_or_auto(call: Call, iris: Path, tmp_path: Path, factor: str) -> None:
    result = call("convert", iris, "--reuse-factor", factor, "--strategy", "resource", "-o", tmp_path / "out", "-q")
    assert result.status == 0
    wanted = json.loads((tmp_path / "out" / "hlsgen.json").read_text())["config"]["defaults"]["reuse_factor"]
    assert str(wanted) == factor


@pytest.mark.parametrize("factor", ["six", "-1", "1.5", ""])
def test_another_reuse_factor_is_wrong_use(call: Call, iris: Path, tmp_path: Path, factor: str) -> None:
    result = call("convert", iris, f"--reuse-factor={factor}", "-o", tmp_path / "out")
    assert result.status == 2 and f"--reuse-factor: expected a whole number or 'auto', found {factor!r}" in result.err
    assert not (tmp_path / "out").exists()
