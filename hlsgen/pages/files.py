"""Pages and pictures as files: what may be replaced, and what errors say."""

from __future__ import annotations

import re
from pathlib import Path

from hlsgen.errors import InputError, brief
from hlsgen.named_files import check_replaced, named_path, write_named
from hlsgen.pages.page import MARK

_HEAD = 200
"""Characters of a page among which its mark stands."""


def picture_path(path: object, caller: str) -> Path:
    """The path of a picture. Raises InputError for what is no path, or ends otherwise than in ``.svg``."""
    file = named_path(path, "a picture", InputError)  # type: ignore[arg-type]
    if file.suffix.lower() != ".svg":
        raise InputError(
            f"{caller}: {brief(str(file))} ends in {file.suffix or 'nothing'}, expected .svg, which browsers show; "
            "rsvg-convert or inkscape make a PNG or a PDF of it"
        )
    return file


def page_path(path: object, caller: str, overwrite: bool, mark: str = MARK) -> Path:
    """The path of a page that may be written. ``mark``: what pages of its kind have at their beginning.

    Raises InputError for what is no path, or ends otherwise than in ``.html``, OutputDirError for a file that is there
    and is no such page, unless ``overwrite``.
    """
    file = named_path(path, "a page", InputError)  # type: ignore[arg-type]
    if file.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{caller}: {brief(str(file))} ends in {file.suffix or 'nothing'}, expected .html")
    marked = re.compile(rb"[\s\S]{0,%d}%s" % (_HEAD, re.escape(mark.encode())))
    check_replaced(file, mark, marked, overwrite=overwrite, caller=caller)
    return file


def write_text(file: Path, text: str, caller: str) -> Path:
    """Write a whole file or leave what was there. Raises OutputDirError if the system does not let it be written."""
    return write_named(file, text.encode(), caller)
