"""Keras's preprocessing layers: fixed scales of the input, and augmentation, which training alone does."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, NUMBERS, SWITCH, maybe, several
from hlsgen.ir.constant import Constant, Floats, Shape
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Statistics
from hlsgen.layers.scale import Scale

_LEAST_DEVIATION = 1e-7
"""``keras.backend.epsilon()`` as it is unless a program changes it."""

AUGMENTATION = tuple(
    "RandomFlip RandomRotation RandomTranslation RandomZoom RandomShear RandomPerspective RandomElasticTransform "
    "RandomContrast RandomBrightness RandomHue RandomSaturation RandomSharpness RandomColorJitter "
    "RandomColorDegeneration RandomGrayscale RandomPosterization RandomInvert RandomErasing RandomGaussianBlur".split()
)


def add_scale(call: Call, scale: Any, bias: Any, seen: tuple[Any, Any] | None = None) -> Value:
    """Add ``y = x * scale + bias``; each is a number or one number a channel (float32, as Keras computes).

    ``seen``: mean and deviation of the data that the model was adapted to, by which results are placed.
    """
    channels = call.input.shape[-1]
    factor, shift = (Constant.of(_per_channel(call, values, channels)) for values in (scale, bias))
    if seen is None:
        return call.add(Scale(factor, shift))
    mean, deviation = (_per_channel(call, values, channels) for values in seen)
    return call.add(Scale(factor, shift, Statistics(mean, deviation)))


def _per_channel(call: Call, values: Any, channels: int) -> Floats:
    array = np.asarray(values, dtype=np.float32).astype(np.float64)
    if array.size not in (1, channels) or array.size != max(array.shape[-1:], default=1):
        raise UnsupportedError(
            f"{call.where}: constants of shape {array.shape} for {channels} channels; supported are one number, or one "
            "a channel (the last axis)"
        )
    return np.broadcast_to(array.reshape(-1), (channels,)).copy()


@reads("Rescaling")
def read_rescaling(call: Call) -> Value:
    return add_scale(call, call.take("scale", NUMBERS), call.take("offset", NUMBERS, 0.0))


@reads("Normalization")
def read_normalization(call: Call) -> Value:
    """``(x - mean) / max(sqrt(variance), 1e-7)``; inverted: ``x * max(sqrt(variance), 1e-7) + mean``."""
    axes = call.take("axis", maybe(several(AXIS, 0)), (-1,)) or ()
    if axes not in ((), (-1,), (len(call.input.shape),)):
        raise UnsupportedError(
            f"{call.where}: statistics by axis {list(axes)}; supported are the last axis (-1) or one for all"
        )
    mean, variance = (call.take(key, maybe(NUMBERS), None) for key in ("mean", "variance"))
    if (mean is None) != (variance is None):
        raise ModelError(f"{call.where}: it has a mean or a variance, but not both; the model is damaged")
    if mean is None or variance is None:
        mean, variance = call.weight("mean"), call.weight("variance")
    else:
        _check_statistics(call, mean.shape, variance.shape, len(axes))
    if not (variance >= 0).all():
        raise ModelError(f"{call.where}: its variance is negative or no number; the model is damaged")
    deviation = np.maximum(np.sqrt(variance), _LEAST_DEVIATION)
    if call.take("invert", SWITCH, False):
        return add_scale(call, deviation, mean)
    constant = int((np.atleast_1d(variance) <= _LEAST_DEVIATION**2).sum())
    if constant:
        call.graph.notes.append(
            f"warning: {call.name}: {constant} of {variance.size} features have no variance in the model; data are "
            f"expected to equal their mean there, for Keras multiplies what deviates by {1 / _LEAST_DEVIATION:.0e}, "
            "and what follows saturates; leave such features out, or adapt the layer to data in which they vary"
        )
    return add_scale(call, 1.0 / deviation, -mean / deviation, (mean, deviation))


def _check_statistics(call: Call, mean: Shape, variance: Shape, axes: int) -> None:
    """Raise ModelError for statistics of the configuration that Keras does not spread over ``axes`` axes (0 or 1).

    Keras 3 wants equal shapes of no more axes; Keras 2 spreads each by itself as NumPy does.
    """
    as_keras3 = mean == variance and len(mean) <= axes
    as_keras2 = axes > 0 or prod(mean) == prod(variance) == 1
    if not (as_keras3 if call.keras3 else as_keras2):
        wanted = "one number a channel, or one for all" if axes else "one number"
        raise ModelError(f"{call.where}: mean of shape {mean}, variance of shape {variance}; expected {wanted} in both")


@reads(*AUGMENTATION)
def read_augmentation(call: Call) -> Value:
    """Random changes of the training data; nothing at inference."""
    shape = call.inputs[0].shape
    if len(shape) > 3:
        raise ModelError(f"{call.where}: it takes images, and its input has shape {shape}")
    call.options.clear()
    return call.input
