"""Batch normalisation of QKeras: by itself, and folded into the layer in front of it.

Everything here is float32 in QKeras, so it is float32 here, operation by operation: what reaches the
graph are the very constants the model computes with at inference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, NUMBER, SWITCH, several
from hlsgen.frontends.keras.readers.linear import read_conv, read_dense, read_depthwise
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Statistics
from hlsgen.layers.scale import Scale

Singles = NDArray[np.float32]

_PACKET = 8
_STATISTICS = ("momentum", "renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size",
               "adjustment", "synchronized")  # fmt: skip
_DEFAULTS = {
    "gamma_quantizer": "quantized_relu_po2(6, 2048)",
    "beta_quantizer": "quantized_po2(5)",
    "mean_quantizer": "quantized_po2(5)",
    "variance_quantizer": "quantized_relu_po2(6, quadratic_approximation=True)",
}


# -- by itself ------------------------------------------------------------------------------


@reads("QBatchNormalization")
def read_quantized_batch_normalization(call: Call) -> Value:
    """``x * inverse + (beta - mean * inverse)``, ``inverse = gamma / sqrt(variance + epsilon)``, as QKeras rounds it.

    The class of that name in ``hlsgen.training`` quantises the combined scale and bias instead.
    """
    spread = _check_axis(call)
    call.ignore(*_STATISTICS)
    if "scale_quantizer" in call.options:
        return _read_combined(call)
    for key, default in _DEFAULTS.items():
        call.options.setdefault(key, default)
    epsilon = np.float32(call.take("epsilon", NUMBER, 1e-3))
    gamma = _quantized(call, "gamma", call.take("scale", SWITCH, True))
    beta = _quantized(call, "beta", call.take("center", SWITCH, True))
    mean, variance = _quantized(call, "moving_mean"), _quantized(call, "moving_variance")
    assert mean is not None and variance is not None
    inverse = _inverse_root(call, variance + epsilon, exact_division=call.library == "qkeras-v3")
    if gamma is not None:
        inverse = inverse * gamma
    quantizer = call.quantizer("inverse_quantizer")
    if quantizer is not None:
        # For an axis counted from the end QKeras has spread the constants: a fitted alpha is one per channel then.
        shape = (1,) * len(call.input.shape) + (-1,) if spread else (-1,)
        inverse = quantizer.quantize_weights(inverse.reshape(shape)).values().reshape(-1)
    bias = -mean * inverse if beta is None else beta - mean * inverse
    return _add_scale(call, inverse, bias)


def _quantized(call: Call, role: str, present: bool = True) -> Singles | None:
    """A constant through its quantiser; None where the layer was built without it."""
    quantizer = call.quantizer(f"{role.removeprefix('moving_')}_quantizer")
    if not present:
        return None
    values = call.weight(role).astype(np.float32)
    return values if quantizer is None else quantizer.quantize_weights(values).values()


def _add_scale(call: Call, scale: Singles, bias: Singles) -> Value:
    if not (np.isfinite(scale).all() and np.isfinite(bias).all()):
        raise UnsupportedError(f"{call.where}: its scale or bias is not finite in float32; the model is damaged")
    mean = call.weight("moving_mean")
    deviation = np.sqrt(np.maximum(call.weight("moving_variance"), 0.0))
    weight = call.held_exactly("scale", scale)
    layer = Scale(weight, call.held_exactly("bias", bias), Statistics(mean, deviation))
    return call.add(layer)


# -- folded ---------------------------------------------------------------------------------


@reads("QConv2DBatchnorm")
def read_folded_conv2d(call: Call) -> Value:
    """A QConv2D whose kernel is scaled before it is quantised."""
    _fold(call, "kernel", exact_division=call.library == "qkeras-v3")
    return read_conv(call)


@reads("QDepthwiseConv2DBatchnorm")
def read_folded_depthwise(call: Call) -> Value:
    """A QDepthwiseConv2D likewise; the scale runs over (channels, multiplier)."""
    _fold(call, "depthwise_kernel", exact_division=False)
    return read_depthwise(call)


@reads("QDenseBatchnorm")
def read_folded_dense(call: Call) -> Value:
    """A QDense likewise (qkeras-v3)."""
    _fold(call, "kernel", exact_division=True)
    return read_dense(call)


def _fold(call: Call, role: str, *, exact_division: bool) -> None:
    """Replace kernel and bias by the folded ones; both folding modes are the same at inference.

    ``kernel * inverse`` and ``inverse * (bias - mean) + beta``, always with a bias.
    """
    _check_axis(call)
    call.ignore(*_STATISTICS, "ema_freeze_delay")
    call.expect("folding_mode", "ema_stats_folding", "batch_stats_folding")
    if not call.take("center", SWITCH, True):
        raise UnsupportedError(
            f"{call.where}: center=False, which QKeras itself cannot compute; rebuild the layer with center=True"
        )
    epsilon = np.float32(call.take("epsilon", NUMBER, 1e-3))
    inverse = _inverse_root(call, _single(call, "moving_variance") + epsilon, exact_division=exact_division)
    if call.take("scale", SWITCH, True):
        inverse = inverse * _single(call, "gamma")
    bias = _single(call, "bias") if call.take("use_bias", SWITCH, True) else np.float32(0)
    folded_bias = inverse * (bias - _single(call, "moving_mean")) + _single(call, "beta")
    kernel = _single(call, role)
    outputs = kernel.shape[-2:] if role == "depthwise_kernel" else kernel.shape[-1:]
    weights = {role: inverse.reshape(outputs) * kernel, "bias": folded_bias}
    call.weights |= weights
    call.options["use_bias"] = True


def _single(call: Call, role: str) -> Singles:
    return call.weight(role).astype(np.float32)


# -- shared ---------------------------------------------------------------------------------


def _check_axis(call: Call) -> bool:
    """Refuse any axis but the last; tell whether it was counted from the end."""
    axes = call.take("axis", several(AXIS), (-1,))
    if axes not in ((-1,), (len(call.input.shape),)):
        raise UnsupportedError(f"{call.where}: axis={axes}; only the last axis (channels) is supported")
    return axes == (-1,)


def _inverse_root(call: Call, x: Singles, *, exact_division: bool) -> Singles:
    """``1 / sqrt(x)`` of the variances in float32.

    As a division of a root it is reproduced to the bit. ``rsqrt`` is not: TensorFlow refines the
    processor's own estimate, for whole packets of 8, and is up to two units in the last place off,
    differently on different processors. The correctly rounded result stands for it.
    """
    if (x <= 0).any():
        raise UnsupportedError(f"{call.where}: moving_variance + epsilon is not positive; the model is damaged")
    result: Singles = (np.float32(1) / np.sqrt(x)).astype(np.float32)
    if exact_division:
        return result
    packed = x.size // _PACKET * _PACKET
    result[:packed] = (1 / np.sqrt(x[:packed].astype(np.float64))).astype(np.float32)
    return result


# -- hlsgen.training.QBatchNormalization ----------------------------------------------------


def _read_combined(call: Call) -> Value:
    """Scale and bias are combined in float32, then quantised each by its own quantiser."""
    epsilon = np.float32(call.take("epsilon", NUMBER, 1e-3))
    inverse = _inverse_root(call, _single(call, "moving_variance") + epsilon, exact_division=True)
    scale: Singles = inverse * _single(call, "gamma") if call.take("scale", SWITCH, True) else inverse
    shift = _single(call, "beta") if call.take("center", SWITCH, True) else np.float32(0)
    scale_quantizer, bias_quantizer = call.quantizer("scale_quantizer"), call.quantizer("bias_quantizer")
    if scale_quantizer is not None:
        scale = scale_quantizer.quantize_weights(scale).values()
    bias: Singles = (shift - _single(call, "moving_mean") * scale).astype(np.float32)
    if bias_quantizer is not None:
        bias = bias_quantizer.quantize_weights(bias).values()
    return _add_scale(call, scale, bias)
