"""What an export is: it turns a design into files that other machines, or other people's test benches, read.

``Project.export`` takes one of ``EXPORTS``. A new one is a module with an object ``EXPORT``, and a line in that table.
It reads the design and never the graph, and refuses, with the reason, what it cannot say exactly. docs/exports.md is
what users read of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar, cast

from hlsgen.backends.base import Job
from hlsgen.backends.manifest import EXPORT, MANIFEST, Content, manifest_text
from hlsgen.errors import ConfigError, brief, nearest
from hlsgen.version import VERSION

EXPORTS: dict[str, str] = {"onnx": "hlsgen.exports.onnx"}
"""Kind -> module; imported when it is asked for."""

O = TypeVar("O", bound="Options")  # noqa: E741


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of the options of a kind: keywords of ``Project.export``, each a field with a default.

    ``__post_init__`` raises ConfigError for a value that cannot be.
    """

    def facts(self) -> dict[str, object]:
        """What the manifest says of them: what JSON can spell."""
        return {}


@dataclass(frozen=True)
class Export(Generic[O]):
    """A kind of export."""

    summary: str
    """One line for users."""
    options: type[O]
    files: Callable[[Job, O], Mapping[str, Content]]
    """All files by path, text or bytes, before anything is written. Names of a model pass
    :class:`hlsgen.backends.hls.naming.Identifiers` first. Raises UnsupportedError for what cannot be said exactly,
    ConfigError for options that do not fit the design, InputError for data that do not fit the model."""


def load_export(kind: str) -> Export[Any]:
    """The export of that kind. Raises ConfigError for one that does not exist."""
    if not isinstance(kind, str) or kind not in EXPORTS:
        raise ConfigError(f"export: there is no kind {brief(kind)}{nearest(kind, EXPORTS)}")
    return cast(Export[Any], importlib.import_module(EXPORTS[kind]).EXPORT)


def exported_files(job: Job, kind: str, given: Mapping[str, Any]) -> dict[str, Content]:
    """All files of an export by path, the manifest among them; ``given``: options of the kind by name.

    Raises ConfigError for a kind or an option that there is not, and what :attr:`Export.files` raises.
    """
    export = load_export(kind)
    known = [field.name for field in fields(export.options)]
    for name in given:
        if name not in known:
            raise ConfigError(f"export '{kind}': there is no option '{name}'{nearest(name, known)}")
    options = export.options(**given)
    files = dict(export.files(job, options))
    facts = {"hlsgen": VERSION, "project": job.name, EXPORT: kind, "options": options.facts()}
    return files | {MANIFEST: manifest_text(facts, files)}
