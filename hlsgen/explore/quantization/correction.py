"""Means that rounding shifts, put right: what a channel of a sum is off by on average is taken from its bias.

``E[W x] - E[W' x']`` of each channel, with rounded weights ``W'`` behind rounded values ``x'``, layer after layer, so
that each finds what is left by those before it (Nagel et al. 2019, "Data-free quantization through weight equalization
and bias correction", section 4.2, with data in place of assumptions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hlsgen.design.design import Design
from hlsgen.explore.quantization.simulation import Simulation, channel_means
from hlsgen.ir.constant import Floats
from hlsgen.ir.op import Op
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.scale_inputs import SCALING

_MOST = 1e30
"""What a configuration takes; means beyond are of data that no type holds."""
_DIGITS = 4
"""Of each number: what is left is far below a step."""


def correctable(design: Design) -> dict[str, str]:
    """The operations whose bias may be changed, and the layers they are of: one sum a layer, beside those in its steps.

    What scales raw data is none of the model's layers.
    """
    sums: dict[str, list[Op]] = {}
    for op in design:
        if isinstance(op.layer, LinearLayer) and op.loop is None and op.source.class_name != SCALING:
            sums.setdefault(op.source.name, []).append(op)
    return {op.name: layer for layer, (op, *others) in sums.items() if not others and not _is_fixed(op)}


def _is_fixed(op: Op) -> bool:
    layer = op.layer
    return isinstance(layer, LinearLayer) and (layer.bias.given or layer.weight.given)


class Corrector:
    """Shifts sums while a simulation computes them; ``found`` are the corrections, by layer."""

    def __init__(self, simulation: Simulation, layers: Mapping[str, str], factors: Mapping[str, Floats]) -> None:
        """``layers``: those that are corrected, by the names of their operations. ``factors``: by what a correction of
        one shifts the sums of an operation: a BatchNormalization behind a layer may have been fused into it."""
        self._simulation, self._layers, self._factors = simulation, layers, factors
        self.found: dict[str, tuple[float, ...]] = {}

    def __call__(self, op: Op, given: Sequence[Floats], results: list[Floats]) -> list[Floats]:
        layer = self._layers.get(op.name)
        if layer is None:
            return results
        factors = self._factors[op.name]
        shift = self._simulation.right_means(op.output) - channel_means(results[0])
        own = np.divide(shift, factors, out=np.zeros_like(shift), where=factors != 0)
        own[~(np.abs(own) <= _MOST)] = 0.0
        numbers = tuple(float(f"{v:.{_DIGITS}g}") for v in own)
        self.found[layer] = numbers
        return [results[0] + factors * np.array(numbers)]
