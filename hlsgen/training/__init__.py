"""Keras layers to train with, for what QKeras lacks. Importing this package imports no framework.

``hlsgen.training.QBatchNormalization`` is the layer for the Keras that is in use: Keras 3, or tf_keras
where only that is loaded. ``hlsgen.training.keras3`` and ``hlsgen.training.tf_keras`` name one outright.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__all__ = ["QBatchNormalization"]


def __getattr__(name: str) -> Any:
    if name != "QBatchNormalization":
        raise AttributeError(f"module 'hlsgen.training' has no attribute '{name}'; it has QBatchNormalization")
    return getattr(importlib.import_module(f"hlsgen.training.{_flavour()}"), name)


def _flavour() -> str:
    """Which module: that of the only Keras loaded, else of the one QKeras stands on; Keras 3 if none is."""
    keras = sys.modules.get("keras")
    if "tf_keras" not in sys.modules:
        return "keras3"
    if keras is None or str(getattr(keras, "__version__", "")).startswith("2"):
        return "tf_keras"
    dense = getattr(sys.modules.get("qkeras"), "QDense", None)
    roots = {c.__module__.partition(".")[0] for c in getattr(dense, "__mro__", ())} & {"keras", "tf_keras"}
    if len(roots) == 1:
        return "tf_keras" if "tf_keras" in roots else "keras3"
    raise ImportError(
        "hlsgen.training: both Keras 3 and tf_keras are loaded; say which one: "
        "from hlsgen.training.keras3 import QBatchNormalization, or from hlsgen.training.tf_keras"
    )
