"""Searches in YAML and on the command line."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.cli import main
from hlsgen.errors import ConfigError, HlsgenError
from hlsgen.explore.storage import Storage, read_study
from hlsgen.explore.sweep_file import SweepFile

MODEL = Path(__file__).resolve().parents[2] / "example-models" / "digits_mlp"
TEXT = """
model: model.keras
data: x.npy
labels: y.npy
space:
  layers.fc1.precision.weight: fixed<3..8,1>
  layers.fc2.precision.weight: fixed<3..8,1>
objectives: [accuracy, bits]
trials: 8
workers: 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("model.keras", "y.npy"):
        shutil.copy(MODEL / name, tmp_path / name)
    np.save(tmp_path / "x.npy", np.load(MODEL / "x.npy"))
    (tmp_path / "sweep.yml").write_text(TEXT)
    return tmp_path


def run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def test_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sweep", folder / "sweep.yml") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("digits_mlp: 8 trials (8 done) of a space of 36, 300 samples; ")
    assert f"kept in {folder / 'sweep.db'}" in printed
    study = read_study(folder / "sweep.db")
    assert len(study) == 8 and study.base["model"] == str(folder / "model.keras")
    assert run("sweep", "run", folder / "sweep.yml", "--trials", "10", "--sampler", "random", "--seed", "5") == 0
    again = read_study(folder / "sweep.db")
    assert len(again) == 10 and again.trials[:8] == study.trials
    assert again.trials[9].seed == 5 and again.trials[0].seed == 0


def test_settings_and_a_configuration(folder: Path) -> None:
    (folder / "base.yml").write_text("model: model.keras\ndefault_width: 12\ntest_vectors: {x: x.npy, y: y.npy}\n")
    (folder / "sweep.yml").write_text(
        "config: base.yml\nsettings: {clock_period: 4}\nspace: {reuse_factor: [1, 2]}\n"
        "objectives: [accuracy, latency]\nworkers: 0\nstorage: other.db\n"
    )
    found = SweepFile.read(folder / "sweep.yml").run()
    assert found.path == folder / "other.db" and len(found) == 2
    assert found.trials[0].config["default_width"] == 12 and found.trials[0].config["clock_period"] == 4.0
    assert found.samples == 300


def test_calibration_data_are_named_where_a_trial_is_written(folder: Path, tmp_path: Path) -> None:
    """Else what is built is another design than what was measured, with types by no data."""
    with (folder / "sweep.yml").open("a") as file:
        file.write("calibration: x.npy\nsettings: {default_width: 8}\n")
    study = SweepFile.read(folder / "sweep.yml").run(trials=2)
    trial = study.trials[1]
    (tmp_path / "deeper").mkdir()
    written = study.write_yaml(trial, tmp_path / "deeper" / "best.yml")
    assert "calibration: ../x.npy" in written.read_text()
    project = hlsgen.convert(None, written)
    assert project.calibration is not None
    right = hlsgen.convert(folder / "model.keras", trial.config | {"calibration": None}, calibration=folder / "x.npy")
    assert project.design.digest == right.design.digest != hlsgen.convert(None, right.config).design.digest


