"""XML that somebody else wrote: read without what makes it dangerous.

No document type is taken, so no entity is ever declared, replaced or fetched; reports of Vitis have none.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from hlsgen.errors import ToolError
from hlsgen.named_files import checked_file, content_of

LARGEST = 256 << 20
"""Bytes of a report: those of designs with thousands of modules have some 50 MB."""
_DEEPEST = 500
"""Elements in one another: loops within loops, instances within instances."""
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")
_SPAN = re.compile(r"(\d{1,15})\s*~\s*(\d{1,15})")


class _Refused(Exception):
    """What stands in the file is not taken."""


def read_xml(path: Path, expected: str) -> Element:
    """The root of a file. Raises ToolError if it is missing, truncated, too large, or declares anything."""
    content = content_of(checked_file(path, expected, ToolError), expected, ToolError, LARGEST)
    builder, parser = TreeBuilder(), expat.ParserCreate()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise _Refused(f"elements lie more than {_DEEPEST} deep in one another")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: Any) -> NoReturn:
        raise _Refused("it has a document type (<!DOCTYPE ...>), which no report of Vitis has")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
        return builder.close()
    except expat.ExpatError as error:
        raise ToolError(f"{path}: not a complete XML file ({error}); run the step that writes it again") from error
    except _Refused as error:
        raise ToolError(f"{path}: {error}; expected {expected}") from error


def text_at(element: Element, place: str) -> str:
    """What stands at a place below an element; empty if there is none."""
    return (element.findtext(place) or "").strip()


def real_at(element: Element, place: str) -> float | None:
    """The number at a place; None for ``undef``, ``NA`` and whatever else is none."""
    return real(text_at(element, place))


def count_at(element: Element, place: str) -> int | None:
    """The whole number at a place; None if there is none."""
    return count(text_at(element, place))


def span_at(element: Element, place: str) -> tuple[int | None, int | None]:
    """The ends of a range: ``7``, ``4 ~ 9``, or its own elements ``range/min`` and ``range/max``."""
    low, high = count_at(element, f"{place}/range/min"), count_at(element, f"{place}/range/max")
    if low is not None or high is not None:
        return low, high
    found = _SPAN.fullmatch(text_at(element, place))
    if found:
        return int(found.group(1)), int(found.group(2))
    one = count_at(element, place)
    return one, one


def real(word: str) -> float | None:
    """A number as reports write it; None for words, also for ``inf`` and ``nan``."""
    return float(word) if _NUMBER.fullmatch(word.strip()) else None


def count(word: str) -> int | None:
    """A whole number; None for words."""
    number = real(word)
    return None if number is None else round(number)
