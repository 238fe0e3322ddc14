"""What one damage is: a name and plain arguments, so that it can be stored, repeated and left out alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Damage:
    """``name`` as in one of the tables, and its arguments (JSON)."""

    name: str
    arguments: tuple[Any, ...] = ()


RAN = "code-was-run"
"""The file that appears where a text of a hostile file is run as code, which nothing may do."""
_NO_PLACE = (KeyError, IndexError, TypeError, ValueError, OSError, RuntimeError, AttributeError)


def chosen(table: Mapping[str, Callable[..., Any]], damages: Sequence[Damage]) -> Iterator[Callable[[Any], Any]]:
    """What the damages of a table do, one after the other; what has lost its place to an earlier one does nothing."""
    for damage in damages:
        if damage.name in table:
            yield _lenient(table[damage.name], damage.arguments)


def _lenient(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    def done(subject: Any) -> Any:
        with contextlib.suppress(*_NO_PLACE):
            return function(subject, *arguments)
        return subject

    return done
