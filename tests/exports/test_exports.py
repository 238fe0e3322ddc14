"""What every export keeps to: kinds and options by name, folders whole or as they were."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import Content
from hlsgen.cli import main
from hlsgen.errors import ConfigError, InputError, OutputDirError
from hlsgen.exports.base import EXPORTS, Export, Options, exported_files, load_export
from hlsgen.project import Project
from tests.passes.builders import Net, project_of


@dataclass(frozen=True, kw_only=True)
class _Options(Options):
    size: int = 3


def _files(job: Job, options: _Options) -> dict[str, Content]:
    return {"name.txt": job.name, "data/bytes.bin": bytes(range(options.size))}


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two kinds of a test's own."""
    module = types.ModuleType("exports_of_a_test")
    module.EXPORT = Export("a test's own", _Options, _files)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(EXPORTS, "some", module.__name__)
    monkeypatch.setitem(EXPORTS, "other", module.__name__)
    yield


@pytest.fixture(scope="module")
def project() -> Project:
    net = Net()
    net.dense("fc", net.input((4,)), 4, 3)
    return project_of(net.source("fc"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", sorted(EXPORTS))
def test_every_kind_is_complete(kind: str, project: Project) -> None:
    export = load_export(kind)
    assert export.summary and "\n" not in export.summary
    facts = export.options().facts()
    assert json.loads(json.dumps(facts)) == facts
    assert exported_files(project._job, kind, {}) == exported_files(project._job, kind, {}), "the same every time"


@pytest.mark.usefixtures("kinds")
def test_text_and_bytes_are_written_as_they_are(project: Project, tmp_path: Path) -> None:
    folder = project.export("some", tmp_path / "out", size=256)
    found = content(folder)
    assert found.pop("name.txt") == project.name.encode() and found.pop("data/bytes.bin") == bytes(range(256))
    manifest = json.loads(found.pop("hlsgen.json"))
    assert manifest["export"] == "some" and set(manifest["files"]) == {"name.txt", "data/bytes.bin"} and not found


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("som", {}, r"no kind 'som'; did you mean 'some'\?"),
        (3, {}, "no kind 3"),
        ("some", {"sice": 3}, r"no option 'sice'; did you mean 'size'\?"),
        ("some", {"word": 3}, "no option 'word'; valid: size"),
    ],
)
def test_unknown_names_are_refused(project: Project, tmp_path: Path, kind: str, options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        project.export(kind, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("kinds")
def test_an_export_replaces_one_of_its_kind(project: Project, tmp_path: Path) -> None:
    folder = project.export("some", tmp_path / "out")
    (folder / "mine.txt").write_text("mine")
    project.export("some", folder, size=5)
    assert content(folder)["data/bytes.bin"] == bytes(range(5)) and content(folder)["mine.txt"] == b"mine"


@pytest.mark.usefixtures("kinds")
def test_files_that_were_changed_stay(project: Project, tmp_path: Path) -> None:
    folder = project.export("some", tmp_path / "out")
    (folder / "name.txt").write_text("changed")
    before = content(folder)
    with pytest.raises(OutputDirError, match="changed since"):
        project.export("some", folder, size=5)
    assert content(folder) == before
    project.export("some", folder, size=5, overwrite=True)
    assert content(folder)["name.txt"] == project.name.encode()


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("overwrite", [False, True])
def test_other_kinds_and_projects_are_never_replaced(project: Project, tmp_path: Path, overwrite: bool) -> None:
    folder = project.export("other", tmp_path / "out")
    before = content(folder)
    with pytest.raises(OutputDirError, match="an export of kind 'other', which would be lost"):
        project.export("some", folder, overwrite=overwrite)
    written = project.with_settings(output_dir=folder)
    with pytest.raises(OutputDirError, match="an export of kind 'other', which would be lost"):
        written.write(overwrite=overwrite)
    assert content(folder) == before
    built = project.with_settings(output_dir=tmp_path / "built").write()
    with pytest.raises(OutputDirError, match="an hlsgen project, which would be lost"):
        project.export("some", built, overwrite=overwrite)


@pytest.mark.usefixtures("kinds")
def test_foreign_folders_are_refused(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputDirError, match="not an hlsgen project"):
        project.export("some", folder)
    assert content(folder) == {"thesis.tex": b"years of work"}
    project.export("some", folder, overwrite=True)
    assert content(folder)["thesis.tex"] == b"years of work"


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(("folder", "overwrite"), [(None, False), (3, False), ("x", "y")])
def test_wrong_arguments(project: Project, folder: object, overwrite: object) -> None:
    with pytest.raises(InputError):
        project.export("some", folder, overwrite=overwrite)  # type: ignore[arg-type]


# -- from a shell --------------------------------------------------------------------------------


def called(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    text = capsys.readouterr()
    return int(ended.value.code or 0), text.out + text.err


@pytest.mark.usefixtures("kinds")
def test_command(capsys: pytest.CaptureFixture[str], examples: Path, tmp_path: Path) -> None:
    model, folder = examples / "iris_mlp" / "model.keras", tmp_path / "out"
    status, text = called(capsys, "export", model, "some", "-o", folder, "--set", "size=7")
    assert status == 0 and str(folder) in text
    assert content(folder)["data/bytes.bin"] == bytes(range(7))


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sum"], "no kind 'sum'"),
        (["some", "--set", "size"], "expected an option as name=value"),
        (["some", "--set", "folder=x"], "expected an option as name=value"),
        (["some", "--set", "size=1", "--set", "size=2"], "given twice"),
        (["some", "--set", "size=010"], "--set size"),
        (["some", "--set", "seize=1"], "did you mean 'size'?"),
    ],
)
def test_command_refuses(
    capsys: pytest.CaptureFixture[str], examples: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    folder = tmp_path / "out"
    status, text = called(capsys, "export", examples / "iris_mlp" / "model.keras", *words, "-o", folder)
    assert status == 2 and said in text and not folder.exists()
