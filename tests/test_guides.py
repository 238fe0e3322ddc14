"""The guides for contributors work as shown: their files are put into a copy of the repository, and tested there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|//) (\S+\.\w+)\n")
EDITED = re.compile(r"--- (\S+)\n\+\+\+ \1\n@@\n")
COPIED = ("hlsgen", "hls_templates", "tests", "pyproject.toml")
GUIDES = {
    "add_a_layer": ["tests/layers/test_declarations.py"],
    "add_a_pass": [
        "tests/passes/test_pipeline.py::test_passes_are_frozen_dataclasses_with_an_exactness_and_a_docstring"
    ],
    "add_a_frontend": [],
    "add_a_backend": [],
}
"""The guides, and the tests that are to pass with what they add beside those that they show."""


def put_into(folder: Path, guide: str) -> list[str]:
    """Write a guide's files and edits into ``folder``; returns its test files."""
    found = BLOCK.findall((ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8"))
    tests = []
    for language, text in found:
        if language == "diff":
            edit(folder, text)
        elif named := NAMED.match(text):
            path = folder / named[1]
            assert not path.exists(), f"{named[1]} is there already"
            path.write_text(text, encoding="utf-8")
            tests += [named[1]] if path.name.startswith("test_") else []
        else:
            assert language not in ("python", "cpp"), f"a block names its file in its first line, not {text[:40]!r}"
    return tests


def edit(folder: Path, diff: str) -> None:
    """Apply a diff without line numbers: what it shows as it was occurs once."""
    start = EDITED.match(diff)
    assert start is not None, f"a diff begins with --- FILE, +++ FILE and @@: {diff[:60]!r}"
    path = folder / start[1]
    text = path.read_text(encoding="utf-8")
    for hunk in diff[start.end() :].split("@@\n"):
        before, after = (side(hunk, sign) for sign in "-+")
        assert text.count(before) == 1, f"{start[1]} has not once, but {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def side(hunk: str, sign: str) -> str:
    return "".join(line[1:] or "\n" for line in hunk.splitlines(keepends=True) if line[0] in (sign, " ", "\n"))


def run(folder: Path, *command: str, path: Sequence[Path] = ()) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [folder, *path]))}
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("guide", GUIDES)
def test_guide(guide: str, tmp_path: Path):
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    tests = put_into(tmp_path, guide)
    assert tests, "a guide shows its test"
    run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", *tests, *GUIDES[guide])
    if shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent)):
        run(tmp_path, "ruff", "check", "hlsgen", "tests")
        run(tmp_path, "ruff", "format", "--check", "hlsgen", "tests")


def test_a_layer_from_outside(tmp_path: Path):
    """In an empty folder: its layer is registered, tried, converted, and found by the command line."""
    tests = put_into(tmp_path, "your_own_layer")
    run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", *tests, path=[ROOT])
    (tmp_path / "make.py").write_text(
        "import keras, power\nkeras.Sequential([keras.Input((6,)), power.Power()]).save('model.keras')\n"
    )
    (tmp_path / "config.yml").write_text("model: model.keras\noutput_dir: out\n")
    run(tmp_path, "make", path=[ROOT])
    (tmp_path / "run.py").write_text("import sys, hlsgen.cli\nsys.exit(hlsgen.cli.main())\n")
    run(tmp_path, "run", "--extension", "power_in_hardware", "build", "config.yml", path=[ROOT])
    assert (tmp_path / "out" / "firmware" / "hlsgen" / "power.h").read_text() == (tmp_path / "power.h").read_text()


def test_every_guide_is_tested():
    assert {path.stem for path in (ROOT / "docs").glob("add_a_*.md")} == set(GUIDES)
