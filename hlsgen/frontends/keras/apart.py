"""Files of QKeras run in a process of its own, in which TensorFlow's Keras is Keras 2, as QKeras needs it.

That is decided when TensorFlow is imported, so for a whole process.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hlsgen.errors import ToolError
from hlsgen.frontends.values import Array, SourceValues, cannot_run
from hlsgen.tools import find_python, run

_SCRIPT = "hlsgen.frontends.keras.run_file"
_SECONDS = 600.0
_SETTINGS = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_apart(path: Path, inputs: Mapping[str, Array], weights: Path | None) -> SourceValues:
    """Run a file of QKeras on a batch. Raises ModelError where that fails."""
    with tempfile.TemporaryDirectory(prefix="hlsgen_") as folder:
        given, found = Path(folder) / "inputs.npz", Path(folder) / "results.npz"
        np.savez(given, *inputs.values())
        words = [find_python(), "-m", _SCRIPT, str(path.resolve()), str(given), str(found)]
        words += [] if weights is None else [str(weights.resolve())]
        settings = {**_SETTINGS, "PYTHONPATH": ":".join(str(Path(part).resolve()) for part in sys.path)}
        try:
            run(words, cwd=Path(folder), timeout=_SECONDS, env=settings)
        except ToolError as error:
            raise cannot_run(f"'{path}'", f"its Keras ended in failure ({error})", "give the live model") from error
        with np.load(found, allow_pickle=False) as archive:
            names = [str(name) for name in archive["names"]]
            arrays = [archive[f"arr_{place}"] for place in range(len(archive.files) - 1)]
    count = len(arrays) - len(names)
    return SourceValues("QKeras", tuple(arrays[:count]), dict(zip(names, arrays[count:], strict=True)))
