"""Live Keras models: Keras 3, tf_keras and the older tf.keras, without importing any of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError, said_by
from hlsgen.frontends.classes import KERAS, classes_of, package_of
from hlsgen.frontends.keras.config import LayerEntry, LayerPath, ModelEntry, parse_model, plain, subclassed
from hlsgen.frontends.keras.source import Array, SourceModel
from hlsgen.frontends.keras.topology import build_source, input_specs
from hlsgen.frontends.keras.variables import Variable, checked_weights, frozen, variables_of
from hlsgen.quantizers.qkeras import live_configuration

_ACCEPTED = "a Keras 3 or tf_keras model (Sequential or Functional), or the path of a .keras, .h5 or .json file"


def read_live(model: Any) -> SourceModel:
    """Read a live model through its ``get_config()`` and the variables of its very layers."""
    root = _framework_of(model)
    entry = parse_model(_serialized(model))
    input_specs(entry)  # first, for an unbuilt model would fail on its weights with a worse message
    weights = dict(_weights(entry, model))
    return build_source(entry, weights, _flavour(root))


def _framework_of(model: Any) -> str:
    classes = classes_of(model, KERAS)
    if any(c.__name__ == "Model" for c in classes):
        return package_of(classes[0])
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if any(c.__name__ == "Layer" for c in classes):
        raise ModelError(f"expected {_ACCEPTED}; found a single layer ({kind}): wrap it in keras.Sequential")
    raise ModelError(f"expected {_ACCEPTED}; found {kind}")


def _flavour(root: str) -> str:
    version = str(getattr(sys.modules.get(root), "__version__", "2"))
    return "keras3" if root == "keras" and version.partition(".")[0] == "3" else "keras2"


def _serialized(model: Any) -> dict[str, Any]:
    kind = type(model)
    # Somebody's own class may override call(), which no configuration can show.
    if package_of(kind) not in KERAS:
        raise ModelError(subclassed(f"model '{model.name}'", kind.__name__))
    try:
        config = model.get_config()
    except NotImplementedError as error:
        raise ModelError(subclassed(f"model '{model.name}'", kind.__name__)) from error
    except Exception as error:  # get_config runs the classes' own code, which may fail in any way
        raise ModelError(f"model '{model.name}': its get_config() failed: {said_by(error)}") from error
    return {"module": kind.__module__, "class_name": kind.__name__, "config": plain(config)}


def _weights(model: ModelEntry, live: Any) -> Iterator[tuple[LayerPath, dict[str, Array]]]:
    layers = {layer.name: layer for layer in live.layers}
    for entry in model.layers:
        if entry.is_input or entry.is_operation:
            continue
        layer = layers.get(entry.name)
        if layer is None:
            raise ModelError(f"{entry.where}: the live model '{live.name}' has no such layer")
        if entry.inside is not None:
            yield from _weights(entry.inside, layer if entry.held is None else layer.layer)
        else:
            yield entry.path, _layer_weights(entry, layer)


def _layer_weights(entry: LayerEntry, layer: Any) -> dict[str, Array]:
    if entry.class_name == "QAdaptiveActivation":  # its get_config() forgets this one
        bound = getattr(layer, "relu_upper_bound", None)
        if bound is not None:
            entry.config.setdefault("relu_upper_bound", plain(bound))
    elif entry.class_name == "hgq>QEinsumDenseBatchnorm":  # its get_config() forgets these
        entry.config.update({key: plain(getattr(layer, key)) for key in ("normalize_axes", "scale")})
    else:
        entry.config.update(_live_quantizers(entry, layer))
    _check_functions(entry, layer)
    if entry.config.get("lora_rank") is not None:
        raise UnsupportedError(
            f"{entry.where}: its LoRA weights are apart; rebuild it as a plain layer and give it the weights "
            "layer.kernel (in which Keras adds them up) and layer.bias"
        )
    variables = variables_of(entry)
    held = list(layer.weights)
    if variables is None:
        return {f"weight_{i}": frozen(entry.where, f"weight_{i}", _array(w)) for i, w in enumerate(held)}
    arrays = [_array(_find(entry, layer, variable)) for variable in variables]
    if len(held) != len(variables):
        names = ", ".join(str(getattr(w, "path", w.name)) for w in held) or "none"
        raise ModelError(
            f"{entry.where}: it holds {len(held)} variables ({names}), expected {len(variables)}: "
            f"{', '.join(v.role for v in variables) or 'none'}"
        )
    return checked_weights(entry.where, variables, arrays)


def _live_quantizers(entry: LayerEntry, layer: Any) -> dict[str, Any]:
    """The layer's quantisers as they are: ``get_config`` of QKeras forgets options that change results."""
    found: dict[str, Any] = {}
    for key in entry.config:
        names = (f"{key}_internal", "quantizer", key) if key == "activation" else (f"{key}_internal", key)
        known = (live_configuration(getattr(layer, name, None)) for name in names)
        found[key] = next((config for config in known if config is not None), None)
    return {key: config for key, config in found.items() if config is not None}


def _check_functions(entry: LayerEntry, layer: Any) -> None:
    """Refuse functions that are not the framework's: the configuration holds their names only."""
    for part in (layer, getattr(layer, "layer", None), getattr(layer, "cell", None)):
        for role in ("activation", "recurrent_activation"):
            function = getattr(part, role, None)
            if callable(function) and not _is_known(function):
                name = getattr(function, "__name__", type(function).__name__)
                raise UnsupportedError(
                    f"{entry.where}: {role} '{name}' is not supported: it is a function of your own, and hlsgen runs "
                    "no Python code of a model; use one of Keras's functions, or layers that compute the same"
                )


def _is_known(function: Any) -> bool:
    """Whether a function, or the class of an object that is called like one, comes with a framework."""
    module = getattr(function, "__module__", None) if isinstance(function, FunctionType) else type(function).__module__
    return str(module).partition(".")[0] in (*KERAS, "qkeras", "hlsgen")


def _find(entry: LayerEntry, layer: Any, variable: Variable) -> Any:
    owner = layer
    for part in filter(None, variable.owner.split("/")):
        owner = _part(owner, part)
    for attribute in variable.attribute_names:
        found = getattr(owner, attribute, None)
        if found is not None:
            return found
    raise ModelError(f"{entry.where}: it has no '{variable.role}' yet; build the model (call it once on data) first")


def _part(owner: Any, name: str) -> Any:
    """An attribute; of several parts, the one that files call so: ``quantizer``, ``quantizer_1``..."""
    if not isinstance(owner, list | tuple):
        return getattr(owner, name, None)
    number = name.rpartition("_")[2]
    place = int(number) if number.isdecimal() else 0
    return owner[place] if place < len(owner) else None


def _array(variable: Any) -> Array:
    return np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable)
