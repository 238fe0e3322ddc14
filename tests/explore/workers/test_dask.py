"""Workers of Dask: what they compute, and what becomes of trials where workers, schedulers and searches end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hlsgen.errors import WorkersError
from hlsgen.explore.sweep import sweep
from hlsgen.explore.trial import Ask, Outcome, State
from hlsgen.explore.workers import dask_task
from hlsgen.explore.workers.clusters import DaskSettings
from hlsgen.explore.workers.dask import DaskWorkers
from hlsgen.explore.workers.dask_task import Demand, close, measured
from hlsgen.explore.workers.packing import Parcel
from hlsgen.version import VERSION
from tests.explore.models import small_project
from tests.explore.workers.test_kills import Searches
from tests.explore.workers.test_processes import wait_until_gone
from tests.explore.workers.works import Calls, Numbers

distributed = pytest.importorskip("distributed", reason="needs the extra dask")


class Dask:
    """A scheduler and workers, each a program of its own, as users start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            "dask_scheduler", "--port", "0", "--scheduler-file", str(folder / "scheduler.json")
        )
        until = time.monotonic() + 60
        while not (found := _address(folder / "scheduler.json")):
            assert time.monotonic() < until and self.scheduler.poll() is None, "no scheduler"
            time.sleep(0.05)
        self.address = found

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        folder = ("--local-directory", str(self.folder))
        return self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny", *folder, *options)

    def _start(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        words = (sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *options)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with (self.folder / "log").open("ab") as log:
            self.programs.append(subprocess.Popen(words, env=env, cwd=self.folder, stdout=log, stderr=log))
        return self.programs[-1]

    def settings(self, wait: float = 60.0) -> DaskSettings:
        return DaskSettings.read({"scheduler": self.address, "wait": wait})

    def end(self) -> None:
        for program in self.programs:
            with contextlib.suppress(ProcessLookupError):
                program.kill()
            program.wait()


def _address(file: Path) -> str:
    """What a scheduler writes; nothing, as long as it is writing."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return ""


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    folder = tmp_path / "dask"
    folder.mkdir()
    started = Dask(folder)
    yield started
    started.end()


def all_left(workers: DaskWorkers) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    while some := workers.finished():
        for number, outcome in some:
            assert number not in found, "finished twice"
            found[number] = outcome
    return found


def begun(log: Path) -> dict[int, int]:
    """The processes that computed trials, by index, the last of each."""
    lines = log.read_text().splitlines() if log.exists() else []
    return {int(index): int(process) for index, process in map(str.split, lines)}


def wait_for(log: Path, count: int) -> dict[int, int]:
    until = time.monotonic() + 60
    while len(found := begun(log)) < count:
        assert time.monotonic() < until, "no trial begins"
        time.sleep(0.02)
    return found


def test_a_cluster_of_this_machine(tmp_path: Path) -> None:
    """And a trial that ends processes, one that never ends, and a function of the user's."""
    log, threads = tmp_path / "log", threading.active_count()
    settings = DaskSettings.read({"cluster": "LocalCluster", "workers": 2})
    points = [{"index": index} for index in range(20)]
    points += [{"index": 20, "do": "kill"}, {"index": 21, "do": "sleep", "seconds": 600}, {"index": 22, "do": "write"}]
    with DaskWorkers(Numbers(np.arange(5_000_000), log=log), settings, timeout=5.0) as workers:
        assert workers.slots == 2 and workers.finished() == []
        for number, point in enumerate(points):
            workers.submit(number, Ask(point))
        found = all_left(workers)
    assert {number: outcome.values for number, outcome in found.items() if outcome.state is State.DONE} == {
        index: {"number": float(index)} for index in range(20)
    }
    assert [found[number].reason for number in (20, 21, 22)] == [
        "3 processes that computed it came to an end, the last one ended by signal 9",
        "not finished after 5 s (timeout)",
        "ValueError: assignment destination is read-only",
    ]
    lines = [int(line.split()[0]) for line in log.read_text().splitlines()]
    assert sorted(lines) == sorted([*range(20), 20, 20, 20, 21, 22])
    wait_until_gone(begun(log).values())
    offset = 3
    with DaskWorkers(Calls(lambda x: x + offset), settings) as workers:
        workers.submit(0, Ask({"x": 1}))
        assert all_left(workers)[0].values == {"value": 4.0}
    assert threading.active_count() < threads + 20


def test_short_trials_go_several_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And come back as they are, in fewer tasks than there are trials; what is not short goes alone."""
    settings = DaskSettings.read({"cluster": "LocalCluster", "workers": 1})
    with DaskWorkers(Numbers(), settings) as workers:
        sent: list[int] = []
        submit = workers._client.submit

        def counted(function: object, work: object, asks: list[Ask], *others: object, **options: object) -> object:
            sent.append(len(asks))
            return submit(function, work, asks, *others, **options)

        monkeypatch.setattr(workers._client, "submit", counted)
        number, found = 0, {}
        while len(found) < 200:
            while number < 200 and number - len(found) < workers.ahead:
                workers.submit(number, Ask({"index": number}))
                number += 1
            found |= dict(workers.finished())
        assert {n: outcome.values["number"] for n, outcome in found.items()} == {n: n * n for n in range(200)}
        assert len(sent) <= 60 and max(sent) == 16 and sum(sent) == 200
        slow = {"index": 1, "do": "sleep", "seconds": 0.3}
        for number in range(200, 232):
            workers.submit(number, Ask(slow if number < 216 else {"index": 2}))
        found = all_left(workers)
        assert [found[n].values["number"] for n in (200, 215, 216, 231)] == [1, 1, 4, 4]
        assert sum(sent) > 232, "what a task had no time for went once more"


def test_a_task_begins_no_more_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_task, "_is_wanted", lambda: True)  # this is no worker of Dask's
    content = bytes(Parcel.of(Numbers()))
    demand = Demand("some work", None)
    asks = [Ask({"index": index}) for index in range(4)]
    try:
        assert [outcome.values["number"] for outcome in measured(content, asks, demand, 60.0)] == [0, 1, 4, 9]
        assert [outcome.values["number"] for outcome in measured(content, asks, demand, 0.0)] == [0]
    finally:
        close("some work")


def test_a_cluster_that_is_there_stays() -> None:
    """Given as it is, or by its client; what is found is what this process finds."""
    space = {"layers.fc1.precision.weight": "fixed<3..10,2>", "layers.fc2.precision.weight": "fixed<3..6,2>"}
    options = {"objectives": ["bits", "lut"], "trials": 32}
    alone = sweep(small_project(), space, workers=0, **options)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        for given in ({"dask": cluster}, {"scheduler": client}):
            found = sweep(small_project(), space, **given, **options)
            assert {tuple(t.point.values()): t.values for t in found.done} == {
                tuple(t.point.values()): t.values for t in alone.done
            }
            assert len(found.done) == 32 and client.status == "running"


def test_a_worker_that_ends_in_the_middle(dask: Dask, tmp_path: Path) -> None:
    """Its trials are computed by others, and by those that come later where there are none."""
    first, log = dask.worker(), tmp_path / "log"
    with DaskWorkers(Numbers(log=log), dask.settings()) as workers:
        workers.submit(0, Ask({"index": 0}))
        assert all_left(workers)[0].values == {"number": 0.0}
        workers.submit(1, Ask({"index": 1, "do": "sleep", "seconds": 2}))
        workers.submit(2, Ask({"index": 2}))
        process = wait_for(log, 2)[1]
        first.send_signal(signal.SIGKILL)
        wait_until_gone([process])  # nobody goes on with what another computes again
        dask.worker()
        found = all_left(workers)
    assert [found[number].values for number in (1, 2)] == [{"number": 1.0}, {"number": 4.0}]
    assert [int(line.split()[0]) for line in log.read_text().splitlines()].count(1) == 2


def test_a_search_that_ends_in_the_middle(dask: Dask, tmp_path: Path) -> None:
    """What it has begun is ended; the workers are there for the next one."""
    worker, log = dask.worker(), tmp_path / "log"
    program = (
        "import sys; from tests.explore.workers.works import Numbers; from hlsgen.explore.trial import Ask\n"
        "from hlsgen.explore.workers.dask import DaskWorkers; from pathlib import Path\n"
        "from hlsgen.explore.workers.clusters import DaskSettings\n"
        "with DaskWorkers(Numbers(log=Path(sys.argv[2])), DaskSettings.read(sys.argv[1])) as workers:\n"
        "    workers.submit(0, Ask({'index': 0, 'do': 'sleep', 'seconds': 600})); workers.finished()\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    search = subprocess.Popen([sys.executable, "-c", program, dask.address, str(log)], env=env)
    process = wait_for(log, 1)[0]
    search.kill()
    search.wait()
    wait_until_gone([process])
    assert worker.poll() is None
    with DaskWorkers(Numbers(log=log), dask.settings()) as workers:
        workers.submit(0, Ask({"index": 0}))
        assert all_left(workers)[0].values == {"number": 0.0}


def test_a_scheduler_that_goes_away(dask: Dask, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """That is said by the error alone: Dask's own log is back as it was."""
    dask.worker()
    logger = logging.getLogger("distributed.client")
    logger.addHandler(caplog.handler)  # what it says goes to no other logger
    level = logger.level
    log = tmp_path / "log"
    expected = "the Dask scheduler .*went away.*; the study is kept: the same command goes on"
    with pytest.raises(WorkersError, match=expected), DaskWorkers(Numbers(log=log), dask.settings()) as workers:
        workers.submit(0, Ask({"index": 0, "do": "sleep", "seconds": 600}))
        process = wait_for(log, 1)[0]
        dask.scheduler.kill()
        workers.finished()
    logger.removeHandler(caplog.handler)
    assert caplog.records == [] and logger.level == level
    for program in dask.programs:
        program.kill()
    wait_until_gone([process])


def test_nobody_is_there(dask: Dask) -> None:
    with (
        pytest.raises(WorkersError, match=r"no Dask worker for 1 s: look for dask worker ADDRESS, or wait longer"),
        DaskWorkers(Numbers(), dask.settings(1.0)),
    ):
        pass
    dask.end()
    settings = DaskSettings.read(dask.address)
    from hlsgen.explore.workers import dask as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ANSWER", 1.0)
        with (
            pytest.raises(
                WorkersError, match=r"no Dask scheduler answers at tcp://.*; is it running \(dask scheduler\)"
            ),
            DaskWorkers(Numbers(), settings),
        ):
            pass


@pytest.mark.parametrize(
    ("preload", "message"),
    [
        (
            "import hlsgen.explore.workers.dask_task as task\ntask.VERSION = '0.0.1'",
            rf"the search is of hlsgen {VERSION} on Python 3\.\d+, but the Dask worker .*:\d+ has hlsgen 0\.0\.1 on",
        ),
        (
            "import sys\nsys.modules['hlsgen'] = None",
            rf"a Dask worker \(tcp://.*\) cannot compute trials: ModuleNotFoundError: .*hlsgen.*; it needs hlsgen {VERSION} in",
        ),
    ],
    ids=["version", "missing"],
)
def test_a_worker_that_is_none(dask: Dask, tmp_path: Path, preload: str, message: str) -> None:
    (tmp_path / "first.py").write_text(preload)
    dask.worker("--preload", str(tmp_path / "first.py"))
    with pytest.raises(WorkersError, match=message), DaskWorkers(Numbers(), dask.settings()) as workers:
        workers.submit(0, Ask({"index": 0}))
        workers.finished()


@pytest.mark.parametrize(("kills", "trials"), [pytest.param(20, 190, marks=pytest.mark.slow)])
def test_searches_that_are_killed(dask: Dask, tmp_path: Path, kills: int, trials: int) -> None:
    """Half of the times a worker is killed too."""
    import random

    workers = [dask.worker(), dask.worker()]
    search = Searches(tmp_path, trials, dask.address)
    chance, seen = random.Random(4), {}
    for kill in range(kills):
        if kill % 2:
            workers.pop(0).kill()
            workers.append(dask.worker())
        search.run_and_kill(chance.randrange(2 * trials // kills), chance.uniform(0, 0.02))
        known = search.known
        assert known.items() >= seen.items(), "lost"
        seen = known
    search.run()
    assert len(search.known) == trials
    search.check_log()
