"""Windows along several axes, one axis after the other: interpolated images, and pooling over windows of any size.

Weights are rational. Their numerators are added up exactly, along all axes; what the denominators have besides powers
of two is divided by once, behind the last axis, by a factor of 24 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm

import numpy as np

from hlsgen.frontends.builder import Builder
from hlsgen.ir.constant import Constant, exact_constant, no_bias
from hlsgen.ir.graph import Value
from hlsgen.ir.types import integers
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans, SumsAlongAxis
from hlsgen.layers.scale import Scale


@dataclass(frozen=True)
class Mix:
    """What each output of an axis is made of: a weight for every cell of its span."""

    spans: Spans
    weights: Sequence[Sequence[Fraction]]

    @property
    def denominator(self) -> int:
        """Of all weights."""
        return lcm(*(weight.denominator for row in self.weights for weight in row))

    def numerators(self, denominator: int) -> np.ndarray:
        """The weights times ``denominator``: (outputs, taps), zero behind a span."""
        rows = np.zeros((len(self.weights), self.spans.taps), dtype=object)
        for place, row in enumerate(self.weights):
            rows[place, : len(row)] = [int(weight * denominator) for weight in row]
        return rows


def add_largest(builder: Builder, value: Value, spans: Mapping[int, Spans]) -> Value:
    """Add the largest cells of windows, which have a span along each of some axes (counted without the batch)."""
    for axis, span in spans.items():
        value = builder.add(LargestAlongAxis(axis, span), [value], f"axis{axis}")
    return value


def add_mixed(builder: Builder, value: Value, mixes: Mapping[int, Mix]) -> Value:
    """Add the weighted sums of windows along some axes (counted without the batch)."""
    odd = 1
    for axis, mix in mixes.items():
        denominator = mix.denominator
        power = (denominator & -denominator).bit_length() - 1
        odd *= denominator >> power
        weight = exact_constant(integers(mix.numerators(denominator)), power)
        value = builder.add(SumsAlongAxis(axis, mix.spans, weight=weight), [value], f"axis{axis}")
    if odd == 1:
        return value
    channels = value.shape[-1]
    return builder.add(Scale(Constant.of(np.full(channels, 1 / odd)), no_bias(channels)), [value], "divided")


# -- spans and weights ------------------------------------------------------------------------------


def mean_of(spans: Spans) -> Mix:
    """The mean of each span."""
    return Mix(spans, [[Fraction(1, size)] * size for size in spans.sizes])


def pooled(extent: int, size: int, stride: int, before: int, outputs: int) -> Spans:
    """Windows of ``size`` that begin every ``stride`` cells, the first ``before`` cells in front of the axis: what of
    them lies on it."""
    starts = [output * stride - before for output in range(outputs)]
    ends = tuple(min(start + size, extent) for start in starts)
    return Spans(tuple(max(start, 0) for start in starts), ends)


def adaptive(extent: int, outputs: int) -> Spans:
    """``outputs`` windows that cover an axis evenly: from ``floor(j * extent / outputs)`` to before
    ``ceil((j + 1) * extent / outputs)``."""
    first = tuple(output * extent // outputs for output in range(outputs))
    return Spans(first, tuple(-(-(output + 1) * extent // outputs) for output in range(outputs)))


def nearest(extent: int, outputs: int) -> Spans:
    """The cell that the centre of each output lies in, if all outputs are as long as all cells: computed in float32, as
    TensorFlow does."""
    scale = np.float32(extent) / np.float32(outputs)
    centres = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * scale
    cells = np.minimum(np.floor(centres).astype(int), extent - 1).tolist()
    return Spans(tuple(cells), tuple(cell + 1 for cell in cells))


def interpolated(extent: int, outputs: int) -> Mix:
    """The line between the centres of the two cells that each output's centre lies between; beyond all, the last cell.

    Centres are at halves: output j is at ``(j + 1/2) * extent / outputs - 1/2``.
    """
    first, end, weights = [], [], []
    for output in range(outputs):
        place = Fraction((2 * output + 1) * extent, 2 * outputs) - Fraction(1, 2)
        place = min(max(place, Fraction(0)), Fraction(extent - 1))
        low, high, share = floor(place), ceil(place), place - floor(place)
        first.append(low)
        end.append(high + 1)
        weights.append([1 - share, share] if high > low else [Fraction(1)])
    return Mix(Spans(tuple(first), tuple(end)), weights)
