"""Files that appear whole or not at all: written aside, brought to the disk, moved to their place in one step.

Everything here raises OSError; who calls it says what that means to the user.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Literal

ABANDONED = 24 * 3600.0
"""Seconds after which something unfinished counts as left behind where the file system knows no locks."""
_SETTLED = 60.0
"""Seconds for which an unfinished file is left alone even without its lock, which it may be about to get."""
_HERE = -100
"""AT_FDCWD: paths as they are."""
_RENAME_EXCHANGE = 2
UNKNOWN_HERE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""The system, or this file system, knows no such thing."""
_CANNOT_EXCHANGE = {*UNKNOWN_HERE, errno.EXDEV, errno.EBUSY}
"""Nor for a folder that is a mount, or holds the other one."""


def unfinished_prefix(kind: Literal["file", "project", "build"], target: Path | None = None) -> str:
    """How the names of what is under way begin: hlsgen's own, for one kind of thing and, where given, one target.

    Whatever bears such a name may be removed when nobody is at work on it any more.
    """
    of_target = "" if target is None else f"{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}-"
    return f".hlsgen-{kind}-{of_target}"


# -- one file ------------------------------------------------------------------------------------


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends well; else ``path`` stays as it was.

    Where a link leads is replaced, not the link. A device or a pipe, which cannot be whole, is written directly.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("wb") as direct:
            yield direct
        return
    prefix = unfinished_prefix("file", target)
    for old in target.parent.glob(f"{prefix}*"):  # of a process that was killed
        with contextlib.suppress(FileNotFoundError):  # of one that has just completed it
            if time.time() - old.lstat().st_mtime > _SETTLED:
                discard(old)
    aside = target.with_name(prefix + secrets.token_hex(6))
    try:
        with aside.open("xb") as file:
            _try_lock(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                aside.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # before it gets its name: after a crash, an empty file would bear it
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk.

    Some file systems know nothing like it for folders.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (error.errno in UNKNOWN_HERE and path.is_dir()):
            raise
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """The same for many, side by side: the disk then takes them together (6 times faster for 45 small files)."""
    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(sync, paths):
            pass


# -- names ---------------------------------------------------------------------------------------


def _find_renameat2() -> Callable[..., int] | None:
    library = ctypes.CDLL(None, use_errno=True)
    return getattr(library, "renameat2", None)  # glibc has it from 2.28 on, not every C library does


_renameat2 = _find_renameat2()


def exchange(first: Path, second: Path) -> bool:
    """Let two files or folders change places in one step. False, and nothing done, where the system cannot."""
    if _renameat2 is None:
        return False
    if _renameat2(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT_EXCHANGE:
        return False
    raise OSError(code, os.strerror(code), str(first), None, str(second))


def working_folders() -> list[Path]:
    """The current folders of all processes that this one may look at."""
    found = []
    with contextlib.suppress(OSError):  # it was removed
        found.append(Path.cwd())
    with contextlib.suppress(OSError):
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):  # no process, ended meanwhile, or somebody else's
                found.append((process / "cwd").readlink())
    return found


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals that have a handler in Python, as Ctrl-C has, wait for the end of the block.

    Handlers run in the main thread, so any other is not interrupted anyway. A signal that ends the process does so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, lambda *arguments: waiting.append(arguments))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if callable(handler):
                signal.signal(number, handler)
        for caught, frame in waiting:
            handler = signal.getsignal(caught)
            if callable(handler):
                handler(caught, frame)


# -- one process at a time -----------------------------------------------------------------------


@contextlib.contextmanager
def locked(folder: Path, patience: float) -> Iterator[None]:
    """While no other process (nor thread) is in here for the same folder. Raises TimeoutError after ``patience`` s.

    The lock ends with the process, however it ends. A file system without locks (some on networks) gives none.
    """
    limit = time.monotonic() + patience
    while True:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            while not _try_lock(descriptor):
                if time.monotonic() > limit:
                    raise TimeoutError(errno.ETIMEDOUT, f"in use by another process for {patience:g} s", str(folder))
                time.sleep(0.02)
            if os.path.samestat(os.fstat(descriptor), folder.stat()):  # else another folder took its place meanwhile
                yield
                return
        finally:
            _let_go(descriptor)


@contextlib.contextmanager
def workspace(parent: Path, prefix: str) -> Iterator[Path]:
    """A new private folder for the length of a block; ``left_behind`` tells it from one whose process was killed."""
    folder, descriptor = _claimed(parent, prefix)
    try:
        yield folder
    finally:
        remove_folder(folder)
        _let_go(descriptor)


def _claimed(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder with its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            if _try_lock(descriptor) and folder.exists():
                return folder, descriptor
            os.close(descriptor)  # somebody took it for left behind before it was locked, and removes it


@contextlib.contextmanager
def left_behind(path: Path) -> Iterator[bool]:
    """Whether a workspace, or an unfinished file, is one of a process that is gone; in the block nobody else takes it.

    Where the file system knows no locks, what is older than a day is.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # gone meanwhile, or not ours to look at
        yield False
        return
    try:
        yield _is_free(descriptor)
    finally:
        _let_go(descriptor)


def discard(path: Path) -> bool:
    """Remove a workspace or an unfinished file if it was left behind, and say whether it was."""
    with left_behind(path) as left:
        if left and path.is_dir():
            remove_folder(path)
        elif left:
            path.unlink(missing_ok=True)
    return left


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, as far as the system lets us.

    What changed places with a user's folder has that folder's rights, and of one that may not be written to nothing
    could be removed: such rights are taken off first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _open_up(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _open_up(folder: str | os.PathLike[str]) -> None:
    """Give a folder, and all folders below it, the rights to look into it and to remove what is there."""
    with contextlib.suppress(OSError):  # it is somebody else's
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101  (an entry of scandir is no Path)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _open_up(entry)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - os.fstat(descriptor).st_mtime > ABANDONED
    return True


def _try_lock(descriptor: int) -> bool:
    """Take a lock, or pass where there are none. False if another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _let_go(descriptor: int) -> None:
    """Give up a lock and close.

    To close alone would leave it to a process that another thread forked meanwhile, for as long as that lives.
    """
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
