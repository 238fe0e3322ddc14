"""A constant matrix times words of a fixed-point type: what backends ask for."""

from __future__ import annotations

from hlsgen.adders.graph import AdderGraph, Source
from hlsgen.adders.kept import optimised
from hlsgen.adders.optimise import Options, work_of
from hlsgen.errors import UnsupportedError
from hlsgen.ir.types import FixedType, Ints

MOST_CONSTANTS = 16384
"""Other than zero: 128 x 128 of 8 bits are 210,000 full adders, a large part of a large device, and one to ten seconds
of search."""
_TRIES = 4
_QUICK = 1_000_000
"""Signed digits times inputs, up to which several searches take a second together."""


def product_graph(matrix: Ints, fixed: FixedType, slack: int) -> AdderGraph:
    """The graph of a matrix (inputs, outputs) for inputs of a type; ``slack`` as in :class:`Options`.

    Searched for once on a machine. Raises UnsupportedError for what :func:`why_none` refuses.
    """
    sources = _sources(fixed, len(matrix))
    tries = _TRIES if work_of(matrix, sources) <= _QUICK else 1
    return optimised(matrix, sources, Options(slack=slack, tries=tries))


def why_none(matrix: Ints, fixed: FixedType) -> str | None:
    """Why there is no graph of a matrix; None if there is one."""
    count = int((matrix != 0).sum())
    if count > MOST_CONSTANTS:
        return f"{count:,} constants other than zero are no graph of shared adders, at most {MOST_CONSTANTS:,} are"
    try:
        work_of(matrix, _sources(fixed, len(matrix)))
    except UnsupportedError as error:
        return str(error)
    return None


def _sources(fixed: FixedType, count: int) -> list[Source]:
    """Inputs that are any word of a type, also the least one, which a symmetric type does without."""
    low = -(1 << (fixed.width - 1)) if fixed.signed else 0
    return [Source(low, fixed.max_mantissa)] * count
