"""Compile a design to a Python extension, once: everything is cached by the digest of what went in.

The bindings are the same text for every design and compiled once. The cache folder is private to the
user (see ``tools.cache_dir``), and so is every file loaded from it. A file appears complete or not at all,
so processes may race and builds may be interrupted. What has not been used for longest goes first when
there is too much.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.backends.hls.texts import units
from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, cache_dir, cpu_flags, find_compiler, processors, python_headers, run, templates_dir

FLAGS = ("-O3", "-std=c++17", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-march=native")
_EXTENSION = ".so"
_INCLUDE = re.compile(r'^\s*#\s*include\s*[<"](.+)[>"]', re.MULTILINE)
_LOADING = threading.Lock()
_PROCESSORS = processors()
_COMPILERS = threading.BoundedSemaphore(_PROCESSORS)
"""Compilers of this process, of whatever designs and threads."""
KEPT_DESIGNS = 500
KEPT_BYTES = 2 * 2**30
_KEPT = {f"hlsgen_*{_EXTENSION}": KEPT_DESIGNS, "bindings_*.o": 8, "hlsgen_*.failed.log": 20}
"""How many files of each kind the cache keeps."""
_ABANDONED = 24 * 3600.0
"""Seconds after which the workspace of a build is taken for one that was interrupted."""


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
    if not _is_usable(target):
        _compile(compiler, all_flags, files, name, target)
    _mark_used(target)
    with _LOADING:
        try:
            return sys.modules.get(name) or _load(name, target)
        except ImportError:  # another process has just cleared the cache, or the file was damaged
            _compile(compiler, all_flags, files, name, target)
            return _load(name, target)


def _is_usable(path: Path) -> bool:
    """Whether a compiled file is there, and private: no link, not empty, owned by this user, writable by no other."""
    try:
        status = path.lstat()
    except OSError:
        return False
    private = status.st_uid == os.getuid() and not status.st_mode & 0o022
    return stat.S_ISREG(status.st_mode) and status.st_size > 0 and private


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
    """Return the compiled bindings, compiling them if this machine never did."""
    import pybind11

    target = cache_dir() / f"bindings_{_digest(compiler, flags, _bindings())}.o"
    if not _is_usable(target):
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
    _mark_used(target)
    return target


def _compile(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str], name: str, target: Path) -> None:
    bindings = bindings_object(compiler, flags)
    with _workspace() as folder:
        for file, text in files.items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        options = [*compiler.command, *flags]
        objects = [folder / f"{i}.o" for i, _ in enumerate(units(files))]
        output = folder / "design.so"
        link = [*options, "-shared", *map(str, objects), str(bindings), "-o", str(output), "-pthread"]
        try:
            _compile_units(
                [
                    [*options, f"-DHLSGEN_MODULE={name}", *_includes(), "-c", unit, "-o", str(made)]
                    for unit, made in zip(units(files), objects, strict=True)
                ],
                folder,
            )
            run(link, cwd=folder, log_file=folder / "link.log")
        except ToolError as error:
            kept = target.with_suffix(".failed.log")
            logs = "".join(_text(log) for log in sorted(folder.glob("*.log")))
            kept.write_text(f"{error}\n\n{logs}", encoding="utf-8")
            raise ToolError(
                f"the emulator does not compile; this is a bug of hlsgen, please report it with {kept}\n{error}"
            ) from error
        _keep(link, output, target)
    _bound_cache()


def _compile_units(commands: Sequence[Sequence[str]], folder: Path) -> None:
    """Run compilers side by side, never more than there are processors; the first failure ends what waits."""

    def compile_one(number: int) -> None:
        with _COMPILERS:
            run(commands[number], cwd=folder, log_file=folder / f"{number}.log")

    with concurrent.futures.ThreadPoolExecutor(min(len(commands), _PROCESSORS)) as pool:
        try:
            for done in concurrent.futures.as_completed(pool.submit(compile_one, i) for i in range(len(commands))):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _keep(command: Sequence[str], made: Path, target: Path) -> None:
    """Move what the compiler made into the cache, in one step.

    It reaches the disk before it gets its name, so that a file under its final name is whole even after a crash
    (loading half a library can end the process).
    """
    if not made.is_file():
        raise ToolError(
            f"{command[0]} ended well but made no {made.name}; is it a C++ compiler? Check HLSGEN_CXX and CXX"
        )
    made.chmod(0o600)  # whatever the umask: see _is_usable
    try:
        _sync(made)
        made.replace(target)
    except OSError as error:
        raise ToolError(f"{target}: cannot be written ({error.strerror}); is the disk full?") from error
    with contextlib.suppress(OSError):  # without it a crash can only lose the file, not leave half of it
        _sync(target.parent)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _mark_used(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.utime(path)


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
    """Remove what interrupted builds left, then the longest unused files beyond the number or the size to be kept."""
    folder = cache_dir()
    for workspace in folder.glob("build_*"):
        if time.time() - _last_use(workspace) > _ABANDONED:
            shutil.rmtree(workspace, ignore_errors=True)
    total = 0
    for pattern, most in _KEPT.items():
        newest_first = sorted(folder.glob(pattern), key=_last_use, reverse=True)
        for i, path in enumerate(newest_first):
            total += _size(path)
            if i >= most or (total > KEPT_BYTES and i > 0):
                path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _load(name: str, path: Path) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader, origin=str(path))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module
    return module
