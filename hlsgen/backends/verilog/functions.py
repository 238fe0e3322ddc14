"""Functions by table, as logic: the same steps as :mod:`hlsgen.layers.piecewise`."""

from __future__ import annotations

from hlsgen.backends.verilog.casts import Number, aligned, cast
from hlsgen.backends.verilog.logic import Logic, Signal, constant
from hlsgen.ir.types import Ints
from hlsgen.layers.piecewise import Direct, Form, Lines, Piecewise


def function_of(logic: Logic, form: Form, table: Ints, x: Number) -> Number:
    """The exact result of a form with its table."""
    if isinstance(form, Direct):
        index = cast(logic, x, form.index).signal
        return Number(logic.lookup(_whole(table), logic.bits(index, 0, form.index.width, "index")), form.result.frac)
    value = _correction(logic, form, table, _place(logic, form, x))
    if not form.lines:
        return value
    a, b, frac = aligned(logic, value, _lines(logic, form.lines, x))
    return Number(logic.add(a, b, "whole"), frac)


def _whole(words: Ints) -> list[int]:
    return [int(word) for word in words]


def _place(logic: Logic, form: Piecewise, x: Number) -> Signal:
    """Number of the range and raw bits of its index, as one number: the innermost range that holds x."""
    width, inner = form.index.width, form.inner
    found: Signal | None = None
    for place in range(form.ranges):
        k = cast(logic, x, form.index_of(place)).signal
        here = logic.add(logic.bits(k, 0, width, "index"), constant(place << width), "place")
        if found is None:
            found = here
            continue
        left = logic.choose(
            logic.at_least(k, constant(inner)), constant(0), logic.at_least(k, constant(-inner)), "left"
        )
        found = logic.choose(left, found, here, "place")
    assert found is not None
    return found


def _correction(logic: Logic, form: Piecewise, table: Ints, place: Signal) -> Number:
    """The polynomials, by Horner's rule."""
    bits = form.offset_bits
    segment = logic.bits(place, bits, max(place.width - bits, 1), "segment")
    u = logic.bits(place, 0, bits, "offset") if bits else constant(0)
    total = logic.lookup(_whole(table[form.degree]), segment, "coefficient")
    for power in range(form.degree - 1, -1, -1):
        done = form.degree - power
        here = logic.lookup(_whole(table[power]), segment, "coefficient")
        total = logic.add(logic.multiply(total, u), logic.shift_left(here, done * bits))
    return Number(total, form.frac)


def _lines(logic: Logic, lines: Lines, x: Number) -> Number:
    """``x`` below zero or nothing, ``slope * x`` above or nothing."""
    frac = x.frac if lines.slope_type is None else x.frac + lines.slope_type.frac
    slope = constant(1 if lines.slope_type is None else lines.slope)
    negative = positive = constant(0)
    if lines.negative:
        negative = logic.shift_left(logic.smaller(x.signal, constant(0), "below"), frac - x.frac)
    if lines.positive:
        positive = logic.multiply(logic.larger(x.signal, constant(0), "positive"), slope, "slanted")
    return Number(logic.add(negative, positive, "lines"), frac)
