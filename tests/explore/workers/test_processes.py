"""Workers of this machine: what they compute, and what becomes of trials where they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from threading import Lock

import numpy as np
import pytest

from hlsgen.errors import WorkersError
from hlsgen.explore.trial import Ask, Outcome, State
from hlsgen.explore.workers import handle
from hlsgen.explore.workers.here import Here
from hlsgen.explore.workers.packing import Parcel, unpacked
from hlsgen.explore.workers.processes import Processes
from tests.explore.workers.works import Calls, Numbers, Unreadable, Unspoken


def all_of(workers, points) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    before = set(children())
    with workers:
        for number, point in enumerate(points):
            workers.submit(number, Ask(point))
        while some := workers.finished():
            for number, outcome in some:
                assert number not in found, "finished twice"
                found[number] = outcome
        assert set(children()) == before or isinstance(workers, Processes)
    return found


def children() -> list[int]:
    text = "".join(file.read_text() for file in Path("/proc/self/task").glob("*/children"))
    return [int(word) for word in text.split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(processes) -> None:
    until = time.monotonic() + 30
    while any(is_running(process) for process in processes):
        assert time.monotonic() < until, "still there"
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [Here, lambda work: Processes(work, 2)], ids=["here", "processes"])
def test_all_trials_are_computed_once(workers, tmp_path: Path) -> None:
    log = tmp_path / "log"
    found = all_of(workers(Numbers(log=log)), [{"index": index} for index in range(200)])
    assert {number: outcome.values for number, outcome in found.items()} == {
        index: {"number": float(index**2)} for index in range(200)
    }
    assert {outcome.state for outcome in found.values()} == {State.DONE}
    lines = log.read_text().splitlines()
    assert sorted(int(line.split()[0]) for line in lines) == list(range(200))
    assert {f"{os.uname().nodename}:{line.split()[1]}" for line in lines} == {o.worker for o in found.values()}


def test_what_goes_wrong_with_a_trial_is_its_outcome(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before, descriptors = set(children()), len(list(Path("/proc/self/fd").iterdir()))
    points = [
        {"index": 1},
        {"index": 2, "do": "kill"},
        {"index": 3, "do": "kill_twice"},
        {"index": 5, "do": "exit"},
        {"index": 6, "do": "crash"},
        {"index": 7, "do": "sleep", "seconds": 600},
        {"index": 8, "do": "write"},
        {"index": 9, "do": "text"},
        {"index": 10},
        {"index": 100_000},
        {"index": 11, "do": "interrupt"},
        {"index": 12, "do": "unspeakable"},
    ]
    log = tmp_path / "log"
    found = all_of(Processes(Numbers(log=log), 2, timeout=6.0), points)
    ended = "3 processes that computed it came to an end, the last one"
    assert {number: outcome.reason for number, outcome in found.items() if outcome.reason} == {
        1: f"{ended} ended by signal 9",
        3: "SystemExit: enough",
        4: f"{ended} ended by signal 11",
        5: "not finished after 6 s (timeout)",
        6: "ValueError: assignment destination is read-only",
        7: "OSError: no such file: \\udc80",
        9: "IndexError: index 100000 is out of bounds for axis 0 with size 100000",
        10: "KeyboardInterrupt: of its own",
        11: "Unspeakable",
    }
    assert [found[number].values for number in (0, 2, 8)] == [{"number": 1.0}, {"number": 9.0}, {"number": 100.0}]
    begun = [int(line.split()[0]) for line in log.read_text().splitlines()]
    assert {index: begun.count(index) for index in set(begun) - {100_000}} == {
        **dict.fromkeys((1, 5, 7, 8, 9, 10, 11, 12), 1),
        **dict.fromkeys((2, 3, 6), 3),
    }
    assert capfd.readouterr().err.count("Segmentation fault") == 3
    assert set(children()) == before and len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_in_this_process_only_ctrl_c_ends_the_search() -> None:
    points = [{"index": 1, "do": action} for action in ("unspeakable", "exit")]
    assert {n: o.reason for n, o in all_of(Here(Numbers()), points).items()} == {
        0: "Unspeakable",
        1: "SystemExit: enough",
    }
    with pytest.raises(KeyboardInterrupt):
        all_of(Here(Numbers()), [{"index": 1, "do": "interrupt"}])


def test_nothing_else_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, and what a trial has started ends with it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    log, before = tmp_path / "log", set(children())
    with Processes(Numbers(log=log), 2, timeout=2.0) as workers:
        assert list((tmp_path / "temporary").iterdir()) == []
        workers.submit(0, Ask({"index": 0, "do": "start_and_hang"}))
        assert [outcome.state for _, outcome in workers.finished()] == [State.FAILED]
        (program,) = [int(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("started")]
        wait_until_gone([program])
    with Processes(Numbers(log=log), 2) as workers:
        workers.submit(1, Ask({"index": 1, "do": "sleep", "seconds": 600}))  # left in the middle
        workers.submit(2, Ask({"index": 2}))
        assert [number for number, _ in workers.finished()] == [2]
        there = set(children()) - before
        assert len(there) == 2
    assert set(children()) == before and not any(map(is_running, there))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_waiting_ends_in_time() -> None:
    with Processes(Numbers(), 1) as workers:
        assert workers.finished() == []  # nothing was submitted
        workers.submit(0, Ask({"index": 0, "do": "sleep", "seconds": 600}))
        assert workers.finished(timeout=0.2) == [] and workers.finished(timeout=0) == []


def test_a_worker_that_waits_is_replaced_too() -> None:
    with Processes(Numbers(), 1) as workers:
        workers.submit(0, Ask({"index": 0}))
        ((_, outcome),) = workers.finished()
        os.kill(int(outcome.worker.rpartition(":")[2]), signal.SIGKILL)
        workers.submit(1, Ask({"index": 1}))
        ((number, second),) = workers.finished()
    assert (number, second.values) == (1, {"number": 1.0}) and second.worker != outcome.worker


def test_one_that_grows_is_replaced() -> None:
    points = [{"index": index, "do": "grow", "bytes": 40 << 20} for index in range(9)]
    found = all_of(Processes(Numbers(), 1, growth=100 << 20), points)
    by = [found[number].worker for number in range(9)]
    assert [by.count(worker) for worker in dict.fromkeys(by)] == [3, 3, 3]


def test_what_a_worker_prints_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    all_of(Processes(Numbers(), 1), [{"index": 0, "do": "print", "lines": 20_000}])
    out, err = capsys.readouterr()
    assert (out, err) == ("", "said by a worker\n" * 20_000)


def test_libraries_open_no_threads_and_no_framework_is_loaded() -> None:
    found = all_of(Processes(Numbers(), 1), [{"index": 0, "do": "environment"}, {"index": 0, "do": "modules"}])
    assert found[0].reason == "ValueError: 1 1"
    loaded = set(found[1].reason.split())
    assert {"hlsgen", "numpy"} <= loaded and not loaded & {"tensorflow", "keras", "torch", "dask", "optuna", "rich"}


def test_many_processes_hold_arrays_once() -> None:
    data = np.arange(50_000_000)  # 400 MB
    work = unpacked(memoryview(bytes(Parcel.of(Numbers(data[:1000])))))
    assert not work.data.flags.writeable and work.data.tobytes() == data[:1000].tobytes()
    with Processes(Numbers(data), 2) as workers:
        for number in range(2):
            workers.submit(number, Ask({"index": 49_999_999}))
        found = dict([*workers.finished(), *workers.finished()])
        own = [private(process) for process in {int(o.worker.rpartition(":")[2]) for o in found.values()}]
    assert [outcome.values for outcome in found.values()] == [{"number": 49_999_999.0}] * 2
    assert own and max(own) < 200 << 20


def private(process: int) -> int:
    """Bytes that a process holds and no file does."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))


