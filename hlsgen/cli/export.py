"""``hlsgen export``: options of a kind, as words of a command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hlsgen import strict_yaml
from hlsgen.errors import ConfigError, brief

_RESERVED = ("kind", "folder", "overwrite")
"""What ``Project.export`` takes beside options."""


def given_options(words: Iterable[str]) -> dict[str, Any]:
    """``name=value`` by name; values are read as in a configuration. Raises ConfigError for anything else."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier() or name in _RESERVED:
            raise ConfigError(f"--set: expected an option as name=value, found {brief(word)}")
        if name in found:
            raise ConfigError(f"--set: '{name}' is given twice")
        found[name] = strict_yaml.parse(value, f"--set {name}").data
    return found
