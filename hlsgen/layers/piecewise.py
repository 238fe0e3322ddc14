"""Activations of straight pieces, built from Scale and ReLU: exact but for their slopes (1/6, 0.2)."""

from __future__ import annotations

import numpy as np

from hlsgen.ir.graph import Value
from hlsgen.layers.base import Parameter
from hlsgen.layers.merge import Merge
from hlsgen.layers.reading import Call, activation
from hlsgen.layers.relu import add_relu
from hlsgen.layers.scale import Scale


def add_line(call: Call, value: Value, slope: float, shift: float, step: str) -> Value:
    """Add ``slope * x + shift``."""
    channels = value.shape[-1]
    return call.add(
        Scale(Parameter.of(np.full(channels, slope)), Parameter.of(np.full(channels, shift))), [value], step
    )


@activation("hard_sigmoid")
def apply_hard_sigmoid(call: Call, value: Value) -> Value:
    """``clip(slope * x + 1/2, 0, 1)``; the slope is 1/6 in Keras 3, 0.2 in Keras 2, and 1/2 in a layer of QKeras."""
    return _sigmoid_of_slope(call, value, 0.5 if call.is_qkeras else 1 / 6 if call.keras3 else 0.2)


@activation("smooth_sigmoid")
def apply_smooth_sigmoid(call: Call, value: Value) -> Value:
    """QKeras's ``clip(3 / 16 * x + 1/2, 0, 1)``."""
    return _sigmoid_of_slope(call, value, 3 / 16)


@activation("smooth_tanh")
def apply_smooth_tanh(call: Call, value: Value) -> Value:
    """QKeras's ``2 * smooth_sigmoid(x) - 1``."""
    return add_line(call, apply_smooth_sigmoid(call, value), 2.0, -1.0, "down")


def _sigmoid_of_slope(call: Call, value: Value, slope: float) -> Value:
    return add_relu(call, add_line(call, value, slope, 0.5, "line"), ceiling=1.0)


@activation("hard_silu", "hard_swish")
def apply_hard_silu(call: Call, value: Value) -> Value:
    """``x * hard_sigmoid(x)`` of Keras 3."""
    return call.add(Merge("multiply"), [value, _sigmoid_of_slope(call, value, 1 / 6)], "product")


@activation("hard_tanh")
def apply_hard_tanh(call: Call, value: Value) -> Value:
    """``clip(x, -1, 1)``, shifted so that a ReLU does it."""
    return add_line(call, add_relu(call, add_line(call, value, 1.0, 1.0, "up"), ceiling=2.0), 1.0, -1.0, "down")
