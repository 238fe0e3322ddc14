"""Activations, by name and as layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.functions import (
    add_absolute,
    add_clip,
    add_gate,
    add_line,
    add_relu,
    add_relu_above,
    add_table,
)
from hlsgen.frontends.keras.call import Call, activation, operation, reads
from hlsgen.frontends.keras.options import AXIS, LIMIT, NUMBER, SWITCH, listed, maybe, several
from hlsgen.frontends.permuting import add_on_last
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Layer
from hlsgen.layers.functions import FUNCTIONS, Unary, celu, elu, soft_shrink, squareplus
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.merge import Merge
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.split import Split

_SMALLEST = 2.0**-20
"""Of a constant that is divided by, or that rounds a corner: with less there is none."""


@activation("linear")
def apply_linear(call: Call, value: Value) -> Value:
    return value


@reads("Activation")
def read_activation(call: Call) -> Value:
    return call.activate(call.input)


@reads("QActivation")
def read_quantized_activation(call: Call) -> Value:
    return call.activate(call.input)


# -- rectifiers ------------------------------------------------------------------------------


@reads("ReLU")
def read_relu(call: Call) -> Value:
    threshold = call.take("threshold", maybe(NUMBER), None)
    slope = call.take("negative_slope", maybe(NUMBER), None)
    ceiling = call.take("max_value", maybe(LIMIT), None)
    if threshold:
        return add_relu_above(call, call.input, threshold, slope or 0.0, ceiling)
    return add_relu(call, call.input, slope or 0.0, ceiling)


@reads("ThresholdedReLU")
def read_thresholded_relu(call: Call) -> Value:
    return add_gate(call, call.input, call.take("theta", LIMIT, 1.0))


@reads("LeakyReLU")
def read_leaky_relu(call: Call) -> Value:
    slope = call.take("negative_slope", maybe(NUMBER), None)
    old_slope = call.take("alpha", maybe(NUMBER), None)  # Keras 2's name
    given = [s for s in (slope, old_slope) if s is not None]
    return add_relu(call, call.input, given[0] if given else 0.3)


@activation("relu")
def apply_relu(call: Call, value: Value) -> Value:
    return add_relu(call, value)


@activation("relu6")
def apply_relu6(call: Call, value: Value) -> Value:
    return add_relu(call, value, ceiling=6.0)


@activation("abs", "absolute")
def apply_absolute(call: Call, value: Value) -> Value:
    return add_absolute(call, value)


@activation("leaky_relu")
def apply_leaky_relu(call: Call, value: Value) -> Value:
    """Keras 3's ``leaky_relu`` activation has a slope of 0.2."""
    return add_relu(call, value, slope=0.2)


@reads("PReLU")
def read_prelu(call: Call) -> Value:
    call.ignore("alpha_initializer", "alpha_regularizer", "alpha_constraint")
    shape = call.input.shape
    shared = [axis - 1 for axis in call.take("shared_axes", maybe(listed(AXIS)), None) or ()]
    if any(not 0 <= axis < len(shape) for axis in shared):
        raise UnsupportedError(f"{call.where}: shared_axes {[a + 1 for a in shared]} of a tensor of {len(shape)} axes")
    alpha = call.weight("alpha", tuple(1 if axis in shared else extent for axis, extent in enumerate(shape)))
    by_channel = all(extent == 1 for extent in alpha.shape[:-1])
    slopes = alpha.reshape(-1) if by_channel else alpha
    full = (shape[-1],) if by_channel else shape
    return call.add(PRelu(Constant.of(np.broadcast_to(slopes, full).copy())))


# -- gates: functions that jump ----------------------------------------------------------------


@activation("hard_shrink")
def apply_hard_shrink(call: Call, value: Value) -> Value:
    """``x where |x| > threshold, else 0``: everywhere for a threshold below zero."""
    threshold = call.take("threshold", NUMBER, 0.5)
    return value if threshold < 0 else add_gate(call, value, threshold, -threshold)


@operation("Threshold")
def read_threshold(call: Call) -> Value:
    """``keras.activations.threshold``: ``x where x > threshold, else default_value``."""
    return add_gate(call, call.input, call.take("threshold", NUMBER), level=call.take("default_value", NUMBER))


