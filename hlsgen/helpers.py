"""Helpers: scripts of ours in processes of their own, for work that may never end or end the process.

A helper is started with a word, which it says as its first answer. Then it answers requests one by one until there are
no more. A request is a length (4 bytes), that many bytes of text, and data, whose size the text tells; an answer is a
mark (1 byte), a length (8 bytes) and as many bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import select
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hlsgen.errors import ToolError
from hlsgen.tools import start_python, status

_STARTING = 60.0
"""Seconds until the first word: Python and what the script imports may come from a slow disk."""
_PART = 1 << 20
_KEPT = 4


class HelperLost(ToolError):
    """A helper ended, or was ended because it did not answer; ``signal`` is the one by which it ended itself."""

    def __init__(self, reason: str, signal: int | None = None) -> None:
        super().__init__(reason)
        self.signal = signal


class Answer(NamedTuple):
    """What a helper says: ``mark`` tells of which kind it is."""

    mark: bytes
    content: bytearray


class Helper:
    """A script in a process of its own. It serves one thread at a time."""

    def __init__(self, script: Path) -> None:
        self._owner, self._word = os.getpid(), secrets.token_hex(8).encode()
        self._process = start_python(script, self._word.decode())
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._requests, False)
        try:
            self._greet(script)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be asked: it runs, and this process (not one that it was forked from) has started it."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: bytes, data: Iterable[bytes] = (), *, seconds: float, most: int) -> Answer:
        """The answer to a request, of ``most`` bytes. Raises HelperLost if there is none within so many seconds."""
        if not self.alive:
            raise self._ended()
        until = time.monotonic() + seconds
        try:
            self._send(len(request).to_bytes(4, "little") + request, until)
            for part in data:
                self._send(part, until)
            return self._answer(most, until)
        except TimeoutError as error:
            self.close()
            raise HelperLost(f"no answer in {seconds:g} s") from error
        except BaseException:  # an answer that is still under way would be taken for the next one's
            self.close()
            raise

    def close(self) -> None:
        """End it; harmless if it has ended. In a process that was forked from its owner, only let go of it."""
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        else:
            self._process.returncode = 0  # nothing to wait for: it is no child of this process
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _greet(self, script: Path) -> None:
        """Wait for its first word. Raises ToolError with what it says instead."""
        try:
            answer = self._answer(len(self._word), time.monotonic() + _STARTING)
            reason = "" if answer.content == self._word else f"it says {bytes(answer.content)!r}"
        except TimeoutError:
            reason = f"no word of it in {_STARTING:g} s"
        except HelperLost as error:
            reason = str(error)
        if reason:
            said = self._complaint()
            words = " ".join(map(str, self._process.args)) if isinstance(self._process.args, tuple) else ""
            raise ToolError(f"{script.name} cannot be started: {reason}{said and f': {said}'}\ncommand: {words}")

    def _complaint(self) -> str:
        """The last line that it wrote to its standard error before its first word."""
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        said = self._process.stderr.read() or b""
        return next(
            (line.strip() for line in reversed(said.decode("utf-8", "replace").splitlines()) if line.strip()), ""
        )

    # -- pipes ------------------------------------------------------------------------------

    def _answer(self, most: int, until: float) -> Answer:
        head = self._receive(9, until)
        size = int.from_bytes(head[1:], "little")
        if size > most:
            raise HelperLost(f"it says {bytes(head)!r}, which is no answer")
        return Answer(bytes(head[:1]), self._receive(size, until))

    def _send(self, data: bytes, until: float) -> None:
        left = memoryview(data)
        while left:
            _wait(self._requests, select.POLLOUT, until)
            try:
                left = left[os.write(self._requests, left[:_PART]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._ended() from error

    def _receive(self, size: int, until: float) -> bytearray:
        found = bytearray(size)
        left = memoryview(found)
        while left:
            _wait(self._answers, select.POLLIN, until)
            count = os.readv(self._answers, [left[:_PART]])
            if not count:
                raise self._ended()
            left = left[count:]
        return found

    def _ended(self) -> HelperLost:
        """What became of a process that has closed its pipes."""
        if self._owner != os.getpid():
            return HelperLost("it belongs to the process that this one was forked from")
        with contextlib.suppress(Exception):  # it takes its time
            self._process.wait(5)
        code = self._process.poll()
        if not code:
            return HelperLost("it answers no more" if code is None else "it has ended")
        return HelperLost(f"it {status(code)}", -code if code < 0 else None)


def _wait(descriptor: int, event: int, until: float) -> None:
    """Return when a pipe is ready, or broken. Raises TimeoutError."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(until - time.monotonic(), 0) * 1000):
        raise TimeoutError


class HelperPool:
    """The helpers of one script: one for each borrower at a time; a few wait for the next.

    A forked process begins with none.
    """

    def __init__(self, script: Path) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._waiting: list[Helper] = []
        self._started: set[Helper] = set()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    @contextmanager
    def borrowed(self) -> Iterator[Helper]:
        """A helper for one borrower. Raises ToolError if none can be started.

        It waits for the next borrower afterwards, unless this one closed it: where a library may have been damaged by
        what it met.
        """
        helper = self._taken()
        try:
            yield helper
        finally:
            self._give_back(helper)

    def close(self) -> None:
        """End those that wait."""
        while self._waiting:
            self._end(self._waiting.pop())

    def _taken(self) -> Helper:
        while True:
            with self._lock:
                helper = self._waiting.pop() if self._waiting else None
            if helper is None:
                helper = Helper(self._script)
                self._started.add(helper)
                return helper
            if helper.alive:
                return helper
            self._end(helper)

    def _give_back(self, helper: Helper) -> None:
        with self._lock:
            kept = helper.alive and len(self._waiting) < _KEPT
            if kept:
                self._waiting.append(helper)
        if not kept:
            self._end(helper)

    def _end(self, helper: Helper) -> None:
        self._started.discard(helper)
        helper.close()

    def _forget(self) -> None:
        """In a forked process: let go of the pipes, which would else keep helpers alive, and of a lock that is held."""
        for helper in list(self._started):
            helper.close()
        self._lock, self._waiting, self._started = threading.Lock(), [], set()
