"""Source models as live models of the library they are for: float Keras says what a network has to compute."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from importlib import import_module
from typing import Any

from hlsgen.frontends.keras.config import LayerEntry, parse_model
from hlsgen.frontends.keras.source import InputSpec, LayerCall, SourceModel, Tensor
from hlsgen.frontends.keras.variables import variables_of
from tests.fuzz.files import SEPARATE, STARTED, architecture, flavour_of


def live_model(source: SourceModel, nesting: str = "flat", dtype: str = "float32") -> Any:
    """A model of Keras 3 or tf_keras. ``nesting``: "flat", "nested" (the network is the one layer of a model with the
    same inputs) or "twice" (a layer called on the inputs, and on their negatives)."""
    library = import_module("keras" if flavour_of(source) == "keras3" else "tf_keras")
    library.backend.clear_session()  # so that a process can make many
    inputs = _inputs(library, source.inputs, dtype)
    known: dict[Tensor, Any] = {Tensor(spec.name): x for spec, x in zip(source.inputs, inputs, strict=True)}
    entries = {entry.name: entry for entry in parse_model(architecture(source, legacy=False)).leaves()}
    layers: dict[str, Any] = {}
    for call in source.calls:
        tensors = [known[tensor] for tensor in call.inputs]
        if call.is_operation:
            results = _of_function(call, tensors)
        else:
            if call.layer_name not in layers:
                layers[call.layer_name] = _layer(library, call, dtype)
            results = _of_layer(call, layers[call.layer_name], tensors)
            _set_weights(entries[call.layer_name], layers[call.layer_name], call)
        for place, result in enumerate(results if isinstance(results, list | tuple) else [results]):
            known[Tensor(call.name, place)] = result
    model = library.Model(inputs, [known[tensor] for tensor in source.outputs], name=source.name)
    return model if nesting == "flat" else _around(library, source, model, nesting, dtype)


def _inputs(library: Any, specs: Sequence[InputSpec], dtype: str, prefix: str = "") -> list[Any]:
    return [library.Input(spec.shape, name=prefix + spec.name, dtype=dtype) for spec in specs]


def _around(library: Any, source: SourceModel, model: Any, nesting: str, dtype: str) -> Any:
    outer = _inputs(library, source.inputs, dtype, "outer_")
    outputs = _listed(model(outer))
    if nesting == "twice":
        turned = [
            library.layers.Rescaling(-1.0, name=f"turned_{spec.name}")(x)
            for spec, x in zip(source.inputs, outer, strict=True)
        ]
        outputs += _listed(model(turned))
    return library.Model(outer, outputs, name=f"around_{source.name}")


def _listed(results: Any) -> list[Any]:
    return list(results) if isinstance(results, list | tuple) else [results]


# -- layers --------------------------------------------------------------------------------------


def _layer(library: Any, call: LayerCall, dtype: str) -> Any:
    kind = getattr(library.layers, call.class_name)
    return kind.from_config({"name": call.layer_name, "dtype": dtype, **call.config})


def _of_layer(call: LayerCall, layer: Any, tensors: list[Any]) -> Any:
    if call.class_name in STARTED and len(tensors) > 1:
        return layer(tensors[0], initial_state=tensors[1:])
    if call.class_name in SEPARATE:
        return layer(*tensors, **call.arguments)
    return layer(tensors if len(tensors) > 1 else tensors[0], **call.arguments)


def _set_weights(entry: LayerEntry, layer: Any, call: LayerCall) -> None:
    for variable in variables_of(entry) or ():
        owner = reduce(getattr, filter(None, variable.owner.split("/")), layer)
        (found, *_) = (getattr(owner, name) for name in variable.attribute_names if hasattr(owner, name))
        found.assign(call.weights[variable.role])
    if call.class_name == "Normalization":  # what it computes with is worked out of what it holds
        layer.finalize_state()


# -- functions -----------------------------------------------------------------------------------


def _of_function(call: LayerCall, tensors: list[Any]) -> Any:
    options = {key: value for key, value in call.config.items() if key not in ("name", "function")}
    if "function" in call.config:  # of TensorFlow, which Keras 2 wraps
        path = call.config["function"]
        if path.endswith("getitem"):
            return operator.getitem(tensors[0], _parts(call.arguments["slice_spec"]))
        return reduce(getattr, path.split("."), import_module("tensorflow"))(*tensors, **call.arguments)
    arguments = [tensors[0] if number is None else number for number in call.numbers] or [
        *tensors, *(value for key, value in call.arguments.items() if key.isdecimal()),
    ]  # fmt: skip
    if call.class_name == "GetItem":
        return operator.getitem(tensors[0], _parts(arguments[1]))
    return getattr(import_module(call.module), call.class_name)(**options)(*arguments)


def _parts(written: Sequence[Any]) -> tuple[Any, ...]:
    """What stands in brackets, of which files hold slices as mappings."""
    ends = [part.get("config", part) if isinstance(part, dict) else part for part in written]
    return tuple(slice(p["start"], p["stop"], p["step"]) if isinstance(p, dict) else p for p in ends)
