"""hlsgen: converts, compiles, checks the emulator against the NumPy reference, predicts.

Task: ``options`` are convert's; ``measure`` false only converts and compiles; ``bindings`` true only compiles
the bindings that all designs share; ``compile`` false stops after converting; ``batches`` asks for the
seconds of calls of these sizes. The cache is the environment's HLSGEN_CACHE.
"""

from __future__ import annotations

import statistics
import time
import warnings
from typing import Any

import numpy as np
from measure import REPEATS, Task, answer, elapsed, peak_memory, throughput

import hlsgen
from hlsgen.emulation.build import FLAGS, bindings_object
from hlsgen.tools import find_compiler

CHECKED = 20
"""Samples compared with the reference: more than one group of lanes, and a ragged end."""


def check(project: hlsgen.Project, x: Any) -> int:
    """The number of output integers that differ from the exact NumPy meaning of the network."""
    output = project.design.outputs[0].name
    return int(np.sum(project.predict(x, raw=True) != project.evaluate(x, raw=True)[output]))


def byte_share(project: hlsgen.Project) -> float:
    """Of the multiply-accumulates of dense and convolution layers: those of numbers of at most 8 bits, by 8 bits."""
    macs = {True: 0, False: 0}
    for step in project.plan.steps:
        fields: Any = step.kernel.members
        if {"n_in", "n_out", "weight_t"} <= set(fields):
            narrow = fields["input_t"].width <= 8 and fields["weight_t"].width <= 8
            macs[narrow] += fields["n_in"] * step.outputs[0].size
    return macs[True] / max(sum(macs.values()), 1)


def seconds_of(project: hlsgen.Project, task: Task, count: int) -> float:
    """Processor seconds of predicting ``count`` samples on one core: the median of several calls."""
    x = task.samples(count)
    return statistics.median(
        elapsed(lambda: project.predict(x, threads=1), time.process_time) for _ in range(REPEATS + 1)
    )


def seconds_of_one(project: hlsgen.Project, task: Task) -> float:
    """Wall-clock seconds of a call of one sample: the median of many."""
    x = task.samples(1)
    return statistics.median(elapsed(lambda: project.predict(x), time.perf_counter) for _ in range(2000))


def main() -> None:
    """Answer one task."""
    task = Task()
    warnings.simplefilter("ignore", hlsgen.project.ClippedInputWarning)
    start = time.perf_counter()
    if task.settings.get("bindings"):
        bindings_object(find_compiler(), FLAGS)
        answer(seconds=time.perf_counter() - start)
        return
    task.pin()
    project = hlsgen.convert(str(task.model), **task.settings["options"])
    converted = time.perf_counter()
    if not task.settings.get("compile", True):
        answer(convert=converted - start)
        return
    project.compile()
    compiled = time.perf_counter()
    facts: dict[str, Any] = {"convert": converted - start, "compile": compiled - converted}
    facts["byte_share"] = byte_share(project)
    if task.settings["measure"]:
        wrong = check(project, task.samples(CHECKED))
        threads = len(task.cores)
        facts["seconds_of_batches"] = [seconds_of(project, task, n) for n in task.settings.get("batches", ())]
        facts["mismatches"] = wrong
        facts["seconds_of_one"] = seconds_of_one(project, task)
        facts["speed"] = throughput(task, lambda x: project.predict(x, threads=threads), multiple=64 * threads)
    answer(**facts, **peak_memory())


if __name__ == "__main__":
    main()
