"""What the README shows works as shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import hlsgen

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def in_copy(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder that looks like the repository, so that nothing is written into it."""
    (tmp_path / "example-models").symlink_to(repository / "example-models")
    (tmp_path / "configs").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_copy")
def test_python(capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {}
    exec(blocks("python")[0], scope)
    assert (Path("build") / "digits" / "build.tcl").is_file()
    assert "Ports of the top function" in capsys.readouterr().out


@pytest.mark.usefixtures("in_copy")
def test_pytest_example() -> None:
    scope: dict[str, Callable[..., None]] = {}
    exec(blocks("python")[1], scope)
    scope["test_digits"](hlsgen.convert)


@pytest.mark.usefixtures("in_copy")
def test_configuration() -> None:
    (path := Path("configs") / "c.yml").write_text(blocks("yaml")[0], encoding="utf-8")
    assert yaml.safe_load(path.read_text())["project_name"] == "digits_mlp"
    assert hlsgen.convert(None, path).write().name == "digits_mlp"
