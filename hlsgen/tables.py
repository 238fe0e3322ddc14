"""Tables of text: as HTML for notebooks, and of rich for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as notebooks show it; every text is escaped. ``title``: the caption; none where it is empty."""
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


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
