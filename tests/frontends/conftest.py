"""Choose the Keras that the installed qkeras needs, before anything imports TensorFlow."""

from __future__ import annotations

import importlib.metadata
import os


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if not _installed("qkeras-v3"):
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
