"""Where something that a user wrote stands, for messages: a file with line and column, or a call."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.errors import ConfigError
from hlsgen.strict_yaml import Document, Path


@dataclass(frozen=True)
class Origin:
    """What begins a message: ``sweep()``, or a YAML file and the place in it."""

    where: str
    document: Document | None = None
    overridden: frozenset[str] = frozenset()
    """Keys that somebody said elsewhere, in place of the document: as options of the command."""

    def place(self, *path: str | int, of_key: bool = False) -> str:
        """The place of a value (or a key) by its path in the document."""
        if self.document is None or (path and self._is_elsewhere(path[0])):
            return self.where
        full: Path = path
        return f"{self.where}, {self.document.place(full, of_key=of_key)}"

    def _is_elsewhere(self, key: str | int) -> bool:
        assert self.document is not None
        return key in self.overridden or ((key,) not in self.document.values and (key,) not in self.document.keys)

    def refused(self, text: str, *path: str | int, of_key: bool = False) -> ConfigError:
        """An error that says where."""
        return ConfigError(f"{self.place(*path, of_key=of_key)}: {text}")
