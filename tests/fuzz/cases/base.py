"""What a case is: something to be tried, as plain values, with the property that it has to have."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from hlsgen.errors import HlsgenError, ToolError


class WrongError(Exception):
    """The program accepted what it must refuse, computed something else than it should, or left something behind.

    ``what`` is a word for it, by which findings of one cause are known.
    """

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True)
class Case(ABC):
    """One thing to be tried. Its fields are JSON."""

    kind: ClassVar[str]
    seconds: ClassVar[float] = 20.0
    """How long :meth:`check` may take; a machine that is busy included."""
    memory: ClassVar[int] = 2 << 30
    """Bytes of addresses that it may have, 0 for any number; the program itself needs a tenth of that."""

    @abstractmethod
    def prepare(self, folder: Path) -> Any:
        """Make what the program is to be given, in an empty folder; what is raised here is a fault of the case."""

    @abstractmethod
    def check(self, prepared: Any, folder: Path) -> str:
        """Try it, and return "right" or what it was refused with.

        Raises WrongError, or whatever the program raised that it must not raise.
        """

    def simpler(self) -> Iterator[Self]:
        """Cases that are simpler by one step, the greatest steps first."""
        return iter(())

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    def with_fields(self, **changes: Any) -> Self:
        return replace(self, **changes)


def refusal(error: HlsgenError) -> str:
    """What a refusal says; it has to say something, and be no fault of the program's own."""
    text = str(error)
    if not text.strip():
        raise WrongError("silent", f"{type(error).__name__} without a message") from error
    if isinstance(error, ToolError):
        raise WrongError("ToolError", text) from error
    return f"{type(error).__name__}: {text}"


def shorter(tree: Any) -> Iterator[Any]:
    """Copies of a tree of dicts and lists, each without one of its branches: high ones first."""
    ways = sorted(_ways(tree), key=len)
    for way in ways:
        changed = copy.deepcopy(tree)
        spot = changed
        for key in way[:-1]:
            spot = spot[key]
        del spot[way[-1]]
        yield changed


def _ways(tree: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, branch in items:
        yield (*before, key)
        yield from _ways(branch, (*before, key))
