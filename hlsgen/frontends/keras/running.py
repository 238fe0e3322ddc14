"""Keras models run by Keras: Keras 3 and HGQ2 by the package keras, Keras 2 and QKeras by tf_keras."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.frontends.classes import KERAS, classes_of, package_of
from hlsgen.frontends.keras.apart import run_apart
from hlsgen.frontends.keras.files import read_file
from hlsgen.frontends.values import Array, SourceValues, cannot_run, real_outputs

_BATCH = 256


def run_keras(model: Any, inputs: Mapping[str, Array], weights: Path | None = None) -> SourceValues:
    """See :func:`hlsgen.frontends.reference.source_values`."""
    if isinstance(model, str | os.PathLike) and _needs_another_process(Path(model), weights):
        return run_apart(Path(model), inputs, weights)
    return run_here(model, inputs, weights)


def run_here(model: Any, inputs: Mapping[str, Array], weights: Path | None = None) -> SourceValues:
    """The same in this process, whatever Keras TensorFlow has here."""
    if isinstance(model, str | os.PathLike):
        what, live = f"'{os.fspath(model)}'", _loaded(Path(model), weights)
    else:
        what, live = f"model '{getattr(model, 'name', type(model).__name__)}'", model
    package = importlib.import_module(package_of(classes_of(live, KERAS)[0]))
    if package.__name__ == "tensorflow":
        package = package.keras
    layers = _layers(live)
    data = [np.asarray(x, dtype=np.float32) for x in inputs.values()]
    samples = len(data[0])
    try:
        whole = package.Model(live.inputs, [*live.outputs, *layers.values()])
        found = whole.predict(data if len(data) > 1 else data[0], batch_size=_BATCH, verbose=0)
    except Exception as error:  # a model's own code runs here, and may fail in any way
        raise cannot_run(what, f"{type(error).__name__}: {error}", "see that model.predict(x) runs") from error
    found = found if isinstance(found, list) else [found]
    count = len(live.outputs)
    named = {name: np.asarray(value, dtype=np.float64) for name, value in zip(layers, found[count:], strict=True)}
    return SourceValues("Keras", real_outputs(what, found[:count], samples), named)


def _needs_another_process(path: Path, weights: Path | None) -> bool:
    """Whether a file is of QKeras, and TensorFlow's Keras is not (or not yet) the one it needs in this process."""
    if not read_file(path, weights).flavour.startswith("keras2+qkeras"):
        return False
    keras = getattr(sys.modules.get("tensorflow"), "keras", None)
    return not str(getattr(keras, "__name__", "")).startswith("tf_keras")


def _layers(model: Any) -> dict[str, Any]:
    """The one output of each layer that is called once; what is inside of nested models cannot be seen from here."""
    found = {}
    for layer in model.layers:
        with suppress(AttributeError, ValueError, RuntimeError):  # as Keras says that there is none, or are several
            if not hasattr(layer.output, "shape"):
                continue
            if type(layer).__name__ != "InputLayer":
                found[str(layer.name)] = layer.output
    return found


def _loaded(path: Path, weights: Path | None) -> Any:
    """A model from its file, by the Keras that wrote it."""
    source = read_file(path, weights)
    modules = {call.class_name.partition(">")[0] for call in source.calls if ">" in call.class_name}
    flavour, _, qkeras = source.flavour.partition("+")
    package = "keras" if flavour == "keras3" else "tf_keras"
    extra = "hgq" if "hgq" in modules else "qkeras" if qkeras or package == "tf_keras" else "keras"
    try:
        keras = importlib.import_module(package)
        objects = _objects_of(modules, bool(qkeras))
    except ImportError as error:
        raise cannot_run(f"'{path}'", f"{error}", f"pip install 'hlsgen[{extra}]'") from error
    try:
        if path.suffix.lower() == ".json":
            model = keras.models.model_from_json(path.read_text(encoding="utf-8"), custom_objects=objects)
            model.load_weights(str(weights))
            return model
        return keras.models.load_model(str(path), custom_objects=objects, compile=False)
    except Exception as error:  # as the versions of libraries like it
        raise cannot_run(
            f"'{path}'", f"{package} cannot load it ({type(error).__name__}: {error})", "give the live model"
        ) from error


def _objects_of(modules: set[str], qkeras: bool) -> dict[str, Any]:
    """The classes that a file names beside Keras's own."""
    objects: dict[str, Any] = {}
    if qkeras:
        importlib.import_module("qkeras.utils")._add_supported_quantized_objects(objects)
    if "hgq" in modules:
        importlib.import_module("hgq.layers")
    return objects
