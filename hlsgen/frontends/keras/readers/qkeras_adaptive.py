"""QAdaptiveActivation: a quantiser whose integer bits were learned from moving minima and maxima."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import NUMBER, SWITCH, TEXT, maybe, whole
from hlsgen.ir.graph import Value
from hlsgen.quantizers import Quantizer
from hlsgen.quantizers.qkeras import parse_quantizer
from hlsgen.quantizers.qkeras.float32 import LN2, log

Singles = NDArray[np.float32]


@reads("QAdaptiveActivation")
def read_adaptive_activation(call: Call) -> Value:
    """The quantiser with the integer bits that its moving range gives (per channel only if all agree)."""
    name, bits = call.take("activation", TEXT), call.take("total_bits", whole(1, 62))
    if name not in ("quantized_bits", "quantized_relu"):
        raise UnsupportedError(
            f"{call.where}: activation={name!r}; QKeras adapts quantized_bits and quantized_relu only"
        )
    call.ignore("current_step", "quantization_delay", "ema_freeze_delay", "ema_decay", "per_channel")
    symmetric, nearest = call.take("symmetric", SWITCH, True), call.take("po2_rounding", SWITCH, False)
    slope, bound = call.take("relu_neg_slope", NUMBER, 0.0), call.take("relu_upper_bound", maybe(NUMBER), None)
    negative = name == "quantized_bits" or slope != 0
    low, high = (call.weight(role).astype(np.float32).reshape(-1) for role in ("ema_min", "ema_max"))
    learned = integer_bits(low, high, bits, symmetric=symmetric, keep_negative=negative, nearest=nearest)
    if (learned != learned[0]).any():
        raise UnsupportedError(
            f"{call.where}: per_channel=True learned different integer bits per channel ({learned.min()} to "
            f"{learned.max()}), and a tensor has one type; retrain with per_channel=False"
        )
    return call.apply_quantizer(call.input, _quantizer(call, name, bits, int(learned[0]), symmetric, slope, bound))


def _quantizer(
    call: Call, name: str, bits: int, integer: int, symmetric: bool, slope: float, bound: float | None
) -> Quantizer:
    options: dict[str, object] = {"bits": bits, "integer": integer}
    if name == "quantized_bits":
        options |= {"symmetric": int(symmetric), "keep_negative": True}
    else:
        options |= {"negative_slope": slope, "relu_upper_bound": bound or None, "is_quantized_clip": False}
    quantizer = parse_quantizer({"class_name": name, "config": options}, library=call.library, where=call.where)
    assert quantizer is not None
    return quantizer


def integer_bits(
    low: Singles, high: Singles, bits: int, *, symmetric: bool, keep_negative: bool, nearest: bool
) -> NDArray[np.int64]:
    """Integer bits (without sign) that hold the range ``low`` to ``high``, by QKeras's rule in float32.

    ``nearest`` rounds the logarithms (the range is clipped); else they are rounded up and checked
    against the largest and smallest number of the type.
    """
    if not keep_negative:
        low, high = np.maximum(low, np.float32(0)), np.maximum(high, np.float32(0))
    unsigned = bits - keep_negative
    below, above = (np.maximum(_log2(np.abs(v)), np.float32(0)) for v in (low, high))
    if nearest:
        below, above = np.rint(below), np.rint(above)
    else:
        below, above = np.ceil(below), np.ceil(above)
        above = np.where(high <= _power(above) - _step(above, unsigned), above, above + 1)
        if symmetric:
            below = np.where(-_power(below) + _step(below, unsigned) <= low, below, below + 1)
    return np.minimum(np.maximum(below, above).astype(np.int64), unsigned)


def _log2(x: Singles) -> Singles:
    with np.errstate(divide="ignore"):
        result: Singles = np.where(x > 0, log(np.where(x > 0, x, np.float32(1))) / LN2, np.float32(-np.inf))
    return result


def _power(exponent: Singles) -> Singles:
    return np.exp2(exponent).astype(np.float32)


def _step(integer: Singles, unsigned: int) -> Singles:
    return _power(np.minimum(integer - np.float32(unsigned), np.float32(0)))
