"""The cache folder: files that are private, whole, and what their names say, or they are not there at all.

What is loaded from it is code, and damaged code ends the process. So a file carries a digest of its name and content
as its last bytes, and nothing is used that was not read whole and found to match. A file belongs to this user and is
writable by no other (the folder is, see ``tools.cache_dir``). It appears complete, so processes may race and builds may
be interrupted. What has not been used for longest goes first when there is too much.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.files import ABANDONED, discard, sync, unfinished_prefix, workspace
from hlsgen.tools import cache_dir

_LOG = logging.getLogger(__name__)
EXTENSION = ".so"
KEPT_DESIGNS = 500
KEPT_CIRCUITS = 200
KEPT_BYTES = 2 * 2**30
_DIGEST = "[0-9a-f]{32}"
_DESIGN = rf"hlsgen_{_DIGEST}\{EXTENSION}"
_KEPT = {
    _DESIGN: KEPT_DESIGNS,
    rf"circuit_{_DIGEST}\{EXTENSION}": KEPT_CIRCUITS,
    rf"adders_{_DIGEST}\{EXTENSION}": 4,
    rf"graph_{_DIGEST}\.json": 500,
    rf"(bindings|verilated)_{_DIGEST}\.o": 8,
    rf"cells_{_DIGEST}\.json\.z": 5000,
    rf"(netlist|timing)_{_DIGEST}\.json\.z": 500,
    rf"(hlsgen|adders|bindings|circuit|verilated|cells|timing)_{_DIGEST}\.failed\.log": 20,
}
"""How many files of each kind the cache keeps, by their names as a regular expression."""
WORKSPACES = unfinished_prefix("build")
_SEAL_BYTES = hashlib.sha256().digest_size


def read(path: Path) -> bytes | None:
    """The content of a stored file; None if there is none that can be trusted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would let us wait for ever
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not _is_private(status) or not _SEAL_BYTES < status.st_size <= KEPT_BYTES:
                return None
            data = file.read()
    except OSError:
        return None
    content, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    if seal != _seal(path, content):
        _LOG.warning("%s is damaged, and made anew", path)
        return None
    _LOG.debug("taken from the cache: %s, %d bytes", path, len(content))
    return content


def _is_private(status: os.stat_result) -> bool:
    """A file (no link), owned by this user, writable by no other."""
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def _seal(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\0" + content).digest()


def keep(made: Path, target: Path) -> bytes:
    """Seal what a compiler made, move it into the cache in one step, and return its content. Raises ToolError.

    It reaches the disk before it gets its name, so that a file under its final name is whole even after a crash.
    """
    try:
        content = made.read_bytes()
        with made.open("ab") as file:
            file.write(_seal(target, content))
        made.chmod(0o600)  # whatever the umask: see _is_private
        sync(made)
        if target.is_dir() and not target.is_symlink():  # under a name of ours, in a folder of ours
            shutil.rmtree(target, ignore_errors=True)
        made.replace(target)
    except OSError as error:
        raise ToolError(
            f"{target}: cannot be written ({error.strerror}); is the disk full? Make room, or set HLSGEN_CACHE to "
            "another folder"
        ) from error
    _LOG.debug("kept in the cache: %s, %d bytes", target, len(content))
    with contextlib.suppress(OSError):  # without it a crash can only lose the file, not leave half of it
        sync(target.parent)
    return content


@contextlib.contextmanager
def building() -> Iterator[Path]:
    """A folder on the cache's own file system, so that finished files move into place in one step. Raises ToolError."""
    folder = cache_dir()
    try:
        with workspace(folder, WORKSPACES) as space:
            yield space
    except OSError as error:
        reason = error.strerror or str(error)
        raise ToolError(
            f"{error.filename or folder}: cannot be written ({reason}), and compiled code is made in {folder}; make "
            "room there, or set HLSGEN_CACHE to another folder"
        ) from error


def entries(folder: Path) -> list[Path]:
    """All that hlsgen made in a cache, known by names that nobody else gives: ``HLSGEN_CACHE`` may point anywhere."""
    return sorted(path for pattern in (*_KEPT, f"{re.escape(WORKSPACES)}.*") for path in _named(folder, pattern))


def is_design(path: Path) -> bool:
    """Whether an entry is a compiled design."""
    return re.fullmatch(_DESIGN, path.name) is not None


def _named(folder: Path, pattern: str) -> list[Path]:
    return [path for path in folder.glob("*") if re.fullmatch(pattern, path.name)]


def mark_used(path: Path) -> None:
    """Note that a file was of use just now."""
    with contextlib.suppress(OSError):
        os.utime(path, follow_symlinks=False)


def bound() -> None:
    """Remove what interrupted builds left, then the longest unused files beyond the number or the size to be kept."""
    folder = cache_dir()
    for space in folder.glob(f"{WORKSPACES}*"):
        if time.time() - _last_use(space) > ABANDONED:  # even if it is not locked: other machines may see no locks
            discard(space)
    total = 0
    for pattern, most in _KEPT.items():
        newest_first = sorted(_named(folder, pattern), key=_last_use, reverse=True)
        for i, path in enumerate(newest_first):
            total += _size(path)
            if i >= most or (total > KEPT_BYTES and i > 0):
                with contextlib.suppress(OSError):  # a folder, say: none of ours
                    path.unlink(missing_ok=True)


def _last_use(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
