"""What every contender's process shares: the task it was given, timing, and its answer.

A contender is a script run as ``python SCRIPT TASK`` with the task as JSON: ``name``, ``folder`` (of the
networks), ``cores`` (a list), ``seconds`` (of measuring, about), ``limit`` (most samples of one call)
and what that contender needs besides. It prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 5


class Task:
    """The JSON on the command line, and what it points to."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = json.loads(sys.argv[1])
        self.name: str = self.settings["name"]
        self.folder = Path(self.settings["folder"])
        self.cores: list[int] = self.settings["cores"]
        self.seconds: float = self.settings["seconds"]
        self.limit: int = self.settings["limit"]

    @property
    def model(self) -> Path:
        return self.folder / f"{self.name}.h5"

    def samples(self, count: int) -> Any:
        """``count`` stored samples, repeated as needed: (count, *shape) float32, contiguous."""
        stored = np.load(self.folder / f"{self.name}.npy")
        return np.ascontiguousarray(np.resize(stored, (count, *stored.shape[1:])))

    def pin(self) -> None:
        """Keep this process, and the threads it starts from now on, on the cores of the task."""
        os.sched_setaffinity(0, self.cores)


def elapsed(action: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Seconds of the clock given."""
    start = clock()
    action()
    return clock() - start


def throughput(task: Task, predict: Callable[[Any], Any], multiple: int = 1) -> float:
    """Samples per second, the median of several calls after warming up.

    The size of a call grows until it takes its share of the task's time; it is a multiple of ``multiple``.
    On one core the clock is the processor time of this process (all its threads): the same as wall time
    on an idle machine, and far less disturbed on a busy one. On several cores it is wall time.
    """
    clock = time.process_time if len(task.cores) == 1 else time.perf_counter
    count = multiple
    share = task.seconds / REPEATS
    largest = max(task.limit // multiple, 1) * multiple
    while True:
        x = task.samples(count)
        predict(x)
        seconds = elapsed(lambda x=x: predict(x), clock)
        if seconds >= 0.7 * share or count >= largest:
            break
        wanted = count * min(8.0, max(1.5, share / max(seconds, 1e-7)))
        count = min(largest, max(count + multiple, int(wanted) // multiple * multiple))
    return count / statistics.median(elapsed(lambda: predict(x), clock) for _ in range(REPEATS))


def peak_memory() -> dict[str, float]:
    """Largest resident memory in MB: of this process, and of a process it started (a compiler)."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"memory": own, "compiler_memory": child}


def answer(**facts: Any) -> None:
    """Print the result as the last line."""
    print(json.dumps(facts), flush=True)
