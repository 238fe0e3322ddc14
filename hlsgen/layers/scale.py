"""Scale: ``y = x * scale + bias`` per channel, which is what BatchNormalization does at inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.ir.arithmetic import exact_product
from hlsgen.ir.graph import Node, Shape, Value
from hlsgen.ir.interval import Interval
from hlsgen.layers.base import Exact, Floats, Parameter
from hlsgen.layers.kernel import ConstantArray, Kernel, Word, summed, typed
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.reading import Call, reads


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


@reads("BatchNormalization")
def read_batch_normalization(call: Call) -> Value:
    """``scale = gamma / sqrt(variance + epsilon)``, ``bias = beta - mean * scale`` (Ioffe and Szegedy, 2015)."""
    shape = call.inputs[0].shape
    axis = call.take("axis", -1)
    axes = [axis] if isinstance(axis, int) else list(axis)
    if axes not in ([-1], [len(shape)]):
        raise UnsupportedError(
            f"layer '{call.name}': BatchNormalization over axis {axis}; only the last axis (channels) is supported"
        )
    call.ignore(
        "momentum",
        "renorm",
        "fused",
        "virtual_batch_size",
        "synchronized",
        "renorm_clipping",
        "renorm_momentum",
    )
    epsilon = call.take("epsilon", 1e-3)
    channels = shape[-1]
    gamma = call.weight("gamma") if call.take("scale", True) else np.ones(channels)
    beta = call.weight("beta") if call.take("center", True) else np.zeros(channels)
    mean, variance = call.weight("moving_mean"), call.weight("moving_variance")
    if (variance + epsilon <= 0).any():
        raise UnsupportedError(f"layer '{call.name}': moving_variance + epsilon is not positive; the model is damaged")
    scale = gamma / np.sqrt(variance + epsilon)
    layer = Scale(Parameter.of(scale), Parameter.of(beta - mean * scale), mean, np.sqrt(np.maximum(variance, 0)))
    return call.add(layer)
