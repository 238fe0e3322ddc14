"""Scale: ``y = x * scale + bias`` per channel, which is what BatchNormalization does at inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.layers.base import Exact, Floats
from hlsgen.layers.kernel import ConstantArray, Kernel, Word, summed, typed
from hlsgen.layers.linear import LinearLayer


@dataclass(frozen=True, eq=False)
class Scale(LinearLayer):
    """``weight`` (channels,) is the scale, ``bias`` (channels,)."""

    kind = "Scale"
    constant_width = 24
    mean: Floats | None = None
    """What BatchNormalization saw in training, per channel (for placing ranges): mean of the input..."""
    deviation: Floats | None = None
    """...and its standard deviation."""

    def per_input(self, vector: NDArray[Any]) -> NDArray[Any]:
        return vector

    def summed(self, products: NDArray[Any]) -> NDArray[Any]:
        return products

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return inputs[0] * self.weight.effective + self.bias.effective

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        x, frac = inputs[0]
        s, scale_frac = self.weight.fixed
        return self.add_bias(exact_product(x, np.broadcast_to(s, x.shape)), frac + scale_frac)

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        s, frac = self.weight.fixed
        return self.bias_interval(inputs[0].multiply(Interval(s, s, frac)))

    def describe(self) -> str:
        return ""

    def kernel(self, node: Node) -> Kernel:
        assert self.weight.type is not None and self.bias.type is not None
        fields = {
            **typed(node),
            **summed(node),
            "size": node.output.size,
            "channels": node.output.shape[-1],
            "scale_t": self.weight.type,
            "bias_t": self.bias.type,
            "scale_word": Word(self.weight.type),
            "bias_word": Word(self.bias.type),
        }
        constants = (
            ConstantArray.of("s", self.weight.fixed[0], self.weight.type),
            ConstantArray.of("b", self.bias.fixed[0], self.bias.type),
        )
        return Kernel("scale", "scale.h", fields, constants)
