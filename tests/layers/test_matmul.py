"""Products of computed matrices: the emulator's ways to add up, and their limits."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType
from hlsgen.layers.matmul import MatMul
from tests.ladder.by_hand import Hand

TYPES = {
    "sums of 32 bits": ("fixed<12,4>", "fixed<10,4>", None),
    "sums of 48 bits": ("fixed<16,4>", "fixed<16,4>", None),
    "without the lowest bits": ("fixed<16,4>", "fixed<16,4>", "fixed<16,12,RND_CONV,SAT>"),
    "halves looked at": ("fixed<16,4>", "fixed<16,4>", "fixed<16,11,RND_MIN_INF,SAT>"),
    "unsigned words that wrap": ("ufixed<16,4>", "fixed<16,4>", "fixed<16,10,RND,SAT>"),
    "shares": ("ufixed<17,1>", "fixed<16,4>", "fixed<16,4,RND_CONV,SAT>"),
    "not packed": ("fixed<18,4>", "fixed<16,4>", None),
}


@pytest.mark.parametrize("depth", [13, 64])
def test_every_way_to_add_up(depth):
    """Numbers of all sizes, rows that are all largest and rows of small ones; one compilation for all types."""
    h, rng, arrays = Hand(), np.random.default_rng(depth), []
    for a, b, result in TYPES.values():
        h.add(MatMul(depth, 10), h.input((6, depth), a), h.input((depth, 10), b), result=result)
        arrays += [sized(rng, a, (40, 6, depth)), sized(rng, b, (40, depth, 10))]
    project = h.project()
    for value, key in zip(project.predict(arrays, raw=True), h.outputs, strict=True):
        np.testing.assert_array_equal(value, project.evaluate(arrays, raw=True)[key.name])


def sized(rng, text, shape):
    """Of each sample and each row another size, from the whole type down to a few steps; its ends among them."""
    fixed = FixedType.parse(text)
    drawn = rng.integers(fixed.min_mantissa, fixed.max_mantissa, shape, endpoint=True)
    drawn >>= rng.integers(0, fixed.width, (*shape[:2], 1))
    drawn[0], drawn[1], drawn[2, ::2] = fixed.min_mantissa, fixed.max_mantissa, fixed.min_mantissa
    drawn[3] = 0
    drawn[3, :, 1] = fixed.max_mantissa
    return np.ldexp(drawn.astype(float), -fixed.frac)


def test_the_sum_of_products_is_bounded_channel_by_channel():
    a = Interval(np.array([-1, 0]), np.array([2, 3]), 1)
    b = Interval(np.array([-5, 0, 7]), np.array([5, 1, 7]), 2)
    exact = MatMul(2, 3).interval([a, b], [(4, 2), (2, 3)])
    assert (exact.low.tolist(), exact.high.tolist(), exact.frac) == ([-10 - 15, -1, -7], [10 + 15, 5, 35], 3)
    turned = MatMul(2, 3, transposed=True).interval([a, Interval(np.array([-5, 7]), np.array([5, 7]), 2)], [])
    assert (turned.low.tolist(), turned.high.tolist()) == ([-10] * 3, [10 + 21] * 3)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="expected matrices of 2 columns, and as many of 2 x 3"):
        MatMul(2, 3).output_shape([(4, 2), (3, 2)])
    with pytest.raises(ValueError, match="3 x 2"):
        MatMul(2, 3, transposed=True).output_shape([(5, 4, 2), (4, 3, 2)])
