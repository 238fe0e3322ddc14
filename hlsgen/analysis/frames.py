"""Results as tables: of pandas, where it is installed, as CSV, as HTML for notebooks, and of rich for terminals."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from hlsgen.errors import ConfigError, InputError, OutputDirError, brief
from hlsgen.files import replacing
from hlsgen.named_files import named_path


def data_frame(records: Sequence[Mapping[str, Any]]) -> Any:
    """A ``pandas.DataFrame`` of rows that have the same columns. Raises ConfigError without pandas."""
    try:
        import pandas
    except ImportError as error:
        raise ConfigError("to_pandas(): pandas is not installed; pip install pandas") from error
    return pandas.DataFrame(list(records))


def write_csv(records: Sequence[Mapping[str, Any]], path: str | Path) -> Path:
    """Write rows that have the same columns, one at least, with a line of names; returns the path.

    Raises OutputDirError if it cannot be written.
    """
    file = named_path(path, "a table", InputError)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    try:
        with replacing(file) as stream:
            stream.write(text.getvalue().encode())
    except (OSError, ValueError) as error:  # ValueError: a NUL
        reason = getattr(error, "strerror", None) or error
        raise OutputDirError(f"to_csv(): {brief(str(file))} cannot be written ({reason})") from error
    return file


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as notebooks show it; every text is escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rich_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    """A ``rich.table.Table``, which folds cells where a terminal is narrow; no text is read as markup."""
    from rich.table import Table
    from rich.text import Text

    found = Table(title=Text(title), title_justify="left")
    for number, cell in enumerate(header):
        found.add_column(Text(cell), overflow="fold", no_wrap=number == 0)
    for row in rows:
        found.add_row(*map(Text, row))
    return found
