"""Compile C++ to a Python extension, once: what is kept is named by the digest of all that went in.

What may be used of the cache, and how it gets there, is in :mod:`hlsgen.native.store`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from hlsgen.errors import ToolError
from hlsgen.native import store
from hlsgen.native.diagnosis import Toolchain
from hlsgen.native.load import load
from hlsgen.progress import task
from hlsgen.tools import Compiler, cache_dir, cpu_flags, processors, run

FLAGS = ("-O3", "-std=c++17", "-fPIC", "-fwrapv", "-fvisibility=hidden", "-march=native")
_LOADING = threading.Lock()
_PROCESSORS = processors()
_COMPILERS = threading.BoundedSemaphore(_PROCESSORS)
"""Compilers of this process, of whatever designs and threads."""


def digest(compiler: Compiler, flags: Sequence[str], files: Mapping[str, str]) -> str:
    """Of all that compiled code depends on: compiler, flags, processor, Python, pybind11, texts by path."""
    import pybind11

    facts = [
        *compiler.command,
        compiler.version,
        *flags,
        cpu_flags(),
        sys.version,
        platform.machine(),
        pybind11.__version__,
    ]
    return digest_of(*facts, *(part for item in sorted(files.items()) for part in item))


def digest_of(*texts: str) -> str:
    """Of texts, each with its length: none can pass for the beginning of another."""
    state = hashlib.sha256()
    for text in texts:
        data = text.encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:32]


def extension(
    what: str, name: str, compiler: Compiler, flags: Sequence[str], make: Callable[[Path], bytes]
) -> ModuleType:
    """Return an imported extension: the one that is loaded, else the one in the cache, else what ``make`` compiles.

    ``make`` gets the place in the cache that it has to fill, and returns the content. Raises ToolError.
    """
    if name in sys.modules:
        return sys.modules[name]
    target = cache_dir() / f"{name}{store.EXTENSION}"
    store.mark_used(target)
    content = store.read(target)
    if content is not None:
        with contextlib.suppress(ImportError):  # whole, but a library that it needs is gone: compiled anew
            return _loaded(name, content, target)
    with task(f"compiling {what}"):
        content = make(target)
    try:
        return _loaded(name, content, target)
    except ImportError as error:
        target.unlink(missing_ok=True)
        with store.building() as folder:
            raise Toolchain(compiler, flags, folder).not_loaded(what, error) from error


def _loaded(name: str, content: bytes, target: Path) -> ModuleType:
    with _LOADING:
        return sys.modules.get(name) or load(name, content, target)


@contextlib.contextmanager
def explained(what: str, toolchain: Toolchain, target: Path) -> Iterator[None]:
    """Say of a failure whose fault it is, and what to do. Raises ToolError."""
    try:
        yield
    except ToolError as error:
        raise toolchain.explained(what, error, target.with_suffix(".failed.log")) from error


def run_compiler(command: Sequence[str], folder: Path, log: Path) -> None:
    """Run a compiler with its temporary files in the workspace, which is on one disk and is removed afterwards."""
    run(command, cwd=folder, log_file=log, env={"TMPDIR": str(folder)})


def run_compilers(commands: Sequence[Sequence[str]], folder: Path) -> None:
    """Run compilers side by side, never more than there are processors; the first failure ends what waits."""

    def compile_one(number: int) -> None:
        with _COMPILERS:
            run_compiler(commands[number], folder, folder / f"{number}.log")

    with concurrent.futures.ThreadPoolExecutor(min(len(commands), _PROCESSORS)) as pool:
        try:
            for done in concurrent.futures.as_completed(pool.submit(compile_one, i) for i in range(len(commands))):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def keep(command: Sequence[str], made: Path, target: Path) -> bytes:
    """Move what a compiler made into the cache and return its content. Raises ToolError."""
    if not made.is_file():
        raise ToolError(
            f"{command[0]} ended well but made no {made.name}; is it a C++ compiler? Check HLSGEN_CXX and CXX"
        )
    return store.keep(made, target)
