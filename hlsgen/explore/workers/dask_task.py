"""What Dask's workers run: some trials, in a process of its own beside each of their threads.

So a worker survives what a trial does, a trial can be ended in the middle (after its time, or where nobody wants it any
more), and workers with several threads compute as many trials at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.errors import WorkersError
from hlsgen.explore.trial import Ask, Outcome
from hlsgen.explore.workers.computing import name
from hlsgen.explore.workers.packing import Parcel
from hlsgen.explore.workers.processes import Processes
from hlsgen.version import VERSION

_LOOK = 0.25
"""Seconds after which it is asked again whether somebody waits for a trial."""
_IDLE = 60
"""Seconds after which a process without a trial ends: who wanted them may have been killed."""


@dataclass(frozen=True)
class Demand:
    """What the search expects of a worker."""

    digest: str
    """Of the work."""
    timeout: float | None
    version: str = VERSION
    python: tuple[int, int] = sys.version_info[:2]
    """Functions go from one Python to another as its own instructions."""


@dataclass(frozen=True)
class _Kept:
    """The process beside a thread, and the work that it has read."""

    digest: str
    processes: Processes


_KEPT: dict[int, _Kept] = {}
"""By thread."""


def carried(content: bytes) -> bytes:
    """The work of a search as a result of Dask's: it comes to each worker once, and is made again where it is lost."""
    return content


def measured(content: bytes, asks: Sequence[Ask], demand: Demand, seconds: float) -> list[Outcome]:
    """The outcomes of trials: of the first, and of as many of the others as begin within so many seconds.

    Raises WorkersError where this is no worker for them.
    """
    _check(demand)
    processes = _beside(content, demand)
    until = time.monotonic() + seconds
    found: list[Outcome] = []
    try:
        for ask in asks:
            if found and time.monotonic() >= until:
                break
            found.append(_computed(processes, ask))
    except BaseException:
        _close(threading.get_ident())
        raise
    return found


def _computed(processes: Processes, ask: Ask) -> Outcome:
    processes.submit(0, ask)
    while not (found := processes.finished(_LOOK)):
        if not _is_wanted():
            raise WorkersError("nobody waits for this trial any more")
    return found[0][1]


def close(digest: str) -> None:
    """End the processes of a work that is done with."""
    for thread in [thread for thread, kept in _KEPT.items() if kept.digest == digest]:
        _close(thread)


def _check(demand: Demand) -> None:
    mine = (VERSION, tuple(sys.version_info[:2]))
    if mine != (demand.version, tuple(demand.python)):
        versions = [f"hlsgen {v} on Python {'.'.join(map(str, p))}" for v, p in ((demand.version, demand.python), mine)]
        raise WorkersError(
            f"the search is of {versions[0]}, but the Dask worker {name()} has {versions[1]}, which may measure "
            "otherwise: install there what is here, or start the worker from another environment"
        )


def _beside(content: bytes, demand: Demand) -> Processes:
    """The process beside this thread."""
    thread = threading.get_ident()
    kept = _KEPT.get(thread)
    if kept is None or kept.digest != demand.digest:
        _close(thread)
        processes = Processes(Parcel([content]), 1, timeout=demand.timeout, idle=_IDLE).__enter__()
        kept = _KEPT[thread] = _Kept(demand.digest, processes)
    return kept.processes


def _close(thread: int) -> None:
    kept = _KEPT.pop(thread, None)
    if kept is not None:
        kept.processes.__exit__(None, None, None)


def _is_wanted() -> bool:
    """Whether the scheduler has not taken this task back: its client may have been killed."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state != "cancelled"
