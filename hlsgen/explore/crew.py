"""Which workers a search has: this process, others of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

from hlsgen.errors import brief
from hlsgen.explore.origin import Origin
from hlsgen.explore.trial import Work
from hlsgen.explore.workers.base import Workers
from hlsgen.explore.workers.here import Here
from hlsgen.explore.workers.processes import Processes

MakeWorkers = Callable[[Work], Workers]
_MOST = 4096


def crew(workers: Any, origin: Origin) -> MakeWorkers:
    """What makes the workers for a work. Raises ConfigError for what are none.

    ``workers``: how many processes of this machine, 0 for none but this one, None for one for each processor; or a
    function of the work.
    """
    if callable(workers):
        made: MakeWorkers = workers
        return made
    if workers is None:
        return Processes
    if isinstance(workers, bool) or not isinstance(workers, Integral) or not 0 <= int(workers) <= _MOST:
        raise origin.refused(
            f"workers: {brief(workers)}, expected how many processes compute trials, 0 for this one", "workers"
        )
    count = int(workers)
    return (lambda work: Processes(work, count)) if count else Here
