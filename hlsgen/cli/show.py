"""What the command line shows: progress on stderr, results on stdout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from rich.console import Console

from hlsgen.cli.score import Score
from hlsgen.progress import task, visible
from hlsgen.progress.visibility import on_terminal
from hlsgen.project import Project

_SHOWN_FROM = 1.0
"""Seconds from which a finished step is worth a line."""


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show that a step is under way, on a terminal, and leave a line there that says how long it took if it was long.

    Gives what is to be called with how far it is. See :mod:`hlsgen.progress`.
    """
    began = monotonic()
    with task(what) as step:
        yield step.say
    seconds = monotonic() - began
    if seconds >= _SHOWN_FROM and on_terminal() and visible():
        with suppress(OSError):  # a note that nobody can read is no reason to stop
            Console(stderr=True).print(f"{what}: {seconds:.1f} s", style="dim", markup=False, highlight=False)


def show_rows(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print columns of plain text; nothing is cut or wrapped, so that paths can be copied and lines searched."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print((indent + "  ".join(cells)).rstrip())


def show_score(project: Project, folder: Path, score: Score | None) -> None:
    """Print the summary of a build."""
    config = project.config
    rows = [
        ("project", str(folder)),
        ("interface", f"{project.built.kind}, {config.part}, {config.clock_period:g} ns"),
        *(() if score is None else score.rows()),
    ]
    print(project.name)
    show_rows(rows, indent="  ")
