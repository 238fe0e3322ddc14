"""Trials computed by processes of this machine, each one trial at a time.

They are programs of their own rather than forks (a framework with threads may be loaded here), and do not run the
user's program again, so that it needs no ``if __name__ == "__main__"``. The work of the search reaches them as a file
without a name, which is gone when the last of them is.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections import Counter, deque
from multiprocessing.connection import wait
from types import TracebackType
from typing import IO, Self

from hlsgen.errors import ToolError, WorkersError
from hlsgen.explore.trial import Ask, Outcome, State, Work
from hlsgen.explore.workers.handle import Handle
from hlsgen.explore.workers.messages import Computed, Unfit
from hlsgen.explore.workers.packing import Parcel
from hlsgen.tools import processors

_LOG = logging.getLogger(__name__)
_DEATHS = 3
"""A trial that ends so many workers has failed; and if so many end before they do anything, others would too."""
_GROWTH = 1 << 30


class Processes:
    """Workers of this machine; see :class:`~hlsgen.explore.workers.base.Workers`. They serve one thread."""

    def __init__(
        self,
        work: Work | Parcel,
        count: int | None = None,
        *,
        timeout: float | None = None,
        growth: int = _GROWTH,
        idle: int = 0,
    ) -> None:
        """Raises WorkersError where the work cannot be sent to other processes.

        Args:
            work: of the search.
            count: how many; as many as there are processors, if nothing is said.
            timeout: seconds after which a trial has failed, and its worker is replaced.
            idle: seconds without a trial after which a worker ends, until there is one again; 0: never.
            growth: bytes by which a worker may grow before another takes its place (compiled emulators stay in it).
        """
        self._parcel = work if isinstance(work, Parcel) else Parcel.of(work)
        self._count, self._timeout, self._growth, self._idle = count or processors(), timeout, growth, idle
        self._file: IO[bytes] | None = None
        self._crew: list[Handle] = []
        self._waiting = deque[tuple[int, Ask]]()
        self._deaths = Counter[int]()
        self._idle_deaths = 0

    def __enter__(self) -> Self:
        try:
            self._file = tempfile.TemporaryFile(prefix="hlsgen-")
            self._parcel.write(self._file)
            for _ in range(self._count):
                self._start()
        except OSError as error:
            self._end()
            raise WorkersError(
                f"what the trials need cannot be written to {tempfile.gettempdir()}: {error.strerror or error}; make "
                "room there, or set TMPDIR to another folder"
            ) from error
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def slots(self) -> int:
        return self._count

    @property
    def ahead(self) -> int:
        return self._count + self._count // 2

    def submit(self, number: int, ask: Ask) -> None:
        self._waiting.append((number, ask))
        self._hand_out()

    def finished(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        until = None if timeout is None else time.monotonic() + timeout
        found: list[tuple[int, Outcome]] = []
        while not found and (self._waiting or any(worker.trial for worker in self._crew)):
            self._hand_out()
            self._wait(until)
            for worker in list(self._crew):
                found += self._heard(worker)
            self._hand_out()
            if until is not None and time.monotonic() >= until:
                break
        return found

    # -- one round --------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        for worker in list(self._crew):
            if self._waiting and worker.is_idle and worker.has_ended:
                self._lost(worker)
            elif self._waiting and worker.is_idle:
                worker.give(*self._waiting.popleft(), self._timeout)

    def _wait(self, until: float | None) -> None:
        """Until somebody says something, or takes too long."""
        limits = [limit for limit in (until, *(worker.until for worker in self._crew)) if limit is not None]
        streams = [stream for worker in self._crew for stream in worker.streams]
        wait(streams, max(min(limits) - time.monotonic(), 0) if limits else None)

    def _heard(self, worker: Handle) -> list[tuple[int, Outcome]]:
        """What a worker has finished; one that has ended, takes too long or has grown is replaced."""
        found: list[tuple[int, Outcome]] = []
        try:
            for message in worker.heard():
                if isinstance(message, Unfit):
                    raise WorkersError(f"workers cannot read what the trials need: {message.reason}")
                if isinstance(message, Computed):
                    self._idle_deaths = 0
                    self._deaths.pop(message.number, None)
                    found.append((message.number, message.outcome))
        except EOFError:
            return found + self._lost(worker)
        if worker.until is not None and time.monotonic() >= worker.until:
            return found + self._late(worker)
        if worker.is_idle and worker.grown > self._growth:
            _LOG.info("worker %d has grown by %d MiB; another takes its place", worker.pid, worker.grown >> 20)
            self._replace(worker)
        return found

    def _late(self, worker: Handle) -> list[tuple[int, Outcome]]:
        if worker.trial is None:  # it does not even start
            return self._lost(worker)
        number, _ = worker.trial
        assert self._timeout is not None
        self._replace(worker)
        reason = f"not finished after {self._timeout:g} s (timeout)"
        return [(number, Outcome(State.FAILED, reason=reason, seconds=self._timeout))]

    def _lost(self, worker: Handle) -> list[tuple[int, Outcome]]:
        """A worker has ended: what it computed is computed again, unless that has ended others before."""
        ended = self._replace(worker)
        if worker.trial is None:
            self._idle_deaths += 1
            if self._idle_deaths >= _DEATHS + self._count:
                said = f": {worker.last_words}" if worker.last_words else ""
                raise WorkersError(f"no worker can be started on this machine: a process {ended}{said}")
            return []
        number, ask = worker.trial
        self._deaths[number] += 1
        _LOG.info("worker %d %s with trial %d", worker.pid, ended, number)
        if self._deaths[number] < _DEATHS:
            self._waiting.appendleft((number, ask))
            return []
        reason = f"{_DEATHS} processes that computed it came to an end, the last one {ended}"
        return [(self._gone(number), Outcome(State.FAILED, reason=reason))]

    def _gone(self, number: int) -> int:
        del self._deaths[number]
        return number

    # -- workers ----------------------------------------------------------------------------------

    def _start(self) -> None:
        assert self._file is not None
        try:
            self._crew.append(Handle(self._file.fileno(), self._idle))
        except ToolError as error:
            raise WorkersError(f"no worker can be started on this machine: {error}") from error

    def _replace(self, worker: Handle) -> str:
        """Let another take the place of a worker. Returns how this one ended."""
        self._crew.remove(worker)
        ended = worker.end()
        self._start()
        return ended

    def _end(self) -> None:
        while self._crew:
            self._crew.pop().end()
        self._waiting.clear()
        if self._file is not None:
            self._file.close()
