"""Products of words: ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul.

Their sums are whole numbers, exact; the last two quantise them again.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.grids import Weights
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.qdq import word_ends
from hlsgen.frontends.onnx.readers.convolutions import add_convolution
from hlsgen.frontends.onnx.readers.products import by_matrix, product
from hlsgen.frontends.onnx.readers.quantizers import add_words, by_channel, less, one_zero, zero_point
from hlsgen.ir.constant import Floats
from hlsgen.ir.types import Ints, integers
from hlsgen.quantizers.uniform import Uniform


@reads("ConvInteger")
def read_conv_integer(call: Call) -> Tensor:
    return _convolved(call, less(call, call.tensor(0), zero_point(call, 2)), 1, zero_point(call, 3), None)


@reads("MatMulInteger")
def read_matmul_integer(call: Call) -> Tensor:
    return _multiplied(call, less(call, call.tensor(0), zero_point(call, 2)), 1, zero_point(call, 3))


@reads("QLinearConv")
def read_qlinear_conv(call: Call) -> Tensor:
    """Inputs: x, its scale and zero point, the same of the weights and of the result, and a bias of whole numbers."""
    x = less(call, call.tensor(0), zero_point(call, 2))
    bias = Weights.of_whole(_words(call, 8)) if call.has(8) else None
    sums = _convolved(call, x, 3, zero_point(call, 5), bias)
    return _again(call, sums, [1, 4], 6, axis=1)


@reads("QLinearMatMul")
def read_qlinear_matmul(call: Call) -> Tensor:
    """Inputs: a, its scale and zero point, the same of b and of the result."""
    a = less(call, call.tensor(0), zero_point(call, 2))
    sums = _multiplied(call, a, 3, zero_point(call, 5))
    return _again(call, sums, [1, 4], 6, axis=len(sums.axes) - 1)


def _convolved(call: Call, x: Tensor, place: int, zero: Ints, bias: Weights | None) -> Tensor:
    words = _words(call, place)
    if zero.size not in (1, *words.shape[:1]) or words.ndim != len(x.axes):
        raise ModelError(
            f"{call.where}: weights of shape {words.shape} with {zero.size} zero points for {x.shape_text}"
        )
    return add_convolution(
        call,
        x,
        Weights.of_whole(words - zero.reshape(-1, *(1,) * (words.ndim - 1))),
        _checked(call, bias, words.shape[0]),
    )


def _multiplied(call: Call, a: Tensor, place: int, zero: Ints) -> Tensor:
    b = call.operand(place)
    if isinstance(b, Tensor):
        return product(call, a, less(call, b, zero))
    words = _words(call, place)
    if zero.ndim == words.ndim > 1:  # a row of zero points, with an axis of 1 in its place
        zero = zero.reshape(-1)
    return by_matrix(call, a, Weights.of_whole(words - zero))


def _checked(call: Call, bias: Weights | None, outputs: int) -> Weights | None:
    if bias is not None and bias.shape != (outputs,):
        raise ModelError(f"{call.where}: a bias of shape {bias.shape}, expected ({outputs},)")
    return bias


def _words(call: Call, place: int) -> Ints:
    """A constant of whole numbers."""
    array = np.asarray(call.constant(place))
    if word_ends(str(array.dtype)) is None:
        raise UnsupportedError(
            f"{call.where}: input {place} is of {array.dtype}, expected whole numbers of 4 to 32 bits"
        )
    return integers(array.astype(np.int64))


def _again(call: Call, sums: Tensor, scales: list[int], place: int, axis: int) -> Tensor:
    """The sums, whose scales are multiplied, as words of the scale and zero point at ``place``.

    The factor is one of float32, as runtimes compute it.
    """
    of_result, zero = call.weight(place), zero_point(call, place + 1)
    ends = word_ends(str(np.asarray(call.constant(place + 1)).dtype))
    if of_result.size != 1 or ends is None:
        raise UnsupportedError(
            f"{call.where}: a scale of shape {of_result.shape} of its result is not supported (only one)"
        )
    given: list[Floats] = [call.weight(each) for each in scales] + [of_result]
    if any(not (scale > 0).all() for scale in given):
        raise UnsupportedError(
            f"{call.where}: a scale is {min(float(s.min()) for s in given):g}, expected numbers above 0"
        )
    point = one_zero(call, zero)
    whole = Uniform(ends[0] - point, ends[1] - point, Fraction(1))
    factors = np.float32(given[0]).reshape(-1) * np.float32(given[1]).reshape(-1) / np.float32(of_result).reshape(-1)
    if factors.size == 1:
        return add_words(call, sums, replace(whole, scale=1 / Fraction(float(factors[0]))), point)
    shape = tuple(-1 if each == axis else 1 for each in range(len(sums.axes)))
    return add_words(call, by_channel(call, sums, factors.astype(np.float64).reshape(shape)), whole, point)
