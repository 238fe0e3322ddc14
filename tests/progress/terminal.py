"""A program on a terminal, and what is on the screen when it has ended."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


@dataclass(frozen=True)
class Session:
    """What a program left: ``stdout`` (a pipe), what its terminal was sent, and its exit status."""

    stdout: str
    sent: str
    status: int

    @property
    def screen(self) -> list[str]:
        """The lines of the terminal, without empty ones at the end."""
        return screen(self.sent)

    @property
    def has_cursor(self) -> bool:
        return re.findall(r"\x1b\[\?25([hl])", self.sent)[-1:] != ["l"]


def screen(sent: str) -> list[str]:
    """What a terminal shows that was sent this: text, colours, and what rich uses to go up and to erase."""
    lines, row, column = [""], 0, 0
    position = 0
    while position < len(sent):
        control = _CONTROL.match(sent, position)
        if control:
            count, position = control[1], control.end()
            if control[2] == "A":
                row = max(0, row - int(count or 1))
            elif control[2] == "K":
                assert count == "2", "rich erases whole lines"
                lines[row] = ""
            else:
                assert control[2] in "mhl", control[0]
            continue
        letter = sent[position]
        position += 1
        if letter == "\n":
            row += 1
            lines += [""] * (row - len(lines) + 1)
        elif letter == "\r":
            column = 0
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + letter + line[column + 1 :]
            column += 1
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip() for line in lines]


LOOK = """
import time
import hlsgen.progress.watcher as watcher
from hlsgen.progress import task, visible

watcher.SHOWN_AFTER = 0
shown, draw = [0], watcher.Watcher._draw

def counted(self, rows):
    draw(self, rows)
    shown[0] += bool(rows)

watcher.Watcher._draw = counted

def look():
    until = shown[0] + 2
    while visible() and shown[0] < until and not watcher.WATCHER._broken:
        time.sleep(0.01)
"""
"""What a script needs whose tasks are shown at once: ``look()`` waits until what was said was shown, if anything is."""


def program(text: str) -> list[str]:
    """A script that begins so."""
    return [sys.executable, "-c", LOOK + textwrap.dedent(text)]


def on_terminal(command: list[str], env: Mapping[str, str] | None = None, interrupt_at: str | None = None) -> Session:
    """Run a program whose standard error is a terminal; send it Ctrl-C once the terminal shows a text."""
    ours, theirs = pty.openpty()
    given = {"TERM": "xterm", "COLUMNS": "100", **(env or {})}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("HLSGEN_PROGRESS")}, **given},
        cwd=Path(__file__).resolve().parents[2],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    os.close(theirs)
    sent = b""
    with contextlib.suppress(OSError):  # EIO: its last end is closed
        while part := os.read(ours, 65536):
            sent += part
            if interrupt_at and interrupt_at.encode() in sent:
                process.send_signal(signal.SIGINT)
                interrupt_at = None
    os.close(ours)
    stdout, _ = process.communicate(timeout=60)
    return Session(stdout.decode(), sent.decode().replace("\r\n", "\n\r"), process.returncode)