def test_calibration_by_arrays_is_missed_aloud(folder: Path) -> None:
    x = np.load(folder / "x.npy")
    axes = {"layers.fc1.precision.weight": ["fixed<4,1>"]}
    for data, lines in ((x, 1), (None, 0)):
        study = hlsgen.sweep(folder / "model.keras", axes, objectives=["bits"], workers=0, calibration=data)
        text = study.yaml_of(study.trials[0])
        assert text.count("# calibrated by data from Python: name their file by 'calibration:'") == lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "expected a mapping with 'model' and 'space', found []"),
        ("model: model.keras", "'space' is missing"),
        ("modell: a", "line 1, column 1: unknown key 'modell'; did you mean 'model'"),
        ("model: 5\nspace: {}", "line 1, column 8: model: 5, expected a path"),
        ("space: {}\ntrials: many", "line 2, column 9: trials: 'many', expected a whole number"),
        ("space: {}\nprune: 1", "line 2, column 8: prune: 1, expected true or false"),
        ("model: model.keras\nspace: {}", "line 2, column 8: space: expected settings and what they may be"),
        ("space: {reuse_factor: [1]}", "model: is missing"),
        ("model: none.keras\nspace: {reuse_factor: [1]}", "none.keras"),
        ("model: model.keras\nspace:\n  layers.fc3.reuse_factor: [1]", "line 3, column 3: space: layers.fc3"),
        ("model: model.keras\nspace:\n  reuse_factor: [1, x]", "line 3, column 21: space: reuse_factor: "),
        ("model: model.keras\nspace: {reuse_factor: [1]}\nobjectives: [bits, lutt]", "line 3, column 20: objectives: "),
        ("model: model.keras\nspace: {reuse_factor: [1]}\nsampler: tpee", "line 3, column 10: sampler: "),
        ("model: model.keras\nspace: {reuse_factor: [1]}\nworkers: -2", "line 3, column 10: workers: -2"),
        ("model: model.keras\nspace: {reuse_factor: [1]}\nlabels: y.npy", "line 3, column 9: labels: belong to samples"),
        ("model: model.keras\nspace: {reuse_factor: [1]}\nsettings: {io_typ: x}", "line 3, column 11: settings: .*io_typ"),
        ("model: model.keras\nspace: {reuse_factor: [1]}", "objective 'agreement' is of data, and there are none"),
        ("model: model.keras\ndata: x.npy\nspace: {reuse_factor: [1]}\nobjectives: [accuracy]", "needs labels"),
        ("space: {a: [1]}\nspace: {a: [2]}", "stands twice"),
        ("space: \tx: y", "not valid YAML"),
    ],
)  # fmt: skip
def test_files_that_cannot_be(folder: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sweep.yml").write_text(text)
    with pytest.raises(HlsgenError, match=said.replace("[]", r"\[\]")) as raised:
        SweepFile.read(folder / "sweep.yml").run()
    if isinstance(raised.value, ConfigError):
        assert run("sweep", folder / "sweep.yml") == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert not (folder / "sweep.db").exists()


def test_options_of_the_command_are_not_looked_for_in_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option, value, said in (("--scheduler", "nowhere", "dask: "), ("--workers", "-2", "workers: -2"),
                                ("--sampler", "tpee", "sampler: ")):  # fmt: skip
        assert run("sweep", folder / "sweep.yml", option, value) == 2
        assert capsys.readouterr().err.startswith(f"error: {folder / 'sweep.yml'}: {said}")


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sweep", tmp_path / "none.yml") == 2
    assert "it does not exist" in capsys.readouterr().err
    (tmp_path / "bad.yml").write_bytes(b"\xff\xfe")
    assert run("sweep", tmp_path / "bad.yml") == 2
    with Storage(tmp_path / "a.db"):
        pass
    assert run("sweep", tmp_path / "a.db") == 2
    assert "a.db: this is the study of a sweep; 'hlsgen sweep show' looks at it" in capsys.readouterr().err


def test_ctrl_c_ends_it_with_what_is_there(folder: Path) -> None:
    """And the same command goes on."""
    text = TEXT.replace("trials: 8", "trials: 100000\nsampler: random") + "  # many\n"
    (folder / "sweep.yml").write_text(text.replace("<3..8,1>", "<3..40,1>").replace("labels", "seed: 1\nlabels"))
    path = folder / "sweep.db"
    code = "from hlsgen.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "sweep", str(folder / "sweep.yml")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
        if path.exists() and _count(path) >= 3:
            break
    process.send_signal(signal.SIGINT)
    printed = process.stdout.read()
    assert process.wait() == 1
    assert "; interrupted" in printed and "the same command goes on" in printed
    before = read_study(path)
    assert len(before) >= 3
    assert run("sweep", folder / "sweep.yml", "--trials", str(len(before) + 2)) == 0
    after = read_study(path)
    assert after.trials[: len(before)] == before.trials and len(after) == len(before) + 2


def _count(path: Path) -> int:
    try:
        return len(read_study(path))
    except (HlsgenError, sqlite3.Error):
        return 0
