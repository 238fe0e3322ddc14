"""What runs in a process of its own (:mod:`hlsgen.frontends.keras.apart`): a file on a batch, and its values.

``python -m hlsgen.frontends.keras.run_file MODEL INPUTS RESULTS [WEIGHTS]``, with arrays in ``.npz`` files under the
numbers of their places.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np

from hlsgen.frontends.keras.running import run_here


def main(path: str, given: str, found: str, weights: str | None = None) -> None:
    """Run the file, and write what it gives and the names of its layers."""
    importlib.import_module("tensorflow")  # which looks into the environment once
    with np.load(given, allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    values = run_here(Path(path), inputs, None if weights is None else Path(weights))
    np.savez(found, *values.outputs, *values.layers.values(), names=np.array(list(values.layers), dtype=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
