"""Functions by tables and polynomials, softmax and its relatives: whole numbers, step by step as in the design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.whole import Whole, Wholes
from hlsgen.exports.onnx.writing import Result, writes
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.exponentials import Exponentials
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.piecewise import Direct, Form, Lines, Piecewise
from hlsgen.layers.quantized import QuantizedFunction
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure, Plan
from hlsgen.layers.table import Table

_LIMB = 62
"""Bits of a number beside its sign that are computed with at once."""


@writes(Table)
def table(layer: Table, op: Op, network: Network) -> Result:
    """A function of each number."""
    form, words = layer.filled
    return _applied(network.wholes(op), form, words, network.whole(op, op.input))


@writes(QuantizedFunction)
def quantized_function(layer: QuantizedFunction, op: Op, network: Network) -> Result:
    """A table over every bit pattern of the input."""
    assert layer.table is not None and layer.input_type is not None
    wholes, x = network.wholes(op), network.whole(op, op.input)
    place = wholes.low_bits(replace(x, frac=0), layer.input_type.width)
    return wholes.looked_up(layer.table, place, layer.function.type.frac)


def _applied(wholes: Wholes, form: Form, words: Ints, x: Whole) -> Whole:
    """What a form computes of its argument, exactly."""
    if isinstance(form, Direct):
        index = wholes.cast(x, form.index)
        return wholes.looked_up(words, wholes.low_bits(index, form.index.width), form.result.frac)
    value = _corrected(wholes, form, words, _places(wholes, form, x))
    return wholes.plus(value, _along_lines(wholes, form.lines, x)) if form.lines else value


def _places(wholes: Wholes, form: Piecewise, x: Whole) -> Whole:
    """The number of the range and the raw bits of its index, as one number."""
    width, found = form.index.width, None
    for place in range(form.ranges):
        k = replace(wholes.cast(x, form.index_of(place)), frac=0)
        here = wholes.plus(wholes.low_bits(k, width), wholes.number(place << width))
        if found is None:
            found = here
            continue
        below = wholes.is_true("Less", k, wholes.number(form.inner))
        above = wholes.is_true("GreaterOrEqual", k, wholes.number(-form.inner))
        found = wholes.chosen(wholes.nodes.one("And", below, above), found, here)
    assert found is not None
    return found


def _corrected(wholes: Wholes, form: Piecewise, words: Ints, places: Whole) -> Whole:
    """The polynomials of the pieces: ``(c3 u + c2) u + ...``, each coefficient on the grid of the sum so far."""
    bits, nodes = form.offset_bits, wholes.nodes
    segment, offset = wholes.high_bits(places, bits), wholes.low_bits(places, bits)
    terms = [words[power].astype(object) << (form.degree - power) * bits for power in range(form.degree, -1, -1)]
    size = most = abs(terms[0])
    for term in terms[1:]:
        size = size * ((1 << bits) - 1) + abs(term)
        most = np.maximum(most, size)
    beyond = int(most.max()).bit_length() - _LIMB
    if beyond > 0:
        found = _corrected_in_two(wholes, terms, segment, offset, beyond + 2)
        return replace(found, frac=form.frac - beyond - 1)
    total = wholes.looked_up(terms[0], segment, 0).name
    for term in terms[1:]:
        total = nodes.one("Add", nodes.one("Mul", total, offset.name), wholes.looked_up(term, segment, 0).name)
    return Whole(total, form.frac, -int(size.max()), int(size.max()))


def _corrected_in_two(wholes: Wholes, terms: list[Ints], segment: Whole, offset: Whole, low_bits: int) -> Whole:
    """The same beyond 64 bits: low and high bits by themselves; of the low ones is kept whether there are any."""
    nodes, high, low = wholes.nodes, None, None
    for term in terms:
        upper = wholes.looked_up(term >> low_bits, segment, 0)
        lower = wholes.looked_up(term & ((1 << low_bits) - 1), segment, 0)
        if high is None or low is None:
            high, low = upper, lower
            continue
        both = wholes.plus(wholes.times(low, offset), lower)
        carried = wholes.plus(upper, replace(wholes.high_bits(both, low_bits), frac=0))
        # No sum has more bits than the largest, whatever the ends of its parts come to.
        sums = nodes.one("Add", nodes.one("Mul", high.name, offset.name), carried.name)
        high, low = Whole(sums, 0, -(1 << _LIMB - 2), 1 << _LIMB - 2), wholes.low_bits(both, low_bits)
    assert high is not None and low is not None
    behind = wholes.one_if(wholes.is_true("Greater", low, wholes.number(0)))
    found = wholes.known(
        nodes.one("Add", wholes.shifted(high, 1).name, behind.name), 0, 2 * high.low, 2 * high.high + 1
    )
    return replace(found, cut=True)


def _along_lines(wholes: Wholes, lines: Lines, x: Whole) -> Whole:
    """``x`` below zero or nothing, ``slope * x`` above or nothing."""
    zero = wholes.number(0, x.frac)
    steep = x
    if lines.slope_type is not None:
        steep = wholes.times(x, wholes.number(lines.slope, lines.slope_type.frac))
    negative = wholes.is_true("Less", x, wholes.number(0))
    return wholes.chosen(negative, x if lines.negative else zero, steep if lines.positive else zero)


# -- along the last axis ----------------------------------------------------------------------------


@writes(Softmax)
def softmax(layer: Softmax, op: Op, network: Network) -> Result:
    """Exponentials of the distances to the largest, times the inverse of their sum."""
    assert layer.plan is not None and layer.input_type is not None
    wholes, x, plan = network.wholes(op), network.whole(op, op.input), layer.plan
    counts = None
    if layer.mask is not None:
        counts = network.constants.add(layer.mask)
        x = wholes.chosen(counts, x, wholes.number(layer.input_type.min_mantissa, x.frac))
    _, exponential, total = _exponentials(wholes, plan, x, layer.classes, counts)
    form, words = plan.reciprocal
    inverse = wholes.cast(_applied(wholes, form, words, total), plan.inverse)
    return wholes.times(exponential, inverse)


@writes(LogSoftmax)
def log_softmax(layer: LogSoftmax, op: Op, network: Network) -> Result:
    """The distance to the largest and the logarithm of the sum, taken off."""
    wholes, x, plan = network.wholes(op), network.whole(op, op.input), layer.planned
    distance, _, total = _exponentials(wholes, plan, x, layer.classes)
    form, words = plan.of_sum
    logarithm = wholes.cast(_applied(wholes, form, words, total), plan.logarithm)
    return wholes.minus(wholes.number(0, distance.frac), wholes.plus(distance, logarithm))


def _exponentials(
    wholes: Wholes, plan: Exponentials, x: Whole, n: int, counts: str | None = None
) -> tuple[Whole, Whole, Whole]:
    """Distances to the largest, their exponentials, and the sum of these."""
    distance = wholes.minus(wholes.of_all("ReduceMax", x, [-1], n), x)
    distance = replace(distance, low=0)  # of none that is larger
    index = wholes.cast(distance, plan.index)
    bits, found = plan.share.width, None
    for place, words in zip(range(plan.tables - 1, -1, -1), plan.words(), strict=True):
        share = wholes.low_bits(wholes.high_bits(replace(index, frac=0), bits * place), bits)
        factor = wholes.looked_up(words, share, plan.exponential.frac)
        found = factor if found is None else wholes.cast(wholes.times(found, factor), plan.exponential)
    assert found is not None
    if counts is not None:
        found = wholes.chosen(counts, found, wholes.number(0, found.frac))
    total = wholes.of_all("ReduceSum", found, [-1], n)
    return distance, found, replace(total, low=max(total.low, 0))


@writes(Sparsemax)
def sparsemax(layer: Sparsemax, op: Op, network: Network) -> Result:
    """What is left of a threshold by the distances that count."""
    wholes, x, plan, n = network.wholes(op), network.whole(op, op.input), layer.planned, layer.classes
    largest = wholes.of_all("ReduceMax", x, [-1], n)
    distance = replace(wholes.minus(largest, x), low=0)  # of none that is larger
    count, total = _counted(layer, wholes, wholes.cast(distance, plan.compared))
    inverse = wholes.looked_up(plan.reciprocals(n), count, plan.inverse.frac)
    threshold = wholes.cast(wholes.times(total, inverse), plan.threshold)
    left = wholes.minus(threshold, wholes.cast(distance, plan.distance))
    if layer.of_partial_sums:
        offset = wholes.times(largest, wholes.minus(count, wholes.number(1)))
        left = wholes.minus(left, replace(offset, frac=plan.offset.frac))
    return wholes.clipped(left, 0, None)


def _counted(layer: Sparsemax, wholes: Wholes, compared: Whole) -> tuple[Whole, Whole]:
    """How many distances count, and the total of 1 and their sums."""
    plan, n, nodes, last = layer.planned, layer.classes, wholes.nodes, wholes.number(-1).name
    sizes = wholes.constants.add(np.array([n], dtype=np.int64))
    ordered = nodes.add("TopK", compared.name, sizes, outputs=2, axis=-1, largest=0, sorted=1)[0]
    places = wholes.constants.add(np.arange(1, n + 1, dtype=np.int64))
    one = wholes.number(1 << plan.sum.frac).name
    sums = nodes.one("CumSum", ordered, last)
    totals = nodes.one("Add", sums, one)
    above = nodes.one("Greater", totals, nodes.one("Mul", ordered, places))
    count = wholes.of_all("ReduceSum", wholes.one_if(above), [-1], n)
    if layer.of_partial_sums:
        totals = nodes.one("Add", nodes.one("CumSum", sums, last), one)
    chosen = nodes.one("GatherElements", totals, nodes.one("Sub", count.name, wholes.number(1).name), axis=-1)
    held = wholes.known(chosen, plan.sum.frac, 0, plan.sum.max_mantissa)
    return replace(count, low=1), held


@writes(Standardise)
def standardise(layer: Standardise, op: Op, network: Network) -> Result:
    """Values, or what they deviate from their mean, times the inverse root of their power."""
    wholes, x, plan = network.wholes(op), network.whole(op, op.input), layer.known_plan
    total = wholes.of_all("ReduceSum", x, [-1], plan.n)
    squares = wholes.of_all("ReduceSum", replace(wholes.times(x, x), low=0), [-1], plan.n)
    power = _power(wholes, plan, total, squares)
    mantissa, factor = _normalised(wholes, plan, power)
    form, words = plan.root
    inverse = wholes.cast(_applied(wholes, form, words, replace(mantissa, frac=plan.power.width)), plan.inverse)
    deviation = wholes.minus(wholes.times(x, wholes.number(plan.n)), total) if plan.centred else x
    ends = plan.aligned
    moved = wholes.nodes.one("Mul", deviation.name, factor.name)
    aligned = wholes.known(moved, ends.frac, ends.min_mantissa, ends.max_mantissa)
    return wholes.times(wholes.cast(aligned, plan.scaled), inverse)


def _power(wholes: Wholes, plan: Plan, total: Whole, squares: Whole) -> Whole:
    """The sum of squares, of deviations n times that, and epsilon, on the grid of its type."""
    epsilon = wholes.number(plan.epsilon, plan.power.frac)
    if plan.measure is Measure.LENGTH:
        grown = wholes.finer(squares, plan.power.frac)
        name = wholes.nodes.one("Max", grown.name, epsilon.name)
        return Whole(name, grown.frac, plan.epsilon, max(grown.high, plan.epsilon))
    if plan.centred:
        spread = wholes.minus(wholes.times(squares, wholes.number(plan.n)), wholes.times(total, total))
        squares = replace(spread, low=0, high=plan.spread.max_mantissa)
    return wholes.plus(wholes.finer(squares, plan.power.frac), epsilon)


def _normalised(wholes: Wholes, plan: Plan, power: Whole) -> tuple[Whole, Whole]:
    """The power shifted left by an even number of places, and two to the half of that number."""
    limit = (1 << plan.power.width) - 1
    found, factor = replace(power, frac=0), wholes.number(np.ones((), dtype=object))
    for stage in range(plan.stages, 0, -1):
        zeros = 1 << stage
        small = wholes.is_true("Less", found, wholes.number(max(1 << (plan.power.width - zeros), 0)))
        moved = wholes.shifted(replace(found, high=limit >> zeros), zeros)
        found = replace(wholes.chosen(small, moved, found), high=limit)
        factor = wholes.chosen(small, wholes.shifted(factor, zeros // 2), factor)
    return found, replace(factor, high=1 << plan.most_places)
