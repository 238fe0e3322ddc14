"""The cache of compiled designs: races, damage, places that cannot be used, and no compiler."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hlsgen import tools
from hlsgen.backends.hls.texts import emulation_files
from hlsgen.cli.cache import clear
from hlsgen.emulation import build
from hlsgen.errors import ToolError
from hlsgen.native import compilation, load, store
from tests.passes.builders import Net, grid, project_of

ROOT = Path(__file__).parents[2]


def design(seed: int = 0, io_type: str = "io_parallel"):
    net = Net(seed)
    net.dense("fc", net.input((3,)), 3, 2)
    return project_of(net.source("fc"), io_type=io_type)


def check(project) -> None:
    x = grid((3,), samples=20)
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"])


@pytest.fixture
def forget(monkeypatch):
    """Loaded extensions are forgotten, so that the next compile() looks into the cache."""

    def run() -> None:
        for name in [n for n in sys.modules if n.startswith("hlsgen_")]:
            monkeypatch.delitem(sys.modules, name)

    return run


@pytest.fixture
def private(tmp_path, monkeypatch, shared_cache, forget):
    """A cache of this test's own that already holds the bindings, which take long to compile."""
    flags = (*build.FLAGS,)
    bindings = build.bindings_object(tools.find_compiler(), flags)
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    shutil.copy2(bindings, folder)
    monkeypatch.setenv("HLSGEN_CACHE", str(folder))
    forget()
    return folder


@pytest.fixture(scope="module")
def compiled(shared_cache) -> Path:
    """The file of a design in the cache of all tests."""
    return Path(design().compile()._module.__file__)


@pytest.fixture
def stored(compiled, private) -> Path:
    """The same in a cache of the test's own."""
    return Path(shutil.copy2(compiled, private))


@pytest.fixture
def no_compiler(monkeypatch) -> None:
    monkeypatch.setattr(compilation, "run", lambda *_, **__: pytest.fail("compiled again"))


def designs(folder: Path) -> list[Path]:
    return sorted(folder.glob("hlsgen_*.so"))


def test_a_design_is_compiled_once(private, monkeypatch, forget):
    check(design())
    (first,) = designs(private)
    made = first.stat().st_ino
    forget()
    monkeypatch.setattr(compilation, "run", lambda *a, **k: pytest.fail("compiled again"))
    check(design())
    assert [f.stat().st_ino for f in designs(private)] == [made]
    assert not list(private.glob(".hlsgen-build-*")), "no workspace is left"


def test_other_weights_of_the_same_types_are_not_compiled_again(private, monkeypatch):
    """Weights reach the emulator as data."""

    def permuted(seed: int):
        net = Net()
        kernel = np.random.default_rng(seed).permutation([[1.0, 2.0], [3.0, 1.0], [2.0, 3.0]])
        net.call("Dense", "fc", net.input((3,)), {"kernel": kernel, "bias": [1.0, 1.0]}, units=2)
        fixed = {
            "weight": "ufixed<4,2>",
            "bias": "ufixed<4,2>",
            "accum": "fixed<40,20>",
            "result": "fixed<30,15,RND,SAT>",
        }
        return project_of(net.source("fc"), layers={"fc": {"precision": fixed}})

    first, second = permuted(1), permuted(2)
    assert (first.design.ops[1].layer.weight.values != second.design.ops[1].layer.weight.values).any()
    assert emulation_files(first.plan) == emulation_files(second.plan)
    check(first)
    monkeypatch.setattr(compilation, "run", lambda *a, **k: pytest.fail("compiled again"))
    check(second)
    check(first)


CHECK = "from tests.emulation.test_cache import *; check(design())"


