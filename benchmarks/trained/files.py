"""Modules of this repository that are no package's: read by their path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def module_of(path: Path) -> ModuleType:
    """The module in a file, under the name of its folder and itself."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}.{path.stem}".replace("-", "_"), path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module
