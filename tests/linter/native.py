"""Programs on the headers of ``hlsgen lint``, compiled by a clang for this machine and run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from hlsgen.linter.compile import lint_headers
from hlsgen.tools import Clang, find_clang, find_compiler, run
from tests.compiled import write_files

FLAGS = ("-std=c++14", "-O1", "-nostdinc", "-nostdinc++", "-fwrapv", "-fno-exceptions", "-fno-rtti", "-fPIC")
PRELUDE = 'extern "C" int printf(const char*, ...);\nextern "C" int scanf(const char*, ...);\n'


def the_clang() -> Clang:
    """The clang of the tests: `make test` installs one."""
    clang = find_clang()
    assert clang is not None, "no clang: pip install ziglang, as the extra 'dev' does"
    return clang


def output_of(folder: Path, files: Mapping[str, str], given: str = "", clang: Clang | None = None) -> list[str]:
    """Compile the ``.cpp`` files, with neither a C nor a C++ header of the system; link, run; the lines it prints."""
    clang = clang or the_clang()
    write_files(folder, files)
    objects = []
    for name in (name for name in files if name.endswith(".cpp")):
        objects.append(f"{name}.o")
        command = [*clang.command, *FLAGS, f"-I{lint_headers()}", "-I."]
        run([*command, "-c", name, "-o", objects[-1]], cwd=folder)
    run([*find_compiler().command, *objects, "-o", "program"], cwd=folder)
    done = subprocess.run([folder / "program"], input=given, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.splitlines()
