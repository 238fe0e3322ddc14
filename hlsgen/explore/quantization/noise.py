"""What rounding of values and of weights costs in what the model gives, if they are held less offsets, times factors.

An estimate from samples, as errors of single tensors that are independent: to compare factors, before anything is
chosen. Each tensor is rounded as it will be, to as many bits as are usual.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace

import numpy as np

from hlsgen.explore.quantization.placement import Sample, cast, place
from hlsgen.explore.quantization.tensors import Held
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.expected import Channels, Expected, Origin
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.placing import Method, Placing
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.channel_shares import channel_shares, weight_noise

_WEIGHTS, _VALUES = 6, 8
"""Bits that are usual."""
_CELLS = 1 << 14
"""Values that are looked at of a tensor."""
_MSE = Placing(Method.MSE)


class Noise:
    """A rewritten graph with what data make of it."""

    def __init__(self, graph: Graph, known: Mapping[str, Floats], held: Iterable[Held]) -> None:
        """``known``: every value of some samples, ``held``: what is rounded; both by the names of tensors."""
        self._power: dict[Value, Floats] = {}
        self._samples: dict[Value, Floats] = {}
        self._offsets: Mapping[Value, Floats] = {}
        above_zero = {name: one.above_zero for one in held for name in one.tensors}
        shown = graph.copy()
        for value, copied in zip(graph.values, shown.values, strict=True):
            if (values := known.get(value.name)) is not None and len(values):
                rows = values.reshape(-1, values.shape[-1])
                channels = Channels(np.abs(rows).max(axis=0), np.sqrt(np.square(rows).mean(axis=0)), rows.mean(axis=0))
                largest = float(channels.largest.max())
                copied.expected = Expected(largest, largest, Origin.CALIBRATION, channels=channels)
                self._power[value] = np.square(channels.rms)
                if value.name in above_zero:
                    some = rows[:: max(1, rows.size // _CELLS)]
                    self._samples[value] = np.maximum(some, 0.0) if above_zero[value.name] else some
        by_name = dict(zip(graph.values, shown.values, strict=True))
        shares = channel_shares(shown)
        self._shares = {value: shares[by_name[value]] for value in graph.values}

    @property
    def rounded(self) -> list[Value]:
        """The values that are given a type."""
        return list(self._samples)

    def largest(self, value: Value) -> Floats:
        """The largest magnitude of each channel."""
        return np.asarray(np.abs(self._samples[value] - self._offsets.get(value, 0.0)).max(axis=0))

    def least(self, value: Value) -> Floats:
        """The least value of each channel."""
        return np.asarray(self._samples[value].min(axis=0))

    def most(self, value: Value) -> Floats:
        """The largest value of each channel."""
        return np.asarray(self._samples[value].max(axis=0))

    def less(self, offsets: Mapping[Value, Floats]) -> Noise:
        """The same of values that are held less offsets."""
        other = copy(self)
        other._offsets = offsets
        return other

    def of_value(self, value: Value, factors: Floats | float = 1.0, offsets: Floats | None = None) -> float:
        """The relative error (mean square) that rounding of a value adds to what the model gives, if it is held less
        offsets and times factors."""
        rows = self._samples[value]
        held = (rows - (self._offsets.get(value, 0.0) if offsets is None else offsets)) * factors
        sample = Sample(held.reshape(-1), float(held.min(initial=0.0)), float(held.max(initial=0.0)))
        off = (np.square(cast(held, place(sample, _VALUES, "mse")) - held) / np.square(factors)).mean(axis=0)
        power = np.square(rows).mean(axis=0)
        return float((self._shares[value] * np.divide(off, power, out=np.zeros_like(off), where=power > 0)).sum())

    def of_weights(self, node: Node, before: Floats, behind: Floats) -> float:
        """That of rounding the weights of a linear node, with factors of its input's and its result's channels."""
        layer = node.layer
        assert isinstance(layer, LinearLayer)
        weights = layer.weight.effective * layer.per_output(behind) / layer.per_input(before)
        moved = replace(layer, weight=Constant.of(weights))
        power = self._power[node.input] * np.square(before)
        found = weight_noise(moved, moved.weight.placed(_WEIGHTS, _MSE), power, self._shares[node.output])
        return float(np.square(found).sum())
