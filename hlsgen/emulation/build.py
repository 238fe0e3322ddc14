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
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, cache_dir, cpu_flags, find_compiler, run, templates_dir

FLAGS = ("-O3", "-std=c++17", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-march=native")
_EXTENSION = ".so"
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
    if not target.exists():
        _compile(compiler, all_flags, files, name, target)
    os.utime(target)
    return _load(name, target)


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
    if not target.exists():
        includes = [
            *_includes(),
            f"-isystem{pybind11.get_include()}",
            f"-isystem{sysconfig.get_path('include')}",
        ]
        source = templates_dir() / "emulation" / "bindings.cpp"
        with _workspace() as folder:
            command = [
                *compiler.command,
                *flags,
                "-O2",
                *includes,
                "-c",
                str(source),
                "-o",
                str(folder / "b.o"),
            ]
            run(command, cwd=folder)
            (folder / "b.o").replace(target)
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
            kept.write_text((folder / "compile.log").read_text(encoding="utf-8"), encoding="utf-8")
            raise ToolError(
                f"the emulator does not compile; this is a bug of hlsgen, please report it with {kept}\n{error}"
            ) from error
        output.replace(target)
    _bound_cache()


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    """A folder on the cache's own file system, so that finished files move into place in one step."""
    with tempfile.TemporaryDirectory(prefix="build_", dir=cache_dir()) as folder:
        yield Path(folder)


def _bound_cache() -> None:
    designs = sorted(cache_dir().glob(f"hlsgen_*{_EXTENSION}"), key=lambda p: p.stat().st_mtime)
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
