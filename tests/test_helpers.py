"""Helpers: how they start, what is said where they do not, and that they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hlsgen import helpers
from hlsgen.errors import ToolError
from hlsgen.helpers import Helper, HelperLost
from hlsgen.tools import find_python

ECHO = """
import sys, {imported}
def say(mark, content):
    sys.stdout.buffer.write(mark + len(content).to_bytes(8, "little") + content)
    sys.stdout.buffer.flush()
say(b"+", sys.argv[1].encode())
while head := sys.stdin.buffer.read(4):
    {work}
    say(b"=", sys.stdin.buffer.read(int.from_bytes(head, "little")))
"""


def script(folder: Path, *, imported: str = "time", work: str = "pass") -> Path:
    path = folder / "echo.py"
    path.write_text(ECHO.format(imported=imported, work=work))
    return path


def answer(path: Path, request: bytes = b"hello", *, seconds: float = 30.0, most: int = 100) -> tuple[bytes, bytes]:
    helper = Helper(path)
    try:
        mark, content = helper.ask(request, seconds=seconds, most=most)
        return mark, bytes(content)
    finally:
        helper.close()


def test_what_is_asked_is_answered(tmp_path: Path) -> None:
    assert answer(script(tmp_path)) == (b"=", b"hello")
    large = bytes(range(256)) * 10_000  # more than a pipe holds
    assert answer(script(tmp_path), large, most=len(large)) == (b"=", large)


def test_it_imports_from_where_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(tmp_path, imported="only_here")
    with pytest.raises(ToolError, match=r"echo\.py cannot be started: it failed.*No module named 'only_here'"):
        Helper(path)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "only_here.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "library"), None])
    assert answer(path) == (b"=", b"hello")


def test_it_does_not_import_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_here.py").write_text("")
    path = script(tmp_path, imported="only_here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with pytest.raises(ToolError, match="No module named 'only_here'"):
        Helper(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("print('Welcome to this program')", "it says b'Welcome t', which is no answer"),
        ("import sys; sys.stdout.buffer.write(b'+' + (16).to_bytes(8, 'little') + bytes(16))", r"it says b'\\x00"),
        ("raise SystemExit('no licence')", "it failed with exit status 1: no licence"),
        ("", "it has ended"),
        ("import os; os.kill(os.getpid(), 9)", "it ended by signal 9"),
        ("import time; time.sleep(60)", "no word of it in 1.5 s"),
    ],
)
def test_what_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    if "sleep" in text:
        monkeypatch.setattr(helpers, "_STARTING", 1.5)
    (tmp_path / "echo.py").write_text(text)
    with pytest.raises(ToolError, match=f"^echo.py cannot be started: .*{message}"):
        Helper(tmp_path / "echo.py")


def test_the_time_to_start_is_none_to_answer(tmp_path: Path) -> None:
    path = script(tmp_path, imported="time; time.sleep(1.2)")
    assert answer(path, seconds=1.0) == (b"=", b"hello")


def test_no_answer_and_too_long_an_answer(tmp_path: Path) -> None:
    with pytest.raises(HelperLost, match=r"no answer in 0\.5 s"):
        answer(script(tmp_path, work="time.sleep(60)"), seconds=0.5)
    with pytest.raises(HelperLost, match="which is no answer"):
        answer(script(tmp_path), most=4)
    with pytest.raises(HelperLost, match="it ended by signal 11") as caught:
        answer(script(tmp_path, imported="os", work="os.kill(os.getpid(), 11)"))
    assert caught.value.signal == signal.SIGSEGV


@pytest.mark.parametrize("program", [None, "", "/bin/true", "/usr/bin/blender"])
def test_a_program_that_embeds_python_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    python = find_python()
    monkeypatch.setattr(sys, "executable", program)
    found = find_python()
    assert found != program and Path(found).resolve() == Path(python).resolve()
    for prefix in ("exec_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, prefix, "/nowhere")
    with pytest.raises(ToolError, match=r"no Python can be started: sys\.executable is .*; set sys\.executable to"):
        find_python()


def test_what_is_called_python_and_starts_this_program_again(tmp_path: Path) -> None:
    """It ends at the first time."""
    program, script = tmp_path / "python", tmp_path / "program.py"
    program.write_text(f"#!/bin/sh\necho started >> {tmp_path}/log\nexec {sys.executable} {script}\n")
    program.chmod(0o700)
    script.write_text(
        "import sys, pathlib; from hlsgen.helpers import Helper; from hlsgen.errors import ToolError\n"
        f"sys.executable = {str(program)!r}\n"
        "try:\n    Helper(pathlib.Path('x.py'))\n"
        "except ToolError as error:\n    sys.exit(f'ToolError: {error}')\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, env=env)
    assert (tmp_path / "log").read_text() == "started\n" * 2
    assert "starts hlsgen again; set sys.executable to a Python" in done.stderr.strip().splitlines()[0]


def test_it_ends_with_its_owner_however_that_ends(tmp_path: Path) -> None:
    """A helper that waits sees the end of its pipes, though a process that the owner has forked lives on."""
    code = (
        "import os, sys, signal, time, pathlib; from hlsgen.helpers import HelperPool\n"
        "pool = HelperPool(pathlib.Path(sys.argv[1]))\n"
        "with pool.borrowed() as helper:\n    helper.ask(b'x', seconds=30, most=10)\n"
        "child = os.fork() or (os.close(1), time.sleep(30), os._exit(0))\n"
        "print(helper._process.pid, child, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code, script(tmp_path)], stdout=subprocess.PIPE, text=True, env=env)
    helper, child = map(int, done.stdout.split())
    until = time.monotonic() + 20
    while Path(f"/proc/{helper}/cmdline").exists() and Path(f"/proc/{helper}/cmdline").read_bytes():
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
