"""Modules that register layers of the user's own, imported before a command runs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

from hlsgen.errors import ConfigError, HlsgenError, said_by


def import_extensions(modules: Iterable[str]) -> None:
    """Import modules from the current folder, or from what is installed.

    Raises ConfigError for a name that is none of a module, or a module that cannot be imported.
    """
    for name in modules:
        if name.endswith(".py") or not all(part.isidentifier() for part in name.split(".")):
            raise ConfigError(f"--extension {name!r}: expected the name of a module as 'import' takes it, without .py")
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            importlib.import_module(name)
        except HlsgenError:
            raise
        except Exception as error:  # a module runs its own code, which may fail in any way
            raise ConfigError(f"--extension {name}: the module cannot be imported ({said_by(error)})") from error
