"""Choose the Keras that the installed qkeras needs, before anything imports TensorFlow."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from unittest.mock import patch

import pytest


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if not _installed("qkeras-v3"):
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(autouse=True)
def names_counted_anew() -> None:
    """Keras numbers unnamed layers over the whole process: whatever test ran before would show in their names."""
    with patch("gc.collect"):  # which both ask for, and which takes half a second of a large process
        for name in ("keras", "tf_keras"):
            if name in sys.modules:
                sys.modules[name].backend.clear_session()
