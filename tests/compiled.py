"""Programs that tests compile, each once: kept beside the emulators by the digest of all that goes into them.

The vendor's headers take a second to read, so they are also compiled by themselves, once for each set of flags
(a precompiled header), and put in front of the texts. What depends on the order of headers asks for none.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, cache_dir, cpu_flags, find_compiler, processors, run

KEPT_PROGRAMS, KEPT_BYTES = 1500, 2**29
KEPT_PREFIXES = 4
_IN_USE = 3600.0
"""Seconds for which nothing is removed after its last use."""
_COMPILERS = threading.BoundedSemaphore(processors())
VENDOR_PREFIX = "".join(
    f"#include <{name}>\n"
    for name in "cstdlib fstream iostream sstream string ap_fixed.h ap_int.h hls_stream.h".split()
)
"""What a test bench includes, in its order, and then a design."""


def program(files: Mapping[str, str], units: Sequence[str], options: Sequence[str], *, prefix: str = "") -> Path:
    """Return the program (or library) that ``units`` of ``files``, texts by path, are compiled to.

    ``options`` are the compiler's and the linker's; headers in absolute folders among them (``-I/...``,
    ``-isystem/...``) count as texts. ``prefix`` is read before each unit, precompiled. Raises ToolError.
    """
    compiler = find_compiler()
    texts = [part for item in sorted(files.items()) for part in item]
    target = _folder() / f"program_{_digest(compiler, options, prefix, *units, *texts)}"
    if not target.is_file():
        _build(compiler, files, units, options, target, _prefix(compiler, options, prefix))
        _trim("program_*", KEPT_PROGRAMS, KEPT_BYTES)
    os.utime(target)
    return target


def _build(
    compiler: Compiler,
    files: Mapping[str, str],
    units: Sequence[str],
    options: Sequence[str],
    target: Path,
    first: Sequence[str],
) -> None:
    with _workspace() as folder:
        write_files(folder, files)
        objects = [f"unit{index}.o" for index in range(len(units))]

        def compile_unit(unit: str, made: str) -> None:
            command = [*compiler.command, *first, *options, "-c", unit, "-o", made]
            log = folder / f"{made}.log"
            try:
                with _COMPILERS:
                    run(command, cwd=folder, log_file=log)
            except ToolError as error:
                error.add_note(log.read_text(encoding="utf-8")[:6000] if log.is_file() else "")
                raise

        with ThreadPoolExecutor(len(units)) as pool:
            for done in [pool.submit(compile_unit, *pair) for pair in zip(units, objects, strict=True)]:
                done.result()
        strip = [] if any(option.startswith("-g") for option in options) else ["-s"]
        run([*compiler.command, *options, *strip, *objects, "-o", "program"], cwd=folder)
        (folder / "program").replace(target)  # complete or not at all


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _prefix(compiler: Compiler, options: Sequence[str], text: str) -> list[str]:
    """The options that put a precompiled text in front, which is compiled if nobody did.

    Nothing but the precompiled one stands under its name: a compiler that could not use it finds nothing at all.
    """
    if not text or "clang" in compiler.version.lower():
        return ["-include", str(_plain_prefix(text))] if text else []
    flags = [option for option in options if option.startswith(("-std=", "-O", "-f", "-m", "-g")) or _outside(option)]
    folder = _folder() / f"prefix_{_digest(compiler, flags, text)}"
    made = folder / "prefix.h.gch"
    with alone():
        if not made.is_file():
            folder.mkdir(exist_ok=True)
            (folder / "text.h").write_text(text)
            command = [*compiler.command, "-x", "c++-header", *flags, "-w", "text.h", "-o", "new"]
            run(command, cwd=folder)
            (folder / "new").replace(made)
            _trim("prefix_*", KEPT_PREFIXES)
    os.utime(folder)
    return ["-Winvalid-pch", "-include", str(folder / "prefix.h")]


def _plain_prefix(text: str) -> Path:
    path = _folder() / f"plain_{hashlib.sha256(text.encode()).hexdigest()[:16]}.h"
    path.write_text(text)
    return path


def _outside(option: str) -> Path | None:
    """The folder of headers that an option names, if it is an absolute one."""
    for word in ("-I", "-isystem"):
        if option.startswith(f"{word}/"):
            return Path(option.removeprefix(word))
    return None


def _digest(compiler: Compiler, options: Sequence[str], *texts: str) -> str:
    machine = cpu_flags() if "-march=native" in options else ""
    headers = [_texts(folder) for folder in map(_outside, options) if folder is not None]
    facts = (compiler.command, compiler.version, machine, list(options), headers, texts)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


@functools.cache
def _texts(folder: Path) -> str:
    """A digest of all headers below a folder."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*.h")):
        data = path.read_bytes()
        state.update(f"{path.relative_to(folder)} {len(data)}\n".encode() + data)
    return state.hexdigest()


# -- the folder ------------------------------------------------------------------------------------


def _folder() -> Path:
    folder = cache_dir() / "tests"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def _workspace() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="building_", dir=_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone() -> Iterator[None]:
    """While no other thread or worker is in here."""
    with (_folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _trim(pattern: str, most: int, most_bytes: int | None = None) -> None:
    """Remove what was not used for longest where there is too much."""
    known = []
    for path in _folder().glob(pattern):
        with suppress(FileNotFoundError):  # another worker trims, too
            known.append((path.stat().st_mtime, path.stat().st_size, path))
    total = 0
    for count, (used, size, path) in enumerate(sorted(known, reverse=True), 1):
        total += size
        too_much = count > most or (most_bytes is not None and total > most_bytes)
        if too_much and time.time() - used > _IN_USE:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
