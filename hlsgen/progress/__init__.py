"""What is under way, shown while it lasts: ``with task("compiling") as step: ...``.

Every function that may take long opens a task, and whoever calls it sees a line on the terminal (by rich), or a widget
in a notebook, once the task has run for a second; when it ends, the line is gone. Nothing is shown, and next to nothing
is done, where nobody looks: standard error is no terminal (pipes, tests, logs of CI), the terminal is dumb, the process
was started by :mod:`multiprocessing`, ``HLSGEN_PROGRESS=off``, or after ``show_progress(False)``. Nothing is ever
written to standard output.

A task knows no display: a thread of its own, which lives while there are tasks and some seconds beyond, looks at the
tasks ten times a second. So to begin and to end one costs some microseconds, and no task slows what it reports on.
Tasks may be opened in any thread; they nest. How long each took goes to the log (docs/logging.md).
"""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from hlsgen.progress.rows import Row
from hlsgen.progress.visibility import show_progress, visible
from hlsgen.progress.watcher import WATCHER

__all__ = ["Step", "aside", "say", "show_progress", "task", "visible"]

_LOG = logging.getLogger(__name__)


class Step:
    """A task that nobody looks at: whoever does the work need not ask."""

    what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def expect(self, total: int) -> None:
        """There are so many to do."""

    def say(self, detail: str) -> None:
        """Say what is being done just now, in some words."""

    def advance(self, count: int = 1) -> None:
        """So many more are done."""

    def reached(self, done: int) -> None:
        """So many are done in all."""


class _Stack(threading.local):
    """The open tasks of a thread, the innermost last."""

    def __init__(self) -> None:
        self.tasks: list[_Task] = []


_OPEN = _Stack()
_SILENT = Step()


def task(what: str, total: int | None = None, *, level: int = logging.INFO) -> Step:
    """A context manager for something that may take long; gives a :class:`Step` to report to.

    Args:
        what: in a word or two, as ``"compiling"``. Within a task of the same name in the same thread, it is that one.
        total: how many there are to do, if that is known; then ``advance()`` and ``reached()`` move a bar.
        level: at which the log says how long it took.
    """
    within = _OPEN.tasks[-1] if _OPEN.tasks else None
    if within is not None and within.what == what:
        return _Joined(within, total)
    seen, logged = visible(), _LOG.isEnabledFor(level)
    if not seen and not logged:
        return _SILENT
    return _Task(what, total, level if logged else None, seen)


def aside() -> AbstractContextManager[None]:
    """While something else is written to the terminal: what is shown makes room, and comes back below it."""
    return WATCHER.aside()


def say(detail: str) -> None:
    """Say what is being done just now within the innermost task of this thread, if there is one."""
    tasks = _OPEN.tasks
    if tasks:
        tasks[-1].say(detail)


class _Task(Step):
    """A task that is shown, logged, or both."""

    def __init__(self, what: str, total: int | None, level: int | None, seen: bool) -> None:
        self.what, self._level, self._seen = what, level, seen
        self._row = Row(what, total)

    def __enter__(self) -> Self:
        try:
            _OPEN.tasks.append(self)
            if self._seen:
                WATCHER.add(self._row)
        except BaseException:  # interrupted here, it would stay open for ever
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._level is not None:
            ended = "" if kind is None else f" (ended by {kind.__name__})"
            _LOG.log(self._level, "%s: %.3f s%s", self.what, self._row.seconds, ended)

    def _close(self) -> None:
        tasks = _OPEN.tasks
        while self in tasks:  # an interrupt may have left others within it
            WATCHER.remove(tasks.pop()._row)

    def expect(self, total: int) -> None:
        self._row.total = total

    def say(self, detail: str) -> None:
        self._row.detail = detail

    def advance(self, count: int = 1) -> None:
        self._row.advance(count)

    def reached(self, done: int) -> None:
        self._row.done = done


class _Joined(Step):
    """A task within one of the same name: what it says, that one says."""

    def __init__(self, whole: Step, total: int | None) -> None:
        self.what, self._whole = whole.what, whole
        if total is not None:
            whole.expect(total)

    def expect(self, total: int) -> None:
        self._whole.expect(total)

    def say(self, detail: str) -> None:
        self._whole.say(detail)

    def advance(self, count: int = 1) -> None:
        self._whole.advance(count)

    def reached(self, done: int) -> None:
        self._whole.reached(done)