# -- straight pieces: exact but for their slopes (1/6, 0.2) ------------------------------------


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
    """``clip(x, -1, 1)``."""
    return add_clip(call, value, -1.0, 1.0)


# -- by table --------------------------------------------------------------------------------


def _register(unary: Unary, *aliases: str) -> None:
    activation(unary.name, *aliases)(lambda call, value: add_table(call, value, unary))


for _name in set(FUNCTIONS) - {"silu", "gelu", "gelu_by_tanh", "elu", "celu", "squareplus", "soft_shrink"}:
    _register(FUNCTIONS[_name])


_register(FUNCTIONS["silu"], "swish")


@activation("elu")
def apply_elu(call: Call, value: Value) -> Value:
    return add_table(call, value, elu(call.take("alpha", NUMBER, 1.0)))


@reads("ELU")
def read_elu(call: Call) -> Value:
    return apply_elu(call, call.input)


def _taken(call: Call, key: str, usual: float, least: float) -> float:
    """A constant of a function, which has no meaning (or another one) below ``least``."""
    value = call.take(key, NUMBER, usual)
    if value < least:
        raise UnsupportedError(f"{call.where}: option {key}={value:g} is not supported; expected at least {least:g}")
    return value


@activation("celu")
def apply_celu(call: Call, value: Value) -> Value:
    return add_table(call, value, celu(_taken(call, "alpha", 1.0, _SMALLEST)))


@activation("squareplus")
def apply_squareplus(call: Call, value: Value) -> Value:
    return add_table(call, value, squareplus(_taken(call, "b", 4.0, _SMALLEST)))


@activation("soft_shrink")
def apply_soft_shrink(call: Call, value: Value) -> Value:
    return add_table(call, value, soft_shrink(_taken(call, "threshold", 0.5, 0.0)))


@activation("gelu")
def apply_gelu(call: Call, value: Value) -> Value:
    return add_table(call, value, FUNCTIONS["gelu_by_tanh" if call.take("approximate", SWITCH, False) else "gelu"])


# -- over an axis ----------------------------------------------------------------------------


def _over_axes(call: Call, value: Value, given: Sequence[int], layer: Layer) -> Value:
    """Over the last axis as it is; over another axis or several, that axis is brought to the end and back."""
    rank = len(value.shape)
    axes = sorted({a - 1 if a > 0 else a + rank for a in given})
    if not axes or axes[0] < 0 or axes[-1] >= rank or 0 in given or len(axes) != len(given):
        raise UnsupportedError(f"{call.where}: {layer.kind} over axes {given} of {rank}; the batch is axis 0")
    step = layer.kind.lower()
    return add_on_last(call, value, axes, lambda last: call.add(layer, [last], step))


@reads("Softmax")
def read_softmax(call: Call) -> Value:
    axes = call.take("axis", several(AXIS), (-1,))
    return _over_axes(call, call.input, axes, Softmax())


@activation("softmax")
def apply_softmax(call: Call, value: Value) -> Value:
    return call.add(Softmax(), [value], "softmax")


@activation("log_softmax")
def apply_log_softmax(call: Call, value: Value) -> Value:
    return _over_axes(call, value, [call.take("axis", AXIS, -1)], LogSoftmax())


@activation("sparsemax")
def apply_sparsemax(call: Call, value: Value) -> Value:
    """As Keras up to 3.15 has it; that of later versions sums to 1."""
    call.graph.notes.append(f"{call.name}: sparsemax as Keras up to 3.15 computes it, whose results do not sum to 1")
    return _over_axes(call, value, [call.take("axis", AXIS, -1)], Sparsemax(of_partial_sums=True))


@activation("glu")
def apply_glu(call: Call, value: Value) -> Value:
    """The first half of an axis times the sigmoid of the second."""
    rank, axis = len(value.shape), call.take("axis", AXIS, -1)
    place = axis - 1 if axis > 0 else axis + rank
    if axis == 0 or not 0 <= place < rank or value.shape[place] % 2:
        raise UnsupportedError(f"{call.where}: axis {axis} of {value.shape}; expected one of an even length")
    first, second = call.add_several(Split(place, value.shape[place] // 2), [value], "halves")
    return call.add(Merge("multiply"), [first, add_table(call, second, FUNCTIONS["sigmoid"])], "product")
