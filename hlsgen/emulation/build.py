"""Compile a design to a Python extension, once: everything is cached by the digest of what went in.

The bindings are the same text for every design and compiled once. What may be used of the cache, and how it gets
there, is in :mod:`hlsgen.emulation.store`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import hashlib
import platform
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.backends.hls.texts import OWN_HEADERS, units
from hlsgen.emulation import store
from hlsgen.emulation.diagnosis import Toolchain
from hlsgen.emulation.load import load
from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, cache_dir, cpu_flags, find_compiler, processors, python_headers, run, templates_dir

FLAGS = ("-O3", "-std=c++17", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-march=native")
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](.+)[>"]', re.MULTILINE)
_LOADING = threading.Lock()
_PROCESSORS = processors()
_COMPILERS = threading.BoundedSemaphore(_PROCESSORS)
"""Compilers of this process, of whatever designs and threads."""


def build_extension(files: Mapping[str, str], flags: Sequence[str] = ()) -> ModuleType:
    """Return the imported extension of a design given as texts; compile it unless the cache has it.

    Raises ToolError if there is no compiler, if it fails, or if the system does not let it work.
    """
    compiler = find_compiler()
    all_flags = (*FLAGS, *flags)
    name = "hlsgen_" + _digest(compiler, all_flags, {**_headers("emulation", "firmware"), **files})
    if name in sys.modules:
        return sys.modules[name]
    target = cache_dir() / f"{name}{store.EXTENSION}"
    store.mark_used(target)
    content = store.read(target)
    if content is not None:
        with contextlib.suppress(ImportError):  # whole, but a library that it needs is gone: compiled anew
            return _loaded(name, content, target)
    content = _compile(compiler, all_flags, files, name, target)
    try:
        return _loaded(name, content, target)
    except ImportError as error:
        target.unlink(missing_ok=True)
        with store.building() as folder:
            raise Toolchain(compiler, all_flags, folder).not_loaded(error) from error


def _loaded(name: str, content: bytes, target: Path) -> ModuleType:
    with _LOADING:
        return sys.modules.get(name) or load(name, content, target)


@functools.cache
def _headers(*folders: str) -> dict[str, str]:
    """The texts of the headers and the bindings below folders of hls_templates, by path."""
    root = templates_dir()
    paths = [p for folder in folders for p in sorted((root / folder).rglob("*")) if p.suffix in (".h", ".cpp")]
    return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in paths}


def _bindings() -> dict[str, str]:
    """The texts of the bindings and of the headers they include, by path."""
    root = templates_dir() / "emulation"
    texts: dict[str, str] = {}
    todo = [root / "bindings.cpp"]
    while todo:
        path = todo.pop()
        name = path.relative_to(root).as_posix()
        if name not in texts:
            texts[name] = path.read_text(encoding="utf-8")
            places = [folder / word for word in _INCLUDE.findall(texts[name]) for folder in (path.parent, root)]
            todo += [place for place in places if place.is_file()]
    return texts


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
    """Return the compiled bindings, compiling them if this machine never did. Raises ToolError."""
    import pybind11

    target = cache_dir() / f"bindings_{_digest(compiler, flags, _bindings())}.o"
    store.mark_used(target)
    if store.read(target) is not None:
        return target
    includes = [*_includes(), f"-isystem{pybind11.get_include()}", f"-isystem{python_headers()}"]
    source = templates_dir() / "emulation" / "bindings.cpp"
    with store.building() as folder:
        command = [*compiler.command, *flags, *includes, "-c", str(source), "-o", str(folder / "b.o")]
        toolchain = Toolchain(compiler, flags, folder)
        toolchain.check()  # once for a machine: these come first
        with _explained("the emulator's binding code", toolchain, target):
            _run(command, folder, folder / "b.log")
        _keep(command, folder / "b.o", target)
    return target


def _compile(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str], name: str, target: Path) -> bytes:
    bindings = bindings_object(compiler, flags)
    with store.building() as folder:
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        options = [*compiler.command, *flags]
        objects = [folder / f"{i}.o" for i, _ in enumerate(units(files))]
        output = folder / "design.so"
        link = [*options, "-shared", *map(str, objects), str(bindings), "-o", str(output), "-pthread"]
        own = [Path(file).name for file in files if file.startswith(f"{OWN_HEADERS}/")]
        with _explained("the emulator", Toolchain(compiler, flags, folder, own), target):
            _compile_units(
                [
                    [*options, f"-DHLSGEN_MODULE={name}", *_includes(), f"-I{OWN_HEADERS}", "-c", unit, "-o", str(made)]
                    for unit, made in zip(units(files), objects, strict=True)
                ],
                folder,
            )
            _run(link, folder, folder / "link.log")
        content = _keep(link, output, target)
    store.bound()
    return content


@contextlib.contextmanager
def _explained(what: str, toolchain: Toolchain, target: Path) -> Iterator[None]:
    try:
        yield
    except ToolError as error:
        raise toolchain.explained(what, error, target.with_suffix(".failed.log")) from error


def _run(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run a compiler with its temporary files in the workspace, which is on one disk and is removed afterwards."""
    run(command, cwd=folder, log_file=log, env={"TMPDIR": str(folder)})


def _compile_units(commands: Sequence[Sequence[str]], folder: Path) -> None:
    """Run compilers side by side, never more than there are processors; the first failure ends what waits."""

    def compile_one(number: int) -> None:
        with _COMPILERS:
            _run(commands[number], folder, folder / f"{number}.log")

    with concurrent.futures.ThreadPoolExecutor(min(len(commands), _PROCESSORS)) as pool:
        try:
            for done in concurrent.futures.as_completed(pool.submit(compile_one, i) for i in range(len(commands))):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _keep(command: Sequence[str], made: Path, target: Path) -> bytes:
    if not made.is_file():
        raise ToolError(
            f"{command[0]} ended well but made no {made.name}; is it a C++ compiler? Check HLSGEN_CXX and CXX"
        )
    return store.keep(made, target)
