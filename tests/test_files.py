"""Files that appear whole or not at all, and who works on what."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hlsgen import files

ROOT = Path(__file__).parents[1]


def write(path: Path, text: str) -> None:
    with files.replacing(path) as file:
        file.write(text.encode())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "y"
    for text in ("one", "two"):
        write(path, text)
        assert path.read_text() == text and names(tmp_path) == ["y"]


def test_a_new_file_has_the_rights_the_user_wants_and_an_old_one_its_own(tmp_path):
    umask = os.umask(0o027)
    try:
        write(tmp_path / "y", "one")
    finally:
        os.umask(umask)
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o640
    (tmp_path / "y").chmod(0o604)
    write(tmp_path / "y", "two")
    assert (tmp_path / "y").stat().st_mode & 0o777 == 0o604


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), ValueError(), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [False, True])
def test_what_is_not_completed_leaves_the_former_file(tmp_path, error, there):
    path = tmp_path / "y"
    if there:
        path.write_text("former")

    def half() -> None:
        with files.replacing(path) as file:
            file.write(b"half of")
            file.flush()
            assert len(names(tmp_path)) == 1 + there
            raise error

    with pytest.raises(type(error)):
        half()
    assert names(tmp_path) == ["y"] * there and (not there or path.read_text() == "former")


def test_of_a_killed_process_the_former_file_stays_and_the_rest_is_removed_later(tmp_path):
    path = tmp_path / "y"
    path.write_text("former")
    code = "import sys, os; from pathlib import Path; from hlsgen.files import replacing\n"
    code += "with replacing(Path(sys.argv[1])) as file: file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL and path.read_text() == "former"
    (left,) = set(names(tmp_path)) - {"y"}
    write(path, "now")
    assert left in names(tmp_path), "it could be about to be locked"
    os.utime(tmp_path / left, (1, 1))
    write(path, "later")
    assert names(tmp_path) == ["y"] and path.read_text() == "later"


def test_an_unfinished_file_of_a_process_at_work_stays(tmp_path):
    path = tmp_path / "y"
    with files.replacing(path) as file:
        (aside,) = tmp_path.iterdir()
        os.utime(aside, (1, 1))
        write(path, "another")
        file.write(b"mine")
    assert names(tmp_path) == ["y"] and path.read_text() == "mine"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "y").write_text("former")
    (tmp_path / "y").symlink_to(tmp_path / "far" / "y")
    write(tmp_path / "y", "now")
    assert (tmp_path / "y").is_symlink() and (tmp_path / "far" / "y").read_text() == "now"
    assert names(tmp_path / "far") == ["y"]


def test_a_pipe_is_written_directly(tmp_path):
    os.mkfifo(tmp_path / "y")
    found = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "y").read_text()))
    reader.start()
    write(tmp_path / "y", "now")
    reader.join()
    assert found == ["now"] and (tmp_path / "y").is_fifo()


def test_what_another_process_completes_meanwhile_is_none_to_be_removed(tmp_path, monkeypatch):
    gone = tmp_path / files.unfinished_prefix("file", tmp_path / "y")
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone]))
    write(tmp_path / "y", "now")
    assert names(tmp_path) == ["y"]


def test_what_is_under_way_for_other_kinds_of_things_stays(tmp_path):
    """A project of the same name may be half written; a file that replaces it does not take that for its own."""
    path = tmp_path / "y"
    prefixes = {files.unfinished_prefix(kind, path) for kind in ("file", "project", "build")}
    assert len(prefixes | {files.unfinished_prefix("file", tmp_path / "z")}) == 4
    kept = tmp_path / f"{files.unfinished_prefix('project', path)}1-kept"
    kept.mkdir()
    os.utime(kept, (1, 1))
    write(path, "now")
    assert kept.is_dir()


def test_folders_of_a_file_system_that_cannot_bring_them_to_the_disk(tmp_path, monkeypatch):
    (tmp_path / "file").touch()

    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    files.sync(tmp_path)
    with pytest.raises(OSError, match="Invalid"):
        files.sync(tmp_path / "file")


@pytest.mark.parametrize("kinds", [("file", "file"), ("folder", "folder"), ("file", "folder")])
def test_exchange(tmp_path, kinds):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, kind in zip(paths, kinds, strict=True):
        path.mkdir() if kind == "folder" else path.write_text("text")
    before = [path.stat().st_ino for path in paths]
    if not files.exchange(*paths):
        pytest.skip("this system has no exchange")
    assert [path.stat().st_ino for path in paths] == before[::-1]


def test_exchange_of_what_is_not_there(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        files.exchange(tmp_path / "a", tmp_path / "b")
    assert caught.value.filename == str(tmp_path / "a") and caught.value.filename2 == str(tmp_path / "b")
    assert not files.exchange(tmp_path, tmp_path / "a"), "nor with what is in it"


def test_without_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_renameat2", None)
    assert not files.exchange(tmp_path / "a", tmp_path / "b")


def test_one_at_a_time(tmp_path):
    inside = []

    def work() -> None:
        with files.locked(tmp_path, 10.0):
            inside.append("in")
            time.sleep(0.01)
            inside.append("out")

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 5
    with files.locked(tmp_path, 1.0), pytest.raises(TimeoutError), files.locked(tmp_path, 0.05):
        pass


def test_a_lock_is_that_of_the_folder_which_now_has_the_name(tmp_path):
    """Whoever waited for a folder that was replaced meanwhile waits for the new one."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    order = []

    def work() -> None:
        with files.locked(tmp_path / "a", 10.0):
            order.append("second")

    with files.locked(tmp_path / "b", 1.0):
        with files.locked(tmp_path / "a", 1.0):
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.1)
            (tmp_path / "a").rename(tmp_path / "c")
            (tmp_path / "b").rename(tmp_path / "a")
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.fixture
def forked():
    """A process forked while a lock is held, as by another thread: it has all descriptors and outlives the holder."""
    ends = os.pipe()
    children = []

    def fork() -> None:
        child = os.fork()
        if not child:
            os.close(ends[1])
            os.read(ends[0], 1)
            os._exit(0)
        children.append(child)

    yield fork
    for end in ends:
        os.close(end)
    for child in children:
        os.waitpid(child, 0)


