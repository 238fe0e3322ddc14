"""What the command line shows: progress on stderr, results on stdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from hlsgen.cli.score import Score
from hlsgen.project import Project

_SHOWN_FROM = 1.0
"""Seconds from which a finished step is worth a line."""


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that a step is under way (on a terminal), and how long it took if it was long."""
    console = Console(stderr=True)
    began = monotonic()
    with console.status(f"{what} ..."):
        yield
    seconds = monotonic() - began
    if seconds >= _SHOWN_FROM:
        console.print(f"{what}: {seconds:.1f} s", style="dim", highlight=False)


def show_score(project: Project, folder: Path, score: Score | None) -> None:
    """Print the summary of a build."""
    table = Table(title=project.name, show_header=False, title_justify="left")
    table.add_row("project", str(folder))
    table.add_row("interface", f"{project.config.io_type}, {project.config.part}, {project.config.clock_period:g} ns")
    if score is not None:
        for name, text in score.rows():
            table.add_row(name, text)
    Console(soft_wrap=True).print(table, highlight=False)
