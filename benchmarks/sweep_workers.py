"""What workers cost and bring: trials per second of processes of this machine, and of Dask's workers.

    python benchmarks/sweep_workers.py                     # empty trials, trials of 50 ms, the digits MLP
    python benchmarks/sweep_workers.py --counts 1,2,4 --seconds 10
    python benchmarks/sweep_workers.py --sweeps 3          # whole sweeps by one worker of Dask's and by two, three times

Each figure is of trials from the first that begins when all workers are ready to the last that ends. Dask's workers are
programs of their own with one thread each, as ``dask worker`` starts them. Of whole sweeps, the time is that of
``hlsgen.sweep``, first by workers that were just started, then by the same ones again; beside it stand the processor
seconds of this program, which workers of the same machine have to do without.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.explore.objectives.table import read_objectives
from hlsgen.explore.origin import Origin
from hlsgen.explore.spaces import read_space
from hlsgen.explore.sweep import _project, _work, sweep
from hlsgen.explore.trial import Ask, Outcome, Point, State, Work
from hlsgen.explore.workers.base import Workers
from hlsgen.explore.workers.clusters import DaskSettings
from hlsgen.explore.workers.dask import DaskWorkers
from hlsgen.explore.workers.processes import Processes

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Busy:
    """A trial that keeps a processor busy for some seconds."""

    seconds: float

    def measured(self, ask: Ask) -> Outcome:
        until = time.process_time() + self.seconds
        while time.process_time() < until:
            pass
        return Outcome(State.DONE, {"value": 1.0})


def digits() -> tuple[Work, Callable[[int], Point]]:
    """Trials of the digits MLP: 300 samples, accuracy and bits; each of another design."""
    folder, origin = ROOT / "example-models" / "digits_mlp", Origin("benchmark")
    project, base = _project(str(folder / "model.keras"), None, {})
    objectives = read_objectives(["accuracy", "bits"], origin)
    work = _work(project, base, objectives, np.load(folder / "x.npy"), np.load(folder / "y.npy"), (None, None, None))
    said = {"w": {"paths": "layers.*.precision.weight", "values": "fixed<3..14,1>", "each": True}}
    work.space = read_space(said, project.graph, base, origin)
    chance = np.random.default_rng(0)
    sizes = [len(axis.values) for axis in work.space.axes]
    return work, lambda number: work.space.point(tuple(int(chance.integers(size)) for size in sizes))


def rate(workers: Workers, point: Callable[[int], Point], seconds: float) -> float:
    """Trials per second, once each worker has computed some."""
    with workers:
        _finished(workers, point, 0.0, 8 * workers.slots)
        began = time.perf_counter()
        return _finished(workers, point, seconds, 0) / (time.perf_counter() - began)


def _finished(workers: Workers, point: Callable[[int], Point], seconds: float, least: int) -> int:
    """Compute trials for so long, and so many; how many it were."""
    until, number, done = time.perf_counter() + seconds, 0, 0
    while True:
        ahead = workers.slots + workers.slots // 2
        while number - done < ahead and (number < least or time.perf_counter() < until):
            workers.submit(number, Ask(point(number)))
            number += 1
        if number == done:
            return done
        done += len(workers.finished())


@contextmanager
def dask(count: int) -> Iterator[str]:
    """The address of a scheduler with so many workers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scheduler.json")
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--port", "0"]
        programs = [subprocess.Popen([*words, "--scheduler-file", str(file)], env=env, **quiet)]
        try:
            address = ""
            while not address:
                time.sleep(0.1)
                try:
                    address = json.loads(file.read_text())["address"]
                except (OSError, ValueError):
                    continue
            words = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
            programs += [subprocess.Popen([*words, "--no-nanny"], env=env, **quiet) for _ in range(count)]
            with DaskWorkers(Busy(0.0), DaskSettings.read(address)) as workers:
                while workers.slots < count:
                    time.sleep(0.1)
            yield address
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


# -- whole sweeps ---------------------------------------------------------------------------------

_TYPES = {"values": "ufixed<2..9,3,RND,SAT>", "paths": "layers.relu*.precision.result", "each": True}
SWEEPS: dict[str, tuple[str, int, int, dict[str, Any]]] = {
    "digits MLP": ("digits_mlp", 300, 600, {
        "w": {"paths": "layers.*.precision.weight", "values": "fixed<3..14,1>", "each": True}, "r": _TYPES}),
    "MNIST CNN": ("mnist_cnn_bn", 100, 60, {
        "w": {"paths": "layers.*.precision.weight", "values": "fixed<3..10,2>", "each": True}, "r": _TYPES}),
}  # fmt: skip
"""Model, samples, trials and space."""


def whole(name: str, address: str, seed: int) -> tuple[float, float, float]:
    """Seconds of a sweep for agreement and bits, processor seconds of this program, and the mean of its trials."""
    model, samples, trials, space = SWEEPS[name]
    folder = ROOT / "example-models" / model
    x = np.load(folder / "x.npy")[:samples]
    with tempfile.TemporaryDirectory() as temporary:
        began, spent = time.perf_counter(), time.process_time()
        options = {"trials": trials, "seed": seed, "storage": Path(temporary) / "sweep.db", "scheduler": address}
        found = sweep(str(folder / "model.keras"), space, x, prune=False, **options)
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
    assert len(found.done) == trials
    return seconds, spent, sum(trial.outcome.seconds for trial in found.trials) / trials


def sweeps(times: int) -> None:
    """One worker and two, in turns: what else the machine does meets both."""
    for name in SWEEPS:
        for seed in range(times):
            figures: dict[int, list[tuple[float, float, float]]] = {}
            for count in (1, 2):
                with dask(count) as address:
                    figures[count] = [whole(name, address, 2 * seed + warm) for warm in (0, 1)]
            for kind, (one, two) in zip(("cold", "warm"), zip(figures[1], figures[2], strict=True), strict=True):
                print(
                    f"{name}, {kind}: {one[0]:.1f} s by one, {two[0]:.1f} s by two: {one[0] / two[0]:.2f} times; "
                    f"this program {1e3 * two[1] / SWEEPS[name][2]:.1f} ms of {1e3 * two[2]:.0f} a trial; "
                    f"load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--counts", default="1,2", help="numbers of workers")
    options.add_argument("--seconds", type=float, default=10.0, help="of each figure")
    options.add_argument("--sweeps", type=int, default=0, help="instead, so many times whole sweeps")
    given = options.parse_args()
    if given.sweeps:
        sweeps(given.sweeps)
        return
    counts = [int(word) for word in given.counts.split(",")]
    kinds: dict[str, tuple[Work, Callable[[int], Point]]] = {
        "empty": (Busy(0.0), lambda number: {"number": number}),
        "50 ms": (Busy(0.05), lambda number: {"number": number}),
        "digits MLP": digits(),
    }
    print(f"{'trials/s':12}" + "".join(f"{f'{who} {count}':>14}" for who in ("processes", "dask") for count in counts))
    for name, (work, point) in kinds.items():
        figures = [rate(Processes(work, count), point, given.seconds) for count in counts]
        for count in counts:
            with dask(count) as address:
                figures.append(rate(DaskWorkers(work, DaskSettings.read(address)), point, given.seconds))
        print(f"{name:12}" + "".join(f"{figure:14.1f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
