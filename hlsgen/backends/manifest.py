"""The manifest: the file that marks a folder as an hlsgen project, says how it was made and lists what hlsgen wrote."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hlsgen.ir.text import is_storable

MANIFEST = "hlsgen.json"
EXPORT = "export"
"""The fact by which an export says its kind."""
_FILES = "files"
_LARGEST = 16 << 20
"""Bytes: a project of 4,000 layers needs a twentieth."""

Content = str | bytes
"""Of a file: text is written as UTF-8."""


@dataclass(frozen=True)
class Manifest:
    """What a project says of itself. ``files``: path -> SHA-256; None in projects that list none."""

    files: Mapping[str, str] | None
    export: str | None = None
    """Of an export its kind (:mod:`hlsgen.exports`); None for a project of a backend."""


def manifest_text(facts: Mapping[str, Any], texts: Mapping[str, Content]) -> str:
    """The text of the manifest of a project that consists of ``texts`` (path -> content) and itself."""
    digests = {name: digest(as_bytes(text)) for name, text in sorted(texts.items())}
    return json.dumps({**facts, _FILES: digests}, indent=2, ensure_ascii=True) + "\n"


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; None if there is none, or something else bears its name.

    Folders come from anywhere, so a list that names anything outside of its folder is no manifest.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        return parse_manifest(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def parse_manifest(text: str) -> Manifest | None:
    """What a manifest's text says; None if it is something else."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("hlsgen"), str):
        return None
    files, export = content.get(_FILES), content.get(EXPORT)
    if not (export is None or isinstance(export, str)):
        return None
    if files is None:
        return Manifest(None, export)
    if not isinstance(files, dict) or not all(is_inside(k) and isinstance(v, str) for k, v in files.items()):
        return None
    return Manifest(files, export)


def is_inside(name: str) -> bool:
    """Whether a path, as a project spells it, is one that a file system takes and stays inside its folder."""
    path = PurePosixPath(name)
    is_plain = str(path) == name != "." and not path.is_absolute() and ".." not in path.parts
    return is_plain and is_storable(name)


def as_bytes(content: Content) -> bytes:
    """The bytes of a file."""
    return content.encode() if isinstance(content, str) else content


def digest(data: bytes) -> str:
    """The digest by which a file is known again."""
    return hashlib.sha256(data).hexdigest()
