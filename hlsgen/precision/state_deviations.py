"""Say how far off a layer can be: one that rounds inside, and a sum whose weights were refitted at the user's wish."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.layer import Layer
from hlsgen.ir.typing import Tensor
from hlsgen.layers.linear import LinearLayer
from hlsgen.precision.draft import Draft, Step

_TOLERATED = 1.5
"""Steps of its result by which a layer that rounds inside may be off without a warning: more than rounding costs."""


@dataclass(frozen=True)
class StateDeviations(Step):
    """Note the largest deviation of every layer that ``fuse_quantized`` changed, or that cannot keep its result's bits.

    Changes no type.
    """

    exact = True
    optional = False

    def run(self, draft: Draft) -> bool:
        for node, layer in draft.layers.items():
            if node.refitted and isinstance(layer, LinearLayer):
                (x,) = draft.inputs(node)
                most = largest_deviation(layer, x, draft.tensors[node.output])
                draft.notes.append(
                    f"{node.name}: scales are fused into quantised weights (fuse_quantized), now {layer.weight.type}; "
                    f"its sums are off by at most {most:.4g} for that"
                )
            if layer.deviation is not None and layer.deviation > _TOLERATED:
                draft.notes.append(_too_fine(node.name, layer, draft.tensors[node.output]))
        return False


def _too_fine(name: str, layer: Layer, result: Tensor) -> str:
    off = (layer.deviation or 0.0) * float(result.type.step)
    return (
        f"warning: {name}: {layer.kind} {layer.describe()} is off by up to {layer.deviation:.3g} steps of its result "
        f"{result.type}, which is {off:.3g}; it has no use for so many fraction bits"
    )


def largest_deviation(layer: LinearLayer, x: Tensor, result: Tensor) -> float:
    """A bound of ``|x dW + db|`` over all inputs: rounding of the constants times the largest inputs, added up.

    As the model means the sums, where they are held times powers of two.
    """
    interval = x.interval
    largest = np.maximum(np.abs(interval.low.astype(np.float64)), np.abs(interval.high.astype(np.float64)))
    data = np.broadcast_to(largest * 2.0**-interval.frac, (1, *x.shape))
    off = replace(layer, weight=_error(layer.weight), bias=_error(layer.bias))
    return float((off.evaluate_float([data]) * result.factors).max())


def _error(constant: Constant) -> Constant:
    return Constant.of(np.abs(constant.effective - constant.values))
