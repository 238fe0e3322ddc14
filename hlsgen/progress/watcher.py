"""The open tasks of this process, and the thread that has them shown."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from collections.abc import Iterator

from hlsgen.progress.rows import Display, Row
from hlsgen.progress.visibility import in_notebook

SHOWN_AFTER = 1.0
"""Seconds from which a task has a line: what is done before that needs none."""
_PERIOD = 0.1
_IDLE = 5.0
"""Seconds without a task after which the thread ends: who converts in a loop need not start one each time."""


class Watcher:
    """The rows of all threads. At most one display shows them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: list[Row] = []
        self._shown: list[Row] = []
        self._display: Display | None = None
        self._thread: threading.Thread | None = None
        self._broken = False
        """Nothing can be shown any more: the stream is gone, for example; work goes on."""

    def forget(self) -> None:
        """Show nothing more, in a process that was forked: display, thread and terminal are those of the other one."""
        self.__dict__.update(vars(Watcher()))
        self._broken = True

    def add(self, row: Row) -> None:
        """Have a row shown once it is old enough."""
        with self._lock:
            self._rows.append(row)
            if self._thread is None and not self._broken:
                self._thread = threading.Thread(target=self._watch, name="hlsgen-progress", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # there may be no more threads
                    self._broken = True

    def remove(self, row: Row) -> None:
        """Show a row no longer; with the last one, the display is gone when this returns."""
        with self._lock:
            if row in self._rows:
                self._rows.remove(row)
            if row in self._shown:
                self._refresh()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Something else is written to the terminal meanwhile: what is shown makes room, and comes back below it."""
        with self._lock:
            self._draw([])
            yield

    def close(self) -> None:
        """Remove what is shown, whatever tasks are still open."""
        with self._lock:
            self._rows.clear()
            self._refresh()

    def _watch(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_PERIOD)
            with self._lock:
                if self._rows:
                    last = time.monotonic()
                    self._refresh()
                elif self._broken or time.monotonic() - last > _IDLE:
                    self._thread = None
                    return

    def _refresh(self) -> None:
        """Show the rows that are old enough."""
        self._draw([row for row in self._rows if row.seconds >= SHOWN_AFTER])

    def _draw(self, rows: list[Row]) -> None:
        """Show these rows; without any, nothing."""
        if self._broken or not (rows or self._display):
            return
        self._shown = rows
        try:
            if rows:
                self._display = self._display or rows[0].context.run(_new_display)
                self._display.show(rows)
            elif self._display is not None:
                display, self._display = self._display, None
                display.close()
        except Exception:  # whoever watches must never be the reason that the work fails
            self._broken, self._display = True, None


def _new_display() -> Display:
    """What shows rows here. Imported late: most processes show none."""
    if in_notebook():
        from hlsgen.progress.notebook import NotebookDisplay

        return NotebookDisplay()
    from hlsgen.progress.terminal import TerminalDisplay

    return TerminalDisplay()


WATCHER = Watcher()
os.register_at_fork(after_in_child=WATCHER.forget)
atexit.register(WATCHER.close)
