"""What is composed of layers that move data means what NumPy does."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from hlsgen.frontends.builder import Builder, add_input
from hlsgen.frontends.moving import add_repeat, add_take, add_zeros
from hlsgen.frontends.permuting import add_permute
from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.graph import Graph, Value


def started(shape: Shape) -> tuple[Builder, Value]:
    graph = Graph("moving")
    value = add_input(graph, "x", shape)
    return Builder(graph, "moved", "Moved", [value]), value


def moved(value: Value, x: Floats) -> Floats:
    return x if value.producer.is_input else value.producer.layer.evaluate_float([moved(value.producer.input, x)])


def numbered(shape: Shape) -> Floats:
    return np.arange(float(np.prod(shape))).reshape(1, *shape)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 1, 3, 2)], ids=str)
def test_every_order_of_axes(shape: Shape) -> None:
    x = numbered(shape)
    for order in permutations(range(len(shape))):
        right = x.transpose(0, *(axis + 1 for axis in order))
        np.testing.assert_array_equal(moved(add_permute(*started(shape), order), x), right, err_msg=str(order))


@pytest.mark.parametrize("axis", range(4))
def test_every_axis(axis: int) -> None:
    shape = (3, 4, 3, 5)
    x = numbered(shape)
    for places in ([0], [2, 0, 2], [1, 2], [0, 2], list(range(shape[axis]))):
        np.testing.assert_array_equal(moved(add_take(*started(shape), axis, places), x), x.take(places, axis + 1))
    np.testing.assert_array_equal(moved(add_repeat(*started(shape), axis, 3), x), x.repeat(3, axis + 1))
    sides = [(1, 2) if place == axis + 1 else (0, 0) for place in range(5)]
    np.testing.assert_array_equal(moved(add_zeros(*started(shape), axis, 1, 2), x), np.pad(x, sides))
