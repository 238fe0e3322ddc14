"""hlsgen: Keras and QKeras models as Vitis HLS projects, with emulators that are exact to the bit."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hlsgen.config import Config, load_config
from hlsgen.errors import HlsgenError
from hlsgen.extension import register_layer
from hlsgen.ir.types import FixedType
from hlsgen.linter.lint import lint
from hlsgen.logs import install as _install_logs
from hlsgen.progress import show_progress
from hlsgen.project import Project, convert, default_config
from hlsgen.version import VERSION

if TYPE_CHECKING:
    from hlsgen.backends.vitis.reports import compare as compare_reports
    from hlsgen.backends.vitis.reports import read_reports
    from hlsgen.explore.objectives.custom import Objective
    from hlsgen.explore.quantization.driver import quantize
    from hlsgen.explore.storage import read_study
    from hlsgen.explore.sweep import sweep

__version__ = VERSION
__all__ = [
    "Config",
    "FixedType",
    "HlsgenError",
    "Objective",
    "Project",
    "compare_reports",
    "convert",
    "default_config",
    "lint",
    "load_config",
    "quantize",
    "read_reports",
    "read_study",
    "register_layer",
    "show_progress",
    "sweep",
]

_WHEN_ASKED_FOR = {
    "Objective": ("hlsgen.explore.objectives.custom", "Objective"),
    "compare_reports": ("hlsgen.backends.vitis.reports", "compare"),
    "data": ("hlsgen.data", None),
    "quantize": ("hlsgen.explore.quantization.driver", "quantize"),
    "read_reports": ("hlsgen.backends.vitis.reports", "read_reports"),
    "read_study": ("hlsgen.explore.storage", "read_study"),
    "sweep": ("hlsgen.explore.sweep", "sweep"),
}
"""Imported when they are asked for (PEP 562), as who only converts needs none of them: module, and name in it."""

_install_logs()


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for, which is then a name like others."""
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module 'hlsgen' has no attribute '{name}'")
    module, inside = _WHEN_ASKED_FOR[name]
    found = importlib.import_module(module)
    globals()[name] = found if inside is None else getattr(found, inside)
    return globals()[name]


def __dir__() -> list[str]:
    """All names, also those that are not imported yet."""
    return sorted({*globals(), *_WHEN_ASKED_FOR})
