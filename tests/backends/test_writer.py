"""Writing a project: the former one or the new one, whole, whatever happens; and nothing of anybody else."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

import hlsgen.backends.exchange as exchanging
from hlsgen import files
from hlsgen.backends import writer
from hlsgen.backends.manifest import MANIFEST, manifest_text, read_manifest
from hlsgen.backends.writer import write_project
from hlsgen.errors import OutputDirError
from tests.backends.killed import STRANGERS, texts, tree

ROOT = Path(__file__).parents[2]
FORMER, NEW = texts("former"), texts("new")
real_rmtree = shutil.rmtree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a project, alone in its parent."""
    place = tmp_path / "place" / "out"
    write_project(place, FORMER)
    return place


def add(folder: Path, named: dict[str, str]) -> None:
    for name, text in named.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def unchanged(folder: Path, before: dict[str, str]) -> None:
    """The folder is as it was, and nothing was left beside it or in it."""
    assert tree(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert not list(folder.glob(".*"))


# -- killed --------------------------------------------------------------------------------------


def killed(scenario: str, *options: str) -> Counter[str]:
    """What the program that kills writers saw; it checks each state itself."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        command = [sys.executable, "-m", "tests.backends.killed", place, scenario, "without sync", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return Counter(json.loads(done.stdout))


@pytest.mark.parametrize("options", [(), ("nothing",)], ids=["rewritten", "new"])
def test_killed_at_any_step_the_former_or_the_new_project_stands_there(options):
    seen = killed("steps", *options)
    assert set(seen) == {"former", "new"} and seen["former"] > 20, "one step changes it all"


@pytest.mark.parametrize("options", [("strangers",), ("without exchange",)], ids=" ".join)
def test_killed_at_any_step_the_next_write_completes_what_is_between(options):
    seen = killed("steps", *options)
    assert set(seen) == {"former", "new", "between"} and seen["between"] < seen["former"]


@pytest.mark.parametrize(
    "options", [(), pytest.param(("strangers",), marks=pytest.mark.slow)], ids=["alone", "strangers"]
)
def test_killed_two_hundred_times_nothing_is_lost(options):
    seen = killed("random", *options)
    assert seen.total() == 200 and seen["former"] > 20 and seen["new"] > 5, seen
    assert options or not seen["between"]


@pytest.mark.parametrize("options", [("nothing",), ("strangers",)], ids=["new", "strangers"])
def test_of_several_writers_one_wins(options):
    assert killed("race", *options).total() == 5


def test_what_killed_processes_left_does_not_add_up(folder, monkeypatch):
    """Even if no write ever ends well."""

    def killed_meanwhile(paths) -> None:
        raise SystemExit

    monkeypatch.setattr(writer, "sync_all", killed_meanwhile)
    monkeypatch.setattr(files.shutil, "rmtree", lambda *_, **__: None)  # as a killed process, it removes nothing
    with pytest.raises(SystemExit):
        write_project(folder, NEW)
    monkeypatch.setattr(files.shutil, "rmtree", real_rmtree)
    assert len(list(folder.parent.iterdir())) == 2
    with pytest.raises(OutputDirError):
        write_project(folder, {**NEW, "firmware": "a file"})
    unchanged(folder, FORMER)


# -- what stays ----------------------------------------------------------------------------------


def test_what_is_not_of_hlsgen_is_not_touched(folder):
    """Neither moved nor copied: a tool may be writing gigabytes there."""
    add(folder, STRANGERS)
    paths = [folder, *(folder / name for name in STRANGERS), folder / "tiny_prj"]
    before = [path.stat() for path in paths]
    with (folder / "tiny_prj" / "solution1" / "report.xml").open("a") as report:
        write_project(folder, NEW)
        report.write(" of work")
    assert tree(folder) == {**NEW, **STRANGERS, "tiny_prj/solution1/report.xml": "hours of work"}
    assert [(s.st_ino, s.st_mode) for s in before] == [(s.st_ino, s.st_mode) for s in map(Path.stat, paths)]


def test_what_did_not_change_is_not_touched(folder):
    add(folder, STRANGERS)
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    write_project(folder, FORMER)
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_only_the_former_project_had_is_removed(folder):
    add(folder, {"firmware/notes/mine.h": "mine"})
    one = {name: text for name, text in FORMER.items() if not name.startswith(("tb_data", "firmware/weights"))}
    del one[MANIFEST]
    one[MANIFEST] = manifest_text({"hlsgen": "0"}, one)
    write_project(folder, one)
    assert tree(folder) == {**one, "firmware/notes/mine.h": "mine"}
    assert not (folder / "tb_data").exists() and not (folder / "firmware" / "weights").exists()


def test_a_folder_somebody_is_in_stays(folder, monkeypatch):
    """A shell, say, or Vitis: in a folder that changed places it would find nothing."""
    shell = subprocess.Popen(["sleep", "100"], cwd=folder)
    try:
        inode = folder.stat().st_ino
        write_project(folder, NEW)
        assert folder.stat().st_ino == inode and tree(folder) == NEW
    finally:
        shell.kill()
        shell.wait()
    write_project(folder, FORMER)
    assert folder.stat().st_ino != inode and tree(folder) == FORMER
    monkeypatch.chdir(folder)
    write_project(Path(), NEW)
    assert tree(Path()) == NEW


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_owner_keeps_it(folder):
    os.chown(folder, 12345, 12345)
    write_project(folder, NEW)
    assert (folder.stat().st_uid, folder.stat().st_gid) == (12345, 12345) and tree(folder) == NEW


def test_permissions_stay(folder):
    modes = {folder: 0o750, folder / "firmware": 0o770, folder / "build.tcl": 0o600}
    for path, mode in modes.items():
        path.chmod(mode)
    for version in (NEW, FORMER):
        write_project(folder, version)
        assert {path: stat.S_IMODE(path.stat().st_mode) for path in modes} == modes
        add(folder, STRANGERS)


@pytest.fixture
def rights_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing from a folder that may not be written to is refused, as it is to everybody but root."""

    def obeying(real):
        def remove(path, *, dir_fd: int | None = None) -> None:
            parent = Path(path).parent.stat() if dir_fd is None else os.fstat(dir_fd)
            if not parent.st_mode & stat.S_IWUSR:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            real(path, dir_fd=dir_fd)

        return remove

    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(os, name, obeying(getattr(os, name)))


READ_ONLY = [["firmware"], ["firmware/weights"], ["firmware", "firmware/weights", "tb_data"]]


@pytest.mark.parametrize("names", READ_ONLY, ids="+".join)
@pytest.mark.parametrize("is_refused", [False, True], ids=["written", "refused"])
@pytest.mark.usefixtures("rights_count")
def test_read_only_folders_leave_no_workspace(folder, monkeypatch, names, is_refused):
    """They pass their rights on to what replaces them, and are themselves to be removed."""

    def refused(source: Path, target: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))

    for name in names:
        (folder / name).chmod(0o500)
    if is_refused:
        monkeypatch.setattr(exchanging, "exchange", refused)
        with pytest.raises(OutputDirError, match="Permission denied"):
            write_project(folder, NEW)
    else:
        write_project(folder, NEW)
    unchanged(folder, FORMER if is_refused else NEW)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in names} == {0o500}


