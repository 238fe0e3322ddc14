"""Scales of weights: ``alpha`` given, or fitted to the weights (``auto``, ``auto_po2``)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from hlsgen.errors import ConfigError
from hlsgen.quantizers.base import Floats
from hlsgen.quantizers.qkeras import float32 as f32

Alpha: TypeAlias = str | float | tuple[object, ...] | None
"""A quantiser's ``alpha``: None, "auto", "auto_po2", a number, or (nested) numbers per channel."""
ScaleAxis: TypeAlias = int | tuple[int, ...] | None


def alpha_array(alpha: object) -> Floats:
    """A given ``alpha`` (number or nested numbers) as a float32 array."""
    return np.asarray(alpha, dtype=np.float32)


def reduced_axes(scale_axis: ScaleAxis, rank: int) -> list[int]:
    """The axes a scale is shared over: all but the last, or all but ``scale_axis``.

    Channels last, as everywhere in hlsgen. Mind depthwise kernels (kh, kw, c, m): QKeras's default
    gives them one scale per multiplier m, shared by all channels.
    """
    kept = {rank - 1} if scale_axis is None else {scale_axis} if isinstance(scale_axis, int) else set(scale_axis)
    if not all(0 <= axis < max(rank, 1) for axis in kept):
        raise ConfigError(f"quantizer scale_axis={scale_axis}: the array has axes 0 to {rank - 1}")
    return [axis for axis in range(rank) if axis not in kept]


def least_squares(
    x: Floats,
    levels: Floats,
    scale_axis: ScaleAxis = None,
    *,
    power_of_two: bool,
    exponents: tuple[int | None, int | None] = (None, None),
) -> Floats:
    """The scale for which ``scale * levels`` is nearest to ``x``: mean(x q) / (mean(q q) + epsilon).

    A vector (a bias) gets one scale per element.
    """
    products, squares = x * levels, levels * levels
    if x.ndim > 1:
        axes = reduced_axes(scale_axis, x.ndim)
        products, squares = f32.mean(products, axes), f32.mean(squares, axes)
    scale: Floats = products / (squares + f32.EPSILON)
    if not power_of_two:
        return scale
    scale = f32.nearest_power_of_two(scale)
    low, high = (None if e is None else np.float32(2.0**e) for e in exponents)
    return scale if low is None and high is None else np.clip(scale, low, high)
