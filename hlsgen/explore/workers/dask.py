"""Trials computed by Dask: a scheduler that is there, or a cluster that is started for the search.

The work goes to the scheduler once, and from there to each worker; a trial is a small task. What a trial does to its
process is a matter of the worker (:mod:`~hlsgen.explore.workers.dask_task`); where a worker ends, Dask lets others
compute its trials.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import logging
import time
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from hlsgen.errors import WorkersError, said_by
from hlsgen.explore.trial import Ask, Outcome, State, Work
from hlsgen.explore.workers.clusters import DaskSettings, module
from hlsgen.explore.workers.dask_task import Demand, carried, close, measured
from hlsgen.explore.workers.packing import Parcel
from hlsgen.progress import task
from hlsgen.version import VERSION

_LOG = logging.getLogger(__name__)
_MODULE = "hlsgen.explore.workers.dask_task"
_LOOK = 1.0
"""Seconds after which it is asked how many workers there are."""
_ANSWER = 15.0
"""Seconds in which a scheduler answers."""
_CHANCES = 2
"""How often Dask may give up a trial because workers ended that had it, before it has failed. Others may have ended
them: Dask counts all trials that a worker had."""
_KEPT = "the study is kept: the same command goes on"
_TASK_SECONDS, _TASK_TRIALS = 0.2, 16
"""How long a task is to last that is made of short trials, and of how many at most."""
_RECENT = 32
"""Trials by which it is known how short they are."""


@dataclass(frozen=True)
class _Batch:
    """Trials that Dask has, and where it says what became of them."""

    numbers: tuple[int, ...]
    worker: str
    """Who is to compute them, unless Dask knows better."""
    future: Any


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
        self._waiting = deque[int]()
        self._batches: dict[str, _Batch] = {}
        self._lost = Counter[int]()
        self._done = SimpleQueue[str]()
        self._recent = deque[float](maxlen=_RECENT)
        self._threads: dict[str, int] = {}
        """Of workers, by their addresses."""
        self._looked, self._seen = 0.0, time.monotonic()

    def __enter__(self) -> Self:
        try:
            self._connect()
            self._seen = time.monotonic()
            self._wait_for_workers()
            self._check_workers()
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # once, for all trials
                key = f"hlsgen-work-{self._demand.digest}"
                self._carried = self._client.submit(carried, self._content, key=key)
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
                settings.scheduler or self._cluster,
                timeout=_ANSWER,
                set_as_default=False,
                name=self._name,
                security=settings.security,
            )
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {where}: {error or type(error).__name__}; is it running (dask "
                "scheduler), and can this machine reach it?"
            ) from error
        _LOG.info("Dask: %s, dashboard %s", self._client.scheduler.address, self._client.dashboard_link)

    def _wait_for_workers(self) -> None:
        with task("waiting for Dask workers"):
            while not self.slots:
                self._check()
                time.sleep(0.1)

    def _check_workers(self) -> None:
        """Raise WorkersError where a worker has no hlsgen: it would end at the first task, and say so to nobody."""
        with self._lost_scheduler():
            found = self._client.run(importlib.import_module, _MODULE, on_error="return")
        for where, said in found.items():
            if isinstance(said, BaseException):
                raise self._useless(where, said)

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
                self._threads = dict(self._client.nthreads())
            self._looked = now
            self._seen = now if self._threads else self._seen
        return sum(self._threads.values())

    @property
    def ahead(self) -> int:
        """A task for each thread and, so that none waits for this program, some more."""
        return self._wanted * self._size

    @property
    def _wanted(self) -> int:
        """How many tasks there are to be."""
        return self.slots + max(1, self.slots // 2)

    @property
    def _size(self) -> int:
        """Of how many trials a task is made: one, unless they are short."""
        if not self._recent:
            return 1
        mean = max(sum(self._recent) / len(self._recent), 1e-6)
        return min(max(int(_TASK_SECONDS / mean), 1), _TASK_TRIALS)

    def submit(self, number: int, ask: Ask) -> None:
        self._asked[number] = ask
        self._waiting.append(number)
        if len(self._waiting) >= self._size or len(self._batches) < self.slots:
            self._hand_out()

    def finished(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        until = None if timeout is None else time.monotonic() + timeout
        found: list[tuple[int, Outcome]] = []
        while (self._batches or self._waiting) and not found:
            self._hand_out()
            left = _LOOK if until is None else min(max(until - time.monotonic(), 0), _LOOK)
            found += self._heard(left)
            if not found and until is not None and time.monotonic() >= until:
                break
            self._check()
        return found

    # -- one round --------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        """Give Dask what waits, in as many tasks as there are to be, and in the same parts."""
        while self._waiting and (free := self._wanted - len(self._batches)) > 0:
            size = min(self._size, -(-len(self._waiting) // free))
            self._give([self._waiting.popleft() for _ in range(size)])

    def _give(self, numbers: Sequence[int]) -> None:
        """Give Dask a task, for the worker that has least to do: Dask itself would take the one that has the data."""
        asks = [self._asked[number] for number in numbers]
        key = f"hlsgen-trial-{self._name}-{numbers[0]}-{uuid.uuid4().hex[:8]}"
        busy = Counter(batch.worker for batch in self._batches.values())
        worker = min(self._threads, key=lambda address: busy[address] / self._threads[address], default="")
        with self._lost_scheduler():
            future = self._client.submit(
                measured,
                self._carried,
                asks,
                self._demand,
                _TASK_SECONDS,
                key=key,
                pure=False,
                workers=[worker] if worker else None,
                allow_other_workers=bool(worker),
            )
            self._batches[key] = _Batch(tuple(numbers), worker, future)
            future.add_done_callback(lambda _: self._done.put(key))

    def _heard(self, patience: float) -> list[tuple[int, Outcome]]:
        """What is finished, once something is."""
        found: list[tuple[int, Outcome]] = []
        with contextlib.suppress(Empty):
            key = self._done.get(timeout=patience)
            while True:
                found += self._taken(self._batches.pop(key))
                key = self._done.get_nowait()
        return found

    def _taken(self, batch: _Batch) -> list[tuple[int, Outcome]]:
        """The outcomes of a task that Dask is done with; what it has no time for, or was lost, is computed later."""
        if batch.future.status == "error":
            return self._given_up(batch, batch.future.exception())
        if batch.future.status != "finished":
            raise WorkersError(f"the Dask scheduler has dropped a trial: it was restarted, or went away; {_KEPT}")
        with self._lost_scheduler():
            outcomes = batch.future.result()
        self._recent.extend(outcome.seconds for outcome in outcomes)
        self._waiting.extendleft(reversed(batch.numbers[len(outcomes) :]))
        return [self._ended(number, outcome) for number, outcome in zip(batch.numbers, outcomes, strict=False)]

    def _given_up(self, batch: _Batch, error: BaseException) -> list[tuple[int, Outcome]]:
        """The trials of a task whose workers ended: each by itself once more, before it has failed."""
        if not isinstance(error, self._distributed.KilledWorker):
            raise self._useless("", error)
        found: list[tuple[int, Outcome]] = []
        for number in batch.numbers:
            self._lost[number] += 1
            if self._lost[number] < _CHANCES:
                self._give([number])
            else:
                found.append(self._ended(number, Outcome(State.FAILED, reason=f"Dask gave it up: {error}")))
        return found

    def _ended(self, number: int, outcome: Outcome) -> tuple[int, Outcome]:
        del self._asked[number]
        return number, outcome

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

    def _useless(self, where: str, error: BaseException) -> WorkersError:
        """A worker that cannot compute trials, by what it says."""
        if isinstance(error, WorkersError):
            return error
        return WorkersError(
            f"a Dask worker ({where or 'one of them'}) cannot compute trials: {said_by(error)}; it "
            f"needs hlsgen {VERSION} in the environment that it is started from; {_KEPT}"
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
        with contextlib.nullcontext() if self._is_connected else _unsaid():
            for leave in (self._leave, self._close_client, self._close_cluster):
                with contextlib.suppress(Exception):
                    leave()
        self._batches.clear()
        self._waiting.clear()

    @property
    def _is_connected(self) -> bool:
        return self._client is not None and self._client.status == "running"

    def _leave(self) -> None:
        if self._is_connected:
            self._client.cancel([batch.future for batch in self._batches.values()])
            self._client.run(close, self._demand.digest, on_error="ignore")

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close(timeout=5)

    def _close_cluster(self) -> None:
        if self._cluster is not None:
            self._cluster.close()


@contextlib.contextmanager
def _unsaid() -> Iterator[None]:
    """Without what Dask logs of a client that is closed while it looks for its scheduler: a traceback of its own, where
    an error says in a line that the scheduler went away."""
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.comm")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
