"""An open task as it is shown, and what shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(eq=False)
class Row:
    """A task as it is shown: what it is, what it is at, how much of it is done."""

    what: str
    total: int | None = None
    done: int = 0
    detail: str = ""
    began: float = field(default_factory=time.monotonic)
    context: Context = field(default_factory=copy_context, repr=False)
    """By which a notebook knows the cell that it belongs to."""
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float | None:
        """Seconds until it is done, if it goes on as so far; None where nothing tells."""
        if not self.total or not 0 < self.done <= self.total:
            return None
        return self.seconds * (self.total - self.done) / self.done

    def advance(self, count: int) -> None:
        """So many more are done; from any thread."""
        with self._counting:
            self.done += count

    @property
    def figures(self) -> str:
        """How much is done, how long it took, how long it will take."""
        count = f"{self.done}/{self.total}, " if self.total else ""
        left = "" if self.left is None else f", {duration(self.left)} left"
        return f"{count}{duration(self.seconds)}{left}"


def duration(seconds: float) -> str:
    """Seconds, in minutes and hours from where those read better."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"


class Display(Protocol):
    """What shows rows."""

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows, in place of those before."""

    def close(self) -> None:
        """Leave nothing behind."""
