"""``hlsgen lint`` as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hlsgen import tools
from hlsgen.cli import doctor, main
from tests.compiled import write_files
from tests.linter.native import the_clang
from tests.linter.tiny import FILES, changed


def project(folder: Path, files: dict[str, str]) -> Path:
    write_files(folder, {"hlsgen.json": "{}", **{f"firmware/{name}": text for name, text in files.items()}})
    return folder


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    text = capsys.readouterr()
    return int(ended.value.code or 0), text.out, text.err


def test_nothing_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = call(capsys, "lint", project(tmp_path, FILES), "--constants", "--clang", the_clang().path)
    assert status == 0
    assert out.splitlines() == [
        "kernel         multiplications  bits of a product  with its constants",
        "fc      dense  4                13                 2",
        "0 errors, 0 warnings",
    ]


def test_errors_end_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = project(
        tmp_path, changed("hlsgen/kernels.h", ("PIPELINE II=1", "PIPLINE II=1"), ("j] = 0", "j] = (p + j) % 3"))
    )
    status, out, _ = call(capsys, "lint", folder)
    first, second, *_, last = out.splitlines()
    assert status == 1 and last == "2 errors, 0 warnings"
    assert first.startswith("firmware/hlsgen/kernels.h:19: error: there is no directive 'PIPLINE'")
    assert "did you mean 'PIPELINE'?" in first and first.endswith("[pragma-unknown]")
    assert second.startswith("firmware/hlsgen/kernels.h:39: error: a remainder of i32 by 3 in fc, 2 times")


def test_without_a_clang(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "_clang", lambda name: None)
    monkeypatch.delenv("HLSGEN_CLANG", raising=False)
    status, out, _ = call(capsys, "lint", project(tmp_path, FILES))
    assert status == 0 and "no clang" in out and "pip install 'hlsgen[lint]'" in out
    (found,) = [finding for finding in doctor.findings() if finding.name == "clang"]
    assert not found.found and not found.required and "hlsgen[lint]" in found.detail


def test_a_clang_that_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, _, err = call(capsys, "lint", project(tmp_path, FILES), "--clang", "/bin/true")
    assert status == 1 and "--clang=/bin/true" in err
    monkeypatch.setenv("HLSGEN_CLANG", "/bin/true")
    status, _, err = call(capsys, "lint", tmp_path)
    assert status == 1 and "HLSGEN_CLANG=/bin/true" in err


def test_no_project(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = call(capsys, "lint", tmp_path)
    assert status == 1 and "no project of hlsgen's" in err
