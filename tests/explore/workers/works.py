"""Works of searches that do what tests need: count, break, hang, print."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hlsgen.explore.trial import Ask, Outcome, Point, State


@dataclass
class Numbers:
    """Reads a number of its data; or does what a point says."""

    data: np.ndarray = field(default_factory=lambda: np.arange(100_000) ** 2)
    log: Path | None = None
    """Each trial that begins adds its number and its process to it."""

    def measured(self, ask: Ask) -> Outcome:
        point = ask.point
        if self.log is not None:
            note(self.log, f"{point['index']} {os.getpid()}\n")
        action = point.get("do")
        if action is not None:
            getattr(self, f"_{action}")(point)
        return Outcome(State.DONE, {"number": self.data[point["index"]]})

    def _kill(self, point: Point) -> None:
        os.kill(os.getpid(), 9)

    def _kill_twice(self, point: Point) -> None:
        """End two processes that compute it, and be done in the third."""
        if sum(line.startswith(f"{point['index']} ") for line in self.log.read_text().splitlines()) < 3:
            os.kill(os.getpid(), 9)

    def _exit(self, point: Point) -> None:
        sys.exit("enough")

    def _interrupt(self, point: Point) -> None:
        raise KeyboardInterrupt("of its own")

    def _unspeakable(self, point: Point) -> None:
        raise Unspeakable

    def _crash(self, point: Point) -> None:
        import ctypes

        ctypes.string_at(0)

    def _sleep(self, point: Point) -> None:
        time.sleep(point["seconds"])

    def _start_and_hang(self, point: Point) -> None:
        import subprocess

        program = subprocess.Popen(["sleep", "600"], start_new_session=True)
        note(self.log, f"started {program.pid}\n")
        time.sleep(600)

    def _print(self, point: Point) -> None:
        print("said by a worker\n" * point["lines"], end="", flush=True)

    def _write(self, point: Point) -> None:
        self.data[0] = 1

    def _grow(self, point: Point) -> None:
        GROWN.append(b"x" * point["bytes"])

    def _text(self, point: Point) -> None:
        raise OSError("no such file: \udc80")

    def _environment(self, point: Point) -> None:
        raise ValueError(f"{os.environ['OMP_NUM_THREADS']} {os.environ['OPENBLAS_NUM_THREADS']}")

    def _modules(self, point: Point) -> None:
        raise ValueError(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))


class Unspeakable(BaseException):
    """Raises where it is made into text."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


GROWN: list[bytes] = []


@dataclass
class Calls:
    """Calls a function of the user's."""

    function: object

    def measured(self, ask: Ask) -> Outcome:
        return Outcome(State.DONE, {"value": self.function(ask.point["x"])})


@dataclass
class Unreadable:
    """Can be pickled, and not be read."""

    def __reduce__(self):
        return (_missing, ())

    def measured(self, ask: Ask) -> Outcome:
        raise AssertionError


@dataclass
class Unspoken:
    """Raises, where it is pickled or read (``there``), what cannot be made into text."""

    there: bool = True

    def __reduce__(self):
        if self.there:
            return (_unspoken, ())
        raise Silent

    def measured(self, ask: Ask) -> Outcome:
        raise AssertionError


class Silent(ValueError):
    """As :class:`Unspeakable`, of the usual kind."""

    __str__ = __repr__ = Unspeakable.__str__


def _unspoken() -> None:
    raise Silent


def _missing() -> None:
    raise ModuleNotFoundError("No module named 'of_the_user'")


def note(log: Path, text: str) -> None:
    """Add a line, whole, whoever else writes."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
