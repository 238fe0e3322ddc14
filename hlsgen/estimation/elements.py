"""Comparisons, casts and choices of elements."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from hlsgen.estimation.cost import Cost, Multipliers, Setting
from hlsgen.ir.types import Ints

_REPORTED_NS = 5.0 * (1 - 12.5 / 100)
"""Of a cycle in the reports by which cycles were counted."""
_REPORTED_LEVEL_NS = 2.2
_MORE_OF_DSP = 2
"""Cycles that a product of the result takes longer in a DSP than in LUTs, which have no registers."""

_COMPARED_LEVELS = 1.25
"""How many levels of adders a comparison and a choice behind it take as long as: 1.028 ns of 0.83 (UltraScale+)."""
_CARRIED = 7
"""LUTs of an adder or a comparison beside one for each bit (Vitis HLS 2023.1 and later)."""


def casts(count: int, bits: int, setting: Setting) -> Cost:
    """``count`` elements of ``bits`` that are compared, rounded or saturated; at short periods they are registered."""
    registered = setting.period < setting.cast_ns
    return Cost(
        lut=count * bits * setting.coefficients.element["lut"],
        ff=count * bits * setting.coefficients.element["ff"] if registered else 0,
        latency=int(registered),
    )


def maxima(counts: Ints, bits: int, setting: Setting) -> Cost:
    """The largest of so many numbers of ``bits``, for each of ``counts``: comparisons and choices in a row."""
    compared = int(np.maximum(counts - 1, 0).sum())
    each = setting.family.level_ns * _COMPARED_LEVELS
    cycles = floor(max(int(counts.max(initial=1)) - 1, 0) * each / setting.period)
    return Cost(lut=float(compared * (2 * bits + _CARRIED)), ff=float(len(counts) * bits * cycles), latency=cycles)


def averages(counts: Ints, bits: int, setting: Setting) -> Cost:
    """The sum of so many numbers, ``bits`` wide, for each of ``counts``. Adders behind one another share carries."""
    added = int(np.maximum(counts - 1, 0).sum())
    levels = max(int(counts.max(initial=1)) - 1, 0).bit_length()
    cycles = floor(levels * setting.family.level_ns / setting.period)
    sums = int((counts > 1).sum())
    return Cost(lut=float(added * bits + sums * _CARRIED), ff=float(len(counts) * bits * cycles), latency=cycles)


def softmax_cost(places: int, bits: int, setting: Setting) -> Cost:
    """A stable softmax of ``places`` numbers of ``bits``, without products and tables.

    That is: the largest, the differences to it, the sum of exponentials, and the result's cast.
    """
    fit = setting.coefficients.softmax
    levels = max(places - 1, 1).bit_length()
    slower = max(1.0, _REPORTED_NS / setting.period) * setting.family.level_ns / _REPORTED_LEVEL_NS
    in_dsp = 0 if setting.multipliers is Multipliers.LUT else _MORE_OF_DSP
    cycles = ceil((fit["cycles"] + fit["level"] * levels - _MORE_OF_DSP) * slower - 0.25) + in_dsp
    work = (places - 1) * bits
    return Cost(lut=fit["lut"] * work + fit["lut_rest"], ff=fit["ff"] * work + fit["ff_rest"], latency=cycles)
