"""Files that a user names: looked at before they are read, and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from hlsgen.errors import HlsgenError, OutputDirError, brief
from hlsgen.files import replacing

_HEAD = 4000
"""Bytes among which it stands what a file is."""
_SHOWN = 200
"""Characters of a path in a message."""


def checked_file(path: str | Path, expected: str, error: type[HlsgenError], largest: int | None = None) -> Path:
    """The path of an existing file of at most ``largest`` bytes.

    ``expected`` says what the file should be. Raises ``error`` for a path that names none, or that no file system takes
    (too long, with a NUL), and for a folder, a device or a pipe, of which reading may never end.
    """
    file = named_path(path, expected, error)
    try:
        status = file.stat()
    except FileNotFoundError as problem:
        raise error(_message(file, "it does not exist", expected)) from problem
    except OSError as problem:
        raise error(_message(file, problem.strerror or str(problem), expected)) from problem
    except ValueError as problem:  # a NUL, or half of a pair of surrogates
        raise error(_message(file, f"it is no path: {problem}", expected)) from problem
    if stat.S_ISDIR(status.st_mode):
        raise error(_message(file, "it is a directory", expected))
    if not stat.S_ISREG(status.st_mode):
        raise error(_message(file, "it is a device or a pipe", expected))
    if largest is not None and status.st_size > largest:
        raise error(_message(file, f"it has {status.st_size} bytes, more than the {largest} allowed", expected))
    return file


def content_of(file: Path, expected: str, error: type[HlsgenError], largest: int) -> bytes:
    """What stands in a file that was :func:`checked_file`. Raises ``error`` where it cannot be read, or is longer."""
    try:
        with file.open("rb") as stream:
            content = stream.read(largest + 1)
    except OSError as problem:
        raise error(_message(file, problem.strerror or str(problem), expected)) from problem
    if len(content) > largest:
        raise error(_message(file, f"it has more than the {largest} bytes allowed", expected))
    return content


def named_path(path: str | os.PathLike[str] | os.PathLike[bytes], expected: str, error: type[HlsgenError]) -> Path:
    """A path, as which some objects are text and some (os.DirEntry) bytes. Raises ``error`` for anything else."""
    if isinstance(path, str | os.PathLike):
        with contextlib.suppress(TypeError):  # an object's own path is none
            return Path(os.fsdecode(path))
    raise error(f"expected the path of {expected}, found {brief(path)}")


def check_replaced(
    file: Path, what: str, first: re.Pattern[bytes] | None, *, overwrite: bool, caller: str = ""
) -> None:
    """Raise OutputDirError for what is there already and is not replaced: all but files that begin as hlsgen's own.

    ``first``: how those begin (None: none does), and ``what`` they are; with ``overwrite``, all are replaced.
    """
    try:
        if overwrite or not file.exists() or (first is not None and _begins(file, first)):
            return
    except (OSError, ValueError) as problem:  # ValueError: a NUL
        raise unwritable(file, caller, problem) from problem
    raise OutputDirError(
        f"{_from(caller)}{_cut(repr(str(file)))} is there already and is no {what}; give another name, or overwrite"
    )


def write_named(file: Path, content: bytes, caller: str) -> Path:
    """Write a whole file, or leave what was there; returns its path.

    Raises OutputDirError if the system does not let it be written.
    """
    try:
        with replacing(file) as stream:
            stream.write(content)
    except (OSError, ValueError) as problem:  # ValueError: a NUL
        raise unwritable(file, caller, problem) from problem
    return file


def unwritable(file: Path, caller: str, problem: Exception) -> OutputDirError:
    """What is said of a file that cannot be written."""
    reason = getattr(problem, "strerror", None) or problem
    return OutputDirError(f"{_from(caller)}{_cut(repr(str(file)))} cannot be written ({reason})")


def _cut(text: str) -> str:
    """A path as messages show it: its beginning and, where it is long, its end."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 2 :]}"


def _from(caller: str) -> str:
    """How a message begins."""
    return f"{caller}: " if caller else ""


def _begins(file: Path, first: re.Pattern[bytes]) -> bool:
    """How a file begins; a device or a pipe, of which reading may never end, is not looked into."""
    if not file.is_file() and not file.is_dir():
        return False
    with file.open("rb") as stream:
        return first.match(stream.read(_HEAD)) is not None


def _message(file: Path, reason: str, expected: str) -> str:
    text = str(file).encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return f"{_cut(text)}: cannot be read ({reason}); expected {expected}"
