"""Normalisation in HGQ2: by factors and shifts that are quantised, or in the weights of another layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.constants import given_constant
from hlsgen.frontends.keras.axes import places_of
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.hgq import begin, finished, quantize_inputs, quantize_weight, types_of
from hlsgen.frontends.keras.options import AXIS, NUMBER, SWITCH, TEXT, maybe, several, take
from hlsgen.frontends.keras.readers.linear import read_dense
from hlsgen.frontends.keras.readers.products import read_einsum_dense
from hlsgen.frontends.permuting import add_on_last
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.scale import Scale

_EPSILON = np.float32(1e-7)
"""That of Keras's backend, which QEinsumDenseBatchnorm adds whatever its own is."""

_TRAINED_BY = """
    momentum synchronized renorm renorm_clipping renorm_momentum bn_gamma_initializer bn_gamma_regularizer
    bn_gamma_constraint normalize_axes
""".split()


def _deviation(call: Call, variance: NDArray[Any], epsilon: float) -> NDArray[Any]:
    """In float32, as HGQ2 computes it."""
    total = variance.astype(np.float32) + np.float32(epsilon)
    if (total <= 0).any():
        raise UnsupportedError(f"{call.where}: moving_variance + epsilon is not positive; the model is damaged")
    return np.asarray(np.sqrt(total))


@reads("hgq>QBatchNormalization")
def read_batch_normalization(call: Call) -> Value:
    """A factor and a shift for each channel, both quantised; without ``center``, HGQ2 adds 1 in place of 0."""
    begin(call)
    call.ignore(*_TRAINED_BY)
    quantize_inputs(call)
    (axis,) = places_of(call, call.take("axis", several(AXIS), (-1,)))
    shape = (call.input.shape[axis],)
    one = np.ones(shape, dtype=np.float32)
    gamma = call.weight("gamma", shape).astype(np.float32) if call.take("scale", SWITCH, True) else one
    beta = call.weight("beta", shape).astype(np.float32) if call.take("center", SWITCH, True) else one
    mean = call.weight("moving_mean", shape).astype(np.float32)
    deviation = _deviation(call, call.weight("moving_variance", shape), call.take("epsilon", NUMBER, 1e-3))
    factor = gamma / deviation
    shift = beta - mean * factor
    layer = Scale(_quantized(call, "kq", factor), _quantized(call, "bq", shift))
    return finished(call, add_on_last(call, call.input, [axis], lambda value: call.add(layer, [value])))


def _quantized(call: Call, owner: str, values: NDArray[Any]) -> Constant:
    types = types_of(call, owner)
    return given_constant(values if types is None else types.quantize(values))


@reads("hgq>QBatchNormDense")
def read_batch_norm_dense(call: Call) -> Value:
    """A Dense layer whose inputs are normalised, by weights: the rows of its kernel are scaled, the bias is shifted."""
    begin(call)
    call.ignore(*_TRAINED_BY)
    shape = call.input.shape[-1:]
    kernel = call.weight("kernel").astype(np.float32)
    factor: NDArray[Any] = np.ones(shape, dtype=np.float32)
    mean = call.weight("moving_mean", shape).astype(np.float32)
    deviation = _deviation(call, call.weight("moving_variance", shape), call.take("epsilon", NUMBER, 1e-3))
    if call.take("scale", SWITCH, True):
        factor = call.weight("bn_gamma", shape).astype(np.float32)
    factor = factor / deviation
    quantize_weight(call, "kernel", factor[:, None] * kernel)
    quantize_weight(call, "bias", call.weight("bias").astype(np.float32) - mean @ kernel)
    quantize_inputs(call)
    return finished(call, read_dense(call))


@reads("hgq>QEinsumDenseBatchnorm")
def read_einsum_dense_batchnorm(call: Call) -> Value:
    """The normalisation of its results goes into the kernel and the bias."""
    begin(call)
    options = call.options
    equation = "".join(take(options, call.where, "equation", TEXT).split())
    bias_axes, chosen = (take(options, call.where, key, maybe(TEXT), None) for key in ("bias_axes", "normalize_axes"))
    normalised = chosen or bias_axes
    of_kernel, _, of_result = equation.partition(",")[2].partition("->")
    axes = "".join(label for label in of_kernel if normalised and label in normalised)
    kernel = call.weight("kernel").astype(np.float32)
    if not axes or len(of_kernel) != kernel.ndim or not set(axes) <= set(of_result):
        raise UnsupportedError(
            f"{call.where}: it normalises axes '{normalised}' of '{equation}'; expected axes of its kernel and its "
            "result"
        )
    extents = dict(zip(of_kernel, kernel.shape, strict=True))
    # statistics have the order of the result's axes, and are read by that of the kernel's
    shape = tuple(extents[label] for label in of_result if label in axes)
    if shape != tuple(extents[label] for label in axes):
        raise UnsupportedError(f"{call.where}: '{equation}' has normalised axes of the kernel in another order")
    deviation = _deviation(call, call.weight("moving_variance", shape), float(_EPSILON))
    gamma = call.weight("gamma", shape) if call.take("scale", SWITCH, True) else np.ones(shape)
    factor = gamma.astype(np.float32) / deviation
    shift = -call.weight("moving_mean", shape).astype(np.float32) * factor
    call.ignore(*_TRAINED_BY, "epsilon", "center")
    spread = [extents[label] if label in axes else 1 for label in of_kernel]
    quantize_weight(call, "kernel", kernel * factor.reshape(spread))
    behind = [label for label in of_result if label != "."]
    start = min(behind.index(label) for label in axes)
    cast = [extents[label] if label in axes else 1 for label in behind[start:]]
    quantize_weight(call, "bias", call.weight("bias", None).astype(np.float32) + shift.reshape(cast))
    quantize_inputs(call)
    return finished(call, read_einsum_dense(call))
