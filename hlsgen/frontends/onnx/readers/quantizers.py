"""Quantisers of QONNX and of ONNX itself, of constants and of what is computed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError, brief
from hlsgen.frontends.onnx.call import Call, Operand, reads
from hlsgen.frontends.onnx.grids import Grid
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.qdq import bounds_of, clip_behind, is_undone, word_ends
from hlsgen.frontends.onnx.readers.arithmetic import add_affine
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Floats, no_bias
from hlsgen.ir.staircase import Cut, Staircase
from hlsgen.ir.types import FixedType, Ints, integers
from hlsgen.layers.convert import Convert
from hlsgen.layers.scale import Scale
from hlsgen.layers.steps import Steps
from hlsgen.quantizers.uniform import MOST_LEVELS, Rounds, Uniform, quantized

OF_CONSTANTS = frozenset({"Quant", "IntQuant", "BipolarQuant", "QuantizeLinear", "DequantizeLinear"})
"""Operators that are read here also where all that they read is constant."""
_MOST_BITS = 32
_HUGE = 2.0**31
"""No zero point is as large."""
_MOST_SPREAD = 16
"""Octaves between scales of the channels of a tensor."""
_OF_TRUNC = {
    5: ((2, "zero point"), (3, "input bit width"), (4, "bit width")),
    6: ((2, "zero point"), (3, "input bit width"), (5, "bit width")),
}
"""The whole numbers among the inputs of Trunc, by how many inputs it has."""
_WORDS = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 21: "uint4", 22: "int4"}
"""By the numbers that ONNX has for types."""
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
    scale, out = _one_scale(call, 1), _one_scale(call, 4) if given == 6 else None
    if zero or not 1 <= bits <= _MOST_BITS or not 1 <= width <= _MOST_BITS or (out is None and bits > width):
        raise UnsupportedError(
            f"{call.where}: zero point {zero}, {width} bits to {bits} are not supported (zero point 0, up to "
            f"{_MOST_BITS} bits; in version 1 to as many or fewer)"
        )
    rounds = _rounding(call, "FLOOR")
    ends = (-(1 << bits), (1 << bits) - 1) if out is None else _ends(call, bits)
    drop = width - bits if out is None else round(log2(out / scale))
    if out is None:
        out = scale
    if ends is None:
        raise UnsupportedError(f"{call.where}: one signed bit is not supported; use BipolarQuant")
    kept = Uniform(*ends, Fraction(2) ** drop, rounds=rounds)
    given_steps = Uniform(-(1 << width), (1 << width) - 1, scale)
    if given_steps.exponent is not None and kept.cast is not None and out == scale * kept.scale:
        whole = _add_steps(call, call.tensor(), given_steps)
        return _add_steps(call, whole, replace(kept, scale=out))
    stairs = kept.behind_rounding(scale)
    if stairs is None:
        raise UnsupportedError(
            f"{call.where}: {bits} bits with scale {float(scale):g} are not supported (at most {MOST_LEVELS} levels; "
            "more where scales are powers of two)"
        )
    return _scaled(call, _stepped(call, call.tensor(), stairs), out, out == 1)


# -- ONNX's own ------------------------------------------------------------------------------------


@reads("QuantizeLinear")
def read_quantize_linear(call: Call) -> Operand:
    """``clip(round(x / scale) + zero, low, high)``; read by nothing but its reverse, what that gives."""
    scale, zero = _scale(call, 1), zero_point(call, 2)
    low, high = _word(call)
    operand = call.operand(0)
    axis = call.integer("axis", 1)
    call.expect("block_size", 0)
    call.expect("precision", 0)
    call.take("saturate", 1)  # of floating point
    rank = len(operand.axes) if isinstance(operand, Tensor) else operand.ndim
    scale, zero = (_along(call, array, rank, axis) for array in (scale, zero))
    if not isinstance(operand, Tensor):
        values = call.weight(0).astype(np.float32)
        moved = np.rint((values / scale).astype(np.float32)).astype(np.float64) + zero
        kind = np.asarray(call.constant(2)).dtype if call.has(2) else np.dtype(np.int64)
        return np.asarray(np.clip(moved, low, high)).astype(kind)
    point = one_zero(call, zero)
    undone = is_undone(call.node)
    clip = clip_behind(call.node) if undone else None
    if clip is not None:
        below, above = bounds_of(clip)
        low, high = max(low, low if below is None else below), min(high, high if above is None else above)
        if low >= high:
            raise UnsupportedError(f"{call.where}: the Clip behind it leaves one value or none")
    whole = Uniform(low - point, high - point, Fraction(1))
    if undone:
        return add_uniform(call, operand, scale, whole)
    if (scale != scale.flat[0]).any():
        raise UnsupportedError(
            f"{call.where}: words of a scale for each channel are supported where nothing but DequantizeLinear of the "
            "same scale reads them; quantise with one scale"
        )
    return add_words(call, operand, replace(whole, scale=Fraction(float(scale.flat[0]))), point)


@reads("DequantizeLinear")
def read_dequantize_linear(call: Call) -> Tensor | Grid:
    """``(x - zero) * scale``."""
    operand, scale, zero = call.operand(0), _scale(call, 1), zero_point(call, 2)
    axis = call.integer("axis", 1)
    call.expect("block_size", 0)
    call.take("output_dtype", 0)  # float16 is refused where it is read
    if isinstance(operand, Tensor):
        rank = len(operand.axes)
        scale, zero = (_along(call, array, rank, axis) for array in (scale, zero))
        centred = not zero.any()
        moved = operand if centred else add_affine(call, operand, 1.0, -zero.astype(np.float64), "centred")
        if (scale == scale.flat[0]).all():
            uniform = Fraction(float(scale.flat[0]))
            return _scaled(call, moved, uniform, uniform == 1)
        return by_channel(call, moved, scale.astype(np.float64))
    words = np.asarray(operand)
    if words.dtype.kind == "f":
        raise UnsupportedError(f"{call.where}: input 0 is of {words.dtype}, expected whole numbers")
    whole = words.astype(np.int64)
    scale, zero = (_along(call, array, whole.ndim, axis) for array in (scale, zero))
    numbers = integers(whole - np.broadcast_to(zero, whole.shape))
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=1))  # words often have fewer bits than their type
    wide = np.broadcast_to(scale, numbers.shape).astype(np.float64)
    return Grid(numbers, wide, FixedType.covering(low, high, 0))


def zero_point(call: Call, place: int) -> Ints:
    """Zero points as they are given; 0 where none are."""
    if not call.has(place):
        return np.zeros((), dtype=np.int64)
    array = np.asarray(call.constant(place))
    if word_ends(str(array.dtype)) is None:
        raise UnsupportedError(
            f"{call.where}: its zero point is of {array.dtype}, expected whole numbers of 4 to 32 bits"
        )
    return array.astype(np.int64)


def one_zero(call: Call, zero: Ints) -> int:
    """A zero point that stands for all elements of what is computed."""
    if (zero != zero.flat[0]).any():
        raise UnsupportedError(
            f"{call.where}: a zero point for each channel of what is computed is not supported; quantise with one"
        )
    return int(zero.flat[0])


def less(call: Call, tensor: Tensor, zero: Ints) -> Tensor:
    """Whole numbers less their zero point."""
    point = one_zero(call, zero)
    return tensor if point == 0 else add_affine(call, tensor, 1.0, -float(point), "centred")


def add_words(call: Call, tensor: Tensor, uniform: Uniform, zero: int) -> Tensor:
    """The whole numbers of a quantiser with one scale, of any exact value, and ``zero`` more."""
    if uniform.exponent is not None and replace(uniform, scale=Fraction(1)).cast is not None:
        if uniform.exponent:
            tensor = add_affine(call, tensor, 2.0**-uniform.exponent, 0.0, "divided")
        result = _add_steps(call, tensor, replace(uniform, scale=Fraction(1)))
    else:
        stairs = _stairs(call, uniform)
        whole = FixedType.covering(uniform.low, uniform.high, 0)
        result = _stepped(call, tensor, replace(stairs, type=whole))
    return result if zero == 0 else add_affine(call, result, 1.0, float(zero), "moved")


def by_channel(call: Call, tensor: Tensor, factors: Floats) -> Tensor:
    """Times factors that broadcast, as float32 holds them: by channels as they are held, else by elements."""
    held = tensor.as_held(factors)
    rows, value = held.reshape(-1, held.shape[-1]), tensor.value
    if (rows == rows[0]).all():
        factor = call.held_exactly("its scale", rows[0].copy())
        return tensor.with_value(call.add(Scale(factor, no_bias(factor.values.size)), [value], "scale"))
    factor = call.held_exactly("its scale", held.reshape(-1))
    line = call.add(Scale(factor, no_bias(value.size)), [add_reshape(call, value, (value.size,))], "scale")
    return tensor.with_value(add_reshape(call, line, value.shape))


def _word(call: Call) -> tuple[int, int]:
    """The ends of the words that a QuantizeLinear makes; consumes output_dtype."""
    kind = call.integer("output_dtype", 0)
    name = _WORDS.get(kind, f"type {kind}") if kind else "uint8"
    if call.has(2) and not kind:
        name = str(np.asarray(call.constant(2)).dtype)
    ends = word_ends(name)
    if ends is None:
        raise UnsupportedError(
            f"{call.where}: words of {name} are not supported (whole numbers of 4, 8, 16 or 32 bits)"
        )
    return ends


def _along(call: Call, array: NDArray[Any], rank: int, axis: int) -> NDArray[Any]:
    """One number for all, or for each place of an axis of a tensor of ``rank`` axes, as an array that broadcasts."""
    if array.size == 1:
        return array.reshape((1,) * rank)
    place = axis + rank if axis < 0 else axis
    if array.ndim != 1 or not 0 <= place < rank:
        raise UnsupportedError(
            f"{call.where}: scales or zero points of shape {array.shape} along axis {axis} of {rank} are not supported "
            "(one, or one for each place of an axis)"
        )
    return array.reshape(tuple(-1 if each == place else 1 for each in range(rank)))


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
    stairs = _stairs(call, uniform)
    return _scaled(call, _stepped(call, tensor, stairs), uniform.scale, uniform.exponent is not None)


def _stairs(call: Call, uniform: Uniform) -> Staircase:
    stairs = uniform.staircase
    if stairs is None:
        raise UnsupportedError(
            f"{call.where}: {uniform.high - uniform.low + 1} levels with scale {float(uniform.scale):g}, zero point "
            f"{uniform.zero} and rounding {uniform.rounds} are not supported (at most {MOST_LEVELS}); there may be "
            "more where the scale is a power of two, the zero point 0 and the rounding none of UP and CEIL"
        )
    return stairs


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
    if not given.size or (given != given[0]).any() or given[0] != np.rint(given[0]) or abs(given[0]) >= _HUGE:
        raise UnsupportedError(
            f"{call.where}: its {what} is {brief(str(given[:4].tolist()))}, expected one whole number"
        )
    return int(given[0])


def _one_scale(call: Call, place: int) -> Fraction:
    """A scale that stands for all elements."""
    scale = _scale(call, place)
    if (scale != scale.flat[0]).any():
        raise UnsupportedError(
            f"{call.where}: scales {brief(str(scale.reshape(-1)[:4].tolist()))} are not supported (one for all)"
        )
    return Fraction(float(scale.flat[0]))


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
