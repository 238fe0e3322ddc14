"""The change from the former project to the new one: a plan of few moves, carried out in one go or undone.

A folder that holds nothing but files of hlsgen changes places with its successor as a whole: for most projects, that
is one move. One that holds other things stays, as does one in which somebody is at work, and what is in it changes
places by the same rule. What did not change is not touched.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hlsgen.files import UNKNOWN_HERE, exchange, working_folders


class Stuck(OSError):
    """A move failed, and so did putting back what was moved before."""


class Kind(Enum):
    """What a move does with its target."""

    PLACE = "there is none yet"
    SWAP = "it changes places with the source"
    REMOVE = "the source, if it is there, goes out of the way"


@dataclass(frozen=True)
class Move:
    """One step: a file or a folder gets another name."""

    kind: Kind
    source: Path
    target: Path


def plan(workspace: Path, staged: Path, folder: Path, own: Mapping[str, str], new: Mapping[str, str]) -> list[Move]:
    """The moves that make ``folder`` the project that stands complete in ``staged``.

    ``own``: path -> SHA-256 of the files in the folder that may be replaced or removed; ``new``: of the new project.
    """
    changed = {name for name, known in new.items() if own.get(name) != known}
    stale = [name for name in own if name not in new]
    planner = _Planner(own, changed, working_folders())
    if (changed or stale) and planner.may_go(staged, folder, ""):
        moves = [planner.swap(staged, folder)]
    else:
        moves = list(planner.moves(staged, folder, ""))
    return moves + [Move(Kind.REMOVE, folder / name, workspace / f"stale-{i}") for i, name in enumerate(stale)]


@dataclass(frozen=True)
class _Planner:
    own: Mapping[str, str]
    changed: set[str]
    occupied: list[Path]

    def moves(self, staged: Path, folder: Path, within: str) -> Iterator[Move]:
        """``within``: the path of both in the project, ending in a slash if it is not empty."""
        for source in sorted(staged.iterdir()):
            target, name = folder / source.name, f"{within}{source.name}"
            if name not in self.changed and not any(other.startswith(f"{name}/") for other in self.changed):
                continue
            if not os.path.lexists(target):
                yield Move(Kind.PLACE, source, target)
            elif not source.is_dir() or self.may_go(source, target, f"{name}/"):
                yield self.swap(source, target)
            else:
                yield from self.moves(source, target, f"{name}/")

    def may_go(self, source: Path, target: Path, within: str) -> bool:
        """Whether a folder can be given up for its successor, without a loss and with nobody in it."""
        return (
            _has_same_owner(source, target)
            and not any(place == target or target in place.parents for place in self.occupied)
            and self._holds_only_own(target, within)
        )

    def _holds_only_own(self, folder: Path, within: str) -> bool:
        with os.scandir(folder) as entries:
            found = list(entries)
        if not found:
            return not within  # hlsgen makes no empty folders, but the project's may have been made for it
        return all(
            self._holds_only_own(Path(entry), f"{within}{entry.name}/")
            if entry.is_dir(follow_symlinks=False)
            else f"{within}{entry.name}" in self.own
            for entry in found
        )

    def swap(self, source: Path, target: Path) -> Move:
        """What comes gets the permissions of what it replaces."""
        for path in (source, *source.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                wanted = stat.S_IMODE((target / path.relative_to(source)).lstat().st_mode)
                if stat.S_IMODE(path.lstat().st_mode) != wanted:  # some file systems give all files the same
                    path.chmod(wanted)
        return Move(Kind.SWAP, source, target)


def _has_same_owner(first: Path, second: Path) -> bool:
    """Whether owner, group and lists of rights would stay the same."""
    found = [(path.stat().st_uid, path.stat().st_gid, _attributes(path)) for path in (first, second)]
    return found[0] == found[1]


def _attributes(path: Path) -> list[str]:
    """The names of extended attributes, of which lists of rights are some; none where the file system knows none."""
    try:
        return sorted(os.listxattr(path))
    except OSError as error:
        if error.errno in UNKNOWN_HERE:
            return []
        raise


def carry_out(moves: Sequence[Move], workspace: Path) -> None:
    """Do all moves, or none: if the system refuses one, those before it are undone.

    Not to be interrupted (``hlsgen.files.uninterrupted``). Raises OSError; Stuck if undoing failed as well.
    """
    _Change(workspace).carry_out(moves)


class _Change:
    """Moves that were done, and how each is undone."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._undo: list[Callable[[], object]] = []

    def carry_out(self, moves: Sequence[Move]) -> None:
        try:
            for move in moves:
                self._do(move)
        except OSError as error:
            try:
                while self._undo:
                    self._undo.pop()()
            except OSError as second:
                raise Stuck(second.errno, f"{second.strerror}, after {error.strerror}", second.filename) from error
            raise

    def _do(self, move: Move) -> None:
        source, target = move.source, move.target
        if move.kind is Kind.SWAP:
            self._swap(source, target)
            return
        try:
            source.rename(target)
        except FileNotFoundError:
            if move.kind is Kind.PLACE:
                raise
            return  # it went with its folder, which changed places as a whole
        self._undo.append(functools.partial(target.rename, source))

    def _swap(self, source: Path, target: Path) -> None:
        if exchange(source, target):
            self._undo.append(functools.partial(exchange, source, target))
        elif not source.is_dir():
            self._replace(source, target)
        else:  # file by file, so that no name is ever missing
            for child in sorted(source.iterdir()):
                kind = Kind.SWAP if os.path.lexists(target / child.name) else Kind.PLACE
                self._do(Move(kind, child, target / child.name))

    def _replace(self, source: Path, target: Path) -> None:
        """What an exchange does with files, where the system has none."""
        kept = self._workspace / f"kept-{len(self._undo)}"
        try:
            os.link(target, kept, follow_symlinks=False)
        except OSError:  # a file system without hard links
            shutil.copy2(target, kept, follow_symlinks=False)
        source.replace(target)
        self._undo.append(functools.partial(kept.replace, target))
