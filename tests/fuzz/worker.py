"""Cases are tried in a process of its own, whose time and memory are bounded; its end is a finding and no accident.

``python -m tests.fuzz.worker`` is that process: a case a line on its input, one JSON line for each step on its output.
:class:`Worker` starts it and says what became of a case.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.fuzz.cases import Case, WrongError, case_of
from tests.fuzz.damage.base import RAN

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 4
"""How many times more a case may take where others have the processors."""
_LOOKS = 5
"""How often its state is looked at: a compiler, too, waits for its disk for a moment."""
_PREPARING = 120.0
"""Seconds for a case to be made, which is no time of the program's."""
_FRAME = re.compile(r'File "[^"]*/(hlsgen/[^"]+)", line \d+,? in (\w+)')


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    what: str
    """"right", "refused"; or what was found: "foreign exception", "wrong", "hang", "crash", "case" (the case is none)."""
    error: str = ""
    """The class of the exception, or the signal."""
    message: str = ""
    place: str = ""
    """The innermost function of the program."""
    details: str = field(default="", compare=False)

    @property
    def is_finding(self) -> bool:
        return self.what not in ("right", "refused")

    @property
    def signature(self) -> tuple[str, str, str]:
        """What two findings of one cause have in common."""
        return self.what, self.error, self.place

    def __str__(self) -> str:
        return f"{' '.join(filter(None, (self.what, self.error, self.place and f'in {self.place}')))}: {self.message[:300]}"


class Worker:
    """A process that tries one case after the other. It is started when it is needed, and again when it has ended."""

    def __init__(self, *, memory: int = Case.memory, seconds: float | None = None) -> None:
        self._memory, self._seconds = memory, seconds
        self._folder = Path(tempfile.mkdtemp(prefix="hlsgen-fuzz-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def try_case(self, case: Case) -> Outcome:
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(case.to_json()).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._ended()
        begun = self._answer(_PREPARING)
        if begun is None or begun.get("step") != "begun":
            return self._outcome(begun, "case")
        seconds, before = self._seconds or case.seconds, self._work()[1]
        answer = self._answer(seconds)
        for _ in range(_PATIENCE):
            if answer is None and self._is_starved(before + seconds / 2):
                answer = self._answer(seconds)
        return self._outcome(answer, "hang")

    def _is_starved(self, enough: float) -> bool:
        """Whether the process, or what works for it, wants to go on and was not given its share of a processor.

        Then the machine is busy. A process that only waits, as one that reads files does between two, wants nothing.
        """
        for _ in range(_LOOKS):
            wants, used = self._work()
            if wants:
                return used < enough
            time.sleep(0.02)
        return False

    def _work(self) -> tuple[bool, float]:
        """Whether it or a process below it wants a processor, and the processor seconds they have used."""
        assert self._process is not None
        found = [state_of(number) for number in (self._process.pid, *below(self._process.pid))]
        return any(letter in "RD" for letter, _ in found), sum(used for _, used in found)

    def _outcome(self, answer: dict[str, Any] | None, if_silent: str) -> Outcome:
        if answer is not None:
            return Outcome(**{key: value for key, value in answer.items() if key != "step"})
        process = self._process
        assert process is not None
        if process.poll() is not None:
            return self._ended()
        process.send_signal(signal.SIGUSR1)  # it says where it is
        time.sleep(0.5)
        stack = self._said()
        self._end()
        return Outcome(if_silent, "", "no answer in time", place_in(stack, first=True).partition(":")[0], stack)

    def _ended(self) -> Outcome:
        process = self._process
        assert process is not None
        code, stack = process.wait(), self._said()
        self._end()
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Outcome("crash", name, stack[-500:], place_in(stack, first=True), stack)

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The next line, or None if there is none in time or the process has ended."""
        process = self._process
        assert process is not None and process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._unread:
            ready, _, _ = select.select([process.stdout], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return None
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:  # it has ended, or is about to
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                return None
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            command = [sys.executable, "-m", "tests.fuzz.worker", str(self._folder), str(self._memory)]
            env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process

    def _end(self) -> None:
        """End the process and all below it, which may lead sessions of their own."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)  # so that it starts no more
            for number in below(self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # its session, of which something may be left if it has ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._process, self._unread = None, b""

    def _said(self) -> str:
        """What the process printed last: its stack, or what a sanitizer found."""
        assert self._process is not None
        path = self._folder / f"errors{self._process.pid}"
        return path.read_text(errors="replace")[-8000:] if path.is_file() else ""


class Workers:
    """A worker for each size of memory that cases may have."""

    def __init__(self, *, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._by_memory: dict[int, Worker] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._by_memory.values():
            worker.__exit__(*error)

    def try_case(self, case: Case) -> Outcome:
        if case.memory not in self._by_memory:
            self._by_memory[case.memory] = Worker(memory=case.memory, seconds=self._seconds)
        return self._by_memory[case.memory].try_case(case)


def below(process: int) -> list[int]:
    """The processes that a process started, those that they started, and so on."""
    found = []
    with contextlib.suppress(OSError):  # it has ended
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    return found


def state_of(process: int) -> tuple[str, float]:
    """The letter of its state, and the processor seconds that it and children that have ended used."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0.0
    return fields[0], sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def place_in(text: str, *, first: bool = False) -> str:
    """The innermost function of the program in a traceback, whose last call is innermost (or ``first``)."""
    found = _FRAME.findall(text)
    return ":".join(found[0 if first else -1]) if found else ""


# -- the process -----------------------------------------------------------------------------------


def attempt(case: Case, folder: Path, begun: Any = lambda: None) -> Outcome:
    """Try a case here, in a folder of its own."""
    try:
        prepared = case.prepare(folder)
    except Exception:
        return Outcome("case", "", traceback.format_exc()[-2000:])
    begun()
    outcome = _checked(case, prepared, folder)
    if any(path.name == RAN for path in folder.rglob("*")):
        return Outcome("wrong", "code", "a text of the case was run as code")
    return outcome


def _checked(case: Case, prepared: Any, folder: Path) -> Outcome:
    try:
        answer = case.check(prepared, folder)
    except WrongError as error:
        return Outcome("wrong", error.what, str(error)[:2000])
    except Exception as error:
        text = traceback.format_exc()
        return Outcome("foreign exception", type(error).__name__, str(error)[:2000], place_in(text), text[-6000:])
    return Outcome("right") if answer == "right" else Outcome("refused", message=answer[:2000])


def serve(folder: Path, answers: IO[str]) -> None:
    for line in sys.stdin.buffer:
        here = folder / "here"
        here.mkdir()
        os.chdir(here)
        outcome = attempt(case_of(line.decode()), here, lambda: print('{"step": "begun"}', file=answers, flush=True))
        os.chdir(folder)
        shutil.rmtree(here, ignore_errors=True)
        print(json.dumps(outcome.__dict__), file=answers, flush=True)


def main(folder: Path, memory: int) -> None:
    answers = os.fdopen(os.dup(1), "w")
    errors = os.open(folder / f"errors{os.getpid()}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    faulthandler.enable(2, all_threads=False)
    faulthandler.register(signal.SIGUSR1, 2, all_threads=False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    warnings.simplefilter("ignore")
    shutil.rmtree(folder / "here", ignore_errors=True)
    serve(folder, answers)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
