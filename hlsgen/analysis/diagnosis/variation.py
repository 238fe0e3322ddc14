"""By what errors of outputs are measured: how far those vary, since what is the same in every sample says nothing."""

from __future__ import annotations

import numpy as np

from hlsgen.analysis.sizes import LEAST
from hlsgen.ir.constant import Floats

_HARDLY = 2.0**-12
"""Outputs that vary by less, relative to their size, are constant but for noise."""


def variation(values: Floats, weights: Floats) -> float:
    """How far values (samples, ...) vary from sample to sample, of which each counts by its weight: the root mean
    square of what is left without the mean of each element. Their size where they hardly vary, as of one sample."""
    if not values.size:
        return LEAST
    with np.errstate(over="ignore", invalid="ignore"):
        parts = (weights / weights.sum()).reshape(-1, *(1,) * (values.ndim - 1))
        mean = (values * parts).sum(axis=0)
        size = float(np.sqrt((np.square(values) * parts).sum(axis=0).mean()))
        varies = float(np.sqrt((np.square(values - mean) * parts).sum(axis=0).mean()))
    return max(varies if varies > _HARDLY * size else size, LEAST)
