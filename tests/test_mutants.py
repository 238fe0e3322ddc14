"""The list of mutants fits the program; ``python -m tests.mutants`` tries them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import mutants
from tests.mutants import MUTANTS, REPOSITORY, Mutant, MutantError


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_has_its_place_and_its_tests(mutant: Mutant) -> None:
    assert mutant.file().is_file()
    assert mutant.new != mutant.old
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert (REPOSITORY / path).exists(), f"no {path}"
        assert not name or f"def {name.partition('[')[0]}(" in (REPOSITORY / path).read_text(encoding="utf-8"), (
            f"no {test}"
        )


def test_names_are_unique() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) >= 24
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(("text", "found"), [("", "nowhere"), ("x = 1\nx = 1\n", r"some/a\.py \(2\)")])
def test_a_text_that_is_not_there_once_is_an_error(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "a.py").write_text(text)
    with pytest.raises(MutantError, match=f"mutant 'm': expected 'x = 1' once below some, found it {found}"):
        Mutant("m", "some", "x = 1", "x = 2", ()).file(tmp_path)


@pytest.mark.parametrize(("status", "caught"), [(0, False), (1, True), (2, None), (5, None)])
def test_what_survives_is_told_from_what_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, caught: bool | None
) -> None:
    """Only failing tests catch a mutant; tests that cannot run are an error. The text is as before afterwards."""
    path = tmp_path / "some" / "a.py"
    path.parent.mkdir()
    path.write_text("x = 1\n")
    seen: list[str] = []

    def run(root: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        seen.append(path.read_text())
        return subprocess.CompletedProcess([], status, f"{tests} in {root.name}\nlast line\n", "")

    monkeypatch.setattr(mutants, "_run_tests", run)
    mutant = Mutant("m", "some", "x = 1", "x = 2", ("tests",))
    if caught is None:
        with pytest.raises(MutantError, match=f"pytest ended with status {status}"):
            mutants.attempt(tmp_path, mutant)
    else:
        assert mutants.attempt(tmp_path, mutant) == (caught, "last line")
    assert seen == ["x = 2\n"]
    assert path.read_text() == "x = 1\n"
