"""Compile a design to a Python extension, once: everything is cached by the digest of what went in.

The bindings are the same text for every design and compiled once. The cache folder is private to the
user (see ``tools.cache_dir``); a file appears in it complete or not at all, so processes may race.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import platform
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, cache_dir, cpu_flags, find_compiler, python_headers, run, templates_dir

FLAGS = ("-O3", "-std=c++17", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-march=native")
_EXTENSION = ".so"
_LOADING = threading.Lock()
_KEPT_DESIGNS = 500
"""The cache is bounded: beyond this many designs the longest unused are removed."""


def build_extension(files: Mapping[str, str], flags: Sequence[str] = ()) -> ModuleType:
    """Return the imported extension of a design given as texts; compile it unless the cache has it.

    Raises ToolError if there is no compiler or it fails.
    """
    compiler = find_compiler()
    all_flags = (*FLAGS, *flags)
    name = "hlsgen_" + _digest(compiler, all_flags, {**_headers("emulation", "firmware"), **files})
    if name in sys.modules:
        return sys.modules[name]
    target = cache_dir() / f"{name}{_EXTENSION}"
    if not _is_whole(target):
        _compile(compiler, all_flags, files, name, target)
    with contextlib.suppress(OSError):
        os.utime(target)  # marks it as used; see _bound_cache
    with _LOADING:
        return sys.modules.get(name) or _load(name, target)


def _is_whole(path: Path) -> bool:
    """Whether a compiled file is there and complete (a full disk or a crash may have cut it short).

    Loading half a library can end the process. In ELF files the table of sections comes last, and the
    header says where it ends (System V ABI, "ELF Header"); other formats are taken as they are.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(64)
    except OSError:
        return False
    if len(header) < 64 or not header.startswith(b"\x7fELF\x02\x01"):  # 64 bits, little-endian
        return len(header) == 64 and any(header) and not header.startswith(b"\x7fELF")
    sections, entry, count = struct.unpack("<40xQ10xHH2x", header)
    return size >= int(sections) + int(entry) * int(count)


@functools.cache
def _headers(*folders: str) -> dict[str, str]:
    """The texts of the headers and the bindings below folders of hls_templates, by path."""
    root = templates_dir()
    paths = [p for folder in folders for p in sorted((root / folder).rglob("*")) if p.suffix in (".h", ".cpp")]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in paths}


def _digest(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str]) -> str:
    import pybind11

    state = hashlib.sha256()
    facts = [
        *compiler.command,
        compiler.version,
        *flags,
        cpu_flags(),
        sys.version,
        platform.machine(),
        pybind11.__version__,
    ]
    for text in (*facts, *(part for item in sorted(files.items()) for part in item)):
        data = text.encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:32]


def _includes() -> list[str]:
    root = templates_dir()
    return [f"-I{root / 'emulation'}", f"-I{root / 'firmware'}"]


def bindings_object(compiler: Compiler, flags: Sequence[str]) -> Path:
    """Return the compiled bindings, compiling them if this machine never did."""
    import pybind11

    target = cache_dir() / f"bindings_{_digest(compiler, flags, _headers('emulation'))}.o"
    if not _is_whole(target):
        includes = [
            *_includes(),
            f"-isystem{pybind11.get_include()}",
            f"-isystem{python_headers()}",
        ]
        source = templates_dir() / "emulation" / "bindings.cpp"
        with _workspace() as folder:
            command = [*compiler.command, *flags, *includes, "-c", str(source), "-o", str(folder / "b.o")]
            run(command, cwd=folder)
            _keep(command, folder / "b.o", target)
    return target


def _compile(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str], name: str, target: Path) -> None:
    bindings = bindings_object(compiler, flags)
    with _workspace() as folder:
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        output = folder / "design.so"
        command = [
            *compiler.command, *flags, f"-DHLSGEN_MODULE={name}", *_includes(),
            "-shared", "design.cpp", str(bindings), "-o", str(output), "-pthread",
        ]  # fmt: skip
        try:
            run(command, cwd=folder, log_file=folder / "compile.log")
        except ToolError as error:
            kept = target.with_suffix(".failed.log")
            kept.write_text(f"{error}\n\n{_text(folder / 'compile.log')}", encoding="utf-8")
            raise ToolError(
                f"the emulator does not compile; this is a bug of hlsgen, please report it with {kept}\n{error}"
            ) from error
        _keep(command, output, target)
    _bound_cache()


def _keep(command: Sequence[str], made: Path, target: Path) -> None:
    """Move what the compiler made into the cache, in one step."""
    if not made.is_file():
        raise ToolError(
            f"{command[0]} ended well but made no {made.name}; is it a C++ compiler? Check HLSGEN_CXX and CXX"
        )
    made.replace(target)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    """A folder on the cache's own file system, so that finished files move into place in one step."""
    with tempfile.TemporaryDirectory(prefix="build_", dir=cache_dir()) as folder:
        yield Path(folder)


def _bound_cache() -> None:
    designs = sorted(cache_dir().glob(f"hlsgen_*{_EXTENSION}"), key=_last_use)
    for old in designs[:-_KEPT_DESIGNS]:
        old.unlink(missing_ok=True)


def _load(name: str, path: Path) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
    return module