def test_a_file_made_in_the_very_moment_of_the_change_is_put_back(folder, monkeypatch):
    real = files.exchange

    def late(source: Path, target: Path) -> bool:
        (target / "firmware" / "late.h").write_text("just in time")
        return real(source, target)

    monkeypatch.setattr(exchanging, "exchange", late)
    write_project(folder, NEW)
    assert tree(folder) == {**NEW, "firmware/late.h": "just in time"}


# -- what is refused -----------------------------------------------------------------------------


def test_a_changed_file_is_not_replaced(folder):
    add(folder, {"build.tcl": "edited for hours"})
    before = tree(folder)
    with pytest.raises(OutputDirError, match=r"out: build\.tcl would be replaced, but was changed.*overwrite=True"):
        write_project(folder, NEW)
    unchanged(folder, before)
    write_project(folder, NEW, overwrite=True)
    unchanged(folder, NEW)


def test_a_changed_file_of_the_former_project_alone_stays(folder):
    add(folder, {"former_test.cpp": "edited for hours"})
    write_project(folder, NEW)
    unchanged(folder, {**NEW, "former_test.cpp": "edited for hours"})


def test_a_file_that_happens_to_have_a_name_of_the_new_project_is_not_replaced(folder):
    add(folder, {"new_test.cpp": "mine"})
    before = tree(folder)
    with pytest.raises(OutputDirError, match=r"new_test\.cpp would be replaced"):
        write_project(folder, NEW)
    unchanged(folder, before)


