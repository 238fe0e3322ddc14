"""Put a project on disk: all of it, or nothing; never over something that is not ours.

The new project is complete in a workspace beside the folder, and on the disk, before anything of the former one is
touched. If the folder holds nothing but the former project, the two change places in one step. If it holds other
things, or if a shell or Vitis is at work in it, the folder stays, and its files and folders change places one after the
other, in some microseconds (:mod:`hlsgen.backends.exchange`): at every moment each of them is the former or the new
one, whole. If the process is killed between two of them, the workspace still tells what is hlsgen's, and the next
``write_project`` completes the change.

What hlsgen did not write is neither moved nor copied, however large. Below the folder, no link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from hlsgen.backends.exchange import Stuck, carry_out, plan
from hlsgen.backends.former import (
    FORMER,
    STAGED,
    own_files,
    read_former,
    refuse_foreign,
    refuse_other_kind,
    workspaces,
)
from hlsgen.backends.manifest import MANIFEST, Content, as_bytes, digest, is_inside
from hlsgen.errors import OutputDirError
from hlsgen.files import (
    discard,
    left_behind,
    locked,
    remove_folder,
    sync,
    sync_all,
    unfinished_prefix,
    uninterrupted,
    workspace,
)

_LOG = logging.getLogger(__name__)
_PATIENCE = 60.0
"""Seconds to wait for another process that writes the same project: some hundred times what writing takes."""
_NOT_BESIDE = {errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}
"""Nothing can be prepared beside the folder, or moved from there: it may be a mount, or all that the user may write."""
_ADVICE = {
    errno.ENOSPC: "make room, or give another output_dir",
    errno.EDQUOT: "make room, or give another output_dir",
    errno.ENAMETOOLONG: "give a shorter output_dir or project_name",
    errno.ETIMEDOUT: "wait for it, or give another output_dir",
}


def write_project(folder: Path, files: Mapping[str, Content], *, overwrite: bool = False) -> None:
    """Write ``files`` (relative path -> text or bytes), one of them the manifest, into ``folder``.

    An earlier hlsgen project there is replaced; what is not of hlsgen stays. Processes that write the same folder do
    so one after the other. Raises OutputDirError, and leaves everything as it was, if the folder is not an hlsgen
    project or its files were changed since (``overwrite`` allows both), if it holds an export of another kind (or one,
    where a project is to be), if a link or a folder is in the place of a file, and for whatever the system refuses.
    """
    assert MANIFEST in files and all(map(is_inside, files)), "a project is relative paths, one of them its manifest"
    with _explained(folder):
        place = _real_place(folder)
        if place.exists() or not _create(place, files):
            with locked(place, _PATIENCE):
                _rewrite(place, files, overwrite)
    if _LOG.isEnabledFor(logging.INFO):
        size = sum(len(as_bytes(content)) for content in files.values())
        _LOG.info("written: %s, %d files, %d bytes", place, len(files), size)


def _real_place(folder: Path) -> Path:
    """Where the folder is: a user may well name it by a link. Raises OutputDirError if it can be no folder."""
    try:
        place = _resolved(folder)
        is_folder = stat.S_ISDIR(place.lstat().st_mode)
    except FileNotFoundError:
        if folder.is_symlink():
            raise OutputDirError(f"{folder}: is a link that leads nowhere; give another output_dir") from None
        return place
    except ValueError as error:  # NUL, or a character that no file name can hold
        raise OutputDirError(f"{str(folder)!r}: is no path ({error}); give another output_dir") from error
    if not is_folder:
        raise OutputDirError(f"{folder}: is a file; give another output_dir")
    return place


def _resolved(folder: Path) -> Path:
    try:
        return Path(os.path.realpath(folder))
    except FileNotFoundError as error:
        raise OutputDirError(
            f"{folder}: is relative to the current folder, which was removed; go to another, or give an absolute "
            "output_dir"
        ) from error


def _create(folder: Path, files: Mapping[str, Content]) -> bool:
    """Make the folder with all that is in it in one step. False if somebody else has just made it."""
    for space in workspaces(folder):
        discard(space)
    with _made(folder.parent), workspace(folder.parent, unfinished_prefix("project", folder)) as space:
        _stage(space / STAGED, files)
        try:
            (space / STAGED).rename(folder)
        except OSError:
            if folder.is_dir():
                return False
            raise
        _sync_names(folder.parent)
    return True


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder with those above it, and remove them again if the block fails."""
    missing = [folder]
    while not missing[-1].exists():
        missing.append(missing[-1].parent)
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
        yield
    except BaseException:
        for path in missing[:-1]:
            with contextlib.suppress(OSError):  # it was not made, or somebody else uses it by now
                path.rmdir()
        raise


