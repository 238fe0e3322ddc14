"""The cache of compiled designs: races, damage, places that cannot be used, and no compiler."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import multiprocessing
import os
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
from hlsgen.emulation import build
from hlsgen.errors import ToolError
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


def designs(folder: Path) -> list[Path]:
    return sorted(folder.glob("hlsgen_*.so"))


def test_a_design_is_compiled_once(private, monkeypatch, forget):
    check(design())
    (first,) = designs(private)
    made = first.stat().st_ino
    forget()
    monkeypatch.setattr(build, "run", lambda *a, **k: pytest.fail("compiled again"))
    check(design())
    assert [f.stat().st_ino for f in designs(private)] == [made]
    assert not list(private.glob("build_*")), "no workspace is left"


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
    monkeypatch.setattr(build, "run", lambda *a, **k: pytest.fail("compiled again"))
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
    assert designs(private) == [] and not list(private.glob("build_*"))


def test_a_folder_that_cannot_be_synchronised_does_no_harm(private, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(private.name))
    check(design())
    assert len(designs(private)) == 1


@pytest.mark.parametrize("damage", ["empty", "no library", "zeros", "gone"])
def test_a_design_that_cannot_be_loaded_is_compiled_again(private, damage):
    check(design())
    (file,) = designs(private)
    data = file.read_bytes()
    file.unlink()  # what is loaded here keeps its file
    if damage != "gone":
        file.write_bytes({"empty": b"", "no library": b"text", "zeros": bytes(len(data))}[damage])
        file.chmod(0o600)
    done = run_python(CHECK)
    assert done.returncode == 0, done.stderr
    assert len(file.read_bytes()) == len(data)


def test_empty_bindings_are_compiled_again(private):
    (bindings,) = private.glob("bindings_*.o")
    assert build._is_usable(bindings)
    bindings.write_bytes(b"")
    assert not build._is_usable(bindings)


def test_the_cache_is_bounded_in_number(private, monkeypatch):
    monkeypatch.setattr(build, "_KEPT", {"hlsgen_*.so": 2, "bindings_*.o": 3, "hlsgen_*.failed.log": 1})
    for i in range(4):
        for name in (f"hlsgen_{i}.so", f"bindings_{i}.o", f"hlsgen_{i}.failed.log"):
            (private / name).write_bytes(b"old")
            os.utime(private / name, (i, i))
    (private / "notes.txt").write_text("not ours")
    check(design())
    names = {f.name for f in private.iterdir()}
    assert len(designs(private)) == 2 and "hlsgen_3.so" in names
    assert {"bindings_2.o", "bindings_3.o"} < names and "bindings_1.o" not in names, "and the one just used"
    assert {n for n in names if n.endswith(".log")} == {"hlsgen_3.failed.log"}
    assert "notes.txt" in names


def test_the_cache_is_bounded_in_size(private, monkeypatch):
    for i in range(4):
        (private / f"hlsgen_{i}.so").write_bytes(bytes(10_000_000))
        os.utime(private / f"hlsgen_{i}.so", (i, i))
    monkeypatch.setattr(build, "KEPT_BYTES", 25_000_000)
    check(design())
    kept = [f.name for f in designs(private) if f.stat().st_size == 10_000_000]
    assert kept == ["hlsgen_2.so", "hlsgen_3.so"]


def test_what_is_used_is_kept(private, monkeypatch, forget):
    """Least recently used goes first, not the oldest made."""
    monkeypatch.setattr(build, "_KEPT", {"hlsgen_*.so": 2})
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
def test_a_file_that_others_could_have_written_is_not_loaded(private, how):
    if how == "other owner" and os.getuid() != 0:
        pytest.skip("only root can give files away")
    check(design())
    (file,) = designs(private)
    (bindings,) = private.glob("bindings_*.o")
    assert build._is_usable(file) and build._is_usable(bindings)
    unprivate(file, how)
    assert not build._is_usable(file)
    before = file.lstat().st_ino
    done = run_python(CHECK)
    assert done.returncode == 0, done.stderr
    assert file.lstat().st_ino != before and build._is_usable(file), "compiled anew, and put in its place"
    unprivate(bindings, how)
    assert not build._is_usable(bindings)


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
        if any(working_in(folder) for folder in private.glob("build_*")):
            break
        time.sleep(0.005)
    os.killpg(victim.pid, signal.SIGKILL)
    assert victim.wait() != 0
    (left,) = private.glob("build_*")
    while groups := working_in(left):  # its compilers, each in a session of its own, which would go on writing
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        time.sleep(0.01)
    assert designs(private) == []
    os.utime(left, (1, 1))
    check(design())
    assert len(designs(private)) == 1
    assert not list(private.glob("build_*")), "what is a day old is removed"


def test_the_workspace_of_a_running_build_is_left_alone(private):
    (private / "build_of_another").mkdir()
    check(design())
    assert (private / "build_of_another").is_dir()


def test_the_cache_may_be_cleared_at_any_moment(private, monkeypatch):
    assert run_python(CHECK).returncode == 0  # elsewhere: what this process has loaded, it would not open again
    (file,) = designs(private)
    compiled = []
    real = build._compile

    def compile_again(*arguments) -> None:
        compiled.append(arguments)
        real(*arguments)

    monkeypatch.setattr(build, "_compile", compile_again)
    monkeypatch.setattr(build, "_mark_used", lambda path: path.suffix == ".so" and path.unlink())  # before it is loaded
    check(design())
    assert len(compiled) == 1 and file.exists()


def test_two_designs_have_modules_of_their_own(private):
    first, second = design(1), design(2, "io_stream")
    check(first)
    check(second)
    check(first)
    modules = {p.emulator._module.__name__ for p in (first, second)}
    assert len(modules) == 2 and all(m.startswith("hlsgen_") for m in modules)


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
    assert not list(private.glob("build_*"))


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


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/bin/cat"])
def test_a_program_that_is_no_compiler(private, monkeypatch, program):
    monkeypatch.setenv("HLSGEN_CXX", program)
    for old in private.glob("*.o"):
        old.unlink()
    with pytest.raises(ToolError, match="HLSGEN_CXX|exit status|compile"):
        design(42).compile()
    assert designs(private) == [] and not list(private.glob("build_*"))


def test_a_failing_compilation_keeps_its_log(private, monkeypatch):
    real = build.run

    def broken(command, **kwargs):
        (kwargs["cwd"] / "types.h").write_text("#error broken on purpose\n")
        return real(command, **kwargs)

    monkeypatch.setattr(build, "run", broken)
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
    assert len({build._digest(*v) for v in variants}) == len(variants)