@pytest.fixture
def recorded(monkeypatch):
    """The names of files and folders in the order in which they are synchronised ("sync") and moved ("move")."""
    steps = []
    real_sync, real_move = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").resolve().name))
        real_sync(descriptor)

    def move(path: Path, target: Path) -> Path:
        steps.append(("move", path.name, target.name))
        return real_move(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", move)
    return steps


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors cannot be named")
def test_a_file_is_on_the_disk_before_it_has_its_name(private, recorded):
    """So that no crash leaves half a file under a name that is taken for a whole one."""
    check(design())
    (file,) = designs(private)
    assert recorded == [("sync", "design.so"), ("move", "design.so", file.name), ("sync", private.name)]


def failing(wanted: str):
    """An os.fsync for which one file or folder cannot be written."""
    real = os.fsync

    def sync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().name == wanted:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    return sync


def test_a_file_that_does_not_reach_the_disk_is_no_part_of_the_cache(private, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing("design.so"))
    with pytest.raises(ToolError, match=r"hlsgen_\w+\.so: cannot be written \(No space left.*is the disk full"):
        design().compile()
    assert designs(private) == [] and not list(private.glob(".hlsgen-build-*"))


def test_a_folder_that_cannot_be_synchronised_does_no_harm(private, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(private.name))
    check(design())
    assert len(designs(private)) == 1


def damaged(data: bytes, damage: str) -> bytes:
    middle = len(data) // 2
    flipped = bytes([data[middle] ^ 1])
    return {
        "empty": b"",
        "text": b"text",
        "zeros": bytes(len(data)),
        "zeros in the middle": data[: middle - 5000] + bytes(10_000) + data[middle + 5000 :],
        "one bit": data[:middle] + flipped + data[middle + 1 :],
        "cut": data[:middle],
        "longer": data + b"\0",
        "no seal": data[:-32],
    }[damage]


DAMAGES = ["empty", "text", "zeros", "zeros in the middle", "one bit", "cut", "longer", "no seal"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_not_used(private, stored, damage):
    for file in (stored, *private.glob("bindings_*.o")):
        data = file.read_bytes()
        assert store.read(file) == data[:-32]
        file.write_bytes(damaged(data, damage))
        assert store.read(file) is None


def test_a_file_under_the_name_of_another_is_not_used(stored):
    assert store.read(Path(shutil.copy2(stored, stored.with_name("hlsgen_0.so")))) is None


@pytest.mark.parametrize("kind", ["folder", "full folder", "pipe", "link to nothing"])
def test_something_else_under_the_name_of_a_file_gives_way(private, stored, kind):
    data = stored.read_bytes()
    stored.unlink()
    if kind == "pipe":
        os.mkfifo(stored)
    elif kind == "link to nothing":
        stored.symlink_to(private / "nothing")
    else:
        stored.mkdir()
        (stored / "below").write_text("text") if kind == "full folder" else None
    assert store.read(stored) is None
    (private / "made").write_bytes(data[:-32])
    assert store.keep(private / "made", stored) == store.read(stored) == data[:-32]


@pytest.mark.parametrize("damage", ["zeros in the middle", "folder", "gone"])
def test_a_design_that_is_not_used_is_compiled_again(stored, damage):
    """A library with zeros in its middle would end the process."""
    data = stored.read_bytes()
    stored.unlink()
    if damage == "folder":
        stored.mkdir()
    elif damage != "gone":
        stored.write_bytes(damaged(data, damage))
        stored.chmod(0o600)
    check(design())
    assert store.read(stored)


def test_damaged_bindings_are_compiled_again(private, monkeypatch):
    (bindings,) = private.glob("bindings_*.o")
    whole = bindings.read_bytes()
    bindings.write_bytes(b"garbage")
    commands = []

    def compiler(command, **_) -> None:
        commands.append(command)
        Path(command[command.index("-o") + 1]).write_bytes(whole[:-32])

    monkeypatch.setattr(compilation, "run", compiler)
    assert build.bindings_object(tools.find_compiler(), build.FLAGS) == bindings
    assert len(commands) == 1 and bindings.read_bytes() == whole


def test_a_loaded_design_does_not_depend_on_its_file(stored, no_compiler):
    """Whatever is done to the file: a library that is mapped from it would end the process."""
    project = design()
    project.compile()
    with stored.open("r+b") as file:
        file.truncate(10)
    check(project)
    assert project.emulator._module.__file__ == str(stored)


def mapped() -> str:
    return Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("how", ["no such call", "refused", "not to be run"])
def test_where_nothing_runs_from_memory_the_file_is_loaded(stored, no_compiler, monkeypatch, how):
    def refuse(*_: object) -> int:
        raise PermissionError("refused")

    if how == "no such call":
        monkeypatch.delattr(os, "memfd_create")
    elif how == "refused":
        monkeypatch.setattr(os, "memfd_create", refuse)
    else:
        real = load._import
        monkeypatch.setattr(load, "_import", lambda n, p: real(n, p.replace("/proc/self/fd/", "/dev/null/")))
    project = design()
    project.compile()
    assert str(stored) in mapped()
    check(project)


def mounted(folder: Path, options: str) -> bool:
    """Mount a file system in memory, if this user may."""
    folder.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "none", str(folder)]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


def test_a_file_system_without_programs(stored, no_compiler, tmp_path, monkeypatch):
    folder = tmp_path / "noexec"
    if not mounted(folder, "noexec,size=10m"):
        pytest.skip("this user may not mount")
    try:
        shutil.copy2(stored, folder)
        monkeypatch.setenv("HLSGEN_CACHE", str(folder))
        check(design())
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_compiled_design_that_is_not_loaded_is_an_error_of_ours(private, monkeypatch):
    def refuse(*_: object) -> None:
        raise ImportError("/somewhere/x.so: failed to map segment from shared object")

    monkeypatch.setattr(load, "_import", refuse)
    monkeypatch.setattr(build, "_compile", lambda *_: b"library")
    with pytest.raises(ToolError, match="was compiled, but cannot be loaded .*failed to map.*noexec.*HLSGEN_CACHE"):
        design().compile()
    assert not list(private.glob(".hlsgen-build-*"))


def test_the_cache_is_bounded_in_number(private, monkeypatch):
    most = {f"hlsgen_{0:032}.so": 2, f"bindings_{0:032}.o": 3}
    few = {kind: next((n for name, n in most.items() if re.fullmatch(kind, name)), 1) for kind in store._KEPT}
    monkeypatch.setattr(store, "_KEPT", few)
    others = {"notes.txt", "hlsgen_of_mine.so", "bindings_of_mine.o", "1.failed.log", "2.failed.log", "build_settings"}
    for i in range(4):
        for name in (f"hlsgen_{i:032}.so", f"bindings_{i:032}.o", f"hlsgen_{i:032}.failed.log", *others):
            (private / name).write_bytes(b"old")
            os.utime(private / name, (i, i))
    check(design())
    names = {f.name for f in private.iterdir()} - others
    assert len(names & {f.name for f in designs(private)}) == 2 and f"hlsgen_{3:032}.so" in names
    assert {f"bindings_{2:032}.o", f"bindings_{3:032}.o"} < names, "and the one just used"
    assert f"bindings_{1:032}.o" not in names
    assert {n for n in names if n.endswith(".log")} == {f"hlsgen_{3:032}.failed.log"}
    assert all((private / name).exists() for name in others), "not ours, though alike"


def test_the_cache_is_bounded_in_size(private, monkeypatch):
    for i in range(4):
        (private / f"hlsgen_{i:032}.so").write_bytes(bytes(10_000_000))
        os.utime(private / f"hlsgen_{i:032}.so", (i, i))
    monkeypatch.setattr(store, "KEPT_BYTES", 25_000_000)
    check(design())
    kept = [f.name for f in designs(private) if f.stat().st_size == 10_000_000]
    assert kept == [f"hlsgen_{2:032}.so", f"hlsgen_{3:032}.so"]


def test_what_is_used_is_kept(private, monkeypatch, forget):
    """Least recently used goes first, not the oldest made."""
    monkeypatch.setattr(store, "_KEPT", {next(iter(store._KEPT)): 2})
    check(design(1))
    (first,) = designs(private)
    check(design(2, "io_stream"))
    for i, path in enumerate(designs(private)):
        os.utime(path, (i, i))
    forget()
    check(design(1))  # from the cache
    net = Net(3)
    net.dense("fc", net.input((5,)), 5, 2)
    project_of(net.source("fc")).compile()
    assert first in designs(private) and len(designs(private)) == 2


def unprivate(path: Path, how: str) -> None:
    if how == "other owner":
        os.chown(path, 12345, -1)
    elif how == "link":
        path.rename(path.with_suffix(".elsewhere"))
        path.symlink_to(path.with_suffix(".elsewhere"))
    else:
        path.chmod(0o660 if how == "writable by the group" else 0o606)


@pytest.mark.parametrize("how", ["other owner", "writable by the group", "writable by all", "link"])
def test_a_file_that_others_could_have_written_is_not_used(private, stored, how):
    if how == "other owner" and os.getuid() != 0:
        pytest.skip("only root can give files away")
    for file in (stored, *private.glob("bindings_*.o")):
        assert store.read(file)
        unprivate(file, how)
        assert store.read(file) is None


def test_a_file_that_others_could_have_written_is_replaced(stored):
    unprivate(stored, "writable by all")
    before = stored.stat().st_ino
    check(design())
    assert stored.stat().st_ino != before and store.read(stored), "compiled anew, and put in its place"


def test_files_are_private_whatever_the_umask(private):
    before = os.umask(0o000)
    try:
        check(design())
    finally:
        os.umask(before)
    assert [f.stat().st_mode & 0o077 for f in designs(private)] == [0]


def working_in(folder: Path) -> set[int]:
    """The groups of the processes that work in a folder."""
    groups = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended meanwhile, or somebody else's
            if (process / "cwd").readlink() == folder:
                groups.add(os.getpgid(int(process.name)))
    return groups


def test_an_interrupted_build_does_no_harm(private):
    """Ended in the middle of compiling, by a signal no program can handle."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    victim = subprocess.Popen([sys.executable, "-c", CHECK], env=environment, start_new_session=True)
    for _ in range(6000):
        if any(working_in(folder) for folder in private.glob(".hlsgen-build-*")):
            break
        time.sleep(0.005)
    os.killpg(victim.pid, signal.SIGKILL)
    assert victim.wait() != 0
    (left,) = private.glob(".hlsgen-build-*")
    while groups := working_in(left):  # its compilers, each in a session of its own, which would go on writing
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        time.sleep(0.01)
    assert designs(private) == []
    os.utime(left, (1, 1))
    check(design())
    assert len(designs(private)) == 1
    assert not list(private.glob(".hlsgen-build-*")), "what is a day old is removed"


def test_the_workspace_of_a_running_build_is_left_alone(private):
    (private / ".hlsgen-build-other").mkdir()
    with store.building() as long:
        os.utime(long, (1, 1))
        store.bound()
        assert long.is_dir() and (private / ".hlsgen-build-other").is_dir()


def test_the_cache_may_be_cleared_at_any_moment(private, monkeypatch):
    assert run_python(CHECK).returncode == 0  # elsewhere: what this process has loaded, it would not open again
    (file,) = designs(private)
    compiled = []
    real = build._compile

    def compile_again(*arguments) -> bytes:
        compiled.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(build, "_compile", compile_again)
    monkeypatch.setattr(store, "mark_used", lambda path: path.suffix == ".so" and path.unlink())  # before it is loaded
    check(design())
    assert len(compiled) == 1 and file.exists()


def test_clearing_spares_builds_that_are_under_way(private, stored, capsys):
    (private / ".hlsgen-build-interrupted").mkdir()
    (private / f"bindings_{0:032}.o").mkdir()
    with store.building() as folder:
        clear()
        assert folder.is_dir()
    assert list(private.iterdir()) == []
    assert "4 entries removed" in capsys.readouterr().out


def test_two_designs_have_modules_of_their_own(private):
    first, second = design(1), design(2, "io_stream")
    check(first)
    check(second)
    check(first)
    modules = {p.emulator._module.__name__ for p in (first, second)}
    assert len(modules) == 2 and all(m.startswith("hlsgen_") for m in modules)
    assert all(f"/memfd:{module}" in mapped() for module in modules), "though their files may bear the same number"


def test_equal_designs_from_many_threads(private):
    projects = [design(7) for _ in range(4)]
    failures: list[BaseException] = []

    def work(project) -> None:
        try:
            check(project)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(p,)) for p in projects]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures
    assert len(designs(private)) == 1
    assert len({id(p.emulator._module) for p in projects}) == 1


def _compile_and_check(seeds: list[int]) -> int:
    for seed in seeds:
        check(design(seed))
    return os.getpid()


def test_processes_race_for_the_same_designs(private):
    """As pytest-xdist does: all start at once with an empty cache, and all are right."""
    orders = [[1, 2, 3], [3, 2, 1], [2, 1, 3]]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pids = pool.map(_compile_and_check, orders, chunksize=1)
    assert len(pids) == 3
    assert len(designs(private)) == 3
    assert not list(private.glob(".hlsgen-build-*"))


@pytest.mark.slow
def test_processes_race_for_the_bindings_too(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HLSGEN_CACHE", str(folder))
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_compile_and_check, [[1], [1], [1]], chunksize=1)
    assert len(designs(folder)) == 1 and len(list(folder.glob("bindings_*.o"))) == 1


# -- places that cannot be used --------------------------------------------------------------------


def run_python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=300, check=False
    )


CACHE_IN_USE = "import hlsgen.tools as t; print(t.cache_dir())"


@pytest.mark.parametrize("kind", ["file", "open to others", "below a file"])
def test_an_unusable_cache_gives_way_to_a_temporary_one(tmp_path, kind):
    folder = tmp_path / "cache"
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder.write_text("")
        folder = folder if kind == "file" else folder / "below"
    done = run_python(CACHE_IN_USE, HLSGEN_CACHE=str(folder))
    assert done.returncode == 0, done.stderr
    used = Path(done.stdout.strip())
    assert used != folder and not used.exists(), "it ends with the process"
    assert f"cache {folder} is not used" in done.stderr and "HLSGEN_CACHE" in done.stderr


# -- no compiler -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"HLSGEN_CXX": "no-such-g++"},
            r"no C\+\+ compiler: HLSGEN_CXX=no-such-g\+\+ was not found .*install g\+\+.*or set HLSGEN_CXX",
        ),
        ({"CXX": "no-such-g++ -m64"}, r"CXX=no-such-g\+\+ -m64 was not found"),
        ({"PATH": ""}, r"no C\+\+ compiler: g\+\+ was not found \(PATH=\)"),
        ({"PATH": "/nonexistent"}, r"g\+\+ was not found \(PATH=/nonexistent\)"),
    ],
)
def test_no_compiler(monkeypatch, variables, message):
    for name in ("HLSGEN_CXX", "CXX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    project = design(41)
    for use in (project.compile, lambda: project.predict(grid((3,))), lambda: project.trace(grid((3,)))):
        with pytest.raises(ToolError, match=message):
            use()
    assert project.evaluate(grid((3,)))["fc"].shape == (30, 2), "the reference needs no compiler"


def test_a_project_is_written_without_a_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("HLSGEN_CXX", "no-such-g++")
    net = Net()
    net.dense("fc", net.input((3,)), 3, 2)
    project = project_of(net.source("fc"), output_dir=tmp_path / "out")
    assert (project.write() / "hlsgen.json").is_file()


@pytest.mark.parametrize("word", ['g++ "', "g++ 'x"])
def test_a_command_that_is_none(monkeypatch, word):
    monkeypatch.setenv("HLSGEN_CXX", word)
    with pytest.raises(ToolError, match=r"HLSGEN_CXX=g\+\+ .*: cannot be read as a command \(No closing quotation\)"):
        design(41).compile()


def test_a_compiler_named_by_a_relative_path(monkeypatch, tmp_path):
    """It is started in other folders."""
    (tmp_path / "cxx").symlink_to(shutil.which("g++"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HLSGEN_CXX", "./cxx")
    assert tools.find_compiler().path == tmp_path / "cxx"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_a_compiler_of_c_is_refused_at_once(private, monkeypatch):
    """It would compile everything, and the result could not be loaded."""
    monkeypatch.setenv("HLSGEN_CXX", "gcc")
    with pytest.raises(ToolError, match=r"does not compile a small C\+\+17 program.*not gcc.*check HLSGEN_CXX and CXX"):
        design(41).compile()
    assert designs(private) == [] and not list(private.glob(".hlsgen-build-*")) and not list(private.glob("*.log"))


CAUSES = {
    "fatal error: error writing to /tmp/cc1.s: No space left on device": "no room to write: make room in .*cache",
    "g++: fatal error: Killed signal terminated program cc1plus": "the memory was not enough",
    "cc1plus: out of memory allocating 65536 bytes": "the memory was not enough",
    "error: unable to open output file '1.o': Read-only file system": "the system refused a file",
    "x.h:1:1: internal compiler error: in f, at g.cc:1": "the compiler failed by itself: update it",
}


@pytest.mark.parametrize("said", CAUSES)
@pytest.mark.parametrize("first", [True, False], ids=["bindings", "design"])
def test_what_is_no_bug_of_hlsgen_is_not_called_one(private, tmp_path, monkeypatch, said, first):
    if first:
        program = tmp_path / "g++"
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] || {{ echo "{said}" >&2; exit 1; }}\n')
        program.chmod(0o755)
        monkeypatch.setenv("HLSGEN_CXX", str(program))
    else:

        def run(command, cwd, log_file, **_) -> None:
            log_file.write_text(f"some lines\n{said}\n")
            raise ToolError(f"g++ failed with exit status 1: something\nfull log: {log_file}\ncommand: {command}")

        monkeypatch.setattr(compilation, "run", run)
    with pytest.raises(ToolError, match=CAUSES[said]) as caught:
        design(41).compile()
    assert "bug of" not in str(caught.value) and "full log" not in str(caught.value)
    assert not list(private.glob(".hlsgen-build-*")) and not list(private.glob("*.log"))


def test_a_workspace_that_was_removed(private, monkeypatch):
    def run(command, cwd, **_) -> None:
        shutil.rmtree(cwd)
        raise ToolError("g++ failed with exit status 1: no such file")

    monkeypatch.setattr(compilation, "run", run)
    with pytest.raises(ToolError, match=r"\.hlsgen-build-.*: was removed while a compiler worked there"):
        design(41).compile()


def test_a_full_disk_before_anything_is_compiled(private, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "types.h")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ToolError, match=r"types\.h: cannot be written \(No space left.*HLSGEN_CACHE"):
        design(41).compile()
    assert not list(private.glob(".hlsgen-build-*"))


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/bin/cat"])
def test_a_program_that_is_no_compiler(private, monkeypatch, program):
    monkeypatch.setenv("HLSGEN_CXX", program)
    for old in private.glob("*.o"):
        old.unlink()
    with pytest.raises(ToolError, match="HLSGEN_CXX|exit status|compile"):
        design(42).compile()
    assert designs(private) == [] and not list(private.glob(".hlsgen-build-*"))


def test_a_failing_compilation_keeps_its_log(private, monkeypatch):
    real = compilation.run

    def broken(command, **kwargs):
        (kwargs["cwd"] / "types.h").write_text("#error broken on purpose\n")
        return real(command, **kwargs)

    monkeypatch.setattr(compilation, "run", broken)
    with pytest.raises(ToolError, match="the emulator does not compile.*bug of hlsgen.*report") as caught:
        design(43).compile()
    assert "broken on purpose" in str(caught.value)
    (log,) = private.glob("*.failed.log")
    assert str(log) in str(caught.value) and "broken on purpose" in log.read_text()
    assert designs(private) == []


def test_the_bindings_depend_on_what_they_include_only():
    texts = build._bindings()
    assert {"bindings.cpp", "bindings/inputs.h", "hlsgen/emulate.h", "ap_fixed.h", "hlsgen/simd.h"} <= set(texts)
    assert "hlsgen/matvec.h" not in texts, "no kernel"


def test_everything_that_matters_is_in_the_digest():
    compiler = tools.find_compiler()
    other = dataclasses.replace(compiler, version="g++ 99")
    variants = [
        (compiler, [], {"a": "b"}),
        (compiler, ["-O0"], {"a": "b"}),
        (compiler, [], {"a": "c"}),
        (compiler, [], {"ab": ""}),
        (compiler, [], {}),
        (other, [], {"a": "b"}),
    ]
    assert len({compilation.digest(*v) for v in variants}) == len(variants)
