"""Trials computed by Dask: a scheduler that is there, or a cluster that is started for the search.

The work goes to the scheduler once, and from there to each worker; a trial is a small task. What a trial does to its
process is a matter of the worker (:mod:`~hlsgen.explore.workers.dask_task`); where a worker ends, Dask lets others
compute its trials.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
import uuid
import warnings
from collections import Counter
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from hlsgen.errors import WorkersError
from hlsgen.explore.trial import Ask, Outcome, State, Work
from hlsgen.explore.workers.clusters import DaskSettings, module
from hlsgen.explore.workers.dask_task import Demand, carried, close, measured
from hlsgen.explore.workers.packing import Parcel
from hlsgen.version import VERSION

_LOG = logging.getLogger(__name__)
_LOOK = 1.0
"""Seconds after which it is asked how many workers there are."""
_CHANCES = 2
"""How often Dask may give up a trial because workers ended that had it, before it has failed. Others may have ended
them: Dask counts all trials that a worker had."""
_KEPT = "the study is kept: the same command goes on"


class DaskWorkers:
    """Workers of Dask; see :class:`~hlsgen.explore.workers.base.Workers`. They serve one thread."""

    def __init__(self, work: Work, settings: DaskSettings, *, timeout: float | None = None) -> None:
        """``timeout``: seconds after which a trial has failed. Raises ConfigError where Dask is missing, WorkersError
        where the work cannot be sent."""
        self._distributed = module("distributed")
        self._settings = settings
        self._content = bytes(Parcel.of(work))
        self._demand = Demand(hashlib.sha256(self._content).hexdigest(), timeout)
        self._name = f"hlsgen-{uuid.uuid4().hex[:12]}"
        self._cluster: Any = None
        self._client: Any = None
        self._carried: Any = None
        self._asked: dict[int, Ask] = {}
        self._futures: dict[int, Any] = {}
        self._lost = Counter[int]()
        self._done = SimpleQueue[tuple[int, str]]()
        self._threads, self._looked, self._seen = 0, 0.0, time.monotonic()

    def __enter__(self) -> Self:
        try:
            self._connect()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # once, for all trials
                key = f"hlsgen-work-{self._demand.digest}"
                self._carried = self._client.submit(carried, self._content, key=key)
            self._seen = time.monotonic()
            self._wait_for_workers()
        except BaseException:
            self._end()
            raise
        return self

    def _connect(self) -> None:
        """Reach the scheduler. Raises WorkersError."""
        settings = self._settings
        self._cluster = None if settings.cluster is None else settings.started()
        where = settings.scheduler or settings.cluster
        try:
            self._client = self._distributed.Client(
                settings.scheduler or self._cluster, timeout=settings.wait, set_as_default=False, name=self._name
            )
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {where}: {error or type(error).__name__}; is it running (dask "
                "scheduler), and can this machine reach it?"
            ) from error
        _LOG.info("Dask: %s, dashboard %s", self._client.scheduler.address, self._client.dashboard_link)

    def _wait_for_workers(self) -> None:
        while not self.slots:
            self._check()
            time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def slots(self) -> int:
        """The threads of all workers."""
        now = time.monotonic()
        if now - self._looked >= _LOOK or not self._threads:
            with self._lost_scheduler():
                self._threads = sum(self._client.nthreads().values())
            self._looked = now
            self._seen = now if self._threads else self._seen
        return self._threads

    def submit(self, number: int, ask: Ask) -> None:
        self._asked[number] = ask
        key = f"hlsgen-trial-{self._name}-{number}-{uuid.uuid4().hex[:8]}"
        with self._lost_scheduler():
            future = self._client.submit(measured, self._carried, ask, self._demand, key=key, pure=False)
            self._futures[number] = future
            future.add_done_callback(lambda _: self._done.put((number, key)))

    def finished(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        until = None if timeout is None else time.monotonic() + timeout
        found: list[tuple[int, Outcome]] = []
        while self._futures and not found:
            left = _LOOK if until is None else min(max(until - time.monotonic(), 0), _LOOK)
            found += self._heard(left)
            if not found and until is not None and time.monotonic() >= until:
                break
            self._check()
        return found

    # -- one round --------------------------------------------------------------------------------

    def _heard(self, patience: float) -> list[tuple[int, Outcome]]:
        """What is finished, once something is."""
        found: list[tuple[int, Outcome]] = []
        with contextlib.suppress(Empty):
            number, key = self._done.get(timeout=patience)
            while True:
                if number in self._futures and self._futures[number].key == key:
                    found += self._taken(number)
                number, key = self._done.get_nowait()
        return found

    def _taken(self, number: int) -> list[tuple[int, Outcome]]:
        """The outcome of a trial that Dask is done with; none, if it is computed again."""
        future = self._futures.pop(number)
        if future.status == "error":
            error = future.exception()
            if not isinstance(error, self._distributed.KilledWorker):
                raise self._useless(error)
            self._lost[number] += 1
            if self._lost[number] < _CHANCES:
                self.submit(number, self._asked[number])
                return []
            outcome = Outcome(State.FAILED, reason=f"Dask gave it up: {error}")
        elif future.status == "finished":
            with self._lost_scheduler():
                outcome = future.result()
        else:
            raise WorkersError(f"the Dask scheduler has dropped a trial: it was restarted, or went away; {_KEPT}")
        del self._asked[number]
        return [(number, outcome)]

    def _check(self) -> None:
        """Raise WorkersError where nobody computes, and nobody will."""
        if self._client.status not in ("running", "connecting"):
            raise WorkersError(f"the Dask scheduler went away ({self._client.status}); {_KEPT}")
        if self.slots or time.monotonic() - self._seen < self._settings.wait:
            return
        what = "jobs that wait in the queue" if self._settings.cluster else "dask worker ADDRESS"
        raise WorkersError(
            f"no Dask worker for {self._settings.wait:g} s: look for {what}, or wait longer (dask: {{wait: SECONDS}}); "
            f"{_KEPT}"
        )

    def _useless(self, error: BaseException) -> WorkersError:
        """A worker that cannot compute trials, by what it says."""
        if isinstance(error, WorkersError):
            return error
        return WorkersError(
            f"a Dask worker cannot compute trials: {type(error).__name__}: {error}; it needs hlsgen {VERSION} in the "
            f"environment that it is started from; {_KEPT}"
        )

    @contextlib.contextmanager
    def _lost_scheduler(self) -> Any:
        """What Dask raises where its scheduler is gone becomes a WorkersError."""
        try:
            yield
        except (OSError, TimeoutError, self._distributed.CancelledError, RuntimeError) as error:
            raise WorkersError(f"the Dask scheduler went away ({type(error).__name__}: {error}); {_KEPT}") from error

    # -- the end ----------------------------------------------------------------------------------

    def _end(self) -> None:
        """Leave the cluster as it was found, and end one that was started here, whatever of it is still there."""
        for leave in (self._leave, self._close_client, self._close_cluster):
            with contextlib.suppress(Exception):
                leave()
        self._futures.clear()

    def _leave(self) -> None:
        if self._client is not None and self._client.status == "running":
            self._client.cancel([*self._futures.values()])
            self._client.run(close, self._demand.digest, on_error="ignore")

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close(timeout=5)

    def _close_cluster(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
