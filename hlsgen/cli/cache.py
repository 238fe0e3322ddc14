"""``hlsgen cache``: look at and empty the cache of compiled emulators."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from hlsgen.errors import ToolError
from hlsgen.files import discard
from hlsgen.native.store import KEPT_BYTES, KEPT_DESIGNS, WORKSPACES, entries, is_design
from hlsgen.tools import cache_dir

app = typer.Typer(help="Look at and empty the cache of compiled emulators.", no_args_is_help=True)


@app.command()
def show() -> None:
    """Print where the cache is and what it holds."""
    folder = cache_dir()
    found = entries(folder)
    designs = sum(map(is_design, found))
    size = sum(_size(entry) for entry in found)
    print(f"{folder}: {designs} designs, {len(found)} entries, {size / 2**20:.1f} MiB")
    print(f"Beyond {KEPT_DESIGNS} designs or {KEPT_BYTES / 2**30:.0f} GiB the longest unused are removed.")


@app.command()
def clear() -> None:
    """Remove all compiled emulators; they are compiled anew when needed. What hlsgen did not make there stays."""
    folder = cache_dir()
    count = sum(_removed(entry) for entry in entries(folder))
    print(f"{folder}: {count} entries removed")


def _removed(entry: Path) -> bool:
    """Remove an entry, unless it is the workspace of a build that is under way. Raises ToolError."""
    try:
        if entry.is_symlink() or not entry.is_dir():
            entry.unlink(missing_ok=True)
        elif entry.name.startswith(WORKSPACES):
            return discard(entry)
        else:
            shutil.rmtree(entry)
    except OSError as error:
        raise ToolError(f"{entry}: cannot be removed ({error.strerror}); remove it by hand") from error
    return True


def _size(entry: Path) -> int:
    files = [entry, *entry.rglob("*")]
    return sum(_bytes(path) for path in files)


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size if path.is_file() else 0
    except OSError:  # another process has just moved or removed it
        return 0
