"""Normalisation by statistics of each sample, built from the layer that computes it over a last axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.frontends.builder import Builder
from hlsgen.frontends.permuting import add_on_last, add_permute
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Value
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.standardise import Standardise


def add_affine(builder: Builder, value: Value, gamma: Floats | None, beta: Floats | None) -> Value:
    """``x * gamma + beta``, a factor and a shift for each element of the last axis; None: one, or zero."""
    if gamma is None and beta is None:
        return value
    channels = value.shape[-1]
    factor = np.ones(channels) if gamma is None else gamma.reshape(-1)
    shift = np.zeros(channels) if beta is None else beta.reshape(-1)
    return builder.add(Scale(Constant.of(factor), Constant.of(shift)), [value], "scale")


def add_standardised(
    builder: Builder,
    layer: Standardise,
    axes: Sequence[int],
    gamma: Floats | None = None,
    beta: Floats | None = None,
) -> Value:
    """Standardise the input over ``axes`` (ascending, without the batch); factors and shifts have their extents."""

    def add(value: Value) -> Value:
        return add_affine(builder, builder.add(layer, [value], "standardised"), gamma, beta)

    return add_on_last(builder, builder.inputs[0], axes, add)


def add_group_standardised(
    builder: Builder, layer: Standardise, axis: int, groups: int, gamma: Floats | None, beta: Floats | None
) -> Value:
    """Standardise each group of channels (``axis``, without the batch) over all positions."""

    def add(value: Value) -> Value:
        channels = value.shape[-1]
        split = (value.size // channels, groups, channels // groups)
        parts = builder.add(Reshape(split), [value], "groups")
        first = add_permute(builder, parts, (1, 0, 2), "groups_first")
        rows = builder.add(Reshape((groups, value.size // groups)), [first], "rows")
        done = builder.add(layer, [rows], "standardised")
        apart = builder.add(Reshape(first.shape), [done], "groups_apart")
        back = add_permute(builder, apart, (1, 0, 2), "groups_back")
        return add_affine(builder, builder.add(Reshape(value.shape), [back], "channels"), gamma, beta)

    return add_on_last(builder, builder.inputs[0], [axis], add)
