"""A process that computes trials, as its owner sees it: started, given a trial, heard, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import IO, cast

from hlsgen.explore.trial import Ask
from hlsgen.explore.workers.messages import Message, Ready
from hlsgen.progress import aside
from hlsgen.tools import start_worker, status

_SCRIPT = Path(__file__).with_name("process.py")
_STARTING = 300.0
"""Seconds until it is ready: Python and what it imports may come from a slow disk."""
_ENDING = 5.0
_LINE = 1 << 16


class Handle:
    """One process. What it prints, this one prints to its standard error, above what shows progress."""

    def __init__(self, parcel: int, idle: int = 0) -> None:
        """``parcel``: the descriptor of a file with the work; ``idle``: after how many seconds without a trial it ends,
        if not 0. Raises ToolError."""
        self._connection, theirs = Pipe()
        with theirs:
            shared = (theirs.fileno(), parcel)
            try:
                self._process = start_worker(_SCRIPT, str(os.getpid()), *map(str, shared), str(idle), shared=shared)
            except BaseException:
                self._connection.close()
                raise
        assert self._process.stdout is not None
        self._printed: IO[bytes] = self._process.stdout
        os.set_blocking(self._printed.fileno(), False)
        self._line, self._lines = b"", deque[str](maxlen=20)
        self.trial: tuple[int, Ask] | None = None
        """What it computes now."""
        self.until: float | None = time.monotonic() + _STARTING
        """When it has taken too long for what it does now, by the clock of time.monotonic()."""
        self._memory: int | None = None
        self.grown = 0
        """Bytes by which it has grown since it was ready."""
        self._send([folder for folder in sys.path if isinstance(folder, str)])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether it has read its work."""
        return self._memory is not None

    @property
    def is_idle(self) -> bool:
        """Whether it can be given a trial."""
        return self.is_ready and self.trial is None

    @property
    def has_ended(self) -> bool:
        """Whether there is nobody to give a trial to."""
        return self._process.poll() is not None

    def give(self, number: int, ask: Ask, timeout: float | None) -> None:
        """Let it compute a trial, in so many seconds."""
        self.trial = number, ask
        self.until = None if timeout is None else time.monotonic() + timeout
        self._send(self.trial)

    def _send(self, message: object) -> None:
        with contextlib.suppress(ConnectionError):  # it has ended, which is heard where it is listened to
            self._connection.send(message)

    # -- what it says -----------------------------------------------------------------------------

    @property
    def streams(self) -> list[int]:
        """The descriptors of what is to be waited for before there is something to hear."""
        return [stream.fileno() for stream in (self._connection, self._printed) if not stream.closed]

    def heard(self) -> Iterator[Message]:
        """What it has said since it was last asked. Raises EOFError where it has ended."""
        self._show()
        try:
            while self._connection.poll():
                message = cast(Message, self._connection.recv())
                self._note(message)
                yield message
        except ConnectionError as error:
            raise EOFError from error

    def _note(self, message: Message) -> None:
        self.trial = self.until = None
        if isinstance(message, Ready):
            self._memory = message.memory
        else:
            self.grown = getattr(message, "memory", 0) - (self._memory or 0)

    def _show(self) -> None:
        """Print what it has printed, by lines."""
        while not self._printed.closed and (part := self._printed.read(_LINE)) is not None:
            *lines, self._line = (self._line + part).split(b"\n")
            if not part or len(self._line) > _LINE:
                lines, self._line = [*lines, self._line], b""
            if not part:
                self._printed.close()
            self._print([line.decode("utf-8", "replace") for line in lines if line.strip()])

    def _print(self, lines: list[str]) -> None:
        self._lines += lines
        if lines and sys.stderr is not None:
            with aside(), contextlib.suppress(OSError, ValueError):  # a closed stream
                print(*lines, sep="\n", file=sys.stderr)

    # -- its end ----------------------------------------------------------------------------------

    @property
    def last_words(self) -> str:
        """The last line that it printed."""
        return next((line.strip() for line in reversed(self._lines) if line.strip()), "")

    def end(self) -> str:
        """End it, and what it has started; harmless if it has ended. Returns how it ended, if it did so by itself."""
        code = self._ended_by_itself()
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGSTOP)  # it starts nothing more
            for child in [*_descendants(self.pid)]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._show()
        self._connection.close()
        self._printed.close()
        return "was ended" if code is None else status(code) if code else "ended by itself"

    def _ended_by_itself(self) -> int | None:
        """Its exit status; None if it runs. One whose end of the channel is closed is about to end."""
        until = time.monotonic() + (_ENDING if self._has_hung_up() else 0.0)
        while (code := self._process.poll()) is None and time.monotonic() < until:
            time.sleep(0.001)
        return code

    def _has_hung_up(self) -> bool:
        try:
            while self._connection.poll():
                self._connection.recv_bytes()
        except (EOFError, OSError):
            return True
        return False


def _descendants(process: int) -> Iterator[int]:
    """The processes that a process has started, those that these have started, and so on."""
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for word in file.read_text(encoding="ascii").split():
                yield int(word)
                yield from _descendants(int(word))
