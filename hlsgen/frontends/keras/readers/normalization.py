"""Normalisation: BatchNormalization, whose statistics are constants at inference, and by statistics of each sample."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, NUMBER, SWITCH, several, whole
from hlsgen.frontends.normalisation import add_group_standardised, add_standardised
from hlsgen.frontends.permuting import add_on_last
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Statistics
from hlsgen.layers.scale import Scale
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure

_LEAST_OF_KERAS2 = 1e-12
"""Of the sum of squares, where UnitNormalization stops; Keras 3 stops at 1e12 for what it multiplies by."""
_GROUPS = whole(-1, 2**31 - 1)


@reads("BatchNormalization")
def read_batch_normalization(call: Call) -> Value:
    """``scale = gamma / sqrt(variance + epsilon)``, ``bias = beta - mean * scale`` (Ioffe and Szegedy, 2015)."""
    axes = _axes(call, most=1)
    call.ignore(
        "momentum",
        "renorm",
        "fused",
        "virtual_batch_size",
        "synchronized",
        "renorm_clipping",
        "renorm_momentum",
    )
    epsilon = call.take("epsilon", NUMBER, 1e-3)
    shape = (call.input.shape[axes[0]],)
    gamma = call.weight("gamma", shape) if call.take("scale", SWITCH, True) else np.ones(shape)
    beta = call.weight("beta", shape) if call.take("center", SWITCH, True) else np.zeros(shape)
    mean, variance = call.weight("moving_mean", shape), call.weight("moving_variance", shape)
    if (variance + epsilon <= 0).any():
        raise UnsupportedError(f"{call.where}: moving_variance + epsilon is not positive; the model is damaged")
    scale = gamma / np.sqrt(variance + epsilon)
    measured = Statistics(mean, np.sqrt(np.maximum(variance, 0)))
    layer = Scale(Constant.of(scale), Constant.of(beta - mean * scale), measured)
    return add_on_last(call, call.input, axes, lambda value: call.add(layer, [value]))


@reads("LayerNormalization")
def read_layer_normalization(call: Call) -> Value:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over axes of each sample (Ba et al., 2016)."""
    if call.take("rms_scaling", SWITCH, False):
        raise UnsupportedError(
            f"{call.where}: rms_scaling=True divides by the deviation without taking the mean off, which Keras gave "
            "up; use RMSNormalization"
        )
    axes = _axes(call)
    learned = _learned(call, _extents(call))
    return add_standardised(call, Standardise(Measure.DEVIATION, _epsilon(call, 1e-3)), axes, *learned)


@reads("RMSNormalization")
def read_rms_normalization(call: Call) -> Value:
    """``scale * x / sqrt(mean(x^2) + epsilon)`` (Zhang and Sennrich, 2019)."""
    axes, extents = _axes(call), _extents(call)
    if call.input.shape[-len(extents) :] != extents or axes[0] + len(axes) != len(call.input.shape):
        raise UnsupportedError(
            f"{call.where}: option axis: Keras multiplies by the weights along the last axes, whichever are "
            "normalised; normalise the last ones (Permute brings others there), in ascending order"
        )
    scale = call.weight("scale", extents)
    return add_standardised(call, Standardise(Measure.ROOT_MEAN_SQUARE, _epsilon(call, 1e-6)), axes, scale)


@reads("UnitNormalization")
def read_unit_normalization(call: Call) -> Value:
    """``x / sqrt(sum(x^2))``."""
    least = _LEAST_OF_KERAS2**2 if call.keras3 else _LEAST_OF_KERAS2
    return add_standardised(call, Standardise(Measure.LENGTH, least), _axes(call))


@reads("GroupNormalization")
def read_group_normalization(call: Call) -> Value:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over each group of channels (Wu and He, 2018)."""
    (axis,) = _axes(call, most=1)
    channels = call.input.shape[axis]
    groups = call.take("groups", _GROUPS, 32)
    groups = channels if groups == -1 else groups
    if groups < 1 or channels % groups:
        raise ModelError(f"{call.where}: {groups} groups do not divide the {channels} channels of its input")
    learned = _learned(call, (channels,))
    layer = Standardise(Measure.DEVIATION, _epsilon(call, 1e-3))
    return add_group_standardised(call, layer, axis, groups, *learned)


def _learned(call: Call, shape: tuple[int, ...]) -> tuple[Floats | None, Floats | None]:
    """gamma and beta, of the extents of the normalised axes; None for what the layer does not have."""
    scale, center = call.take("scale", SWITCH, True), call.take("center", SWITCH, True)
    return call.weight("gamma", shape) if scale else None, call.weight("beta", shape) if center else None


def _extents(call: Call) -> tuple[int, ...]:
    """The shape of weights for the normalised axes: Keras 3 sorts those as they are written, Keras 2 does not.

    It reads such weights in the order of the axes all the same.
    """
    given = several(AXIS).read(call.inner_config.get("axis", -1))
    shape = (0, *call.input.shape)
    return tuple(shape[axis] for axis in (sorted(given) if call.keras3 else given))


def _epsilon(call: Call, default: float) -> float:
    epsilon = call.take("epsilon", NUMBER, default)
    if epsilon < 0:
        raise UnsupportedError(f"{call.where}: option epsilon={epsilon:g} is below zero; Keras divides by NaN then")
    return epsilon


def _axes(call: Call, most: int | None = None) -> tuple[int, ...]:
    """The axes that the layer works on, ascending and without the batch."""
    rank = len(call.input.shape)
    given = call.take("axis", several(AXIS), (-1,))
    axes = sorted(axis - 1 if axis > 0 else axis + rank for axis in given)
    if 0 in given or axes[0] < 0 or axes[-1] >= rank or len({*axes}) < len(axes) or (most and len(axes) > most):
        raise UnsupportedError(
            f"{call.where}: option axis={list(given)} of a tensor of {rank} axes besides the batch, which is axis 0; "
            f"expected {'one axis' if most == 1 else 'axes'} from 1 to {rank}, or from -{rank} to -1"
        )
    return tuple(axes)
