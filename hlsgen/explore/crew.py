"""Which workers a search has: this process, others of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from hlsgen.errors import ConfigError, brief
from hlsgen.explore.origin import Origin
from hlsgen.explore.trial import Work
from hlsgen.explore.workers.base import Workers
from hlsgen.explore.workers.clusters import DaskSettings
from hlsgen.explore.workers.dask import DaskWorkers
from hlsgen.explore.workers.here import Here
from hlsgen.explore.workers.processes import Processes

MakeWorkers = Callable[[Work], Workers]
_MOST = 4096


def crew(workers: Any, origin: Origin, *, dask: Any = None, scheduler: Any = None, timeout: Any = None) -> MakeWorkers:
    """What makes the workers for a work. Raises ConfigError for what are none.

    ``workers``: how many processes of this machine, 0 for none but this one, None for one for each processor; or a
    function of the work. ``dask``: the address of a scheduler, or a cluster (docs/clusters.md), in their place;
    ``scheduler``: the address alone. ``timeout``: seconds after which a trial has failed.
    """
    seconds = _seconds(timeout, origin)
    if scheduler is not None:
        if dask is not None:
            raise origin.refused("scheduler: is said by 'dask' too; give one of them", "scheduler")
        return _by_dask({"scheduler": scheduler}, "scheduler", workers, seconds, origin)
    if dask is not None:
        return _by_dask(dask, "dask", workers, seconds, origin)
    if callable(workers):
        made: MakeWorkers = workers
        return made
    if workers is None:
        return lambda work: Processes(work, timeout=seconds)
    if isinstance(workers, bool) or not isinstance(workers, Integral) or not 0 <= int(workers) <= _MOST:
        raise origin.refused(
            f"workers: {brief(workers)}, expected how many processes compute trials, 0 for this one", "workers"
        )
    count = int(workers)
    if count:
        return lambda work: Processes(work, count, timeout=seconds)
    if seconds is not None:
        raise origin.refused("timeout: no trial of this process itself can be ended; give workers", "timeout")
    return Here


def _by_dask(said: Any, key: str, workers: Any, timeout: float | None, origin: Origin) -> MakeWorkers:
    try:
        settings = DaskSettings.read(said)
    except ConfigError as error:
        raise origin.refused(str(error), key) from error
    if workers is not None:
        how = (
            "how many is said there (dask: {workers: 8})"
            if settings.cluster
            else "there are as many as were started for that scheduler (dask worker ADDRESS)"
        )
        raise origin.refused(f"workers: are those of Dask, as '{key}' says, and {how}; leave this out", "workers")
    return lambda work: DaskWorkers(work, settings, timeout=timeout)


def _seconds(timeout: Any, origin: Origin) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, Real) or not 0 < float(timeout) < float("inf"):
        raise origin.refused(f"timeout: {brief(timeout)}, expected seconds after which a trial has failed", "timeout")
    return float(timeout)
