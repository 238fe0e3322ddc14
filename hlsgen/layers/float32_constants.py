"""Constants that a model computed in float32, held as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.graph import Graph
from hlsgen.ir.types import Ints, integers
from hlsgen.layers.base import Parameter
from hlsgen.layers.linear import exact_parameter

_GIVEN_WIDTH = 18
"""Constants up to this width (the narrow input of a DSP block) are taken for the model's own fixed point."""
_WIDEST = 32
"""24 bits for each channel up to 2^8 below the largest."""


def float32_constant(graph: Graph, name: str, what: str, values: NDArray[Any]) -> Parameter:
    """float32 numbers, exactly, up to 32 bits; beyond that rounded, and said so.

    Short ones are the model's own fixed point; the others may be narrowed by the configuration.
    """
    exact = exact_parameter(*float32_mantissas(values))
    assert exact.type is not None
    if exact.type.width <= _WIDEST:
        return replace(exact, given=exact.type.width <= _GIVEN_WIDTH)
    rounded = Parameter.of(values).placed(_WIDEST)
    deviation = float(np.abs(rounded.effective - values).max())
    graph.notes.append(f"{name}: {what} is rounded to {rounded.type}, largest deviation {deviation:.2g}")
    return replace(rounded, values=rounded.effective)


def float32_mantissas(values: NDArray[Any]) -> tuple[Ints, int]:
    """Mantissas of float32 numbers on the coarsest grid that holds them all, and its fraction bits."""
    fraction, exponent = np.frexp(np.asarray(values, dtype=np.float32).astype(np.float64))
    digits = [int(d) for d in np.ldexp(fraction, 24).ravel()]
    places = [int(e) - 24 for e in exponent.ravel()]
    lowest = min((p + (d & -d).bit_length() - 1 for d, p in zip(digits, places, strict=True) if d), default=0)
    whole = [d << (p - lowest) if p >= lowest else d >> (lowest - p) for d, p in zip(digits, places, strict=True)]
    return integers(np.asarray(whole, dtype=object).reshape(values.shape)), -lowest