def test_overwrite_replaces_files_of_the_same_names_only(tmp_path):
    folder = tmp_path / "thesis" / "firmware_and_more"
    mine = {"firmware/kernel.h": "mine", "firmware/mine.h": "mine", "build/x": "mine", "hlsgen.txt": "mine"}
    add(folder, mine)
    with pytest.raises(OutputDirError, match=r"not an hlsgen project.*overwrite=True"):
        write_project(folder, NEW)
    unchanged(folder, mine)
    write_project(folder, NEW, overwrite=True)
    unchanged(folder, {**mine, **NEW})


def stand_in_the_way(folder: Path, name: str, kind: str, elsewhere: Path) -> None:
    """Put something else in the place of a file or folder of the project."""
    path = folder / name
    path.rename(elsewhere / path.name)
    if kind == "link":
        path.symlink_to(elsewhere / path.name)
    elif kind == "dangling link":
        path.symlink_to(elsewhere / "nothing")
    elif kind == "folder":
        path.mkdir()
        (path / "mine").write_text("mine")
    elif kind == "file":
        path.write_text("mine")
    else:
        os.mkfifo(path)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("firmware", "link", "firmware is a link"),
        ("firmware/weights", "link", "firmware/weights is a link"),
        ("build.tcl", "link", "build.tcl is a link"),
        ("build.tcl", "dangling link", "build.tcl is a link"),
        ("firmware/kernel.h", "link", "firmware/kernel.h is a link"),
        (MANIFEST, "link", None),
        (MANIFEST, "folder", None),
        ("build.tcl", "folder", "build.tcl is a folder"),
        ("firmware/weights/w0.h", "folder", "firmware/weights/w0.h is a folder"),
        ("firmware", "file", "firmware is a file"),
        ("tb_data", "pipe", "tb_data is a device or a pipe"),
        ("build.tcl", "pipe", "build.tcl is a device or a pipe"),
    ],
)
def test_something_else_in_the_place_of_a_file_is_refused(folder, tmp_path, name, kind, said, overwrite):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    stand_in_the_way(folder, name, kind, elsewhere)
    before, outside = tree(folder), tree(elsewhere)
    said = said or (f"{MANIFEST} is" if overwrite else "not an hlsgen project")
    with pytest.raises(OutputDirError, match=rf"out: .*{said}"):
        write_project(folder, NEW, overwrite=overwrite)
    unchanged(folder, before)
    assert tree(elsewhere) == outside


def test_a_link_that_hlsgen_does_not_write_to_stays(folder, tmp_path):
    (tmp_path / "large").mkdir()
    (folder / "firmware" / "data").symlink_to(tmp_path / "large")
    write_project(folder, NEW)
    assert (folder / "firmware" / "data").is_symlink() and tree(folder) == NEW


def test_the_folder_itself_may_be_named_by_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    write_project(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    unchanged(folder, NEW)


@pytest.mark.parametrize("target", ["nothing", "loop"])
def test_a_link_to_nothing_is_refused(tmp_path, target):
    (tmp_path / "loop").symlink_to(tmp_path / target)
    with pytest.raises(OutputDirError, match="loop"):
        write_project(tmp_path / "loop", NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"hlsgen": 1}',
        "[" * 100_000,
        '{"hlsgen": "0", "files": []}',
        '{"hlsgen": "0", "files": {"a": 1}}',
        '{"hlsgen": "0", "files": {"../elsewhere/file": "%s"}}',
        '{"hlsgen": "0", "files": {"/etc/passwd": "%s"}}',
        '{"hlsgen": "0", "files": {".": "%s"}}',
        '{"hlsgen": "0", "files": {"a//b": "%s"}}',
        '{"hlsgen": "0", "files": {"a\\u0000": "%s"}}',
        '{"hlsgen": "0", "files": {"\\ud800": "%s"}}',
        '{"hlsgen": "0", "files": {"\\udc80": "%s"}}',
        '{"hlsgen": "0"}' + " " * (16 << 20),
        b"\xff\xfe",
    ],
    ids=range(17),
)
def test_a_manifest_that_is_none(tmp_path, text):
    """Garbage, or a trap in a project from somewhere: files elsewhere must not be taken for hlsgen's."""
    folder = tmp_path / "out"
    add(folder, {"mine": "mine"})
    (folder / MANIFEST).write_bytes(text if isinstance(text, bytes) else text.replace("%s", "00").encode())
    assert read_manifest(folder / MANIFEST) is None
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(OutputDirError, match="not an hlsgen project"):
        write_project(folder, NEW)
    assert (folder / MANIFEST).read_bytes() == before and (folder / "mine").exists()


