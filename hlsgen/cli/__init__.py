"""The command line: thin over the functions of the package.

Exit status: 0 done, 1 failed, 2 wrong use (an option, a key or a value of the configuration).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from hlsgen.errors import ConfigError, HlsgenError, OutputDirError

_INTERRUPTED = 130
"""The exit status of what Ctrl-C ends, as shells have it: 128 and the number of the signal."""
_COMMON = ("-v", "-vv", "--verbose", "--debug")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status."""
    words = _common_first(sys.argv[1:] if arguments is None else arguments)
    _escape_what_has_no_code()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            _run(words)
        except HlsgenError as error:
            if "--debug" in words:
                raise
            _complain(f"error: {error}")
            sys.exit(2 if isinstance(error, ConfigError) else 1)
        except KeyboardInterrupt:  # before a command runs, which says more of it
            if "--debug" in words:
                raise
            _complain("interrupted")
            sys.exit(_INTERRUPTED)
        finally:
            _throw_away_what_is_not_taken(sys.stderr)


def _common_first(words: Sequence[str]) -> list[str]:
    """Options of all commands before the command, wherever they were written."""
    end = words.index("--") if "--" in words else len(words)
    common = [word for word in words[:end] if word in _COMMON]
    return [*common, *(word for word in words[:end] if word not in _COMMON), *words[end:]]


def _run(words: list[str]) -> None:
    """Run a command. Raises OutputDirError if what it prints is not taken."""
    from hlsgen.cli.app import app

    try:
        try:
            app(words, prog_name="hlsgen")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if not _is_of_printing(error):
            raise
        _throw_away_what_is_not_taken(sys.stdout)
        if error.errno == errno.EPIPE:  # who reads has seen enough
            sys.exit(1)
        raise OutputDirError(f"the output cannot be written ({error.strerror})") from error


def _is_of_printing(error: OSError) -> bool:
    """Whether it comes from writing to an open stream, in what prints: this package, and the library it is made with.

    All that hlsgen does to files is done, and explained, elsewhere.
    """
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    package = str(frame.f_globals.get("__name__"))
    return error.filename is None and package.startswith(("hlsgen.cli", "typer.", "click."))


def _throw_away_what_is_not_taken(stream: TextIO | None) -> None:
    """Else it would fail once more at the end of the process, and change the exit status."""
    if stream is None:  # closed by who started us
        return
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def _escape_what_has_no_code() -> None:
    """A path or a name may hold what the encoding of the output does not: it is spelt, as Python does in errors."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody is there to be told
        print(text, file=sys.stderr)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _complain(f"warning: {message}")
