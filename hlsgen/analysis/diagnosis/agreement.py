"""Outputs beside those of a reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.analysis.diagnosis.result import Agreement
from hlsgen.analysis.diagnosis.variation import variation
from hlsgen.analysis.sizes import LEAST, root_mean_square
from hlsgen.design.arrays import Array
from hlsgen.ir.constant import Floats


def agreement(found: Sequence[Array], right: Sequence[Array], counts: Floats) -> Agreement:
    """Compare outputs (samples, *shape) with those of the reference, of which each sample counts so often.

    Of several outputs: the error and the correlation of the worst, the share of the same top-1 over all.
    """
    parts = counts / counts.mean()
    each = [_compared(np.asarray(a, float), np.asarray(b, float), parts) for a, b in zip(found, right, strict=True)]
    error, correlation, _ = max(each, key=lambda item: item[0])
    shares = [top1 for _, _, top1 in each if top1 is not None]
    return Agreement(len(counts), error, correlation, min(shares, default=None))


def top1(outputs: Array) -> Array | None:
    """The number of the largest output of each sample (and place); None of single numbers."""
    return outputs.argmax(axis=-1) if outputs.ndim > 1 and outputs.shape[-1] > 1 else None


def _compared(found: Floats, right: Floats, parts: Floats) -> tuple[float, float | None, float | None]:
    weights = np.sqrt(parts).reshape(-1, *(1,) * (found.ndim - 1))
    off = root_mean_square(np.asarray((found - right) * weights))
    classes = top1(found), top1(right)
    same = None
    if classes[0] is not None and classes[1] is not None:
        equal = (classes[0] == classes[1]).reshape(len(found), -1).mean(axis=1)
        same = float((equal * parts).sum() / parts.sum())
    return off / variation(right, parts) if off else 0.0, _correlation(found, right), same


def _correlation(found: Floats, right: Floats) -> float | None:
    a, b = found.ravel() - found.mean(), right.ravel() - right.mean()
    size = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b) / size) if size > LEAST and np.isfinite(size) else None