# -- what cannot be sent ---------------------------------------------------------------------------


def test_functions_reach_workers() -> None:
    offset = 3
    found = all_of(Processes(Calls(lambda x: x + offset), 1), [{"x": 1}])
    assert found[0].values == {"value": 4.0}


@pytest.mark.parametrize(
    ("work", "by", "message"),
    [
        (
            Calls(Lock()),
            "cloudpickle",
            r"TypeError: .*_thread.lock.*; an objective may hold .*, a lock .*\(workers=0\)",
        ),
        (Calls(lambda x: x), "pickle", r"Can't pickle .*<lambda>.*; install cloudpickle .*\(workers=0\)"),
        (Calls(Lock()), "pickle", "TypeError: .*_thread.lock"),
    ],
    ids=["lock", "lambda", "lock by pickle"],
)
def test_what_cannot_be_sent(work, by: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "pickle":
        monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(WorkersError, match=message):
        Processes(work, 1)


def test_what_cannot_be_read() -> None:
    with (
        pytest.raises(WorkersError, match="cannot read what the trials need: ModuleNotFoundError: .*'of_the_user'"),
        Processes(Unreadable(), 1) as workers,
    ):
        workers.submit(0, Ask({}))
        workers.finished()
    assert workers._crew == []


def test_what_says_nothing_of_why() -> None:
    """An exception whose own text cannot be had is told by its type."""
    with pytest.raises(WorkersError, match="cannot be sent to other processes: Silent; "):
        Processes(Unspoken(there=False), 1)
    with pytest.raises(WorkersError, match="cannot read what the trials need: Silent$"):
        all_of(Processes(Unspoken(), 1), [{}])


def test_workers_that_do_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "process.py").write_text("raise SystemExit('no licence')")
    monkeypatch.setattr(handle, "_SCRIPT", tmp_path / "process.py")
    expected = r"no worker can be started on this machine: a process failed with exit status 1: no licence"
    with pytest.raises(WorkersError, match=expected), Processes(Numbers(), 2) as workers:
        workers.submit(0, Ask({"index": 0}))
        workers.finished()