def test_a_project_that_lists_no_files_is_replaced(tmp_path):
    """As versions before the list wrote it."""
    add(tmp_path, {**FORMER, "build.tcl": "of long ago", MANIFEST: '{"hlsgen": "0.0.1"}', "mine": "mine"})
    write_project(tmp_path, NEW)
    only_former = {name: text for name, text in FORMER.items() if "former" in name}
    assert tree(tmp_path) == {**only_former, **NEW, "mine": "mine"}


# -- what the system refuses ---------------------------------------------------------------------


@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("has_exchange", [False, True])
def test_a_change_that_is_refused_half_way_is_undone(folder, monkeypatch, strangers, has_exchange):
    """For every move in turn: as a full disk, a missing right or a damaged disk would."""
    add(folder, STRANGERS if strangers else {})
    before = tree(folder)
    real = {"rename": Path.rename, "replace": Path.replace, "exchange": files.exchange}
    left = [0]

    def counted(name):
        def move(source: Path, target: Path):
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(source))
            return real[name](source, target)

        return move

    monkeypatch.setattr(Path, "rename", counted("rename"))
    monkeypatch.setattr(Path, "replace", counted("replace"))
    monkeypatch.setattr(exchanging, "exchange", counted("exchange") if has_exchange else lambda *_: False)
    for step in range(1, 100):
        left[0] = step
        try:
            write_project(folder, NEW)
        except OutputDirError as error:
            assert "Input/output error" in str(error) and "stays as it was" in str(error)
            unchanged(folder, before)
        else:
            break
    assert (step > 4) == (strangers or not has_exchange)
    unchanged(folder, {**NEW, **(STRANGERS if strangers else {})})


def test_a_change_that_cannot_be_undone_is_completed_by_the_next(folder, monkeypatch):
    add(folder, STRANGERS)
    real, calls = files.exchange, []

    def failing(source: Path, target: Path) -> bool:
        calls.append(target)
        if len(calls) > 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(exchanging, "exchange", failing)
        with pytest.raises(OutputDirError, match="between two projects .*write it again: nothing is lost"):
            write_project(folder, NEW)
    write_project(folder, NEW)
    unchanged(folder, {**NEW, **STRANGERS})


