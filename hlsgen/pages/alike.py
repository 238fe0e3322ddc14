"""Many texts that are nearly alike, each line kept once: of ten thousand configurations, what varies.

Texts with as many lines are held together, line by line: a line that all of them have as itself, any other as the
different ones there are, and for each text which of them it has. :func:`text_at` gives every text back, whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

Line = str | tuple[list[str], list[int]]
"""A line of all texts, or the different ones and which of them each text has."""


class Alike(TypedDict):
    """As JSON takes it."""

    groups: list[list[Line]]
    """For each number of lines, its lines."""
    places: list[tuple[int, int]]
    """For each text its group, and its place there."""


def alike(texts: Sequence[str]) -> Alike:
    """Hold texts together."""
    split = [text.split("\n") for text in texts]
    sizes: dict[int, list[list[str]]] = {}
    order = {size: number for number, size in enumerate(dict.fromkeys(map(len, split)))}
    places = []
    for lines in split:
        members = sizes.setdefault(len(lines), [])
        places.append((order[len(lines)], len(members)))
        members.append(lines)
    groups = [[_line(column) for column in zip(*members, strict=True)] for members in sizes.values()]
    return {"groups": groups, "places": places}


def text_at(found: Alike, number: int) -> str:
    """One of the texts again; the page's script does the same."""
    group, place = found["places"][number]
    lines = found["groups"][group]
    return "\n".join(line if isinstance(line, str) else line[0][line[1][place]] for line in lines)


def _line(column: Sequence[str]) -> Line:
    known: dict[str, int] = {}
    which = [known.setdefault(line, len(known)) for line in column]
    return column[0] if len(known) == 1 else (list(known), which)
