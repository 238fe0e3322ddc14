"""Keras models run by Keras: Keras 3 and HGQ2 by the package keras, Keras 2 and QKeras by tf_keras.

Files run in a process of their own, and only if they can hold no code (:mod:`hlsgen.frontends.keras.trust`): what they
import stays out of this process, and TensorFlow's Keras is chosen once for a process, which QKeras needs to be Keras 2.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.errors import HlsgenError, ToolError
from hlsgen.frontends.classes import KERAS, classes_of, package_of
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.files import configuration_of, read_file
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.frontends.keras.trust import stranger_in
from hlsgen.frontends.values import (
    Batch,
    MayHoldCodeError,
    NotRunError,
    SourceValues,
    failure,
    flat_outputs,
    in_order_of,
)
from hlsgen.tools import find_python, run

_SAMPLES = 256
"""That Keras computes at once."""
_SCRIPT = "hlsgen.frontends.keras.run_file"
_SECONDS = 600.0
_SETTINGS = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


# -- live models -----------------------------------------------------------------------------------


def run_live(model: Any, batch: Batch) -> SourceValues:
    """The values of a batch by a live model, whose code has run before. Raises NotRunError."""
    what = f"model '{getattr(model, 'name', type(model).__name__)}'"
    library = importlib.import_module(package_of(classes_of(model, KERAS)[0]))
    keras = library.keras if library.__name__ == "tensorflow" else library
    data = [np.ascontiguousarray(x, dtype=np.float32) for x in batch.inputs.values()]
    try:
        layers = _layers(model) if batch.layers else {}
        asked = keras.Model(model.inputs, [*model.outputs, *layers.values()]) if layers else model
        found = asked.predict(data if len(data) > 1 else data[0], batch_size=_SAMPLES, verbose=0)
    except Exception as error:  # a model's own code runs here, and may fail in any way
        raise failure(what, error, "see that model.predict(x) runs") from error
    found = flat_outputs(what, {} if _gives_dict(model) else found)
    count = len(found) - len(layers)
    named = {name: np.asarray(value, dtype=np.float64) for name, value in zip(layers, found[count:], strict=True)}
    return SourceValues(
        "Keras", f"{library.__name__} {library.__version__}", in_order_of(what, found[:count], batch), named
    )


def _gives_dict(model: Any) -> bool:
    """Whether its outputs are in a dict; not known of models whose structure is in Python code."""
    with suppress(Exception):
        return isinstance(model.get_config().get("output_layers"), dict)
    return False


def _layers(model: Any) -> dict[str, Any]:
    """The one output of each layer that is called once; what is inside of nested models cannot be seen from here.

    Neither can what comes out of them: Keras 2 takes it for that of their own inputs.
    """
    found = {}
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer" or hasattr(layer, "layers"):
            continue
        with suppress(AttributeError, ValueError, RuntimeError):  # as Keras says that there is none, or are several
            if hasattr(layer.output, "shape"):
                found[str(layer.name)] = layer.output
    return found


# -- files -----------------------------------------------------------------------------------------


def run_stored(path: Path, batch: Batch) -> SourceValues:
    """The same by a file. Raises MayHoldCodeError, and NotRunError for what hlsgen or Keras does not read."""
    libraries = _libraries_of(checked_source(path, batch.weights))
    with tempfile.TemporaryDirectory(prefix="hlsgen_") as folder:
        task, given, found = (Path(folder) / name for name in ("task.json", "inputs.npz", "results.npz"))
        np.savez(given, *batch.inputs.values())
        weights = None if batch.weights is None else str(batch.weights.resolve())
        facts: dict[str, object] = {"path": str(path.resolve()), "weights": weights, "libraries": libraries}
        facts |= {"outputs": batch.outputs, "layers": batch.layers}
        task.write_text(json.dumps(facts), encoding="utf-8")
        settings = {**_SETTINGS, "PYTHONPATH": ":".join(str(Path(part).resolve()) for part in sys.path)}
        try:
            run([find_python(), "-m", _SCRIPT, str(task)], cwd=Path(folder), timeout=_SECONDS, env=settings)
        except ToolError as error:
            raise NotRunError(f"'{path}'", f"its Keras ended in failure ({error})", "give the live model") from error
        return _results(path, found, libraries)


def checked_source(path: Path, weights: Path | None) -> SourceModel:
    """What is in a file that can hold no code. Raises MayHoldCodeError for any other, NotRunError if it is not read."""
    try:
        stranger = stranger_in(configuration_of(path))
        if stranger is not None:
            raise MayHoldCodeError(f"'{path}'", f"it names {stranger}, which may hold code")
        source = read_file(path, weights)
        build_graph(source)
    except NotRunError:
        raise
    except HlsgenError as error:
        raise NotRunError(f"'{path}'", f"hlsgen does not read it ({error})", "give the live model") from error
    return source


def _libraries_of(source: SourceModel) -> list[str]:
    """The Keras that wrote a file, and what has to be imported beside it."""
    flavour, _, quantised = source.flavour.partition("+")
    found = ["keras" if flavour == "keras3" else "tf_keras"]
    found += ["qkeras"] if quantised else []
    return found + ["hgq"] * any(call.class_name.startswith("hgq>") for call in source.calls)


def _results(path: Path, found: Path, libraries: list[str]) -> SourceValues:
    with np.load(found, allow_pickle=False) as archive:
        if "reason" in archive.files:
            extra = {"keras": "keras", "tf_keras": "qkeras"}.get(libraries[-1], libraries[-1])
            missing = bool(archive["missing"])
            advice = f"pip install 'hlsgen[{extra}]'" if missing else "give the live model"
            raise NotRunError(f"'{path}'", str(archive["reason"]), advice)
        names = [str(name) for name in archive["names"]]
        arrays = [archive[f"arr_{place}"] for place in range(len(archive.files) - 2)]
        library = str(archive["library"])
    count = len(arrays) - len(names)
    framework = "QKeras" if "qkeras" in libraries else "Keras"
    return SourceValues(framework, library, tuple(arrays[:count]), dict(zip(names, arrays[count:], strict=True)))
