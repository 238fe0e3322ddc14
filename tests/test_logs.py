"""The log: silent by itself, and where HLSGEN_LOG and -v send it."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hlsgen import logs
from hlsgen.cli import main
from hlsgen.errors import ConfigError

CONVERT = "import hlsgen; hlsgen.convert('example-models/xor_mlp/model.keras')"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The log goes nowhere once a test is over."""
    logger = logging.getLogger("hlsgen")
    handlers, level = list(logger.handlers), logger.level
    yield
    for handler in [handler for handler in logger.handlers if handler not in handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level)


def run(code: str, repository: Path, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if key != "HLSGEN_LOG"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=repository, env={**plain, **env}, capture_output=True, text=True, check=True)


def test_silent_by_itself(repository: Path) -> None:
    assert run(CONVERT + "; import logging; logging.getLogger('hlsgen').warning('x')", repository).stderr == ""


def test_info_and_debug(repository: Path) -> None:
    info = run(CONVERT, repository, HLSGEN_LOG="info")
    assert info.stdout == ""
    when = r"\d\d:\d\d:\d\d\.\d{3} INFO"
    assert re.fullmatch(
        rf"{when} hlsgen\.project: \w+: \d+ operations, backend vitis, io_parallel\n"
        rf"{when} hlsgen\.progress: converting: \d+\.\d{{3}} s\n",
        info.stderr,
    )
    debug = run(CONVERT, repository, HLSGEN_LOG="Debug").stderr
    assert re.search(r" DEBUG hlsgen\.passes\.base: fuse_batchnorm: \d\.\d{3} s, \d+ nodes\n", debug)
    assert re.search(r" DEBUG hlsgen\.pipeline: infer_types: \d\.\d{3} s\n", debug)


def test_a_file_is_written_at_its_end(repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "with:colon.log"
    file.write_text("before\n")
    assert run(CONVERT, repository, HLSGEN_LOG=f"info:{file}").stderr == ""
    first, *_, last = file.read_text().splitlines()
    assert first == "before" and "converting" in last


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("loud", "HLSGEN_LOG='loud': expected a level or level:file, as debug:run.log; found no level; valid: debug,"),
        ("debgu", "did you mean 'debug'?"),
        ("info:", "expected the name of a file behind the colon"),
        ("info:/nowhere/at/all.log", "the file cannot be written (No such file or directory)"),
        ("run.log", "found no level"),
    ],
)
def test_wishes_that_cannot_be_met(wish: str, said: str) -> None:
    handlers = list(logging.getLogger("hlsgen").handlers)
    with pytest.raises(ConfigError, match=re.escape(said)):
        logs.follow(wish)
    assert logging.getLogger("hlsgen").handlers == handlers


def test_such_a_wish_fails_no_import(repository: Path) -> None:
    said = run("import hlsgen", repository, HLSGEN_LOG="loud").stderr
    assert "UserWarning: HLSGEN_LOG='loud': expected a level" in said


def test_names_of_a_model_forge_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr(logging.INFO)
    logging.getLogger("hlsgen.test").info("layer %s", "a\n12:00:00 INFO hlsgen: all is well\r\x1b[2J\tb")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("INFO hlsgen.test: layer a")
    assert second == r"    12:00:00 INFO hlsgen: all is well\r\x1b[2J" + "\tb"


def test_asked_twice_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr(logging.DEBUG)
    logs.to_stderr(logging.INFO)
    logging.getLogger("hlsgen.test").debug("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize("words", [["-v", "config"], ["config", "-v"], ["config", "--verbose"]])
def test_verbose_before_and_behind_the_command(
    words: list[str], examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, str(examples / "xor_mlp" / "model.keras")])
    assert ended.value.code == 0
    said = capsys.readouterr()
    assert "INFO hlsgen.progress: reading the model: " in said.err and "DEBUG" not in said.err
    assert said.out.startswith("model:") or "layers:" in said.out


def test_very_verbose_names_programs_and_the_cache(
    examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "cache"))
    words = ["-vv", "predict", str(examples / "xor_mlp" / "model.keras"), str(examples / "xor_mlp" / "x.npy")]
    words += ["--precision", "fixed<23,9>"]  # a design that no other test has loaded into this process
    for number in range(2):
        with pytest.raises(SystemExit) as ended:
            main([*words, str(tmp_path / f"{number}.npy")])
        assert ended.value.code == 0
        said = capsys.readouterr().err
        if number == 0:
            assert re.search(r"DEBUG hlsgen\.tools: in \S+: .*-DHLSGEN_MODULE=hlsgen_\w+ .* -c design\S*\.cpp", said)
            assert re.search(r"DEBUG hlsgen\.native\.store: kept in the cache: \S+\.so, \d+ bytes", said)
            assert "INFO hlsgen.progress: compiling the emulator: " in said
    assert "-c design" not in said, "it is loaded already"


def test_debug_behind_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="--print-after"):
        main(["convert", "model.keras", "--print-after", "nothing", "--debug"])


def test_a_word_behind_two_dashes_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["config", "--", "-v"])
    assert ended.value.code == 1 and "-v" in capsys.readouterr().err
