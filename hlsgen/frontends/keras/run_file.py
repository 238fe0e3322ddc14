"""What runs in a process of its own (:mod:`hlsgen.frontends.keras.running`): a file on a batch, and its values.

``python -m hlsgen.frontends.keras.run_file TASK.json``, beside which are ``inputs.npz`` and then ``results.npz``, with
arrays under the numbers of their places. The file was looked through before: here nothing is checked.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.errors import said_by
from hlsgen.frontends.keras.running import run_live
from hlsgen.frontends.values import Batch, NotRunError


def main(task: Path) -> None:
    """Run the file, and write what it gives and the names of its layers, or why there is none."""
    facts = json.loads(task.read_text(encoding="utf-8"))
    results = task.with_name("results.npz")
    with np.load(task.with_name("inputs.npz"), allow_pickle=False) as archive:
        inputs = {name: archive[name] for name in archive.files}
    batch = Batch(inputs, tuple(tuple(shape) for shape in facts["outputs"]), layers=facts["layers"])
    try:
        values = run_live(_loaded(facts["path"], facts["weights"], facts["libraries"]), batch)
    except ImportError as error:
        np.savez(results, reason=f"{' and '.join(facts['libraries'])}: {error}", missing=True)
    except NotRunError as error:
        np.savez(results, reason=error.reason, missing=False)
    else:
        names = np.array(list(values.layers), dtype=str)
        np.savez(results, *values.outputs, *values.layers.values(), names=names, library=values.library)


def _loaded(path: str, weights: str | None, libraries: list[str]) -> Any:
    """The model of a file, by the Keras that wrote it. Raises ImportError, NotRunError if it does not load."""
    package = libraries[0]
    if package == "tf_keras":
        importlib.import_module("tensorflow")  # which looks into the environment once
    keras = importlib.import_module(package)
    objects: dict[str, Any] = {}
    if "qkeras" in libraries:
        importlib.import_module("qkeras.utils")._add_supported_quantized_objects(objects)
    if "hgq" in libraries:
        importlib.import_module("hgq.layers")
    try:
        if not path.lower().endswith(".json"):
            return keras.models.load_model(path, custom_objects=objects, compile=False)
        model = keras.models.model_from_json(Path(path).read_text(encoding="utf-8"), custom_objects=objects)
        model.load_weights(weights)
    except Exception as error:  # as the versions of libraries like it
        reason = f"{package} cannot load it ({said_by(error)})"
        raise NotRunError(f"'{path}'", reason, "give the live model") from error
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]))
