"""Normalisation: by constants (BatchNormalization), and by statistics of each sample."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.normalisation import add_group_standardised, add_standardised
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.onnx.patterns import Deviation
from hlsgen.frontends.onnx.windows import channels_last
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.layer import Statistics
from hlsgen.layers.scale import Scale
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure


@reads("BatchNormalization")
def read_batch_normalization(call: Call) -> Tensor:
    """``scale / sqrt(variance + epsilon)``, ``bias - mean * factor`` for each channel (Ioffe and Szegedy, 2015)."""
    tensor = call.tensor(0)
    call.expect("training_mode", 0)
    call.take("momentum", None)
    call.take("spatial", None)
    call.only_output()
    call.samples_in_front(tensor)
    epsilon, channels = call.real("epsilon", 1e-5), tensor.shape[1]
    scale, bias, mean, variance = (call.vector(place, channels, 0.0) for place in range(1, 5))
    if (variance + epsilon <= 0).any():
        raise UnsupportedError(f"{call.where}: its variance + epsilon is not positive; the model is damaged")
    factor = scale / np.sqrt(variance + epsilon)
    measured = Statistics(mean, np.sqrt(np.maximum(variance, 0)))
    order = channels_last(tensor)
    layer = Scale(Constant.of(factor), Constant.of(bias - mean * factor), measured)
    return Tensor.of(call.add(layer, [tensor.in_order(call, order)]), order)


@reads("InstanceNormalization")
def read_instance_normalization(call: Call) -> Tensor:
    """Each channel by itself (Ulyanov et al., 2016)."""
    channels = call.tensor(0).shape[1]
    scale, bias = (call.vector(place, channels, 0.0) for place in (1, 2))
    return _by_groups(call, channels, scale, bias)


@reads("GroupNormalization")
def read_group_normalization(call: Call) -> Tensor:
    """Each group of channels by itself (Wu and He, 2018); before opset 21 with a factor and a shift for each group."""
    groups, channels = call.integer("num_groups", 0), call.tensor(0).shape[1]
    call.expect("stash_type", 1)
    if groups < 1 or channels % groups:
        raise ModelError(f"{call.where}: {groups} groups do not divide the {channels} channels of its input")
    extent = channels if call.opset >= 21 else groups
    scale, bias = (np.repeat(call.vector(place, extent, 0.0), channels // extent) for place in (1, 2))
    return _by_groups(call, groups, scale, bias)


def _by_groups(call: Call, groups: int, scale: Floats, bias: Floats) -> Tensor:
    tensor = call.tensor(0)
    call.samples_in_front(tensor)
    layer = Standardise(Measure.DEVIATION, _epsilon(call))
    order = channels_last(tensor)
    call.inputs = [tensor.in_order(call, order)]
    return Tensor.of(add_group_standardised(call, layer, len(order) - 1, groups, scale, bias), order)


@reads("LayerNormalization")
def read_layer_normalization(call: Call) -> Tensor:
    """Over an axis and all behind it (Ba et al., 2016)."""
    call.expect("stash_type", 1)
    call.only_output()
    return _over_last(call, Measure.DEVIATION)


@reads("RMSNormalization")
def read_rms_normalization(call: Call) -> Tensor:
    """By the root mean square over an axis and all behind it (Zhang and Sennrich, 2019)."""
    call.expect("stash_type", 1)
    return _over_last(call, Measure.ROOT_MEAN_SQUARE)


def _over_last(call: Call, measure: Measure) -> Tensor:
    tensor = call.tensor(0)
    rank = len(tensor.axes)
    axes = list(range(tensor.place(call.integer("axis", -1), call.where), rank))
    if tensor.samples in axes:
        raise UnsupportedError(
            f"{call.where}: it goes over the axis of the samples; every sample is computed by itself"
        )
    order = [axis for axis in range(rank) if axis != tensor.samples]
    extents = [tensor.shape[axis] for axis in axes]
    gamma, beta = (_learned(call, place, extents) for place in (1, 2))
    call.inputs = [tensor.in_order(call, order)]
    places = [order.index(axis) for axis in axes]
    result = add_standardised(call, Standardise(measure, _epsilon(call)), places, gamma, beta)
    return Tensor.of(result, order, tensor.samples)


def read_deviation(pattern: Deviation, call: Call) -> Tensor:
    """A normalisation in pieces, over any axes; factors and shifts are operators of their own."""
    tensor = call.tensor(0)
    axes = [tensor.place(axis, call.where) for axis in pattern.axes]
    value, order = tensor.by_axes(call)
    call.inputs = [value]
    places = sorted(order.index(axis) for axis in set(axes))
    result = add_standardised(call, Standardise(Measure.DEVIATION, pattern.epsilon), places)
    return Tensor.of(result, order, tensor.samples)


def _learned(call: Call, place: int, extents: list[int]) -> Floats | None:
    if not call.has(place):
        return None
    given = call.weight(place)
    try:
        return np.broadcast_to(given, extents)
    except ValueError as error:
        raise ModelError(f"{call.where}: input {place} has shape {given.shape}, expected {tuple(extents)}") from error


def _epsilon(call: Call) -> float:
    epsilon = call.real("epsilon", 1e-5)
    if epsilon < 0:
        raise UnsupportedError(f"{call.where}: epsilon={epsilon:g} is below zero; expected 0 or more")
    return epsilon