@pytest.mark.parametrize("folder_exists", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_takes_no_more(tmp_path, monkeypatch, folder_exists, code):
    folder = tmp_path / "place" / "out"
    if folder_exists:
        write_project(folder, FORMER)
    real = Path.write_bytes

    def full(path: Path, *arguments, **options) -> int:
        if path.name == "w0.h":
            raise OSError(code, os.strerror(code), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputDirError, match=rf"out: cannot be written \({os.strerror(code)}.*To do: "):
        write_project(folder, NEW)
    if folder_exists:
        unchanged(folder, FORMER)
    else:
        assert list(tmp_path.iterdir()) == [], "nor is the folder above left"


@pytest.mark.parametrize(
    "name", ["x" * 256, "y/" * 3000 + "z", "nul\0nul", "\ud800", "a/\0"], ids=["long", "deep", "nul", "surrogate", "in"]
)
def test_a_path_that_can_be_none(tmp_path, name):
    with pytest.raises(OutputDirError, match="To do: give a shorter output_dir|is no path"):
        write_project(tmp_path / name, NEW)


def test_a_path_relative_to_a_folder_that_was_removed(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(OutputDirError, match="relative to the current folder, which was removed"):
        write_project(Path("out"), NEW)
    write_project(tmp_path / "out", NEW)


def test_a_name_of_255_bytes_is_none_too_long(tmp_path):
    folder = tmp_path / ("x" * 255)
    for version in (FORMER, NEW):
        write_project(folder, version)
        unchanged(folder, version)


def test_a_file_name_that_is_too_long(folder):
    long = {**NEW, f"{'x' * 256}_test.cpp": "text"}
    with pytest.raises(OutputDirError, match="shorter output_dir or project_name"):
        write_project(folder, long)
    unchanged(folder, FORMER)


@pytest.mark.parametrize("name", ["file", "file/below", "pipe"])
def test_a_file_in_the_place_of_the_folder(tmp_path, name):
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputDirError, match="file|pipe"):
        write_project(tmp_path / name, NEW, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]


def test_where_nothing_can_be_made_beside_the_folder_it_is_made_in_it(folder, monkeypatch):
    real = tempfile.mkdtemp

    def refusing(*, prefix: str, dir: Path) -> str:  # as where only the folder itself is the user's
        if dir == folder.parent:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(dir))
        return real(prefix=prefix, dir=dir)

    monkeypatch.setattr(tempfile, "mkdtemp", refusing)
    write_project(folder, NEW)
    unchanged(folder, NEW)


def test_where_the_folder_is_a_mount_it_is_made_in_it(folder, monkeypatch):
    """Moves into another file system are refused; the first of them is undone, and all begins anew inside."""
    real = Path.rename

    def crossing(source: Path, target: Path) -> Path:
        if not str(source).startswith(f"{folder}/") and str(target).startswith(f"{folder}/"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))
        return real(source, target)

    def exchange(source: Path, target: Path) -> bool:
        return str(source).startswith(f"{folder}/") and files.exchange(source, target)

    monkeypatch.setattr(Path, "rename", crossing)
    monkeypatch.setattr(Path, "replace", crossing)
    monkeypatch.setattr(exchanging, "exchange", exchange)
    write_project(folder, NEW)
    unchanged(folder, NEW)


def test_interrupted_by_the_user_the_change_is_completed(folder, monkeypatch, interruptible):
    add(folder, STRANGERS)
    real, calls = files.exchange, []

    def interrupted(source: Path, target: Path) -> bool:
        calls.append(target)
        if len(calls) == 1:
            signal.raise_signal(signal.SIGINT)
        return real(source, target)

    monkeypatch.setattr(exchanging, "exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_project(folder, NEW)
    assert len(calls) > 2
    unchanged(folder, {**NEW, **STRANGERS})


def test_a_folder_that_another_process_writes_for_too_long(folder, monkeypatch):
    monkeypatch.setattr(writer, "_PATIENCE", 0.1)
    with files.locked(folder, 1.0), pytest.raises(OutputDirError, match=r"out: .*in use by another process.*wait"):
        write_project(folder, NEW)
    write_project(folder, NEW)
    unchanged(folder, NEW)


def test_a_file_system_without_locks(folder, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    write_project(folder, NEW)
    unchanged(folder, NEW)


def test_a_file_system_that_knows_little(folder, monkeypatch):
    """No lists of rights, one mode for all files, no exchange, no folders brought to the disk."""
    real_sync = os.fsync

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    def sync(descriptor: int) -> None:
        refuse() if stat.S_ISDIR(os.fstat(descriptor).st_mode) else real_sync(descriptor)

    monkeypatch.setattr(os, "listxattr", refuse)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "chmod", refuse)
    monkeypatch.setattr(files, "_renameat2", None)
    write_project(folder, NEW)
    unchanged(folder, NEW)


def test_all_is_on_the_disk_before_names_change(folder, monkeypatch):
    steps = []
    real_sync, real = os.fsync, files.exchange

    def sync(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real_sync(descriptor)

    def exchange(source: Path, target: Path) -> bool:
        steps.append("exchange")
        return real(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(exchanging, "exchange", exchange)
    write_project(folder, NEW)
    at = steps.index("exchange")
    assert {Path(name).name for name in NEW} | {"firmware", "weights", "tb_data"} <= set(steps[:at])
    assert steps[at + 1 :] == ["out", "place"]
