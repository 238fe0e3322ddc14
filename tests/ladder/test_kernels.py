"""Every kernel by itself, in graphs made by hand: a minute, and no framework.

A new kernel needs a function here that builds a graph with it. Several types each, the extremes among them; inputs
hold the ends of their types. `pytest tests/ladder/test_kernels.py -k relu` while you write one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hlsgen.backends.hls.border import HEADERS as BORDER
from hlsgen.backends.hls.kernel import BINDINGS
from hlsgen.backends.hls.plan import make_plan
from hlsgen.backends.hls.program import Plan
from hlsgen.ir.constant import Constant
from hlsgen.ir.layer import Layer, Packing
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans, SumsAlongAxis
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.convert import Convert
from hlsgen.layers.dense import Dense
from hlsgen.layers.depth_to_space import Cropping, DepthToSpace
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.embedding import Embedding
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.gate import Gate
from hlsgen.layers.log_softmax import LogSoftmax
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.piecewise import Piecewise
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import QuantizedFunction, Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate, Permute, Reshape, UpSampling, ZeroPadding
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.split import Split
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure
from hlsgen.layers.sums import GlobalSum, WindowSum
from hlsgen.layers.table import Table
from hlsgen.layers.take import Take
from hlsgen.layers.thresholds import Thresholds
from hlsgen.layers.top import TopIndices, TopValues
from hlsgen.layers.window import Window
from hlsgen.project import Project
from hlsgen.quantizers import Activation
from hlsgen.tools import templates_dir
from tests.ladder.by_hand import Hand
from tests.ladder.harness import ladder
from tests.passes.builders import Net, grid, project_of

CASES: dict[str, Callable[[], Hand]] = {}


def case(build: Callable[[Hand], None]) -> Callable[[Hand], None]:
    """Register a graph: the function is given an empty one."""

    def made() -> Hand:
        hand = Hand()
        build(hand)
        return hand

    CASES[build.__name__] = made
    return build


def exactly(value: float) -> Constant:
    """A scalar."""
    frac = 8
    return Constant.exactly(np.array(round(value * 2**frac)), FixedType(12, 4))


NARROW, WIDE, COARSE, FINE = "fixed<8,4>", "fixed<40,20>", "fixed<6,9>", "fixed<6,-2>"
UNSIGNED, BIT, SIGN = "ufixed<7,3>", "ufixed<1,1>", "fixed<1,1>"


# -- casts, rectifiers, tables -----------------------------------------------------------------


@case
def convert(h: Hand) -> None:
    """A cast from every kind of type, in every mode between them."""
    for source, target in (
        (NARROW, "fixed<5,3,RND,SAT>"),
        (UNSIGNED, "fixed<4,-1,RND_CONV,SAT_SYM>"),
        (WIDE, "fixed<6,9,TRN_ZERO,SAT_ZERO>"),
        (WIDE, "ufixed<12,6,RND_MIN_INF,WRAP>"),
        (SIGN, "fixed<33,20>"),
        (FINE, "ufixed<1,0,RND_INF,WRAP>"),
        (COARSE, "fixed<1,6,RND_ZERO,WRAP_SM>"),
    ):
        h.add(Convert(), h.input((2, 3), source), result=target)


@case
def cast_each(h: Hand) -> None:
    """Types of no bits, of one and of many, by channel and by element, in every mode; of ends of all kinds."""
    sources = (NARROW, UNSIGNED, WIDE, COARSE, FINE, SIGN, BIT)
    modes = [(r, o) for r in Rounding for o in (Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM)]
    for place, (rounding, overflow) in enumerate(modes):
        tables = (4, 3) if place % 2 else (3,)
        h.add(own_types(h, tables, rounding, overflow), h.input((4, 3), sources[place % len(sources)]))
    same = np.array([4, 4, 4])
    h.add(CastEach(same, same - 2, same // 4, Rounding.RND_CONV, Overflow.SAT), h.input((3,), WIDE))
    h.add(CastEach(0 * same, same, same // 4), h.input((3,), NARROW))
    h.add(CastEach(same, same, 0 * same), h.input((3,), NARROW), result="fixed<5,2,RND,SAT>")


def own_types(h: Hand, shape: tuple[int, ...], rounding: Rounding, overflow: Overflow) -> CastEach:
    """Random types around the binary point; the first has no bits, the second one."""
    widths, fracs, signs = (h.rng.integers(*ends, shape, endpoint=True) for ends in ((0, 9), (-3, 7), (0, 1)))
    widths.reshape(-1)[:2] = 0, 1
    return CastEach(widths, fracs, signs, rounding, overflow)


@case
def saturate(h: Hand) -> None:
    for fixed in (NARROW, UNSIGNED, WIDE, COARSE):
        h.add(Saturate(1, 2), h.input((5,), fixed))
    h.add(Saturate(-1, 0), h.input((5,), WIDE), result="fixed<9,2,RND,SAT>")


@case
def relu(h: Hand) -> None:
    """Without anything, with a slope, with a ceiling, with both; of unsigned numbers too."""
    x, wide = h.input((3,), NARROW), h.input((3,), WIDE)
    h.add(Relu(), x)
    h.add(Relu(exactly(0.25)), x, result="fixed<6,3,RND,SAT>")
    h.add(Relu(None, exactly(1.5)), x, result="ufixed<4,2,RND_CONV,SAT>")
    h.add(Relu(exactly(-0.375), exactly(0.5)), wide)
    h.add(Relu(), wide, result="fixed<9,2,TRN_ZERO,WRAP>")
    h.add(Relu(None, exactly(0.25)), h.input((3,), FINE))
    h.add(Relu(exactly(0.25), exactly(7)), h.input((3,), UNSIGNED))
    h.add(Relu(exactly(2)), h.input((3,), SIGN))


@case
def gate(h: Hand) -> None:
    """One interval and two sides; ends on the grid, between its steps and beyond it; levels on other grids."""
    half, third = Fraction(1, 2), Fraction(1, 3)
    for fixed in (NARROW, UNSIGNED, WIDE, COARSE, FINE, SIGN, BIT):
        x = h.input((3, 2), fixed)
        h.add(Gate(half), x)
        h.add(Gate(third, -third), x)
        h.add(Gate(-third, level=exactly(-0.375)), x)
        h.add(Gate(Fraction(10**9), level=exactly(1.5)), x, result="fixed<6,3,RND,SAT>")
        h.add(Gate(-Fraction(10**9), -Fraction(10**9)), x)


@case
def prelu(h: Hand) -> None:
    """Slopes by channel and by element, above one and below zero."""
    for fixed, slopes in (
        (NARROW, "fixed<5,2>"),
        (WIDE, "fixed<9,-1>"),
        (UNSIGNED, "fixed<3,3>"),
        (SIGN, "ufixed<4,1>"),
    ):
        h.add(PRelu(h.constant(slopes, 3)), h.input((2, 3), fixed))
    h.add(PRelu(h.constant("fixed<6,1>", 2, 3)), h.input((2, 3), FINE), result="fixed<9,1,RND_INF,SAT>")


@case
def table_activation(h: Hand) -> None:
    """Functions by the whole input and by an index; quantisers, whose table is exact."""
    h.add(Table(FUNCTIONS["tanh"]), h.input((4,), NARROW))
    h.add(Table(FUNCTIONS["sigmoid"], 6), h.input((4,), WIDE), result="ufixed<8,0,RND,SAT>")
    h.add(Table(FUNCTIONS["exponential"]), h.input((4,), SIGN))
    h.add(Table(FUNCTIONS["elu"], 5), h.input((2, 2), UNSIGNED), result="fixed<40,12>")
    h.add(QuantizedFunction(tanh()), h.input((4,), FINE))


@case
def piecewise(h: Hand) -> None:
    """Straight and bent pieces, one and several ranges, signed and not, lines on no side, on one and on both."""
    h.add(Table(FUNCTIONS["tanh"], 4), h.input((4,), NARROW))
    h.add(Table(FUNCTIONS["sigmoid"]), h.input((4,), "fixed<20,5>"), result="ufixed<24,0,RND,SAT>")
    h.add(Table(FUNCTIONS["softsign"]), h.input((4,), "fixed<24,12>"), result="fixed<16,1,TRN,WRAP>")
    h.add(Table(FUNCTIONS["squareplus"]), h.input((4,), "ufixed<20,12>"), result="fixed<16,12,RND,SAT>")
    h.add(Table(FUNCTIONS["elu"], 0), h.input((2, 2), UNSIGNED), result="fixed<40,12>")
    h.add(Table(FUNCTIONS["selu"]), h.input((4,), "fixed<17,4>"), result="fixed<12,3>")
    h.add(Table(FUNCTIONS["exponential"]), h.input((4,), "fixed<24,6>"), result="fixed<20,5,RND,SAT>")
    h.add(Table(FUNCTIONS["log_sigmoid"], 6), h.input((4,), WIDE), result="fixed<18,6>")
    h.add(Table(FUNCTIONS["soft_shrink"], 6), h.input((4,), WIDE), result="ufixed<6,2>")
    h.add(Table(FUNCTIONS["sparse_plus"]), h.input((4,), "fixed<13,4>"))
    h.add(Table(FUNCTIONS["mish"], 3), h.input((4,), COARSE), result="fixed<6,8>")


def test_the_cases_of_pieces_differ() -> None:
    """They are chosen for what they reach."""
    forms = [op.layer.form for op in CASES["piecewise"]().project().design if isinstance(op.layer, Table)]
    pieces = [form for form in forms if isinstance(form, Piecewise)]
    assert {form.degree for form in pieces} == {0, 1, 2, 3}
    assert {form.ranges > 1 for form in pieces} == {form.index.signed for form in pieces} == {True, False}
    lines = [form.lines for form in pieces]
    assert {(line.negative, line.positive, line.slope_type is None) for line in lines} == {
        (False, False, True),
        (False, True, True),
        (False, True, False),
        (True, False, True),
        (True, True, True),
    }


def tanh() -> Activation:
    return Activation("tanh", FixedType(5, 1), -15, 15)


@case
def thresholds(h: Hand) -> None:
    """One row for all channels, and a row for each; cuts between the steps of the input and beyond its ends."""
    for fixed, cuts in ((NARROW, "fixed<9,4>"), (WIDE, "fixed<30,21>"), (UNSIGNED, "fixed<12,5>"), (BIT, "fixed<4,2>")):
        h.add(steps(h, cuts, 1, 3), h.input((3, 2), fixed))
    h.add(steps(h, "fixed<12,4>", 2, 7), h.input((3, 2), NARROW), result="fixed<4,1,RND,SAT>")


def steps(h: Hand, cuts: str, channels: int, count: int) -> Thresholds:
    at, levels = h.constant(cuts, channels, count), h.constant("fixed<6,2>", channels, count + 1)
    return Thresholds(Constant.exactly(np.sort(at.fixed[0], axis=1), at.known_type), levels)


@case
def softmax(h: Hand) -> None:
    for shape, fixed in (((5,), NARROW), ((2, 3), WIDE), ((4,), UNSIGNED), ((2, 2, 2), SIGN)):
        h.add(Softmax(), h.input(shape, fixed))
    h.add(Softmax(), h.input((3,), COARSE), result="fixed<6,1,RND_CONV,SAT>")
    h.add(Softmax(), h.input((3,), "fixed<40,12>"), result="fixed<32,2,RND,SAT>")
    h.add(Softmax(), h.input((2, 40), "ufixed<12,4>"), result="ufixed<20,0,TRN,SAT>")


@case
def standardise(h: Hand) -> None:
    """By every measure; values of one size and of all, wide ones and single bits, alone and in packs of few."""
    for measure, epsilon in zip(Measure, (1e-3, 1e-6, 1e-12), strict=True):
        h.add(Standardise(measure, epsilon), h.input((2, 3), NARROW))
        h.add(Standardise(measure, epsilon), h.input((4,), UNSIGNED), result="fixed<7,2,RND,SAT>")
    h.add(Standardise(Measure.DEVIATION, 0.0), h.input((6,), COARSE), result="fixed<9,3,RND_CONV,SAT>")
    h.add(Standardise(Measure.DEVIATION, 1e-3), h.input((2, 2, 2), SIGN))
    h.add(Standardise(Measure.ROOT_MEAN_SQUARE, 0.25), h.input((2, 1), FINE), result="fixed<24,4,TRN,WRAP>")
    h.add(Standardise(Measure.LENGTH, 1e-12), h.input((2, 5), "fixed<24,10>"))
    in_parts = h.add(Reshape((2, 24)), h.input((4, 2, 6), "fixed<12,4>"), inner=True)
    h.add(Standardise(Measure.DEVIATION, 1e-3), in_parts)


@case
def masked_softmax(h: Hand) -> None:
    """A row of the mask for each position, and rows that come again; numbers, ends of their types among them."""
    h.add(Softmax(np.tri(3, 4, dtype=bool)), h.input((3, 4), NARROW))
    h.add(Softmax(np.tri(2, 3, k=1, dtype=bool)), h.input((2, 2, 3), WIDE), result="fixed<12,1,RND_CONV,SAT>")
    h.add(Softmax(np.array([False, True, False, True, True])), h.input((5,), UNSIGNED))


@case
def log_softmax(h: Hand) -> None:
    for shape, fixed in (((5,), NARROW), ((2, 3), WIDE), ((4,), UNSIGNED), ((2, 2, 2), SIGN)):
        h.add(LogSoftmax(), h.input(shape, fixed))
    h.add(LogSoftmax(), h.input((3,), COARSE), result="fixed<6,4,RND_CONV,SAT>")
    h.add(LogSoftmax(), h.input((1,), NARROW))
    h.add(LogSoftmax(), h.input((2, 40), "ufixed<12,4>"), result="fixed<24,8,TRN,WRAP>")


@case
def sparsemax(h: Hand) -> None:
    """Few and many above zero; inputs on grids finer and coarser than what tells them apart."""
    for shape, fixed in (((5,), "fixed<8,2>"), ((2, 3), WIDE), ((4,), UNSIGNED), ((2, 2, 2), SIGN), ((3,), FINE)):
        h.add(Sparsemax(), h.input(shape, fixed))
    h.add(Sparsemax(), h.input((3,), COARSE), result="fixed<6,1,RND_CONV,SAT>")
    h.add(Sparsemax(), h.input((1,), NARROW))
    for shape, fixed in (((5,), "fixed<8,2>"), ((2, 3), "fixed<20,2>"), ((3,), UNSIGNED), ((2,), COARSE)):
        h.add(Sparsemax(of_partial_sums=True), h.input(shape, fixed))
    h.add(Sparsemax(), h.input((2, 13), "ufixed<12,0>"), result="ufixed<20,0,TRN,SAT>")


# -- arithmetic --------------------------------------------------------------------------------

SUMS = (
    ("fixed<8,4>", "fixed<6,2>", "fixed<9,3>", None, None),
    ("ufixed<7,3>", "fixed<5,1>", "ufixed<6,4>", "fixed<11,6,RND,SAT>", "ufixed<7,3,TRN,SAT>"),
    ("fixed<1,1>", "fixed<2,2>", "fixed<4,4>", None, "fixed<4,3,RND_CONV,SAT_SYM>"),
    ("fixed<40,20>", "fixed<30,4>", "fixed<33,9>", "fixed<60,36,TRN_ZERO,WRAP>", "fixed<50,30,RND_ZERO,SAT>"),
    ("fixed<6,9>", "ufixed<3,4>", "fixed<5,7>", None, "fixed<12,14>"),
)
"""Types of input, weights, bias, accumulator and result."""


@case
def scale(h: Hand) -> None:
    for x, weight, bias, accum, result in SUMS:
        h.add(Scale(h.constant(weight, 3), h.constant(bias, 3)), h.input((2, 3), x), accum=accum, result=result)


@case
def dense(h: Hand) -> None:
    for shape, (x, weight, bias, accum, result) in zip(((6,), (2, 6), (6,), (3,), (2, 2, 3)), SUMS, strict=True):
        layer = Dense(h.constant(weight, shape[-1], 4), h.constant(bias, 4))
        h.add(layer, h.input(shape, x), accum=accum, result=result)


WINDOWS = (
    ((5, 4, 2), Window((3, 3), padding=(1, 1, 1, 1))),
    ((4, 5, 3), Window((2, 3), stride=(2, 1), dilation=(1, 2))),
    ((7, 2), Window((1, 3), padding=(0, 0, 2, 0))),  # a line, causal
    ((3, 3, 2), Window((3, 3))),  # all of the image
    ((5, 5, 1), Window((1, 1), stride=(3, 2))),
)


@case
def conv2d(h: Hand) -> None:
    for (shape, window), (x, weight, bias, accum, result) in zip(WINDOWS, SUMS, strict=True):
        layer = Conv2D(h.constant(weight, *window.size, shape[-1], 3), h.constant(bias, 3), window)
        h.add(layer, h.input(shape, x), accum=accum, result=result)


GROUPED = (((5, 4, 6), 2), ((4, 5, 6), 3), ((7, 4), 2), ((3, 3, 8), 4), ((5, 5, 3), 3))


@case
def grouped_conv2d(h: Hand) -> None:
    for (shape, groups), (_, window), (x, weight, bias, accum, result) in zip(GROUPED, WINDOWS, SUMS, strict=True):
        kernel = h.constant(weight, *window.size, shape[-1] // groups, 2 * groups)
        layer = Conv2D(kernel, h.constant(bias, 2 * groups), window, group_count=groups)
        h.add(layer, h.input(shape, x), accum=accum, result=result)


@case
def depthwise_conv2d(h: Hand) -> None:
    for multiplier, (shape, window), (x, weight, bias, accum, result) in zip(
        (1, 2, 3, 2, 1), WINDOWS, SUMS, strict=True
    ):
        kernel = h.constant(weight, *window.size, shape[-1], multiplier)
        layer = DepthwiseConv2D(kernel, h.constant(bias, shape[-1] * multiplier), window)
        h.add(layer, h.input(shape, x), accum=accum, result=result)


@case
def merge(h: Hand) -> None:
    """Every operation; operands of other grids and signs; one value a channel."""
    pairs = ((NARROW, UNSIGNED), (COARSE, FINE), (WIDE, NARROW), (UNSIGNED, BIT), (SIGN, WIDE))
    for op, (a, b) in zip(("add", "subtract", "multiply", "maximum", "minimum"), pairs, strict=True):
        h.add(Merge(op), h.input((2, 3), a), h.input((2, 3), b))
    x = h.input((2, 2, 3), NARROW)
    for op in ("subtract", "multiply"):
        h.add(Merge(op), x, h.input((1, 1, 3), UNSIGNED), result="fixed<7,4,RND,SAT>")


SPANS = (
    ((4, 3, 2), 0, Spans((0, 0, 1, 1, 3), (1, 3, 3, 4, 4))),  # several windows end with a row, one row with none
    ((3, 5, 2), 1, Spans((0, 2), (2, 4))),  # the last cell is in none
    ((4, 2), 0, Spans((0, 0, 0, 2), (1, 1, 1, 3))),
    ((2, 3, 2, 2), 1, Spans((0, 1), (3, 3))),
    ((2, 3, 4, 1), 2, Spans((1, 1, 2), (3, 4, 4))),
)


@case
def sums_along_axis(h: Hand) -> None:
    for (shape, axis, spans), (x, weight, _, accum, result) in zip(SPANS, SUMS, strict=True):
        weights = h.constant(weight, len(spans.first), spans.taps)
        inside = Constant.exactly(np.where(spans.inside, weights.fixed[0], 0), weights.known_type)
        layer = SumsAlongAxis(axis, spans, weight=inside)
        h.add(layer, h.input(shape, x), accum=accum, result=result)


@case
def largest_along_axis(h: Hand) -> None:
    for (shape, axis, spans), (x, *_, result) in zip(SPANS, SUMS, strict=True):
        h.add(LargestAlongAxis(axis, spans), h.input(shape, x), result=result)
    h.add(LargestAlongAxis(0, Spans((0, 0, 1), (1, 1, 2))), h.input((2, 2), "fixed<9,4>"))


PRODUCTS = (
    ("fixed<8,4>", "fixed<6,2>", None, None),
    ("ufixed<17,1>", "fixed<16,3>", None, "fixed<16,4,RND_CONV,SAT>"),  # ones beside what fits 16 bits
    ("fixed<16,4>", "fixed<16,2>", None, "fixed<16,8,RND,SAT>"),
    ("ufixed<16,4>", "fixed<16,2>", "fixed<30,18,RND,SAT>", "fixed<9,6,RND_CONV,SAT>"),
    ("fixed<1,1>", "ufixed<2,2>", None, "fixed<4,3,RND_CONV,SAT_SYM>"),
    ("fixed<40,20>", "fixed<30,4>", "fixed<60,36,TRN_ZERO,WRAP>", "fixed<50,30,RND_ZERO,SAT>"),
    ("fixed<6,9>", "ufixed<16,4>", None, "fixed<12,14>"),
)
"""Types of both operands, accumulator and result."""


@case
def matmul(h: Hand) -> None:
    """A held operand as it is and transposed, one matrix and several, of even and odd extents."""
    shapes = (((3, 6), 4), ((2, 3, 5), 9), ((2, 2, 8), 3))
    for place, (a, b, accum, result) in enumerate(PRODUCTS):
        shape, columns = shapes[place % 3]
        for transposed in (False, True):
            held = (columns, shape[-1]) if transposed else (shape[-1], columns)
            layer = MatMul(shape[-1], columns, transposed)
            h.add(layer, h.input(shape, a), h.input((*shape[:-2], *held), b), accum=accum, result=result)


# -- pooling -----------------------------------------------------------------------------------


@case
def max_pooling(h: Hand) -> None:
    for fixed, (shape, window) in zip((NARROW, UNSIGNED, WIDE, SIGN, COARSE), WINDOWS, strict=True):
        h.add(MaxPooling2D(replace(window, dilation=(1, 1))), h.input(shape, fixed))
    h.add(GlobalMaxPooling(), h.input((3, 2, 2), FINE), result="fixed<4,0,RND,SAT>")
    h.add(GlobalMaxPooling(keepdims=True), h.input((5, 2), NARROW))


@case
def average_pooling(h: Hand) -> None:
    results = (None, "fixed<9,5,RND,SAT>", "fixed<30,18,RND_CONV,SAT>", None, "fixed<6,9,TRN_ZERO,SAT>")
    for fixed, result, (shape, window) in zip((NARROW, UNSIGNED, WIDE, SIGN, COARSE), results, WINDOWS, strict=True):
        shares = [1 / max(count, 1) for count in range(window.taps + 1)]
        layer = AveragePooling2D(Constant.of(shares), window=replace(window, dilation=(1, 1)))
        h.add(layer, h.input(shape, fixed), result=result)
    h.add(GlobalAveragePooling(Constant.of([1 / 6])), h.input((3, 2, 2), FINE), result="fixed<7,0,RND,SAT>")
    h.add(GlobalAveragePooling(Constant.of([1 / 4]), keepdims=True), h.input((4, 3), UNSIGNED))


# -- what only moves data ----------------------------------------------------------------------


@case
def concatenate(h: Hand) -> None:
    for axis, types in enumerate(((NARROW, UNSIGNED), (FINE, COARSE), (WIDE, SIGN))):
        a, b = ([2, 2, 2], [2, 2, 2])
        b[axis] = 3
        h.add(Concatenate(axis), h.input(tuple(a), types[0]), h.input(tuple(b), types[1]))
    h.add(Concatenate(0), h.input((3,), BIT), h.input((1,), NARROW))


@case
def permute(h: Hand) -> None:
    for order, fixed in (((2, 0, 1), NARROW), ((1, 0, 2), WIDE), ((0, 2, 1), SIGN)):
        h.add(Permute(order), h.input((2, 3, 4), fixed))
    h.add(Permute((1, 0)), h.input((3, 2), UNSIGNED))


@case
def embedding(h: Hand) -> None:
    """Numbers beyond the rows on both sides, fractions, as many rows as bits name and fewer, one row."""
    for fixed, rows in ((NARROW, 5), ("ufixed<3,3>", 8), ("fixed<6,6>", 3), (WIDE, 16), (COARSE, 70)):
        h.add(Embedding(h.constant("fixed<9,3>", rows, 3)), h.input((4, 1), fixed))
    h.add(Embedding(h.constant(NARROW, 1, 2)), h.input((1,), NARROW))
    h.add(Embedding(h.constant(NARROW, 6, 2)), h.input((2, 3, 1), UNSIGNED), result="fixed<4,2,RND,SAT>")


@case
def sums(h: Hand) -> None:
    """Without a division: over all positions, and over rows of windows."""
    for fixed in (NARROW, UNSIGNED, SIGN):
        h.add(GlobalSum.of_channels(), h.input((5, 2), fixed))
        h.add(WindowSum.of_windows(Window((1, 3), (1, 3))), h.input((4, 3, 2), fixed))
    h.add(GlobalSum.of_channels(), h.input((3, 2), WIDE), result="fixed<9,4,RND,SAT>")


@case
def top(h: Hand) -> None:
    """Values and places, the largest and the least, one, some and all; many equal ones among them."""
    for fixed in (NARROW, UNSIGNED, BIT, SIGN, WIDE):
        x = h.input((3, 5), fixed)
        for count, least in ((1, False), (1, True), (3, False), (5, True)):
            h.add(TopValues(count, least), x)
            h.add(TopIndices(count, least), x)
    h.add(TopIndices(), h.input((1,), NARROW))
    h.add(TopValues(2), h.input((2, 1, 4), NARROW), result="fixed<5,3,RND,SAT>")


@case
def take(h: Hand) -> None:
    """Out of packs, as they come, in any order; of one axis to four, behind none and behind several."""
    h.add(Take(0, (4, 0, 0, 2)), h.input((5,), NARROW))
    h.add(Take(1, (1,)), h.input((3, 2), SIGN))
    h.add(Take(0, (0, 2, 3)), h.input((5, 2), WIDE))
    h.add(Take(1, (1, 2)), h.input((2, 4, 3), UNSIGNED))
    h.add(Take(1, (3, 1, 3, 0, 2)), h.input((2, 4, 3), NARROW))
    h.add(Take(0, (1, 0)), h.input((2, 1, 2, 3), BIT))


@case
def zero_padding2d(h: Hand) -> None:
    h.add(ZeroPadding((1, 0, 2, 1)), h.input((2, 3, 2), NARROW))
    h.add(ZeroPadding((0, 0, 1, 2)), h.input((3, 2), BIT))
    h.add(ZeroPadding((0, 2, 0, 0)), h.input((1, 2, 3), WIDE))


@case
def upsampling2d(h: Hand) -> None:
    h.add(UpSampling((2, 3)), h.input((2, 3, 2), NARROW))
    h.add(UpSampling((1, 2)), h.input((3, 2), SIGN))
    h.add(UpSampling((3, 1)), h.input((2, 1, 1), WIDE))


@case
def depth_to_space(h: Hand) -> None:
    h.add(DepthToSpace((2, 2), (4, 5)), h.input((2, 3, 8), NARROW))
    h.add(DepthToSpace((1, 3), (1, 6)), h.input((1, 2, 3), BIT))
    h.add(DepthToSpace((1, 2), (1, 7)), h.input((4, 4), WIDE))
    h.add(Cropping((1, 0, 0, 2)), h.input((3, 4, 2), SIGN))
    h.add(Cropping((0, 0, 1, 1)), h.input((5, 3), UNSIGNED))


# -- copies, and packs of another size -----------------------------------------------------------


@case
def clone(h: Hand) -> None:
    """A value that is read three times, one of them as an output; an input that is also an output."""
    x = h.input((2, 3), NARROW)
    first = h.add(Relu(), x)
    h.add(Merge("add"), first, first)
    h.add(Convert(), x, result="fixed<4,4>")
    h.outputs.append(x)
    h.add(Reshape((6,)), first)


@case
def repack(h: Hand) -> None:
    """Packs of 4 read in packs of 3 and of 6, then of 4 again; packs of 5 of which a softmax reads 2."""
    x = h.input((3, 4), NARROW)
    y = h.add(Reshape((4, 3)), x, inner=True)
    y = h.add(Permute((1, 0)), y)
    y = h.add(Reshape((2, 6)), y, inner=True)
    y = h.add(MaxPooling2D(Window((1, 2))), y)
    y = h.add(Reshape((3, 2)), y, inner=True)
    h.add(Dense(h.constant("fixed<4,2>", 2, 3), h.constant("fixed<4,2>", 3)), y)
    h.add(Softmax(), h.add(Reshape((5, 2)), h.input((2, 5), UNSIGNED), inner=True))


@case
def parts(h: Hand) -> None:
    """Cut along each axis; parts that are read twice, joined in another order, or left to nobody."""
    x = h.input((3, 4, 5), NARROW)
    for axis, first in ((0, 1), (1, 3), (2, 2)):
        a, b = h.add_several(Split(axis, first), x)
        h.add(Concatenate(axis), b, a, result=None)
        h.add(Merge("add"), b, b)
        c, _ = h.add_several(Split(axis, b.shape[axis] - 1 or 1), b) if b.shape[axis] > 1 else (b, None)
        h.add(Convert(), c, result="fixed<6,4,RND,SAT>")


@case
def behind_flatten(h: Hand) -> None:
    """Every element-wise layer, one behind the other, on the packs of an image that was flattened."""
    y = h.add(Reshape((24,)), h.input((2, 4, 3), NARROW), inner=True)
    for kind in ELEMENTWISE:
        y = h.add(elementwise(h, kind, 24), y, result="fixed<6,3,RND,SAT>" if kind is not Saturate else None)


ELEMENTWISE = [kind for kind in BINDINGS if kind.packing in (Packing.ELEMENTS, Packing.CHANNELS)]


def elementwise(h: Hand, kind: type[Layer], channels: int) -> Layer:
    """An element-wise layer for data of so many channels; a new one needs a line here."""
    match kind.__name__:
        case "Saturate":
            return Saturate(1, 2)
        case "Relu":
            return Relu(exactly(0.25), exactly(1.5))
        case "Gate":
            return Gate(Fraction(1, 2), Fraction(-1, 2))
        case "PRelu":
            return PRelu(h.constant("fixed<5,2>", channels))
        case "CastEach":
            return own_types(h, (channels,), Rounding.RND, Overflow.WRAP)
        case "Table":
            return Table(FUNCTIONS["tanh"])
        case "QuantizedFunction":
            return QuantizedFunction(tanh())
        case "Thresholds":
            return steps(h, "fixed<8,4>", channels, 3)
        case "Scale":
            return Scale(h.constant("fixed<5,2>", channels), h.constant("fixed<5,2>", channels))
    return kind()


# -- the tests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_all_executors_agree(name: str) -> None:
    CASES[name]().check()


def test_a_source_model_climbs_as_well() -> None:
    """One by hand, with all rewrites and a calibration; layers by name take their settings."""
    net = Net()
    y = net.batchnorm("bn", net.conv("conv", net.input((4, 4, 2)), 2, 3), 3)
    net.dense("fc", net.call("Flatten", "flat", y), 12, 2)
    x = grid((4, 4, 2))
    settings = {"calibration": x, "default_width": 9, "layers": {"fc": {"precision": {"result": "fixed<6,4,RND,SAT>"}}}}
    project = ladder(net.source("fc"), x, **settings)
    assert str(project.design.outputs[0].type) == "fixed<6,4,RND,SAT>"


def test_every_kernel_has_a_case() -> None:
    """A header that no other one includes is a kernel; what cases call is looked up in both io types."""
    folder = templates_dir() / "firmware" / "hlsgen"
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.h")}
    included = {name for text in texts.values() for name in re.findall(r"#include <hlsgen/(.+)>", text)}
    assert {"arith.h", "pack.h", "sliding_window.h"} <= included
    covered = {header for made in CASES.values() for plan in plans(made()) for header in plan.headers}
    assert set(texts) - included == covered | BORDER | {"loading.h", "loop.h"}, (
        "those of ports: test_ports.py, test_loaded_weights.py"
    )


def test_every_binding_has_a_case() -> None:
    kinds = {type(op.layer) for made in CASES.values() for op in made().project().design}
    assert set(BINDINGS) <= kinds


def plans(hand: Hand) -> list[Plan]:
    return [hand.project(io_type=io_type).plan for io_type in ("io_parallel", "io_stream")]


def test_element_wise_layers_say_so() -> None:
    """One that says less gets whole images for words, and is not among those tested below."""
    constants = {CastEach, PRelu, Scale, Thresholds}
    assert {kind for kind in ELEMENTWISE if kind.packing is Packing.CHANNELS} == constants
    assert set(ELEMENTWISE) == constants | {Convert, Gate, QuantizedFunction, Relu, Saturate, Table}


@pytest.mark.parametrize("shape", [(48,), (8, 6), (16, 3), (4, 12)], ids=str)
@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_packs_keep_their_size_behind_a_reshape(kind: type[Layer], shape: tuple[int, ...]) -> None:
    """An element does not care which others come with it: no regrouping, no word of all of them."""
    h = Hand()
    y = h.add(Reshape(shape), h.input((4, 4, 3), NARROW), inner=True)
    y = h.add(elementwise(h, kind, shape[-1]), y)
    h.add(elementwise(h, kind, shape[-1]), y)
    assert packs(h.project(io_type="io_stream")) == {3}


@pytest.mark.parametrize("kind", [kind for kind in ELEMENTWISE if kind.packing is Packing.ELEMENTS])
def test_packs_that_fit_no_shape_are_kept_too(kind: type[Layer]) -> None:
    h = Hand()
    y = h.add(Reshape((24, 2)), h.input((4, 4, 3), NARROW), inner=True)
    h.add(elementwise(h, kind, 2), y)
    assert packs(h.project(io_type="io_stream")) == {3}


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ("4,1,negative_slope=0.25", {"Saturate", "Relu"}),
        ("4,1,negative_slope=0.0625", {"QuantizedFunction"}),
        ("4,1", {"Relu"}),
    ],
)
def test_a_quantised_relu_behind_a_flatten(options: str, kinds: set[str]) -> None:
    """The leaky one whose negative side ends before its type does is two layers; its words once held the image."""
    net = Net()
    y = net.call("Flatten", "flat", net.input((4, 4, 3)))
    net.call("QActivation", "q", y, activation=f"quantized_relu({options})")
    project = project_of(net.source("q"), io_type="io_stream", input_precision="fixed<8,4>")
    assert packs(project) == {3}
    assert {op.layer.kind for op in project.design} == {"Input", "Reshape"} | kinds


def packs(project: Project) -> set[int]:
    """The sizes of the packs on all wires; there must be no step that regroups."""
    plan = make_plan(project.design, "io_stream", project.name)
    assert [step.name for step in plan.steps if step.kernel.function == "repack"] == []
    return {wire.pack for wire in (*plan.inputs, *plan.wires, *plan.outputs)}


def test_no_framework_is_needed() -> None:
    """Frameworks cannot be imported here, and NumPy's values of every case come out all the same."""
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'tf_keras', 'qkeras')))\n"
        "from tests.ladder.test_kernels import CASES\n"
        "hands = [made() for made in CASES.values()]\n"
        "print(sum(len(hand.project().evaluate(hand.data())) for hand in hands))\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert int(ran.stdout) > 100


def test_merges_that_are_wide_between_their_inputs():
    """Products of three and four 24-bit results are held in up to 87 bits before their one cast."""
    net = Net(3)
    x = net.input([4])
    operands = [net.dense(f"d{i}", x, 4, 3) for i in range(4)]
    outputs = [
        net.call("Multiply", "product", operands),
        net.call("Multiply", "of_three", operands[:3]),
        net.call("Add", "total", operands),
        net.call("Average", "mean", operands[1:]),
        net.call("Dot", "dot", operands[:2], axes=1),
    ]
    x = np.random.default_rng(4).normal(size=(40, 4))
    x[:2] = [[2047.9] * 4, [-2048.0] * 4]
    ladder(net.source(*outputs), x, input_precision="fixed<24,12>", precision="fixed<32,16,RND,SAT>")
