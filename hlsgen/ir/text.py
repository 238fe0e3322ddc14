"""Text: such as a file holds, and in columns."""

from __future__ import annotations


def is_whole(text: str) -> bool:
    """Whether a text holds no half of a character (a lone surrogate), which no encoding has."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def is_storable(text: str) -> bool:
    """Whether files and file systems take a text: it holds no NUL and no half of a character."""
    return "\0" not in text and is_whole(text)


def percent(part: float, digits: int = 2) -> str:
    """A part of one in percent, to some digits, and never as a power of ten where it is large."""
    return f"{100.0 * part:.{digits}g}" if 100.0 * part < 10.0**digits - 0.5 else f"{100.0 * part:.0f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out text in columns."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
