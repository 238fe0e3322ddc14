"""hlsgen: Keras and QKeras models as Vitis HLS projects, with emulators that are exact to the bit."""

from __future__ import annotations

import importlib
from types import ModuleType

from hlsgen.backends.vitis.reports import compare as compare_reports
from hlsgen.backends.vitis.reports import read_reports
from hlsgen.config import Config, load_config
from hlsgen.errors import HlsgenError
from hlsgen.explore.objectives.custom import Objective
from hlsgen.explore.quantization.driver import quantize
from hlsgen.explore.storage import read_study
from hlsgen.explore.sweep import sweep
from hlsgen.extension import register_layer
from hlsgen.ir.types import FixedType
from hlsgen.linter.lint import lint
from hlsgen.logs import install as _install_logs
from hlsgen.progress import show_progress
from hlsgen.project import Project, convert, default_config
from hlsgen.version import VERSION

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

_install_logs()


def __getattr__(name: str) -> ModuleType:
    """``hlsgen.data``, imported when it is asked for."""
    if name == "data":
        return importlib.import_module("hlsgen.data")
    raise AttributeError(f"module 'hlsgen' has no attribute '{name}'")
