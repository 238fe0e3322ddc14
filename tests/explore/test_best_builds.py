"""From a sweep to a build: the configuration that wins is the design that was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.explore.storage import read_study
from hlsgen.explore.sweep import sweep
from tests.test_cli import call  # noqa: F401  (a fixture)

SPACE = {"layers.fc1.precision.weight": "fixed<3..6,2>", "defaults.reuse_factor": [1, 2], "default_width": [8, 12]}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    folder = tmp_path_factory.mktemp("study")
    digits = examples / "digits_mlp"
    settings = {"input_precision": "ufixed<5,1>", "test_vectors": {"x": digits / "x.npy", "y": digits / "y.npy"}}
    x, y = (np.load(digits / f"{name}.npy")[:100] for name in "xy")
    path = folder / "sweep.db"
    sweep(
        digits / "model.keras",
        SPACE,
        x,
        y,
        objectives=["accuracy", "bits", "latency"],
        trials=16,
        storage=path,
        **settings,
    )
    return path


@pytest.mark.parametrize("by", ["accuracy", "bits", "latency"])
def test_what_wins_is_what_was_measured(found: Path, tmp_path: Path, by: str) -> None:
    study = read_study(found)
    assert len(study.done) == 16
    trial = study.best(by=by)
    file = study.write_yaml(trial, tmp_path / "best.yml")
    project = hlsgen.convert(None, file)
    data = project.config.test_vectors
    assert data is not None and data.y is not None
    outputs = project.evaluate(np.load(data.x)[:100])[project.design.output_names[0]]
    assert np.mean(outputs.argmax(axis=1) == np.load(data.y)[:100]) == trial.values["accuracy"]
    again = sweep(project, {"default_width": [project.config.default_width]}, objectives=["bits", "latency"], trials=1)
    assert again.trials[0].values == {name: trial.values[name] for name in ("bits", "latency")}


def test_it_is_built_by_the_command_line(call, found: Path, tmp_path: Path, monkeypatch) -> None:  # noqa: F811
    result = call("sweep", "best", found, "--max", "bits=30k", "-o", tmp_path / "best.yml")
    assert result.status == 0
    monkeypatch.chdir(tmp_path)
    built = call("build", "best.yml")
    assert built.status == 0 and "accuracy" in built.out
    assert (tmp_path / "digits_mlp_hls" / "firmware").is_dir()


def test_the_page_names_the_same_files(found: Path, tmp_path: Path) -> None:
    study = read_study(found)
    text = study.yaml_of(study.front[0], tmp_path)
    (tmp_path / "downloaded.yml").write_text(text)
    config = hlsgen.load_config(tmp_path / "downloaded.yml")
    assert config.model is not None and config.model.is_file()
