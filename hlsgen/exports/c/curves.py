"""Functions by polynomials in pieces, of one number: what the macro ``curve`` of the templates is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.exports.c.function import Table
from hlsgen.exports.c.numbers import Cast, Range, cast_to, of_values, on_common_grid, within
from hlsgen.ir.types import Ints
from hlsgen.layers.piecewise import Piecewise


@dataclass(frozen=True, eq=False)
class Curve:
    """``y = correction(x) + line(x)``, exact on a grid of ``frac`` bits (:mod:`hlsgen.layers.piecewise`).

    The coefficients stand piece by piece, the one of the highest power first.
    """

    indices: tuple[Cast, ...]
    """Of each range, the innermost first."""
    inner: int
    width: int
    """Bits of an index."""
    offset_bits: int
    segment_bits: int
    degree: int
    table: Table
    powers: tuple[int, ...]
    """What each coefficient is multiplied by in Horner's rule, the first by 1."""
    lift: int
    """What the correction is multiplied by to be on the common grid."""
    below: int
    above: int
    """What the argument is multiplied by along the half-lines, on the common grid."""
    frac: int
    ranges: tuple[Range, ...]
    """Of all that is computed on the way, the result last."""

    @property
    def products(self) -> int:
        return self.degree + (self.above & (self.above - 1) != 0)


def curve_of(form: Piecewise, coefficients: Ints, x: Range, frac: int) -> Curve:
    """For arguments within a range. Raises TooWideError where a cast cannot be computed."""
    indices = tuple(cast_to(x, frac, form.index_of(place)) for place in range(form.ranges))
    lines = form.lines
    line_frac = frac if lines.slope_type is None else frac + lines.slope_type.frac
    steep = lines.slope if lines.slope_type is not None else 1
    factors, common = on_common_grid(form.frac, *((frac, line_frac) if lines else ()))
    lift, whole, sloped = (*factors, 0, 0)[:3]
    below, above = whole * lines.negative, sloped * steep * lines.positive
    powers = tuple(1 << (done * form.offset_bits) for done in range(form.degree + 1))
    table = Table("coefficients", coefficients[::-1].T, _about(form))
    sums = _sums([c.astype(object) * p for c, p in zip(coefficients[::-1], powers, strict=True)], form.offset_bits)
    correction = sums[-1].times(lift)
    line = Range(min(x.low, 0), 0).times(below).joined(Range(0, max(x.high, 0)).times(above))
    index_bits = within(1 << (form.index.width + form.ranges.bit_length()))
    ranges = (*(r for index in indices for r in index.ranges), index_bits, *sums, line, correction.plus(line))
    return Curve(
        indices,
        form.inner,
        form.index.width,
        form.offset_bits,
        form.segment_bits,
        form.degree,
        table,
        powers,
        lift,
        below,
        above,
        common,
        ranges,
    )


def _about(form: Piecewise) -> str:
    return f"{form.ranges << form.segment_bits} pieces, the highest power first"


def _sums(powers: list[Ints], offset_bits: int) -> list[Range]:
    """What Horner's rule holds on the way, over all pieces, for offsets from 0 on."""
    last = (1 << offset_bits) - 1
    low = high = powers[0]
    ranges = [of_values(powers[0])]
    for power in powers[1:]:
        low, high = np.minimum(low * last, 0), np.maximum(high * last, 0)
        ranges.append(Range(int(low.min()), int(high.max())))
        low, high = low + power, high + power
        ranges.append(Range(int(low.min()), int(high.max())))
    return ranges
