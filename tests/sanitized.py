"""Programs and emulators under the address and the undefined-behaviour sanitizer.

Off unless pytest is given ``--sanitize`` (:data:`enabled`): then the ladder's programs are built with it, and its
emulators run in a process of their own, for the run-time library of the address sanitizer has to be loaded first
(``LD_PRELOAD``). The first finding ends a program, which fails its test. Leaks are not looked for: an interpreter frees
little of what it has at its end; ``tests/emulation/test_memory.py`` watches the memory of the emulator instead.
"""

from __future__ import annotations

import atexit
import functools
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hlsgen.backends.hls.program import Plan
from hlsgen.errors import ToolError
from hlsgen.tools import find_compiler, run

enabled = False
"""Whether this run of pytest was given ``--sanitize``."""

CHECKS = ("-fsanitize=address,undefined", "-g1", "-fno-omit-frame-pointer")
QUICK, THOROUGH = ("-O0", *CHECKS), ("-O1", *CHECKS)
"""Flags of emulators: what compiles fastest, and what runs the code that a compiler has put side by side."""
SUPPRESSED = "".join(
    f"{line}\n"
    for line in (
        "shift-base:ap_private.h",  # the vendor shifts negative numbers to the left, which C++ defines from 2020 on
    )
)
"""The vendor's own undefined behaviour, by file; all else is a finding, in the vendor's headers too."""
ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def environment() -> dict[str, str]:
    """What a sanitized program is started with."""
    folder = Path(tempfile.mkdtemp(prefix="hlsgen-sanitize-"))
    atexit.register(lambda: (folder / "suppressed").unlink(missing_ok=True) or folder.rmdir())
    (folder / "suppressed").write_text(SUPPRESSED)
    return {
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": f"halt_on_error=1:print_stacktrace=1:suppressions={folder / 'suppressed'}",
    }


def preloaded() -> dict[str, str]:
    """The same for a program that was not built with the sanitizers and loads a library that was."""
    output = run([*find_compiler().command, "-print-file-name=libasan.so"], cwd=Path(tempfile.gettempdir())).output
    library = Path(output.strip()).resolve()
    if not library.is_file():
        raise ToolError(f"{output.strip()}: the compiler has no address sanitizer; install libasan")
    return {**environment(), "LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"}


class _Process:
    """The process in which emulators run; it is started again after a finding has ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self, *job: Any) -> Any:
        """Raises AssertionError with what a sanitizer said, or with the exception there."""
        with self._lock:
            process = self._started()
            assert process.stdin is not None and process.stdout is not None
            try:
                pickle.dump(job, process.stdin)
                process.stdin.flush()
                done, answer = pickle.load(process.stdout)
            except (EOFError, BrokenPipeError) as error:
                said = self.end()
                raise AssertionError(f"the emulator ended its process:\n{said[:6000]}") from error
        assert done, answer
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.sanitized"], cwd=ROOT, env={**os.environ, **preloaded(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            atexit.register(self.end)
        return self._process

    def end(self) -> str:
        """End the process; return what it printed."""
        process, self._process = self._process, None
        if process is None:
            return ""
        try:
            return process.communicate(timeout=60)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[1].decode(errors="replace")


_PROCESS = _Process()


def emulate(plan: Plan, inputs: Sequence[Any], flags: Sequence[str] = THOROUGH, threads: int = 1) -> list[Any]:
    """What the emulator of a plan gives for a batch (mantissas), built and run under the sanitizers."""
    found: list[Any] = _PROCESS.run(plan, list(inputs), tuple(flags), threads)
    return found


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from hlsgen.emulation.emulator import Emulator

    while True:
        try:
            plan, inputs, flags, threads = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer: tuple[bool, Any] = True, Emulator(plan, flags).run(inputs, raw=True, threads=threads)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    _serve()
