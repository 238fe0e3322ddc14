"""Rows on a terminal, by rich: some lines at the bottom that go when they are done with."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column

from hlsgen.progress.rows import Row


class TerminalDisplay:
    """Lines on standard error. Neither stream is redirected: only this display's own lines are its business."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _Bar(bar_width=24),
            TextColumn("{task.fields[figures]}", style="progress.elapsed", markup=False),
            TextColumn("{task.fields[detail]}", markup=False, style="dim", table_column=_DETAIL),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[Row, TaskID] = {}
        self._progress.start()
        console.show_cursor(True)  # whoever is killed now leaves a terminal that has one

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows, in place of those before."""
        for row in [row for row in self._tasks if row not in rows]:
            self._progress.remove_task(self._tasks.pop(row))
        for row in rows:
            figures, detail = row.figures, printable(row.detail)
            if row not in self._tasks:
                self._tasks[row] = self._progress.add_task(
                    printable(row.what), total=row.total, figures=figures, detail=detail
                )
            self._progress.update(self._tasks[row], total=row.total, completed=row.done, figures=figures, detail=detail)
        self._progress.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()


_DETAIL = Column(no_wrap=True, overflow="ellipsis")


class _Bar(BarColumn):
    """A bar for what is counted; nothing for what is not."""

    def render(self, task: Task) -> ProgressBar:
        bar = super().render(task)
        if task.total is None:
            bar.width = 0
        return bar


def printable(text: str) -> str:
    """A text without what would move a cursor: names of models go here."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
