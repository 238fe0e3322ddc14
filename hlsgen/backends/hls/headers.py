"""The headers of kernels: those of the project, and others that were registered from outside of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from hlsgen.errors import ConfigError, brief
from hlsgen.tools import templates_dir

FOLDER = "hlsgen"
"""Where kernels lie in a project, and how they are included."""
_NAME = re.compile(r"[A-Za-z]\w*\.h", re.ASCII)
_REGISTERED: dict[str, dict[str, str]] = {}
"""The texts of all headers that were registered together, under the name of each."""


@cache
def kernel_headers() -> dict[str, str]:
    """The texts of the project's own, which depend on no model, by their paths below ``firmware/``."""
    folder = templates_dir() / "firmware"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.h"))
    }


def header_names() -> frozenset[str]:
    """The headers that a kernel may be in."""
    return _kernel_names() | _REGISTERED.keys()


def register_headers(paths: Sequence[Path]) -> None:
    """Take headers from outside, which are written and compiled wherever one of them is used.

    They are read now. Raises ConfigError for a file that cannot be read, whose name is no plain identifier with ``.h``,
    or is that of one of the project's own.
    """
    together: dict[str, str] = {}
    for path in paths:
        if not _NAME.fullmatch(path.name):
            raise ConfigError(f"header {path}: expected a name of letters, digits and _ with .h behind it")
        if path.name in _ours():
            raise ConfigError(f"header {path}: hlsgen has a header of the name {path.name} itself; give it another")
        try:
            together[path.name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"header {path}: cannot be read: {brief(error)}") from error
    _REGISTERED.update(dict.fromkeys(together, together))


def registered_headers(used: Iterable[str]) -> dict[str, str]:
    """The texts that kernels in these headers need beside the project's own, by their paths below ``firmware/``."""
    found: dict[str, str] = {}
    for name in used:
        found |= {f"{FOLDER}/{own}": text for own, text in _REGISTERED.get(name, {}).items()}
    return found


@cache
def _kernel_names() -> frozenset[str]:
    """Those of the project's own that a kernel may be in."""
    return frozenset(Path(path).name for path in kernel_headers())


@cache
def _ours() -> frozenset[str]:
    """All names that an include path has already, in any of its worlds."""
    return frozenset(path.name for path in templates_dir().rglob("*.h"))