def test_no_room_for_the_work(tmp_path: Path) -> None:
    """Under a limit for the size of files, as if the disk were full."""
    program = """
        import resource, signal, sys
        from hlsgen.errors import WorkersError
        from hlsgen.explore.workers.processes import Processes
        from tests.explore.workers.works import Numbers
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            Processes(Numbers(), 1).__enter__()
        except WorkersError as error:
            print(error)
    """
    said = script(tmp_path, program)
    assert "what the trials need cannot be written to" in said and "make room there, or set TMPDIR" in said


# -- the user's program ----------------------------------------------------------------------------


def script(folder: Path, text: str) -> str:
    """What a program prints that is no module of anything."""
    (folder / "program.py").write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PROGRAM = """
    print("run")
    import sys
    {first}
    import beside
    from hlsgen.explore.trial import Ask, Outcome, State
    from hlsgen.explore.workers.processes import Processes

    class Mine:
        def measured(self, ask):
            return Outcome(State.DONE, {{"value": beside.twice(ask.point["x"]) + CONSTANT}})

    CONSTANT = 1
    try:
        with Processes(Mine(), 2) as workers:
            for number in range(5):
                workers.submit(number, Ask({{"x": number}}))
            found = {{}}
            while some := workers.finished():
                found |= {{number: outcome.values["value"] for number, outcome in some}}
            print(sorted(found.items()))
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_program_is_not_run_again(tmp_path: Path) -> None:
    """It needs no ``if __name__ == "__main__"``, and modules beside it are found."""
    (tmp_path / "beside.py").write_text("def twice(x):\n    return 2 * x\n")
    assert script(tmp_path, PROGRAM.format(first="")) == ("run\n[(0, 1.0), (1, 3.0), (2, 5.0), (3, 7.0), (4, 9.0)]\n")
    said = script(tmp_path, PROGRAM.format(first="sys.modules['cloudpickle'] = None"))
    assert "Mine stands in the program that runs the search; install cloudpickle" in said


def test_workers_end_with_their_owner(tmp_path: Path) -> None:
    """At once, in the middle of a trial, though a process that the owner has forked has its pipes too."""
    program = f"""
        import os, signal, sys, time
        from hlsgen.explore.trial import Ask
        from hlsgen.explore.workers.processes import Processes
        from tests.explore.workers.works import Numbers
        with Processes(Numbers(log={str(tmp_path / "log")!r}), 2) as workers:
            for number in range(2):
                workers.submit(number, Ask({{"index": number, "do": "sleep", "seconds": 600}}))
            workers.finished(timeout=0)
            while not os.path.exists({str(tmp_path / "log")!r}) or len(open({str(tmp_path / "log")!r}).readlines()) < 2:
                workers.finished(timeout=0.05)
            child = os.fork() or (os.close(1), time.sleep(60), os._exit(0))
            print(child, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, tmp_path / "program.py"], env=env, stdout=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL
    wait_until_gone([int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()])
    os.kill(int(done.stdout), signal.SIGKILL)
