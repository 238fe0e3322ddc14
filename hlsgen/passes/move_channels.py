"""Hold channels otherwise: what that makes of weights, biases and tables around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.expected import Expected
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.held import Held
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.table import Table


def move_channels(graph: Graph, held: Mapping[Value, Held]) -> None:
    """Hold values as is said from now on: the layers around them compute with that, the values tell, and a note does.

    Whoever asks sees to it that what lies between linear layers lets it through.
    """
    for value, how in held.items():
        value.held = how if value.held is None else value.held.and_then(how)
        value.expected = value.expected and _expected(value.expected, how)
    for node in graph:
        if isinstance(node.layer, LinearLayer) and (node.input in held or node.output in held):
            before, behind = (held.get(v) or Held.plainly(v.shape[-1]) for v in (node.input, node.output))
            graph.set_layer(node, _moved(node.layer, before, behind))
        elif isinstance(node.layer, Table) and node.output in held:
            how = held[node.output]
            graph.set_layer(node, node.layer.held(how.scale[0], how.offset[0]))
    _note(graph, held)


def _moved(layer: LinearLayer, before: Held, behind: Held) -> LinearLayer:
    """The same layer for inputs and results that are held otherwise; of powers of two, nothing is rounded."""
    scale = np.array(behind.scale)
    bias = _shifted(layer, before, behind) if before.shifts or behind.shifts else layer.bias
    bias = bias if bias.mantissas is not None else bias.times(scale)
    weight = layer.weight.effective * layer.per_output(scale) / layer.per_input(np.array(before.scale))
    return replace(layer, weight=Constant.of(weight), bias=bias)


def _shifted(layer: LinearLayer, before: Held, behind: Held) -> Constant:
    """The bias, with what the offsets of inputs make of the sums, and less those of the results."""
    weight = layer.weight.effective
    summed = layer.summed(weight * np.broadcast_to(layer.per_input(before.offsets), weight.shape))
    return Constant.of(layer.bias.effective + summed - behind.offsets, layer.bias.added)


def _expected(expected: Expected, held: Held) -> Expected:
    """What is expected of channels that are held otherwise; where nothing is known of each, as if all were held by the
    largest scale and offset.

    Of magnitudes alone nobody knows on which side of an offset they lie: they get no less than they may.
    """
    scale = np.array(held.scale)
    if held.shifts:
        expected = expected.less(held.offsets)
    return expected.times(scale if expected.channels is not None else float(scale.max()))


def _note(graph: Graph, moved: Mapping[Value, Held]) -> None:
    for node in graph:
        if node.is_input and node.output in moved:
            held = "channel c of the port holds the model's value times 2**k[c], see the ports"
            graph.notes.append(
                f"{node.name}: features differ so much that each has its own binary point: {held} (input_granularity: "
                "tensor for one type)"
                if node.wish.octaves is None
                else f"{node.name}: each feature has a type of its own: {held}"
            )
        if isinstance(node.layer, LinearLayer | Table) and node.output in moved:
            graph.notes.append(f"{node.name}: {_words(moved[node.output])}")


def _words(held: Held) -> str:
    scale, offsets = np.array(held.scale), held.offsets
    count = int(((scale != 1) | (offsets != 0)).sum())
    if held.exponents is not None:
        octaves = [k for k in held.exponents if k]
        how = f"times powers of two (2**{min(octaves)} to 2**{max(octaves)})"
        return f"{count} of {len(scale)} channels are held {how}, and their readers' weights divided by them"
    taken = "weights and biases" if held.shifts else "weights"
    return f"{count} of {len(scale)} channels are held {held}, which their readers' {taken} take back"
