"""Where hlsgen's log goes: nowhere, as a library's does, until somebody asks (docs/logging.md).

Everything is logged under ``hlsgen`` by Python's :mod:`logging`, so that a program that uses hlsgen has it beside its
own. ``HLSGEN_LOG`` asks from outside of a program, ``hlsgen -v`` on the command line.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import TextIO

from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.progress import aside
from hlsgen.tools import log_wish

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LOG = logging.getLogger("hlsgen")


def install() -> None:
    """Keep the log to ourselves, or send it where ``HLSGEN_LOG`` says; called when hlsgen is imported.

    A wish that cannot be met is a warning: no import fails for it.
    """
    _LOG.addHandler(logging.NullHandler())
    wish = log_wish()
    if wish is None:
        return
    try:
        follow(wish)
    except ConfigError as error:
        warnings.warn(str(error), stacklevel=2)


def follow(wish: str) -> None:
    """Do what ``HLSGEN_LOG`` says: ``debug`` (to standard error) or ``debug:FILE``. Raises ConfigError."""
    word, colon, file = wish.partition(":")
    level = LEVELS.get(word.strip().lower())
    if level is None:
        raise ConfigError(
            f"HLSGEN_LOG={brief(wish)}: expected a level or level:file, as debug:run.log; found no level"
            f"{nearest(word, LEVELS)}; nothing is logged"
        )
    if not colon:
        to_stderr(level)
        return
    if not file:
        raise ConfigError(f"HLSGEN_LOG={brief(wish)}: expected the name of a file behind the colon; nothing is logged")
    try:
        handler = logging.FileHandler(Path(file).expanduser(), encoding="utf-8", errors="backslashreplace")
    except (OSError, RuntimeError, ValueError) as error:  # no such home folder; a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"HLSGEN_LOG={brief(wish)}: the file cannot be written ({reason}); nothing is logged"
        ) from error
    _add(handler, level)


def to_stderr(level: int) -> None:
    """Log from ``level`` on to standard error; asked twice, by the lower of both levels."""
    former = next((handler for handler in _LOG.handlers if isinstance(handler, StderrHandler)), None)
    if former is not None:
        level = min(level, former.level)
        _LOG.removeHandler(former)
    _add(StderrHandler(), level)


def _add(handler: logging.Handler, level: int) -> None:
    handler.setLevel(level)
    handler.setFormatter(Formatter())
    _LOG.addHandler(handler)
    _LOG.setLevel(min(level, _LOG.level or level))


class StderrHandler(logging.StreamHandler[TextIO]):
    """To standard error, whatever that is when something is said; above what shows progress."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)  # the stream is no member here

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error as it is now."""
        return sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr is not None:
            with aside():
                super().emit(record)


class Formatter(logging.Formatter):
    """``12:30:01.250 INFO hlsgen.progress: text``: no text can pass for another line, or move a cursor."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return f"{super().formatTime(record, datefmt)}.{int(record.msecs):03d}"

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        return "\n    ".join(_printable(line) for line in lines)


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\t" else repr(letter)[1:-1] for letter in line)
