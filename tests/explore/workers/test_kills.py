"""Searches that are killed: what was finished stays, nothing of it is computed again, and nobody works on for them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hlsgen.explore.storage import read_study
from tests.explore.workers.searching import AXES

Known = dict[str, tuple[float, ...]]


@dataclass
class Searches:
    """One search in a folder, run again and again."""

    folder: Path
    trials: int
    workers: str
    runs: int = 0
    finished: list[tuple[int, set[str]]] = field(default_factory=list)
    """How many lines the log had at each kill, and which points were on the disk then."""

    def start(self) -> subprocess.Popen[bytes]:
        self.runs += 1
        words = ("-m", "tests.explore.workers.searching", str(self.folder), str(self.runs), str(self.trials))
        return subprocess.Popen(
            (sys.executable, *words, self.workers), env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        )

    def run(self) -> None:
        assert self.start().wait(300) == 0

    def run_and_kill(self, lines: int, seconds: float) -> None:
        """Kill it after it has added so many lines to the log, and some time more."""
        before = len(self.log)
        process = self.start()
        until = time.monotonic() + 120
        while len(self.log) < before + lines and process.poll() is None:
            assert time.monotonic() < until, "it does nothing"
            time.sleep(0.002)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.finished.append((len(self.log), set(self.known)))

    @property
    def log(self) -> list[str]:
        file = self.folder / "log"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def known(self) -> Known:
        """Points and their numbers. Each is there once."""
        path = self.folder / "study.db"
        if not path.exists():
            return {}
        trials = read_study(path).trials
        points = ["/".join(str(trial.point[axis]) for axis in AXES) for trial in trials]
        assert len(set(points)) == len(points) == len({trial.number for trial in trials})
        return {point: tuple(trial.values.values()) for point, trial in zip(points, trials, strict=True)}

    def check_log(self) -> None:
        """What was finished is not begun again, and no run does anything once the next one does."""
        for length, points in self.finished:
            again = {line.split()[1] for line in self.log[length:] if line.endswith("begin")} & points
            assert not again, f"computed again: {again}"
        runs = [int(line.split()[0]) for line in self.log]
        assert runs == sorted(runs)


@pytest.mark.parametrize(
    ("kills", "trials"), [(3, 40), pytest.param(20, 190, marks=pytest.mark.slow)], ids=["some", "twenty"]
)
def test_searches_that_are_killed(tmp_path: Path, kills: int, trials: int) -> None:
    whole = Searches(tmp_path / "whole", trials, "2")
    killed = Searches(tmp_path / "killed", trials, "2")
    for search in (whole, killed):
        search.folder.mkdir()
    whole.run()
    chance, seen = random.Random(3), Known()
    for _ in range(kills):
        killed.run_and_kill(chance.randrange(2 * trials // kills), chance.uniform(0, 0.02))
        known = killed.known
        assert known.items() >= seen.items(), "lost"
        seen = known
    killed.run()
    assert len(whole.known) == trials and killed.known == whole.known
    killed.check_log()
    assert sum(len(points) > 0 for _, points in killed.finished) > 0, "no kill came in the middle"
