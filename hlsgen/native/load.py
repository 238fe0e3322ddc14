"""Import an extension from its content: exactly the bytes that were checked are the bytes that run.

A library that is mapped from a file changes with it: whoever cuts the file short ends the process (SIGBUS), at any
time. So the content goes into a file in memory, which nobody else can reach and which needs no folder that allows
programs (``noexec``). It costs about a millisecond for a megabyte.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_COUNT = itertools.count(1)


def load(name: str, content: bytes, stored: Path) -> ModuleType:
    """Import an extension and enter it in ``sys.modules``.

    ``stored``: where the content is on the disk, whole and private; loaded from there where the system runs nothing
    from memory. Raises ImportError.
    """
    try:
        with in_memory(name, content) as place:
            module = _import(name, place)
    except (OSError, ImportError):
        module = _import(name, str(stored))
    module.__file__ = str(stored)
    sys.modules[name] = module
    return module


@contextlib.contextmanager
def in_memory(name: str, content: bytes) -> Iterator[str]:
    """The path of a file in memory. Raises OSError where there are none."""
    if not hasattr(os, "memfd_create"):
        raise OSError("no files in memory")
    with os.fdopen(os.memfd_create(name), "wb") as file:
        file.write(content)
        file.flush()
        # The linker takes libraries of one path for one, and numbers of closed files come again: no path comes again
        # if each has one slash more.
        yield f"/proc/self/fd{'/' * next(_COUNT)}{file.fileno()}"


def _import(name: str, place: str) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(name, place)
    spec = importlib.util.spec_from_loader(name, loader, origin=place)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
