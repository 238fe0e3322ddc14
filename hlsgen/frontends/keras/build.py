"""From a source model to a graph: each call of a layer goes to its reader."""

from __future__ import annotations

from collections.abc import Mapping

import hlsgen.frontends.keras.readers  # noqa: F401  (registers them)
from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.builder import add_input
from hlsgen.frontends.keras.call import read_call
from hlsgen.frontends.keras.dtypes import check_whole_numbers
from hlsgen.frontends.keras.masks import check_masks
from hlsgen.frontends.keras.source import Border, SourceModel, Tensor
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.shape_pattern import fits
from hlsgen.quantizers.qkeras import Library


def build_graph(source: SourceModel) -> Graph:
    """Turn the calls of a source model into nodes."""
    check_masks(source)
    graph = Graph(source.name)
    library: Library = "qkeras-v3" if source.flavour.startswith("keras3") else "qkeras"
    known: dict[tuple[str, int], Value] = {}
    for spec in source.inputs:
        known[spec.name, 0] = add_input(graph, spec.name, spec.shape)
    for call in source.calls:
        inputs = [_value(known, tensor, call.name) for tensor in call.inputs]
        for index, result in enumerate(read_call(call, inputs, graph, library)):
            known[call.name, index] = result
    for border in source.borders:
        _check_border(border, known)
    check_whole_numbers(source)
    outputs = [_value(known, tensor, "the model's outputs") for tensor in source.outputs]
    graph.set_outputs(outputs, source.output_names)
    graph.verify()
    return graph


def _check_border(border: Border, known: Mapping[tuple[str, int], Value]) -> None:
    """Raise ModelError for a tensor of another shape than the nested model was built for (None: an open axis)."""
    value = known.get((border.tensor.call, border.tensor.index))
    if value is not None and not fits(border.shape, value.shape, {}):
        raise ModelError(
            f"model '{border.model}' inside the model was built for tensors of shape {border.shape}, and is given one "
            f"of shape {value.shape} by '{border.tensor.call}'; its parts do not belong together"
        )


def _value(known: dict[tuple[str, int], Value], tensor: Tensor, reader: str) -> Value:
    """The value of a tensor. Raises UnsupportedError for an output that the layer does not have here."""
    if (tensor.call, tensor.index) not in known:
        count = sum(call == tensor.call for call, _ in known)
        raise UnsupportedError(
            f"{reader}: reads output {tensor.index} of layer '{tensor.call}', of which {count} are supported; rebuild "
            "the model without the others"
        )
    return known[tensor.call, tensor.index]
