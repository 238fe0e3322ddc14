"""Functions of every element by itself, and softmax."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.functions import add_absolute, add_clip, add_gate, add_line, add_relu, add_table
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.permuting import add_on_last
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Layer
from hlsgen.layers.functions import FUNCTIONS, Unary, celu, elu, erf, soft_shrink
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.merge import Merge
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.softmax import Softmax

_ERF = Unary("erf", erf, -1.0, 1.0)
_SMALLEST = 2.0**-20
"""Of a constant that is divided by, or that rounds a corner."""

_TABLES = {
    "Sigmoid": FUNCTIONS["sigmoid"],
    "Tanh": FUNCTIONS["tanh"],
    "Softplus": FUNCTIONS["softplus"],
    "Softsign": FUNCTIONS["softsign"],
    "Mish": FUNCTIONS["mish"],
    "Exp": FUNCTIONS["exponential"],
    "Erf": _ERF,
}


def _read_table(unary: Unary, call: Call) -> Tensor:
    return call.unary(lambda x: add_table(call, x, unary))


for _name, _unary in _TABLES.items():
    reads(_name)(partial(_read_table, _unary))


# -- straight pieces ---------------------------------------------------------------------------


@reads("Relu")
def read_relu(call: Call) -> Tensor:
    return call.unary(lambda x: add_relu(call, x))


@reads("LeakyRelu")
def read_leaky_relu(call: Call) -> Tensor:
    slope = call.real("alpha", 0.01)
    return call.unary(lambda x: add_relu(call, x, slope=slope))


@reads("PRelu")
def read_prelu(call: Call) -> Tensor:
    """A slope for each element, or for each channel as it is held."""
    tensor = call.tensor()
    slopes = tensor.as_held(call.weight(1))
    flat = slopes.reshape(-1, slopes.shape[-1])
    by_channel = bool((flat == flat[0]).all())
    return tensor.with_value(call.add(PRelu(Constant.of(flat[0] if by_channel else slopes)), [tensor.value]))


@reads("ThresholdedRelu")
def read_thresholded_relu(call: Call) -> Tensor:
    """``x where x > alpha, else 0``."""
    threshold = call.real("alpha", 1.0)
    return call.unary(lambda x: add_gate(call, x, threshold))


@reads("Clip")
def read_clip(call: Call) -> Tensor:
    """``min(max(x, low), high)``, either of which may be absent."""
    low, high = _limit(call, "min", 1, -np.inf), _limit(call, "max", 2, np.inf)
    if low > high:
        raise UnsupportedError(f"{call.where}: bounds {low:g} and {high:g} are not supported; expected two that rise")
    if low <= -_HUGE and high >= _HUGE:
        return call.tensor()
    if low == 0:
        return call.unary(lambda x: add_relu(call, x, ceiling=None if high >= _HUGE else high))
    if low <= -_HUGE:
        return call.unary(
            lambda x: add_line(call, add_relu(call, add_line(call, x, -1.0, high, "turned")), -1.0, high, "back")
        )
    return call.unary(lambda x: add_clip(call, x, low, None if high >= _HUGE else high))


_HUGE = 1e30
"""From here on a bound is none: exporters write the largest float32 for that."""


def _limit(call: Call, key: str, place: int, usual: float) -> float:
    given = call.take(key, None)
    if call.has(place):
        array = np.asarray(call.constant(place), dtype=np.float64)
        if array.size != 1:
            raise UnsupportedError(f"{call.where}: bound {key} has shape {array.shape}, expected one number")
        given = array.reshape(-1)[0]
    number = usual if given is None else float(given)
    if np.isnan(number):
        raise UnsupportedError(f"{call.where}: bound {key} is NaN; expected a number")
    return number


@reads("HardSigmoid")
def read_hard_sigmoid(call: Call) -> Tensor:
    """``clip(alpha * x + beta, 0, 1)``."""
    slope, shift = call.real("alpha", 0.2), call.real("beta", 0.5)
    return call.unary(lambda x: _hard_sigmoid(call, x, slope, shift))


@reads("HardSwish")
def read_hard_swish(call: Call) -> Tensor:
    """``x * clip(x / 6 + 1/2, 0, 1)``."""
    return call.unary(lambda x: call.add(Merge("multiply"), [x, _hard_sigmoid(call, x, 1 / 6, 0.5)], "product"))


def _hard_sigmoid(call: Call, value: Value, slope: float, shift: float) -> Value:
    return add_relu(call, add_line(call, value, slope, shift, "line"), ceiling=1.0)


@reads("Abs")
def read_abs(call: Call) -> Tensor:
    return call.unary(lambda x: add_absolute(call, x))


@reads("Neg")
def read_neg(call: Call) -> Tensor:
    return call.unary(lambda x: add_line(call, x, -1.0, 0.0, "line"))


@reads("Shrink")
def read_shrink(call: Call) -> Tensor:
    """Zero within ``lambd`` of zero; beyond, nearer to zero by ``bias``: not at all, or as far."""
    threshold, bias = call.real("lambd", 0.5), call.real("bias", 0.0)
    if threshold < 0 or bias not in (0.0, threshold):
        raise UnsupportedError(
            f"{call.where}: lambd={threshold:g} with bias={bias:g} is not supported; expected a bias of 0, or equal to "
            "lambd, which is not below 0"
        )
    if bias == 0:
        return call.unary(lambda x: add_gate(call, x, threshold, -threshold))
    return call.unary(lambda x: add_table(call, x, soft_shrink(threshold)))


# -- by table ------------------------------------------------------------------------------------


@reads("Elu")
def read_elu(call: Call) -> Tensor:
    unary = elu(call.real("alpha", 1.0))
    return call.unary(lambda x: add_table(call, x, unary))


@reads("Celu")
def read_celu(call: Call) -> Tensor:
    alpha = call.real("alpha", 1.0)
    if alpha < _SMALLEST:
        raise UnsupportedError(f"{call.where}: alpha={alpha:g} is not supported; expected at least {_SMALLEST:g}")
    return call.unary(lambda x: add_table(call, x, celu(alpha)))


@reads("Selu")
def read_selu(call: Call) -> Tensor:
    """``gamma * x`` above zero, ``gamma * alpha * (exp(x) - 1)`` below."""
    alpha, gamma = call.real("alpha", 1.6732631921768188), call.real("gamma", 1.0507010221481323)
    if abs(alpha - 1.6732632) < 1e-6 and abs(gamma - 1.050701) < 1e-6:
        return call.unary(lambda x: add_table(call, x, FUNCTIONS["selu"]))
    return call.unary(lambda x: add_line(call, add_table(call, x, elu(alpha)), gamma, 0.0, "scaled"))


@reads("Gelu")
def read_gelu(call: Call) -> Tensor:
    by_tanh = call.text("approximate", "none", "tanh") == "tanh"
    return call.unary(lambda x: add_table(call, x, FUNCTIONS["gelu_by_tanh" if by_tanh else "gelu"]))


@reads("Swish")
def read_swish(call: Call) -> Tensor:
    """``x * sigmoid(x)``."""
    call.expect("alpha", 1.0)
    return call.unary(lambda x: add_table(call, x, FUNCTIONS["silu"]))


# -- over an axis --------------------------------------------------------------------------------


def _read_over_axis(layer: Layer, call: Call) -> Tensor:
    """Over one axis; before opset 13 over that axis and all behind it, as one."""
    tensor = call.tensor()
    rank = len(tensor.axes)
    axis = tensor.place(call.integer("axis", 1 if call.opset < 13 else -1), call.where)
    axes = [axis] if call.opset >= 13 else list(range(axis, rank))
    if tensor.samples in axes:
        raise UnsupportedError(
            f"{call.where}: it goes over the axis of the samples; every sample is computed by itself"
        )
    if call.mask is not None:
        return _masked(call, tensor, axis, call.mask)
    value, order = tensor.by_axes(call)
    places = sorted(order.index(each) for each in axes)
    result = add_on_last(call, value, places, lambda last: call.add(layer, [last], layer.kind.lower()))
    return Tensor.of(result, order, tensor.samples)


def _masked(call: Call, tensor: Tensor, axis: int, mask: NDArray[np.bool_]) -> Tensor:
    """A softmax over the last axis that leaves out places, the same for all but the last axis but one."""
    rank = len(tensor.axes)
    shape = tensor.shape[-2:]
    flat = mask.reshape(-1, *mask.shape[-2:]) if mask.ndim > 2 else mask.reshape(1, *np.atleast_2d(mask).shape)
    if axis != rank - 1 or rank < 3 or tensor.samples >= rank - 2 or (flat != flat[0]).any():
        raise UnsupportedError(
            f"{call.where}: a mask of shape {mask.shape} is not supported; expected one for the last two axes, of "
            "which the last is that of the softmax"
        )
    counts = np.broadcast_to(flat[0], shape)
    if not counts.any(axis=-1).all():
        raise UnsupportedError(f"{call.where}: its mask leaves a row no element at all; leave one in every row")
    order = [place for place in range(rank) if place != tensor.samples]
    return Tensor.of(call.add(Softmax(counts), [tensor.in_order(call, order)]), order, tensor.samples)


reads("Softmax")(partial(_read_over_axis, Softmax()))
reads("LogSoftmax")(partial(_read_over_axis, LogSoftmax()))
