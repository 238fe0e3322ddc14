"""``hlsgen cache``: look at and empty the cache of compiled emulators."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from hlsgen.emulation.build import KEPT_BYTES, KEPT_DESIGNS
from hlsgen.tools import cache_dir

_OURS = ("hlsgen_*", "bindings_*", "build_*")
"""Nothing else is touched, wherever HLSGEN_CACHE may point."""

app = typer.Typer(help="Look at and empty the cache of compiled emulators.", no_args_is_help=True)


@app.command()
def show() -> None:
    """Print where the cache is and what it holds."""
    folder = cache_dir()
    entries = _entries(folder)
    designs = sum(entry.suffix == ".so" for entry in entries)
    size = sum(_size(entry) for entry in entries)
    print(f"{folder}: {designs} designs, {len(entries)} entries, {size / 2**20:.1f} MiB")
    print(f"Beyond {KEPT_DESIGNS} designs or {KEPT_BYTES / 2**30:.0f} GiB the longest unused are removed.")


@app.command()
def clear() -> None:
    """Remove all compiled emulators; they are compiled anew when needed."""
    folder = cache_dir()
    entries = _entries(folder)
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    print(f"{folder}: {len(entries)} entries removed")


def _entries(folder: Path) -> list[Path]:
    return sorted(path for pattern in _OURS for path in folder.glob(pattern))


def _size(entry: Path) -> int:
    files = [entry, *entry.rglob("*")]
    return sum(_bytes(path) for path in files)


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size if path.is_file() else 0
    except OSError:  # another process has just moved or removed it
        return 0
