"""What an option of a layer may be: a kind for each sort of value, checked by type and range where it is taken.

A file can say anything. A reader takes each option as a :class:`Kind`, and what it gets is of that kind: a whole number
is an int and no boolean, infinity or text. The error names the layer, the option, what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

import numpy as np

from hlsgen.errors import ModelError, brief
from hlsgen.ir.constant import Floats

LARGEST = 2**31 - 1
"""Of a size or a place: what an int of C++ counts."""
LARGEST_EXTENT = 2**16 - 1
"""Of a window, a stride, a dilation or a padding: more than any image has."""
_MOST = float(np.finfo(np.float32).max)
REQUIRED: Any = object()
"""In place of a default: without the option, the file is damaged."""

T = TypeVar("T")


class NotOfKind(Exception):
    """A value is not of the kind that was asked for; never leaves this module."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A sort of value: what it is called in messages, and how it is read. ``read`` raises NotOfKind."""

    expected: str
    read: Callable[[Any], T]

    def takes(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        try:
            self.read(value)
        except NotOfKind:
            return False
        return True


def take(options: Mapping[str, Any], where: str, key: str, kind: Kind[T], default: Any = REQUIRED) -> T:
    """An option as its kind; ``default`` where it is absent. Raises ModelError."""
    if key not in options:
        if default is REQUIRED:
            raise ModelError(f"{where}: its configuration has no '{key}'; the file is damaged or of an unknown version")
        return default  # type: ignore[no-any-return]
    try:
        return kind.read(options[key])
    except NotOfKind:
        raise ModelError(
            f"{where}: option {key}={brief(options[key])} cannot be; expected {kind.expected}; the file is damaged or "
            "of an unknown version"
        ) from None


# -- numbers and words ------------------------------------------------------------------------------


def whole(low: int, high: int) -> Kind[int]:
    """Whole numbers between two; ``4.0`` and True are none."""

    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise NotOfKind
        return value

    return Kind(f"a whole number from {low} to {high}", read)


def _number(value: Any) -> float:
    if type(value) not in (int, float) or abs(value) > _MOST or not isfinite(value):
        raise NotOfKind
    return float(value)


def _limit(value: Any) -> float:
    number = float(value) if value == float("inf") else _number(value)
    if number < 0:
        raise NotOfKind
    return number


def _switch(value: Any) -> bool:
    if type(value) is bool or (type(value) is int and value in (0, 1)):
        return bool(value)
    raise NotOfKind


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotOfKind
    return value


def _numbers(value: Any) -> Floats:
    """Numbers in nested lists (or one alone), of the same length at each level."""
    if isinstance(value, list | tuple):
        parts = [_numbers(part) for part in value]
        if len({part.shape for part in parts}) != 1:
            raise NotOfKind
        return np.stack(parts)
    return np.asarray(_number(value))


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotOfKind
    return value


POSITIVE = whole(1, LARGEST)
COUNT = whole(0, LARGEST)
AXIS = whole(-64, 64)
NUMBER = Kind("a finite number", _number)
LIMIT = Kind("a number from 0 on, or infinity", _limit)
NUMBERS = Kind("finite numbers in lists of equal length", _numbers)
SWITCH = Kind("true or false", _switch)
TEXT = Kind("a text", _text)
FIELDS = Kind("a mapping", _fields)
ANYTHING: Kind[Any] = Kind("anything", lambda value: value)
"""For what has a reader of its own, such as activations and quantisers."""


def positive_number() -> Kind[float]:
    """Numbers above zero."""

    def read(value: Any) -> float:
        number = _number(value)
        if number <= 0:
            raise NotOfKind
        return number

    return Kind("a finite number above zero", read)


# -- made of others ---------------------------------------------------------------------------------


def maybe(kind: Kind[T]) -> Kind[T | None]:
    """The kind, or None."""
    return Kind(f"{kind.expected}, or none", lambda value: None if value is None else kind.read(value))


def several(kind: Kind[T], least: int = 1) -> Kind[tuple[T, ...]]:
    """A list of at least so many; a single value that is no list stands for a list of it."""

    def read(value: Any) -> tuple[T, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        if len(items) < least:
            raise NotOfKind
        return tuple(kind.read(item) for item in items)

    return Kind(f"one or several of: {kind.expected}" if least else f"a list of: {kind.expected}", read)


def listed(kind: Kind[T]) -> Kind[tuple[T, ...]]:
    """A list, possibly empty."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list | tuple):
            raise NotOfKind
        return tuple(kind.read(item) for item in value)

    return Kind(f"a list of: {kind.expected}", read)


def pair(flat: bool, kind: Kind[T], unused: T) -> Kind[tuple[T, T]]:
    """(rows, columns): a value that is no list stands for both, or in a ``flat`` layer (1D) for its only axis."""
    axes = 1 if flat else 2

    def read(value: Any) -> tuple[T, T]:
        items = value if isinstance(value, list | tuple) else [value] * axes
        if len(items) != axes:
            raise NotOfKind
        first, last = kind.read(items[0]), kind.read(items[-1])
        return (unused, last) if flat else (first, last)

    return Kind(f"{kind.expected}" if flat else f"{kind.expected}, or a list of two", read)


def each(axes: int, kind: Kind[T]) -> Kind[tuple[T, ...]]:
    """One for each of so many axes; a value that is no list stands for all."""

    def read(value: Any) -> tuple[T, ...]:
        items = value if isinstance(value, list | tuple) else [value] * axes
        if len(items) != axes:
            raise NotOfKind
        return tuple(kind.read(item) for item in items)

    return Kind(f"{kind.expected}, or a list of {axes}", read)


EXTENT = whole(1, LARGEST_EXTENT)
MARGIN = whole(0, LARGEST_EXTENT)


def extents(flat: bool) -> Kind[tuple[int, int]]:
    """Sizes, strides or dilations of a window."""
    return pair(flat, EXTENT, 1)


def sides(flat: bool) -> Kind[tuple[int, int, int, int]]:
    """What is added or cut (top, bottom, left, right): of an image ``n``, ``[rows, columns]`` or both ends of each; of
    a line (``flat``) ``n`` or ``[left, right]``."""

    def ends(value: Any) -> tuple[int, int]:
        items = value if isinstance(value, list | tuple) else [value, value]
        if len(items) != 2:
            raise NotOfKind
        return MARGIN.read(items[0]), MARGIN.read(items[1])

    def read(value: Any) -> tuple[int, int, int, int]:
        if flat:
            return (0, 0, *ends(value))
        axes: Sequence[Any] = value if isinstance(value, list | tuple) else [value, value]
        if len(axes) != 2:
            raise NotOfKind
        return (*ends(axes[0]), *ends(axes[1]))

    form = "n or [left, right]" if flat else "n, [rows, columns] or [[top, bottom], [left, right]]"
    return Kind(f"{form} of whole numbers from 0 to {LARGEST_EXTENT}", read)
