"""What stands in the folder of a project before it is written: what hlsgen may replace, and what is in the way."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hlsgen.backends.manifest import MANIFEST, parse_manifest, read_manifest
from hlsgen.errors import OutputDirError
from hlsgen.files import unfinished_prefix

STAGED = "new"
"""The folder of a workspace that holds the new project, or what changed places with it."""
FORMER = "former"
"""The folder of a workspace that is there while names change; it holds a copy of the former project's manifest."""
_NAMED = 3
"""As many files are named in a message."""


@dataclass(frozen=True)
class Former:
    """The earlier project. After a killed change, parts of two: what is theirs is known from both manifests."""

    is_project: bool
    digests: Mapping[str, frozenset[str]]
    """Path -> SHA-256 of what hlsgen wrote there."""
    has_list: bool
    """False for projects of versions that did not list their files."""
    kinds: frozenset[str | None]
    """Kinds of exports (None: a project), as manifests say."""
    unfinished: tuple[Path, ...]
    """Workspaces: of killed processes, or of one at work where the file system knows no locks."""


def workspaces(folder: Path) -> list[Path]:
    """All workspaces for a folder that there are, be they beside it or in it."""
    prefix = unfinished_prefix("project", folder)
    found = (path for place in (folder.parent, folder) for path in place.glob(f"{prefix}*"))
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())


def read_former(folder: Path) -> Former:
    """Read what the manifests in a folder and in its workspaces say."""
    paths = tuple(workspaces(folder))
    places = (folder, *(path / name for path in paths for name in (STAGED, FORMER)))
    candidates = [read_manifest(place / MANIFEST) for place in places]
    manifests = [manifest for manifest in candidates if manifest is not None]
    digests: dict[str, frozenset[str]] = {}
    for manifest in manifests:
        for name, known in (manifest.files or {}).items():
            digests[name] = digests.get(name, frozenset()) | {known}
    has_list = all(manifest.files is not None for manifest in manifests)
    kinds = frozenset(manifest.export for manifest in manifests)
    return Former(bool(manifests), digests, has_list, kinds, paths)


def refuse_foreign(folder: Path, former: Former) -> None:
    """Refuse a folder that holds something and is no project. Raises OutputDirError."""
    if not former.is_project and any(path not in former.unfinished for path in folder.iterdir()):
        raise OutputDirError(
            f"{folder}: holds something that is not an hlsgen project; give another output_dir, or overwrite=True "
            "(--overwrite; files of the same names are replaced, all others stay)"
        )


def refuse_other_kind(folder: Path, former: Former, manifest: str) -> None:
    """Refuse to put an export in the place of a project, or of an export of another kind, and the other way round.

    ``manifest``: the text of that of what is to be written. Raises OutputDirError.
    """
    new = parse_manifest(manifest)
    others = sorted(_kind_in_words(kind) for kind in former.kinds if new is not None and kind != new.export)
    if others:
        raise OutputDirError(
            f"{folder}: holds {others[0]}, which would be lost; give another folder, or remove what is there"
        )


def _kind_in_words(export: str | None) -> str:
    return "an hlsgen project" if export is None else f"an export of kind '{export}'"


def own_files(folder: Path, former: Former, names: Collection[str], overwrite: bool) -> dict[str, str]:
    """The files in the folder that may be replaced by a project of these names, or removed; path -> SHA-256.

    They are what hlsgen wrote and nobody changed since, and with ``overwrite`` whatever bears one of the names. Raises
    OutputDirError if one of the names stands for something else. What the earlier project left under other names and
    somebody changed is no longer hlsgen's and stays.
    """
    own: dict[str, str] = {}
    obstacles: list[str] = []
    changed: list[str] = []
    for name in sorted({*names, *former.digests}):
        try:
            there = _is_file(folder, name)
        except _InTheWay as obstacle:
            obstacles += [str(obstacle)] if name in names else []
            continue
        found = _digest(folder / name) if there else ""
        known = found in former.digests.get(name, ()) or name == MANIFEST
        if found and (known or (name in names and (overwrite or not former.has_list))):
            own[name] = found
        elif found and name in names:
            changed.append(name)
    _refuse(folder, list(dict.fromkeys(obstacles)), changed)
    return own


def _refuse(folder: Path, obstacles: list[str], changed: list[str]) -> None:
    if obstacles:
        raise OutputDirError(
            f"{folder}: {_some(obstacles)}, where hlsgen writes files and folders of its own; nothing was written. "
            "Move it away, or give another output_dir"
        )
    if changed:
        raise OutputDirError(
            f"{folder}: {_some(changed)} would be replaced, but was changed since hlsgen wrote it, or is not hlsgen's; "
            "nothing was written. Keep it elsewhere, then overwrite=True (--overwrite) replaces it, or give another "
            "output_dir"
        )


def _some(things: list[str]) -> str:
    more = len(things) - _NAMED
    return ", ".join(things[:_NAMED]) + (f" and {more} more" if more > 0 else "")


class _InTheWay(Exception):
    """Something other than a file of ours, and what it is."""


def _is_file(folder: Path, name: str) -> bool:
    """Whether there is a file of this name below ``folder``, without following any link. Raises _InTheWay."""
    path = folder
    *parents, last = PurePosixPath(name).parts
    for part in parents:
        path /= part
        mode = _mode(path)
        if mode is None:
            return False
        if not stat.S_ISDIR(mode):
            raise _InTheWay(f"{path.relative_to(folder)} is {_kind(mode)}")
    mode = _mode(path / last)
    if mode is not None and not stat.S_ISREG(mode):
        raise _InTheWay(f"{name} is {_kind(mode)}")
    return mode is not None


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):  # too long a name stands for nothing: writing it says so
            return None
        raise


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file" if stat.S_ISREG(mode) else "a device or a pipe"


def _digest(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
