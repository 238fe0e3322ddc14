"""QONNX's quantisers, of constants and of what is computed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError, brief
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.grids import Grid
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.readers.arithmetic import add_affine
from hlsgen.ir.constant import no_bias
from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, integers
from hlsgen.layers.convert import Convert
from hlsgen.layers.scale import Scale
from hlsgen.layers.steps import Steps
from hlsgen.quantizers.uniform import MOST_LEVELS, Rounds, Uniform, quantized

OF_CONSTANTS = frozenset({"Quant", "IntQuant", "BipolarQuant"})
"""Operators that are read here also where all that they read is constant."""
_MOST_BITS = 32
_MOST_SPREAD = 16
"""Octaves between scales of the channels of a tensor."""
_OF_TRUNC = {
    5: ((2, "zero point"), (3, "input bit width"), (4, "bit width")),
    6: ((2, "zero point"), (3, "input bit width"), (5, "bit width")),
}
"""The whole numbers among the inputs of Trunc, by how many inputs it has."""
_MODES = {
    "ROUND": Rounds.HALF_EVEN,
    "HALF_EVEN": Rounds.HALF_EVEN,
    "CEIL": Rounds.CEIL,
    "FLOOR": Rounds.FLOOR,
    "UP": Rounds.UP,
    "DOWN": Rounds.DOWN,
    "ROUND_TO_ZERO": Rounds.DOWN,
    "HALF_UP": Rounds.HALF_UP,
    "HALF_DOWN": Rounds.HALF_DOWN,
}


@reads("Quant", "IntQuant")
def read_quant(call: Call) -> Tensor | Grid:
    """``(clip(round(x / scale + zero), low, high) - zero) * scale``; one signed bit is a sign."""
    scale, zero, bits = _scale(call, 1), _whole(call, 2, "zero point"), _whole(call, 3, "bit width")
    rounds = _rounding(call, "ROUND")
    ends = _ends(call, bits)
    if ends is None:
        if zero:
            raise UnsupportedError(f"{call.where}: zero point {zero} of one signed bit is not supported (only 0)")
        return _sign(call, scale)
    low, high = ends
    operand = call.operand(0)
    if isinstance(operand, Tensor):
        return add_uniform(call, operand, scale, Uniform(low, high, Fraction(1), zero, rounds))
    values = call.weight(0).astype(np.float32)
    wide = np.broadcast_to(scale, values.shape)
    whole = quantized(values, wide, zero, low, high, rounds)
    return Grid(whole, wide.astype(np.float64), FixedType.covering(min(low - zero, 0), max(high - zero, 1), 0))


@reads("BipolarQuant")
def read_bipolar_quant(call: Call) -> Tensor | Grid:
    """``scale`` from 0 on, ``-scale`` below."""
    return _sign(call, _scale(call, 1))


def _sign(call: Call, scale: NDArray[np.float32]) -> Tensor | Grid:
    operand = call.operand(0)
    if isinstance(operand, Tensor):
        if scale.size == 1 or (scale == scale.flat[0]).all():
            return _add_sign(call, operand, Fraction(float(scale.flat[0])))
        return add_affine(call, _add_sign(call, operand, Fraction(1)), scale.astype(np.float64), 0.0, "scaled")
    values = call.weight(0).astype(np.float32)
    wide = np.broadcast_to(scale, values.shape).astype(np.float64)
    return Grid(integers(np.where(values >= 0, 1, -1)), wide, FixedType(2, 2))


@reads("Trunc")
def read_trunc(call: Call) -> Tensor:
    """Rounds to ``scale``, then drops low bits; version 1 takes what is left times ``scale``, version 2 says what.

    Version 1 keeps as many bits as its input has by its own statement, and a sign.
    """
    given = len(call.operands)
    if given not in (5, 6):
        raise UnsupportedError(f"{call.where}: {given} inputs, expected 5 (version 1) or 6 (version 2 of the operator)")
    zero, width, bits = (_whole(call, place, what) for place, what in _OF_TRUNC[given])
    scale, out = _one_power(call, 1), _one_power(call, 4) if given == 6 else None
    if zero or not 1 <= bits <= width <= _MOST_BITS:
        raise UnsupportedError(
            f"{call.where}: zero point {zero}, {width} bits to {bits} are not supported (zero point 0, up to "
            f"{_MOST_BITS} bits to as many or fewer)"
        )
    rounds = _rounding(call, "FLOOR")
    whole = _add_steps(call, call.tensor(), Uniform(-(1 << width), (1 << width) - 1, scale))
    if out is None:
        less = width - bits
        kept = Uniform(-(1 << bits), (1 << bits) - 1, scale * 2**less, rounds=rounds)
        return add_affine(call, _add_steps(call, whole, kept), 2.0**-less, 0.0, "scaled")
    ends = _ends(call, bits)
    if ends is None:
        raise UnsupportedError(f"{call.where}: one signed bit is not supported; use BipolarQuant")
    return _add_steps(call, whole, Uniform(*ends, out, rounds=rounds))


# -- of what is computed ---------------------------------------------------------------------------


def add_uniform(call: Call, tensor: Tensor, scale: NDArray[np.float32], whole: Uniform) -> Tensor:
    """A quantiser with the ends, zero point and rounding of ``whole``, and a ``scale`` that broadcasts."""
    if whole.low == whole.high:
        raise UnsupportedError(f"{call.where}: a quantiser of one value is not supported; leave out what reads it")
    if scale.size == 1 or (scale == scale.flat[0]).all():
        return _add_steps(call, tensor, replace(whole, scale=Fraction(float(scale.flat[0]))))
    parts, exponents = np.frexp(scale)
    if (parts != 0.5).any() or int(exponents.max() - exponents.min()) > _MOST_SPREAD:
        raise UnsupportedError(
            f"{call.where}: a scale for each channel of what is computed has to be a power of two, at most "
            f"2^{_MOST_SPREAD} times another; found {brief(str(scale.reshape(-1)[:4].tolist()))}; quantise with one "
            "scale"
        )
    real = scale.astype(np.float64)
    steps = _add_steps(call, add_affine(call, tensor, 1 / real, 0.0, "divided"), whole)
    return add_affine(call, steps, real, 0.0, "scaled")


def _add_steps(call: Call, tensor: Tensor, uniform: Uniform) -> Tensor:
    """One scale for all: a cast where there is one that does the same, else the places where the result steps."""
    if uniform.cast is not None:
        return tensor.with_value(call.add_typed(Convert(), tensor.value, uniform.cast, "quantizer"))
    stairs = uniform.staircase
    if stairs is None:
        raise UnsupportedError(
            f"{call.where}: {uniform.high - uniform.low + 1} levels with scale {float(uniform.scale):g}, zero point "
            f"{uniform.zero} and rounding {uniform.rounds} are not supported (at most {MOST_LEVELS}); there may be "
            "more where the scale is a power of two, the zero point 0 and the rounding none of UP and CEIL"
        )
    return _scaled(call, _stepped(call, tensor, stairs), uniform.scale, uniform.exponent is not None)


def _add_sign(call: Call, tensor: Tensor, scale: Fraction) -> Tensor:
    ends = Uniform(-1, 1, scale)
    stairs = Staircase((Cut(Fraction(0)),), (-1, 1), ends.plain_type)
    return _scaled(call, _stepped(call, tensor, stairs), scale, ends.exponent is not None)


def _stepped(call: Call, tensor: Tensor, stairs: Staircase) -> Tensor:
    return tensor.with_value(call.add_typed(Steps(stairs), tensor.value, stairs.type, "quantizer"))


def _scaled(call: Call, tensor: Tensor, scale: Fraction, done: bool) -> Tensor:
    """Whole numbers times a scale that is no power of two; ``done``: it is one, and in their type."""
    if done:
        return tensor
    channels = tensor.value.shape[-1]
    factor = call.held_exactly("its scale", np.full(channels, float(scale)))
    return tensor.with_value(call.add(Scale(factor, no_bias(channels)), [tensor.value], "scale"))


# -- inputs and attributes -------------------------------------------------------------------------


def _scale(call: Call, place: int) -> NDArray[np.float32]:
    scale = call.weight(place).astype(np.float32)
    if not (scale > 0).all():
        raise UnsupportedError(f"{call.where}: its scale is {scale.min():g}, expected numbers above 0")
    return scale


def _whole(call: Call, place: int, what: str) -> int:
    """A whole number that stands for all elements."""
    given = call.weight(place).reshape(-1)
    if not given.size or (given != given[0]).any() or given[0] != np.rint(given[0]):
        raise UnsupportedError(
            f"{call.where}: its {what} is {brief(str(given[:4].tolist()))}, expected one whole number"
        )
    return int(given[0])


def _one_power(call: Call, place: int) -> Fraction:
    """A power of two that stands for all elements."""
    scale = _scale(call, place)
    found = Uniform(0, 1, Fraction(float(scale.flat[0])))
    if (scale != scale.flat[0]).any() or found.exponent is None:
        raise UnsupportedError(
            f"{call.where}: scale {brief(str(scale.reshape(-1)[:4].tolist()))} is not supported (one power of two)"
        )
    return found.scale


def _ends(call: Call, bits: int) -> tuple[int, int] | None:
    """The least and the greatest whole number, None for one signed bit, a sign; consumes signed and narrow."""
    signed, narrow = (call.integer(key, usual) != 0 for key, usual in (("signed", 1), ("narrow", 0)))
    if not 1 <= bits <= _MOST_BITS:
        raise UnsupportedError(f"{call.where}: {bits} bits are not supported (from 1 to {_MOST_BITS})")
    if signed and bits == 1:
        return None
    if signed:
        return narrow - (1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - narrow


def _rounding(call: Call, usual: str) -> Rounds:
    mode = call.take("rounding_mode", usual)
    mode = (mode.decode("utf-8", "replace") if isinstance(mode, bytes) else str(mode)).upper()
    if mode not in _MODES:
        raise UnsupportedError(f"{call.where}: rounding_mode={brief(mode)} is not supported (only {', '.join(_MODES)})")
    return _MODES[mode]
