"""Put a project on disk: all of it, or nothing; never over something that is not ours."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from hlsgen.errors import OutputDirError

MANIFEST = "hlsgen.json"
"""The file that marks a folder as an hlsgen project."""


def write_project(folder: Path, files: Mapping[str, str], *, overwrite: bool = False) -> None:
    """Write ``files`` (relative path -> text) into ``folder``.

    An earlier hlsgen project there is replaced file by file (what Vitis made beside it stays). The texts
    are complete in a temporary folder first, so that a failure leaves nothing half-written.
    Raises OutputDirError.
    """
    _check(folder, overwrite)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputDirError(f"{folder}: cannot be made ({error.strerror}: {error.filename})") from error
    try:
        for name, text in files.items():
            path = staging / _safe(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _move_into(staging, folder)
    except OSError as error:
        raise OutputDirError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputDirError(f"{folder}: is a file; give another output_dir")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file() and not overwrite:
        raise OutputDirError(
            f"{folder}: holds something that is not an hlsgen project; give another output_dir, or overwrite=True "
            "(files of the same names are replaced)"
        )


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    assert not path.is_absolute() and ".." not in path.parts, f"unsafe file name {name!r}"
    return path


def _move_into(staging: Path, folder: Path) -> None:
    """Move the finished tree into place."""
    if not folder.exists():
        staging.chmod(0o777 & ~_umask())
        staging.rename(folder)
        return
    shutil.rmtree(folder / "firmware", ignore_errors=True)  # weights of layers that are gone would stay
    for path in sorted(p for p in staging.rglob("*") if p.is_file()):
        target = folder / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
