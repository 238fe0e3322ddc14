"""What an export is: it turns a design into files that other machines, or other people's test benches, read.

``Project.export`` takes one of ``EXPORTS``. A new one is a module with an object ``EXPORT``, and a line in that table.
It reads the design and never the graph, and refuses, with the reason, what it cannot say exactly. docs/exports.md is
what users read of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar, cast

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import EXPORT, MANIFEST, Content, manifest_text
from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.version import VERSION

EXPORTS = {
    "c": "hlsgen.exports.c",
    "config-table": "hlsgen.exports.config_table",
    "onnx": "hlsgen.exports.onnx",
    "test-vectors": "hlsgen.exports.test_vectors",
    "weights": "hlsgen.exports.weights",
}
"""Kind -> module; imported when it is asked for."""

OptionsT = TypeVar("OptionsT", bound="Options")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of the options of a kind: keywords of ``Project.export``, each a field with a default.

    ``__post_init__`` raises ConfigError for a value that cannot be.
    """

    def facts(self) -> dict[str, object]:
        """What the manifest says of them: what JSON can spell."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    def _check_choice(self, name: str, choices: Sequence[str]) -> None:
        """Raise ConfigError unless an option is one of some words."""
        value = getattr(self, name)
        if not isinstance(value, str) or value not in choices:
            raise ConfigError(f"export: {name} is {brief(value)}{nearest(value, choices)}")

    def _check_whole(self, name: str, least: int, most: int) -> None:
        """Raise ConfigError unless an option is a whole number within bounds."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"export: {name} is {brief(value)}, expected a whole number from {least} to {most}")

    def _check_switch(self, name: str) -> None:
        """Raise ConfigError unless an option is True or False."""
        if not isinstance(getattr(self, name), bool):
            raise ConfigError(f"export: {name} is {brief(getattr(self, name))}, expected True or False")


@dataclass(frozen=True)
class Export(Generic[OptionsT]):
    """A kind of export."""

    summary: str
    """One line for users."""
    options: type[OptionsT]
    files: Callable[[Job, OptionsT], Mapping[str, Content]]
    """All files by path, text or bytes, before anything is written. Names of a model pass
    :class:`hlsgen.backends.hls.naming.Identifiers` first. Raises UnsupportedError for what cannot be said exactly,
    ConfigError for options that do not fit the design, InputError for data that do not fit the model."""


def load_export(kind: str) -> Export[Any]:
    """The export of that kind. Raises ConfigError for one that does not exist."""
    if not isinstance(kind, str) or kind not in EXPORTS:
        raise ConfigError(f"export: there is no kind {brief(kind)}{nearest(kind, EXPORTS)}")
    return cast(Export[Any], importlib.import_module(EXPORTS[kind]).EXPORT)


def checked_options(kind: str, given: Mapping[str, Any]) -> Options:
    """The options of a kind from those that are given by name.

    Raises ConfigError for a kind or an option that there is not, and for values that cannot be.
    """
    options: type[Options] = load_export(kind).options
    known = [field.name for field in fields(options)]
    for name in given:
        if name not in known:
            advice = nearest(name, known) if known else "; it has none, leave it out"
            raise ConfigError(f"export '{kind}': there is no option '{name}'{advice}")
    return options(**given)


def exported_files(job: Job, kind: str, given: Mapping[str, Any]) -> dict[str, Content]:
    """All files of an export by path, the manifest among them; ``given``: options of the kind by name.

    Raises what :func:`checked_options` and :attr:`Export.files` raise.
    """
    options = checked_options(kind, given)
    files = dict(load_export(kind).files(job, options))
    facts = {"hlsgen": VERSION, "project": job.name, EXPORT: kind, "options": options.facts()}
    return files | {MANIFEST: manifest_text(facts, files)}
