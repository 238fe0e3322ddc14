"""The file of a study: what is committed stays, whatever happens; what is no study is refused."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsgen.errors import StudyError
from hlsgen.explore.space import Axis, Dimension, Space
from hlsgen.explore.storage import Storage, read_study
from hlsgen.explore.trial import Outcome, State, Trial

SPACE = Space((Axis("width", tuple(range(1000)), tuple(((("default_width",), w),) for w in range(1000)),
                    (Dimension(1000, True),)),))  # fmt: skip
FACTS = {
    "name": "net",
    "goals": [["accuracy", True, ""], ["bits", False, "bits"]],
    "space": SPACE.as_json(),
    "seed": 3,
    "version": "1.0",
    "samples": 10,
    "config": {"default_width": 16},
    "model": "abc",
}


def trial(number: int, reason: str = "") -> Trial:
    outcome = Outcome(State.DONE, {"accuracy": 0.5, "bits": float(number)}, reason, 0.25, "here:1")
    return Trial(number, {"width": number}, outcome, 3, "1.0", {"default_width": number})


def begun(path: Path | None) -> Storage:
    storage = Storage(path)
    storage.begin(FACTS)
    return storage


def test_what_is_added_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        for number in (1, 0):
            storage.add(trial(number))
        assert storage.study() == read_study(path)
    found = read_study(path)
    assert found.trials == (trial(0), trial(1))
    assert found.trials[1].config == {"default_width": 1}
    assert found.space == SPACE and found.facts == {"model": "abc"}
    assert [p.name for p in tmp_path.iterdir()] == ["a.db"]


def test_a_study_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        storage.add(trial(0))
    with Storage(path) as storage:
        assert storage.facts["name"] == "net"
        storage.add(trial(1))
    assert len(read_study(path)) == 2


def test_no_trial_stands_twice(tmp_path: Path) -> None:
    with begun(tmp_path / "a.db") as storage:
        storage.add(trial(0))
        again = Trial(1, {"width": 0}, trial(0).outcome, 3, "1.0")
        with pytest.raises(StudyError, match="UNIQUE"):
            storage.add(again)
        assert len(storage.study()) == 1


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        with pytest.raises(StudyError, match=r"a\.db: this process is adding trials to it just now"):
            Storage(path)
        code = "import sys; from hlsgen.explore.storage import Storage; Storage(sys.argv[1])"
        run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
        assert f"StudyError: {path}: process {os.getpid()} on" in run.stderr
        storage.add(trial(0))  # who was refused took nothing away
    with Storage(path):
        pass


def test_a_killed_process_leaves_what_it_committed(tmp_path: Path) -> None:
    """At any point, also within a commit: all trials that it said were there are there, and the file goes on."""
    path = tmp_path / "a.db"
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.explore.test_storage import *\n"
        "path = Path(sys.argv[1])\n"
        "with Storage(path) as storage:\n"
        "    if not storage.facts: storage.begin(FACTS)\n"
        "    first = len(storage.study())\n"
        "    for number in range(first, 1000):\n"
        "        storage.add(trial(number)); print(number, flush=True)\n"
    )
    told = -1
    for pause in (0.0, 0.003, 0.011):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines()]
        process.wait()
        last = int([line for line in lines if line][-1])
        assert int(first) >= told + 1  # none that was told is run again
        told = last
        found = read_study(path)
        assert [t.number for t in found.trials] == list(range(len(found)))
        assert len(found) > told


def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with begun(path) as storage:
        storage.add(trial(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
        try:
            with pytest.raises(StudyError, match=r"a\.db: it cannot be written .* make room, and run the sweep again"):
                for number in range(1, 9):
                    storage.add(trial(number, reason="x" * 10_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found = read_study(path)
    assert found.trials[0] == trial(0)
    with Storage(path) as storage:
        storage.add(trial(len(found)))
    assert len(read_study(path)) == len(found) + 1


@pytest.mark.parametrize("opens", [Storage, read_study])
def test_what_is_no_study(tmp_path: Path, opens: type) -> None:
    text = tmp_path / "text.db"
    text.write_text("what is this? " * 100)
    with pytest.raises(StudyError, match=r"text\.db: this is no SQLite database"):
        opens(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(StudyError, match=r"other\.db: an SQLite database, but no study of hlsgen"):
        opens(other)
    assert text.read_text().startswith("what is this?")
    with pytest.raises(StudyError, match="expected the path of the file of a study, found 5"):
        opens(5)


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        for number in range(200):
            storage.add(trial(number))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    with pytest.raises(StudyError, match=r"a\.db: the (database|study) is damaged"):
        Storage(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match=r"a\.db: the (database|study) is damaged"):
        Storage(path)


@pytest.mark.parametrize(
    ("column", "text", "said"),
    [
        ("point", '{"width": 1000}', "trial 1 is of no point of its space"),
        ("point", '{"depth": 1}', "trial 1 is of no point of its space"),
        ("point", "[1]", "trial 1 is of no point of its space"),
        ("point", "{oops", "Expecting property name"),
        ("config", "3", "trial 1 is of no point of its space"),
        ("values", '{"bits": 1.0}', "trial 1 lacks numbers of objectives"),
        ("values", '{"accuracy": "x", "bits": 1.0}', "trial 1 lacks numbers of objectives"),
        ("values", '{"accuracy": NaN, "bits": 1.0}', "trial 1 lacks numbers of objectives"),
        ("values", "[1]", "trial 1 is of no point of its space"),
        ("state", "lost", "'lost' is not a valid State"),
        ("seconds", "soon", "seconds of a trial is 'soon'"),
        ("seconds", 9e999, "seconds of a trial is inf"),
        ("reason", b"\xff", "reason of a trial is b'.xff'"),
        ("seed", "x", "seed of a trial is 'x'"),
        ("config", "[" * 100_000, "maximum recursion depth"),
    ],
)
def test_a_trial_that_was_not_written_here(tmp_path: Path, column: str, text: object, said: str) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        for number in range(3):
            storage.add(trial(number))
    with sqlite3.connect(path) as database:
        database.execute(f'UPDATE trials SET "{column}" = ? WHERE number = 1', (text,))
    with pytest.raises(StudyError, match=rf"a\.db: the study is damaged \({said}.*\); restore it from a copy"):
        read_study(path)
    with Storage(path) as storage, pytest.raises(StudyError, match=said):
        storage.study()


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("samples", '{"a": 1}', "samples of the study is {'a': 1}"),
        ("samples", "true", "samples of the study is True"),
        ("config", '[["a"]]', r"config of the study is \[\['a'\]\]"),
        ("name", "3", "name of the study is 3"),
        ("goals", "[]", "there are no objectives"),
        ("goals", '[["accuracy", true, 3]]', "unit of an objective is 3"),
        ("goals", "3", "'int' object is not iterable"),
        ("space", "[[]]", "list indices"),
        ("version", None, "'version'"),
    ],
)
def test_facts_that_were_not_written_here(tmp_path: Path, key: str, text: str | None, said: str) -> None:
    path = tmp_path / "a.db"
    with begun(path) as storage:
        storage.add(trial(0))
    with sqlite3.connect(path) as database:
        if text is None:
            database.execute("DELETE FROM study WHERE key = ?", (key,))
        else:
            database.execute("UPDATE study SET value = ? WHERE key = ?", (text, key))
    with pytest.raises(StudyError, match=rf"a\.db: the study is damaged \({said}.*\); restore it from a copy"):
        read_study(path)
    with Storage(path) as storage, pytest.raises(StudyError, match=said):
        assert storage.facts and storage.study()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    for folder in (tmp_path, ""):
        with pytest.raises(StudyError, match="this is a folder; name a file in it, as sweep.db"):
            Storage(folder)
    assert not list(tmp_path.iterdir())


def test_what_can_hold_no_study(tmp_path: Path) -> None:
    """Devices and pipes, and names that no file system takes: nobody waits for them, and nothing is put beside them."""
    os.mkfifo(tmp_path / "pipe.db")
    for path, said in (
        (tmp_path / "pipe.db", "this is a device or a pipe; name a file, as sweep.db"),
        (Path("/dev/null"), "this is a device or a pipe"),
        (tmp_path / f"{'a' * 300}.db", r"it cannot be written \(File name too long\); name another file"),
        (tmp_path / "a\0b.db", "it cannot be written"),
    ):
        with pytest.raises(StudyError, match=said):
            Storage(path)
        with pytest.raises(StudyError, match="cannot be read .*; expected the file of a study"):
            read_study(path)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.db"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"b\.db: it cannot be written \(No such file or directory\)"):
        Storage(tmp_path / "a" / "b.db")
    with pytest.raises(StudyError, match="it does not exist"):
        read_study(tmp_path / "b.db")


def test_an_empty_file_is_a_new_study(tmp_path: Path) -> None:
    """As one is that was killed before its first commit."""
    path = tmp_path / "a.db"
    path.touch()
    with pytest.raises(
        StudyError, match=r"a\.db: an empty file; a sweep that names it as its storage begins a study in it"
    ):
        read_study(path)
    with begun(path) as storage:
        storage.add(trial(0))
    assert len(read_study(path)) == 1
