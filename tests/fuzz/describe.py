"""Source models as JSON: what a stored case is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hlsgen.frontends.keras.source import InputSpec, LayerCall, SourceModel, Tensor
from hlsgen.frontends.keras.topology import FreeNames

Description = dict[str, Any]
OPERATIONS = "keras.src.ops.numpy"
"""The module of operators on tensors, as files name it."""


def spelled(tensor: Tensor) -> str:
    """A tensor as text: the name of the call, and which of its outputs, if it is not the first."""
    return f"{tensor.call}:{tensor.index}" if tensor.index else tensor.call


def tensor_of(text: str) -> Tensor:
    name, _, index = text.partition(":")
    return Tensor(name, int(index or 0))


def outputs_of(tensors: Sequence[Tensor]) -> tuple[str, ...]:
    """The names of a model's outputs."""
    free = FreeNames()
    return tuple(free.take(tensor.call) for tensor in tensors)


def description(source: SourceModel) -> Description:
    """The model as plain values; weights are float32, whose decimal numbers are exact."""
    return {
        "name": source.name,
        "flavour": source.flavour,
        "inputs": [[spec.name, list(spec.shape)] for spec in source.inputs],
        "calls": [
            {
                "class": call.class_name,
                "name": call.name,
                "config": call.config,
                "inputs": [spelled(tensor) for tensor in call.inputs],
                "weights": {role: np.asarray(array).tolist() for role, array in call.weights.items()},
                **({"layer": call.layer_name} if call.layer_name != call.name else {}),
                **({"arguments": call.arguments} if call.arguments else {}),
                **({"numbers": list(call.numbers), "module": call.module} if call.is_operation else {}),
            }
            for call in source.calls
        ],
        "outputs": [spelled(tensor) for tensor in source.outputs],
    }


def source_of(described: Description) -> SourceModel:
    outputs = tuple(tensor_of(text) for text in described["outputs"])
    return SourceModel(
        described["name"],
        described["flavour"],
        tuple(InputSpec(name, tuple(shape), "float32") for name, shape in described["inputs"]),
        tuple(_call(call) for call in described["calls"]),
        outputs,
        outputs_of(outputs),
    )


def _call(described: Description) -> LayerCall:
    arrays = {role: np.asarray(values, dtype=np.float32) for role, values in described["weights"].items()}
    inputs = tuple(tensor_of(text) for text in described["inputs"])
    name, numbers = described["name"], described.get("numbers")
    layer, arguments = described.get("layer", name), described.get("arguments", {})
    call = LayerCall(
        name, layer, described["class"], "", described["config"], arrays, inputs, arguments=dict(arguments)
    )
    if numbers is None:
        return call
    return replace(call, is_operation=True, numbers=tuple(numbers), module=described.get("module", OPERATIONS))


def ending_at(source: SourceModel, name: str) -> SourceModel:
    """The part of a model that one of its layers depends on."""
    needed, kept = {name}, []
    for call in reversed(source.calls):
        if call.name in needed:
            needed |= {tensor.call for tensor in call.inputs}
            kept.append(call)
    inputs = tuple(spec for spec in source.inputs if spec.name in needed)
    return replace(source, inputs=inputs, calls=tuple(reversed(kept)), outputs=(Tensor(name),), output_names=(name,))


def without(source: SourceModel, name: str) -> SourceModel:
    """The model without one layer, whose readers read what it read first (which may not fit them)."""
    (gone,) = (call for call in source.calls if call.name == name)

    def instead(tensor: Tensor) -> Tensor:
        return gone.inputs[0] if tensor.call == name else tensor

    calls = [replace(c, inputs=tuple(map(instead, c.inputs))) for c in source.calls if c.name != name]
    outputs = tuple(dict.fromkeys(map(instead, source.outputs)))
    return replace(source, calls=tuple(calls), outputs=outputs, output_names=outputs_of(outputs))
