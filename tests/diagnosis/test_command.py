"""``hlsgen diagnose``, fixes as YAML, and the emulator itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import hlsgen
from hlsgen.analysis.diagnosis.fragments import merged
from hlsgen.cli.app import app
from hlsgen.errors import ConfigError, OutputDirError
from tests.diagnosis.models import EXAMPLES, example

IRIS = EXAMPLES / "iris_mlp"


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A configuration with a fault, and a comment."""
    file = tmp_path / "iris.yml"
    file.write_text(
        f"# mine\nmodel: {IRIS / 'model.keras'}\ncalibration: {IRIS / 'x.npy'}\n"
        f"test_vectors: {{x: {IRIS / 'x.npy'}, y: {IRIS / 'y.npy'}}}\n"
        'layers: {fc1: {precision: "fixed<6,2>", reuse_factor: 2}}\n'
    )
    return file


def test_finds_and_fixes(faulty: Path) -> None:
    """The configuration is written with the fixes, the former one kept to the byte."""
    run, before = CliRunner(), faulty.read_bytes()
    found = run.invoke(app, ["diagnose", str(faulty), "--reference", "graph", "--table"])
    assert found.exit_code == 1 and "layer 'fc1': wrap" in found.output and "costs the output" in found.output
    assert faulty.read_bytes() == before
    fixed = run.invoke(app, ["diagnose", str(faulty), "--reference", "graph", "--fix"])
    assert fixed.exit_code == 0 and "nothing is wrong any more" in fixed.output, fixed.output
    assert faulty.with_name("iris.yml.bak").read_bytes() == before
    written = yaml.safe_load(faulty.read_text())
    assert (
        written["layers"]["fc1"]["reuse_factor"] == 2 and written["layers"]["fc1"]["precision"]["bias"] == "fixed<6,2>"
    )
    again = run.invoke(app, ["diagnose", str(faulty), "--reference", "graph", "--fix"])
    assert (again.exit_code, again.output.strip().splitlines()[-1]) == (0, "nothing is wrong")


def test_another_file(faulty: Path, tmp_path: Path) -> None:
    """In another folder, and never over a file that is there."""
    run, before = CliRunner(), faulty.read_bytes()
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "fixed.yml"
    for status in (0, 1):
        done = run.invoke(app, ["diagnose", str(faulty), "--reference", "graph", "--fix", "-o", str(path)])
        assert done.exit_code == status or isinstance(done.exception, hlsgen.HlsgenError)
    assert faulty.read_bytes() == before
    assert hlsgen.convert(None, path).diagnose(example("iris_mlp")[1], "graph") is None


def test_a_file_that_is_there_is_refused_at_once(faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "there.yml"
    path.write_text("mine")
    monkeypatch.delattr(hlsgen, "convert")
    done = CliRunner().invoke(app, ["diagnose", str(faulty), "--fix", "-o", str(path)])
    assert isinstance(done.exception, OutputDirError) and path.read_text() == "mine"


def test_without_data_or_configuration() -> None:
    run = CliRunner()
    for words in (["--fix"], []):
        done = run.invoke(app, ["diagnose", str(IRIS / "model.keras"), *words])
        assert isinstance(done.exception, ConfigError)


@pytest.mark.parametrize(
    ("settings", "fragment", "expected"),
    [
        ({}, {"max_width": 8}, {"max_width": 8}),
        (
            {"layers": {"a": {"precision": "fixed<8,3>", "reuse_factor": 2}}},
            {"layers": {"a": {"precision": {"weight": "fixed<9,1>"}}}},
            {
                "layers": {
                    "a": {
                        "precision": {"weight": "fixed<9,1>", "bias": "fixed<8,3>", "result": "fixed<8,3>"},
                        "reuse_factor": 2,
                    }
                }
            },
        ),
        (
            {"layers": {"a": {"width": 4}, "b": {"width": {"result": 9}}}},
            {"layers": {"a": {"width": {"weight": 6}}, "b": {"width": {"weight": 7}}}},
            {"layers": {"a": {"width": {"weight": 6, "result": 4}}, "b": {"width": {"result": 9, "weight": 7}}}},
        ),
        (
            {"input_precision": "fixed<8,1>", "layers": {"b": {"precision": {"accum": "auto"}}}},
            {"input_precision": {"x": "fixed<9,2>"}},
            {"input_precision": {"x": "fixed<9,2>"}, "layers": {"b": {"precision": {"accum": "auto"}}}},
        ),
    ],
)
def test_merging(settings: dict[str, object], fragment: dict[str, object], expected: dict[str, object]) -> None:
    kept = yaml.safe_dump(settings)
    assert merged(settings, fragment) == expected
    assert yaml.safe_dump(settings) == kept
