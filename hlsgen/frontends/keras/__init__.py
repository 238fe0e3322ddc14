"""Keras and QKeras models: live ones of Keras 3, tf_keras and tf.keras, and their files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hlsgen.frontends.classes import KERAS, classes_of
from hlsgen.frontends.values import Batch, SourceValues
from hlsgen.ir.graph import Graph

_SUFFIXES = (".keras", ".h5", ".hdf5", ".json")


def accepts(model: Any) -> bool:
    """Whether this is a file or an object of Keras."""
    if isinstance(model, str | os.PathLike):
        return Path(model).suffix.lower() in _SUFFIXES
    return bool(classes_of(model, KERAS))


def read(model: Any, weights: Path | None = None) -> Graph:
    """Build the graph of a model; ``weights`` is the ``.h5`` of a ``.json``.

    Raises ModelError for a file that cannot be read, UnsupportedError for what hlsgen refuses.
    """
    from hlsgen.frontends.keras.build import build_graph
    from hlsgen.frontends.keras.model import read_keras

    return build_graph(read_keras(model, weights))


def run(model: Any, batch: Batch) -> SourceValues:
    """The values of a batch by Keras itself (:mod:`hlsgen.frontends.reference`). Raises NotRunError."""
    from hlsgen.frontends.keras.running import run_live, run_stored

    return run_stored(Path(model), batch) if isinstance(model, str | os.PathLike) else run_live(model, batch)
