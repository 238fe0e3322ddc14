"""How the values of an axis are written: lists, ranges of whole numbers, ranges and alternatives inside of texts.

4..8            4, 5, 6, 7, 8
4..8:2          4, 6, 8
1..64:*2        1, 2, 4, ..., 64
fixed<4..8,1>   fixed<4,1>, fixed<5,1>, ..., fixed<8,1>
fixed<4..8,1..2,{TRN,RND},SAT>    twenty types, on a grid of 5 by 2 by 2
[auto, fixed<4..6,1>]             auto, fixed<4,1>, fixed<5,1>, fixed<6,1>
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any

from hlsgen.errors import TypeSpecError, brief
from hlsgen.explore.space import Dimension, same
from hlsgen.ir.types import FixedType

MOST_VALUES = 10_000
"""Of an axis: as many as nobody means, and few enough to check each."""
_HOLE = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})(?::(\*?)([0-9]{1,9}))?|\{([^{}]*)\}")
_PLAIN = (str, int, float, bool)


@dataclass(frozen=True)
class Values:
    """What an axis may be, and how these lie to each other."""

    values: tuple[Any, ...]
    dimensions: tuple[Dimension, ...]


def values_of(given: Any) -> Values:
    """Read what stands for the values of an axis. Raises ValueError, in words that go behind a name."""
    if isinstance(given, str):
        return _of_text(given)
    if isinstance(given, range):
        given = list(_within_reason(given))
    if isinstance(given, Sequence):
        return _of_list(given)
    if isinstance(given, int | float):
        return Values((_plain(given),), (Dimension(1, ordered=True),))
    raise ValueError(f"expected a list of values, a range as 4..8, or a text with ranges in it, found {brief(given)}")


def _of_text(text: str) -> Values:
    holes = list(_HOLE.finditer(text))
    if not holes:
        return Values((text,), (Dimension(1, ordered=True),))
    choices = [list(_choices(hole)) for hole in holes]
    _check_count(prod(map(len, choices)))
    dimensions = tuple(
        Dimension(len(found), ordered=hole[5] is None) for hole, found in zip(holes, choices, strict=True)
    )
    if len(holes) == 1 and holes[0][0] == text and holes[0][5] is None:
        return Values(tuple(map(int, choices[0])), dimensions)
    return Values(tuple(_filled(text, holes, chosen) for chosen in product(*choices)), dimensions)


def _filled(text: str, holes: Sequence[re.Match[str]], chosen: Sequence[str]) -> str:
    """A text with something in each of its holes."""
    found, place = "", 0
    for hole, word in zip(holes, chosen, strict=True):
        found += text[place : hole.start()] + word
        place = hole.end()
    return found + text[place:]


def _choices(hole: re.Match[str]) -> Iterator[str]:
    """What may stand in a hole of a text."""
    first, last, times, step, alternatives = hole.groups()
    if alternatives is not None:
        words = [word.strip() for word in alternatives.split(",")]
        if len(words) < 2 or not all(words) or len(set(words)) < len(words):
            raise ValueError(f"{brief(hole[0])}: expected different words between commas, as {{TRN,RND}}")
        yield from words
        return
    start, end, by = int(first), int(last), int(step or 1)
    if end < start or by < (2 if times else 1) or (times and start < 1):
        raise ValueError(
            f"{brief(hole[0])}: expected the smaller end first and a step, as 4..8, 4..8:2 or 1..64:*2 (from 1 on)"
        )
    if times:
        while start <= end:
            yield str(start)
            start *= by
        return
    yield from map(str, _within_reason(range(start, end + 1, by)))


def _of_list(given: Sequence[Any]) -> Values:
    if not given:
        raise ValueError("an empty list; expected one value at least")
    _check_count(len(given))
    values: list[Any] = []
    for item in given:
        values += values_of(item).values if isinstance(item, str) else [_plain(item)]
    _check_count(len(values))
    for number, value in enumerate(values):
        if any(same(value, other) for other in values[:number]):
            raise ValueError(f"{brief(value)} stands twice")
    return Values(tuple(values), (Dimension(len(values), _are_ordered(values)),))


def _are_ordered(values: Sequence[Any]) -> bool:
    """Whether they go up or down: numbers, or types by their widths."""
    sizes = [_size(value) for value in values]
    if None in sizes:
        return False
    pairs = list(pairwise(size for size in sizes if size is not None))
    return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def _size(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            return FixedType.parse(value).width
        except TypeSpecError:
            return None
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def _plain(value: Any) -> Any:
    """A value as YAML writes it; lists of such, as of ``skip_passes``, stay lists."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    item = getattr(value, "item", None)  # a number of NumPy
    value = item() if callable(item) else value
    if value is None or not isinstance(value, _PLAIN) or value != value:
        raise ValueError(f"{brief(value)} is no value of a setting; expected texts, numbers, true and false")
    return value


def _within_reason(numbers: range) -> range:
    _check_count(len(numbers))
    return numbers


def _check_count(count: int) -> None:
    if count > MOST_VALUES:
        raise ValueError(f"{count:,} values; an axis has up to {MOST_VALUES:,}")