def test_a_lock_ends_with_its_holder_whoever_was_forked_meanwhile(tmp_path, forked):
    with files.locked(tmp_path, 1.0):
        forked()
    with files.locked(tmp_path, 0.0):
        pass
    with files.left_behind(tmp_path) as left:
        assert left
        forked()
    with files.left_behind(tmp_path) as left:
        assert left


def test_a_workspace_is_known_as_left_behind_when_its_process_is_gone(tmp_path):
    with files.workspace(tmp_path, "w-") as space:
        assert not files.discard(space) and space.stat().st_mode & 0o077 == 0
    assert names(tmp_path) == []
    (tmp_path / "w-old").mkdir()
    (tmp_path / "w-old" / "file").touch()
    assert files.discard(tmp_path / "w-old") and not files.discard(tmp_path / "w-old")
    assert names(tmp_path) == []


def test_a_workspace_taken_for_left_behind_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    real, made = files._try_lock, []

    def late(descriptor: int) -> bool:
        (space,) = tmp_path.iterdir()
        made.append(space)
        if len(made) == 1:
            space.rmdir()
        return real(descriptor)

    monkeypatch.setattr(files, "_try_lock", late)
    with files.workspace(tmp_path, "w-") as space:
        assert space.is_dir() and [space] == made[1:] != made[:1]


def test_links_are_not_taken_for_workspaces(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "w-link").symlink_to(tmp_path / "mine")
    assert not files.discard(tmp_path / "w-link") and (tmp_path / "mine").is_dir()


def test_without_locks_age_tells(tmp_path, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    for age, name in ((3600, "hour"), (25 * 3600, "day")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert not files.discard(tmp_path / "hour") and files.discard(tmp_path / "day")


def test_signals_wait(interruptible):
    caught = []
    former = signal.signal(signal.SIGUSR1, lambda number, _: caught.append(number))
    try:
        with files.uninterrupted():
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR1)
            assert caught == []
        assert caught == [signal.SIGUSR1] * 2
        with pytest.raises(KeyboardInterrupt), files.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            caught.append("all of it")
        assert caught[-1] == "all of it"
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_current_folders_of_processes(tmp_path, monkeypatch):
    sleeping = subprocess.Popen(["sleep", "100"], cwd=tmp_path)
    try:
        assert {tmp_path, Path.cwd()} <= set(files.working_folders())
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        (tmp_path / "here").rmdir()
        assert tmp_path in files.working_folders(), "though this one is nowhere"
    finally:
        sleeping.kill()
        sleeping.wait()
