"""BatchNormalization at inference: a scale and a shift for each channel."""

from __future__ import annotations

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import AXIS, NUMBER, SWITCH, several
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.ir.layer import Statistics
from hlsgen.layers.scale import Scale


@reads("BatchNormalization")
def read_batch_normalization(call: Call) -> Value:
    """``scale = gamma / sqrt(variance + epsilon)``, ``bias = beta - mean * scale`` (Ioffe and Szegedy, 2015)."""
    shape = call.input.shape
    axes = call.take("axis", several(AXIS), (-1,))
    if axes not in ((-1,), (len(shape),)):
        raise UnsupportedError(f"{call.where}: statistics by axis {axes}; only the last axis (channels) is supported")
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
    channels = shape[-1]
    gamma = call.weight("gamma") if call.take("scale", SWITCH, True) else np.ones(channels)
    beta = call.weight("beta") if call.take("center", SWITCH, True) else np.zeros(channels)
    mean, variance = call.weight("moving_mean"), call.weight("moving_variance")
    if (variance + epsilon <= 0).any():
        raise UnsupportedError(f"{call.where}: moving_variance + epsilon is not positive; the model is damaged")
    scale = gamma / np.sqrt(variance + epsilon)
    measured = Statistics(mean, np.sqrt(np.maximum(variance, 0)))
    return call.add(Scale(Constant.of(scale), Constant.of(beta - mean * scale), measured))