def _rewrite(folder: Path, files: Mapping[str, Content], overwrite: bool) -> None:
    for space in workspaces(folder):
        if not (space / FORMER).exists():  # its process was killed before any name changed, or after all had
            discard(space)
    former = read_former(folder)
    refuse_other_kind(folder, former, as_bytes(files[MANIFEST]).decode())
    if not overwrite:
        refuse_foreign(folder, former)
    own = own_files(folder, former, files, overwrite)
    try:
        _change(folder, files, own, folder.parent)
    except OSError as error:
        if error.errno not in _NOT_BESIDE or isinstance(error, Stuck):
            raise
        _change(folder, files, own, folder)
    _remove_emptied(folder, own.keys() - files.keys())
    for space in former.unfinished:
        _recover(space, folder, {*files, *own, *former.digests})


def _change(folder: Path, files: Mapping[str, Content], own: Mapping[str, str], beside: Path) -> None:
    """Prepare the new project in a workspace in ``beside`` and let it change places with the former one."""
    digests = {name: digest(as_bytes(content)) for name, content in files.items()}
    with workspace(beside, unfinished_prefix("project", folder)) as space:
        staged = space / STAGED
        _stage(staged, files)
        (space / FORMER).mkdir()
        if (folder / MANIFEST).is_file():
            shutil.copyfile(folder / MANIFEST, space / FORMER / MANIFEST)
        moves = plan(space, staged, folder, own, digests)
        try:
            with uninterrupted():
                carry_out(moves, space)
                _return_strangers(staged, folder, {*files, *own})
        except Stuck:
            space.rename(space.with_name(f"{space.name}-kept"))  # it holds what the next write needs
            raise
        _sync_names(folder, folder.parent)  # before the former project is removed
        shutil.rmtree(space / FORMER, ignore_errors=True)


def _stage(staged: Path, files: Mapping[str, Content]) -> None:
    """Write all files and bring them to the disk.

    Without this, a crash of the machine soon after could leave empty files under the right names.
    """
    staged.mkdir()
    for name, content in files.items():
        path = staged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    sync_all([staged, *staged.rglob("*")])


def _sync_names(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # one that cannot be read; without this, only a crash can undo the change
            sync(folder)


def _return_strangers(staged: Path, folder: Path, ours: Collection[str]) -> None:
    """Put back what somebody else made in a folder in the very moment in which it changed places. Raises Stuck."""
    for path in sorted(staged.rglob("*")):
        name = path.relative_to(staged).as_posix()
        if not path.is_dir() and name not in ours and not os.path.lexists(folder / name):
            try:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                path.rename(folder / name)
            except OSError as error:
                raise Stuck(error.errno, error.strerror, error.filename) from error


def _remove_emptied(folder: Path, names: Iterable[str]) -> None:
    """Remove the folders of former files in which nothing is left."""
    parents = {parent for name in names for parent in PurePosixPath(name).parents if parent.name}
    for parent in sorted(parents, reverse=True):  # inner ones first
        with contextlib.suppress(OSError):  # it is not empty, or it is gone
            (folder / parent).rmdir()


def _recover(space: Path, folder: Path, ours: Collection[str]) -> None:
    """Remove the workspace of a killed process, but for what is not of hlsgen."""
    with left_behind(space) as left:
        if left:
            _return_strangers(space / STAGED, folder, ours)
            remove_folder(space)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say what the system refused, and what that means."""
    try:
        yield
    except Stuck as error:
        raise OutputDirError(
            f"{folder}: is between two projects ({_reason(error)}) and could not be put back; remove the cause, then "
            "write it again: nothing is lost"
        ) from error
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "give another output_dir, or the right to write there")
        raise OutputDirError(
            f"{folder}: cannot be written ({_reason(error)}); what was there stays as it was. To do: {advice}"
        ) from error


def _reason(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{what}: {error.filename}" if error.filename else what
