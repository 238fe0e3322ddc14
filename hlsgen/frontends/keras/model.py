"""Where a Keras model is read from: a file or a live object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.files import read_file
from hlsgen.frontends.keras.live import read_live
from hlsgen.frontends.keras.source import SourceModel


def read_keras(model: Any, weights: str | os.PathLike[str] | None = None) -> SourceModel:
    """Read a live Keras 3 or Keras 2 model, or a ``.keras``, ``.h5`` or ``.json`` file, into a SourceModel.

    ``weights`` names the ``.h5`` file that goes with a ``.json`` architecture, and is refused otherwise.
    Files are read without importing Keras and without running any code they hold.
    Raises ModelError for what cannot be read, UnsupportedError for what is refused.
    """
    if isinstance(model, str | os.PathLike):
        return read_file(Path(model), None if weights is None else Path(weights))
    if weights is not None:
        raise ModelError("weights= goes with a .json architecture file; a live model already holds its weights")
    return read_live(model)
