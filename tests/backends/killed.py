"""Writers of projects that are killed: at every step, at random instants, and many at once.

A program of its own (``python -m tests.backends.killed FOLDER SCENARIO``), small and with one thread, so that it can
fork cheaply. It prints what it saw as JSON and fails with the first project that lost something.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hlsgen.backends.exchange as exchanging
import hlsgen.files as files
from hlsgen.backends import writer
from hlsgen.backends.manifest import MANIFEST, manifest_text
from hlsgen.backends.writer import write_project

STRANGERS = {"tiny_prj/solution1/report.xml": "hours", "notes.txt": "mine", "firmware/mine.h": "mine, too"}
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.scandir", "os.listdir"}
"""Events of Python's audit of which each comes before a change on the disk, or a look at it."""


def texts(version: str, many: int = 1) -> dict[str, str]:
    """The files of a small project: some change with the version, one does not, some are of one version only."""
    files = {f"firmware/weights/w{i}.h": f"weight {i} of {version}\n" for i in range(many)}
    files |= {"firmware/kernel.h": "always\n", f"firmware/{version}.h": f"{version}\n", f"{version}_test.cpp": "test\n"}
    files |= {"build.tcl": f"set part {version}\n", "tb_data/inputs.dat": f"{version}\n"}
    return files | {MANIFEST: manifest_text({"hlsgen": "0", "project": version}, files)}


def tree(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


class Case:
    """A folder with the former project in it, or none, and perhaps files of others; the new one is to be written."""

    def __init__(self, root: Path, former: bool, strangers: bool, many: int = 1) -> None:
        self.folder = root / "place" / "out"
        self.former = texts("former", many) if former else {}
        self.new = texts("new", many)
        self.strangers = STRANGERS if strangers else {}

    def reset(self) -> None:
        shutil.rmtree(self.folder.parent, ignore_errors=True)
        self.folder.parent.mkdir()
        if self.former:
            write_project(self.folder, self.former)
        for name, text in self.strangers.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def state(self) -> str:
        """Which project stands there: 'former', 'new', or 'between': then each file must be whole."""
        found = tree(self.folder)
        for name, text in self.strangers.items():
            assert found.pop(name, None) == text, f"lost: {name}"
        if found in (self.former, self.new):
            return "former" if found == self.former else "new"
        for name in self.former.keys() & self.new.keys():
            assert found.get(name) in (self.former[name], self.new[name]), f"lost: {name}"
        for name, text in found.items():
            assert text in (self.former.get(name), self.new.get(name)), f"not whole: {name}"
        if not self.strangers and files._renameat2 is not None:
            firmware = {name for name in found if name.startswith("firmware/")}
            assert any({n for n in one if n.startswith("firmware/")} == firmware for one in (self.former, self.new))
        return "between"

    def recover(self, wanted: dict[str, str]) -> None:
        """The next write leaves exactly the project, what is not hlsgen's, and nothing else."""
        write_project(self.folder, wanted)
        found = tree(self.folder.parent)
        expected = {f"out/{name}": text for name, text in {**wanted, **self.strangers}.items()}
        assert found == expected, f"wrong after the next write: {sorted(found.items() ^ expected.items())[:4]}"


def forked(work: Callable[[], None]) -> int:
    """Start a process that does some work."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def status(child: int) -> int:
    """How a process ended: negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(step: int) -> None:
    """Let this process be killed before it changes something on the disk for the ``step``-th time."""
    left = [step]

    def count(event: str, *_: object) -> None:
        if event in STEPS:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def counted(first: Path, second: Path) -> bool:
        count("os.rename")
        return files.exchange(first, second)

    exchanging.exchange = counted
    sys.addaudithook(count)


def every_step(case: Case) -> Iterator[str]:
    """Kill before each step in turn; what is found there afterwards."""
    for step in range(10_000):
        case.reset()

        def write(step: int = step) -> None:
            killed_at(step)
            write_project(case.folder, case.new)

        ended = status(forked(write))
        assert ended in (0, -signal.SIGKILL), f"step {step}: ended with {ended}"
        yield case.state()
        case.recover(case.new if step % 2 else case.former or case.new)
        if ended == 0:
            return


def random_instants(case: Case, kills: int = 200) -> Iterator[str]:
    """Kill after random times, up to a little more than writing takes. Mostly, the next one has to cope with that."""
    case.reset()
    began = time.monotonic()
    status(forked(lambda: write_project(case.folder, case.new)))
    longest = 1.1 * (time.monotonic() - began)
    chance = random.Random(1)
    case.former, case.new = case.new, case.former
    for kill in range(kills):
        child = forked(lambda: write_project(case.folder, case.new))
        time.sleep(chance.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        status(child)
        found = case.state()
        if found == "between" or kill % 10 == 9:
            case.recover(case.new)
        if found != "former" or kill % 10 == 9:
            case.former, case.new = case.new, case.former
        yield found


def race(case: Case, writers: int = 4, rounds: int = 5) -> Iterator[str]:
    """Several processes write different projects to one folder."""
    for _ in range(rounds):
        case.reset()
        wanted = [texts(f"v{i}") for i in range(writers)]
        children = [forked(lambda one=one: write_project(case.folder, one)) for one in wanted]
        assert [status(child) for child in children] == [0] * writers
        found = tree(case.folder.parent)
        assert found in [{f"out/{k}": v for k, v in {**one, **case.strangers}.items()} for one in wanted]
        yield found[f"out/{MANIFEST}"].split('"project": "')[1][:2]


def main() -> None:
    root, scenario, *options = sys.argv[1:]
    if "without exchange" in options:
        files._renameat2 = None
    if "without sync" in options:  # a killed process loses nothing of what it has written; a crash would
        writer.sync_all = list
    many = 20 if scenario == "random" else 1
    case = Case(Path(root), "nothing" not in options, "strangers" in options, many)
    seen = {"steps": every_step, "random": random_instants, "race": race}[scenario](case)
    print(json.dumps(list(seen)))


if __name__ == "__main__":
    main()
