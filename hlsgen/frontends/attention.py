"""Attention: every query looks at all keys, and takes the values in the shares of a softmax.

scores = query . key        (a MatMul that holds the keys as they come)
shares = softmax(scores)    (over all keys of a query, those of a constant mask left out)
result = shares . values    (a MatMul that holds the values)
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.builder import Builder
from hlsgen.frontends.contraction import Equation, contract
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.graph import Value
from hlsgen.layers.softmax import Softmax

Mask = NDArray[np.bool_]


class Axes(NamedTuple):
    """The labels of the axes of an attention, without that of the samples."""

    query: str
    key: str
    value: str
    scores: str
    """Those that number attentions, those of the queries, then those of the keys, which values have too."""
    result: str

    @property
    def keys(self) -> str:
        """The axes over which shares add up to one."""
        return "".join(label for label in self.scores if label not in self.query)


def causal(queries: int, keys: int) -> Mask:
    """A query looks at the keys up to its own place."""
    return np.tri(queries, keys, dtype=bool)


def window(queries: int, keys: int, reach: int) -> Mask:
    """A query looks at the keys less than ``reach`` places away."""
    return np.asarray(np.abs(np.arange(queries)[:, None] - np.arange(keys)) < reach)


def add_attention(
    builder: Builder, axes: Axes, query: Value, key: Value, value: Value, mask: Mask | None
) -> list[Value]:
    """Add a dot-product attention; returns its result and the shares. ``mask`` (queries, keys): what counts."""
    scores = contract(builder, Equation(axes.query, axes.key, axes.scores), query, key)
    shares = add_shares(builder, scores, len(axes.keys), mask)
    return [contract(builder, Equation(axes.scores, axes.value, axes.result), shares, value), shares]


def add_shares(builder: Builder, scores: Value, keys: int, mask: Mask | None) -> Value:
    """A softmax over the last ``keys`` axes. Raises UnsupportedError for a mask that leaves a query nothing."""
    rows, row = scores.shape[:-keys], prod(scores.shape[-keys:])
    flat = add_reshape(builder, scores, (*rows, row))
    if mask is not None and mask.all():
        mask = None
    if mask is not None and not mask.any(axis=-1).all():
        raise UnsupportedError(f"{builder.where}: its mask leaves a query no key at all; leave one in every row")
    return add_reshape(builder, builder.add(Softmax(mask), [flat], "shares"), scores.shape)
