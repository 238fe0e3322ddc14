"""The command line: thin over the functions of the package.

Exit status: 0 done, 1 failed, 2 wrong use (an option, a key or a value of the configuration).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

from hlsgen.errors import ConfigError, HlsgenError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            from hlsgen.cli.app import app

            app(words, prog_name="hlsgen")
        except HlsgenError as error:
            if "--debug" in words:
                raise
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2 if isinstance(error, ConfigError) else 1)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"warning: {message}", file=sys.stderr)
