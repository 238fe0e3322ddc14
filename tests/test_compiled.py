"""What tests compile is kept, and anything that goes into it makes another program."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hlsgen.errors import ToolError
from tests import compiled
from tests.compiled import program

MAIN = '#include "part.h"\nint number();\nint main() { return number() + SHARE; }\n'
FILES = {"main.cpp": MAIN, "deep/part.cpp": "int number() { return 40; }\n", "part.h": "#define SHARE 2\n"}
UNITS, OPTIONS = ["main.cpp", "deep/part.cpp"], ["-std=c++14", "-O0", "-I."]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HLSGEN_CACHE", str(folder))
    return folder / "tests"


def answer(path: Path) -> int:
    return subprocess.run([path], check=False).returncode


def test_the_same_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = program(FILES, UNITS, OPTIONS)
    assert answer(first) == 42
    monkeypatch.setattr(compiled, "run", None)
    assert program(dict(FILES), UNITS, OPTIONS) == first


def test_whatever_changes_makes_another(tmp_path: Path, cache: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "far.h").write_text("#define FAR 1\n")
    prefix, options = "#include <far.h>\n", [*OPTIONS, f"-isystem{outside}"]
    files = {**FILES, "deep/part.cpp": "int number() { return 40 + FAR; }\n"}
    found = [
        program(FILES, UNITS, OPTIONS),
        program({**FILES, "part.h": "#define SHARE 3\n"}, UNITS, OPTIONS),
        program(FILES, UNITS, [*OPTIONS, "-DNOTHING"]),
        program(files, UNITS, options, prefix=prefix),
    ]
    (outside / "far.h").write_text("#define FAR 20\n")
    compiled._texts.cache_clear()
    found.append(program(files, UNITS, options, prefix=prefix))
    assert [answer(path) for path in found] == [42, 43, 42, 43, 62]
    assert len(set(found)) == len(found)
    assert not list(cache.glob("building_*"))


def test_a_prefix_that_cannot_be_used_is_an_error(cache: Path) -> None:
    """It is not quietly read as a text."""
    assert answer(program(FILES, UNITS, OPTIONS, prefix="#include <vector>\n")) == 42
    (made,) = cache.glob("prefix_*/*.gch")
    made.write_bytes(b"not what it was")
    with pytest.raises(ToolError, match=r"prefix\.h"):
        program({**FILES, "part.h": "#define SHARE 4\n"}, UNITS, OPTIONS, prefix="#include <vector>\n")


def test_an_error_says_what_the_compiler_said(cache: Path) -> None:
    with pytest.raises(ToolError, match="'number' was not declared") as caught:
        program({**FILES, "main.cpp": "int main() { return number(); }\n"}, UNITS, OPTIONS)
    assert "main.cpp:1" in "".join(caught.value.__notes__)
    assert not list(cache.glob("program_*")) + list(cache.glob("building_*"))


def test_threads_may_race() -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: program(FILES, UNITS, OPTIONS, prefix="#include <vector>\n"), range(3)))
    assert len(set(found)) == 1 and answer(found[0]) == 42


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEPT_PROGRAMS", 1)
    first, second = (program(FILES, UNITS, [*OPTIONS, f"-DN={n}"]) for n in range(2))
    assert first.is_file(), "it may still be in use"
    for age, path in enumerate((second, first), 1):
        os.utime(path, (0, time.time() - age * 3600 - 60))
    third = program(FILES, UNITS, [*OPTIONS, "-DN=3"])
    assert third.is_file() and not first.exists() and not second.exists()
