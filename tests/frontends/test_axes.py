"""Axes in another order by as few moves as can be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.axes import add_on_last, add_permuted, inverse_of
from hlsgen.frontends.builder import Builder, add_input
from hlsgen.ir.graph import Graph, Value
from hlsgen.layers.relu import Relu
from tests.passes.builders import evaluate_float


def started(shape: tuple[int, ...]) -> tuple[Graph, Builder]:
    graph = Graph("axes")
    return graph, Builder(graph, "moved", "Moved", [add_input(graph, "x", shape)])


def value_of(graph: Graph, value: Value, x: np.ndarray) -> np.ndarray:
    graph.set_outputs([value], ["y"])
    return np.asarray(evaluate_float(graph, {"x": x})[value])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 1, 3, 4), (1, 2, 1, 3)])
def test_every_order(shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(1, *shape)
    for order in itertools.permutations(range(len(shape))):
        graph, builder = started(shape)
        moved = add_permuted(builder, builder.inputs[0], order, "there")
        back = add_permuted(builder, moved, inverse_of(order), "back")
        np.testing.assert_array_equal(value_of(graph, moved, x), x.transpose(0, *(axis + 1 for axis in order)))
        np.testing.assert_array_equal(value_of(graph, back, x), x)
        assert sum(node.layer.kind == "Permute" for node in graph) in (0, 2)


def test_axes_that_stay_side_by_side_move_as_one() -> None:
    graph, builder = started((2, 3, 4, 5, 6))
    add_permuted(builder, builder.inputs[0], (2, 3, 4, 0, 1), "there")
    (moved,) = [node for node in graph if node.layer.kind == "Permute"]
    assert moved.input.shape == (6, 120)


def test_four_axes_against_each_other_are_refused() -> None:
    _, builder = started((2, 3, 4, 5))
    with pytest.raises(UnsupportedError, match=r"layer 'moved' .Moved.: axes .* in the order \(3, 2, 1, 0\): 4 axes"):
        add_permuted(builder, builder.inputs[0], (3, 2, 1, 0), "there")


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1), (0, 1, 2)])
def test_axes_are_one_and_the_last(axes: tuple[int, ...]) -> None:
    shapes = []

    def add(value: Value) -> Value:
        shapes.append(value.shape)
        return builder.add(Relu(), [value])

    graph, builder = started((2, 3, 4))
    x = np.random.default_rng(0).normal(size=(5, 2, 3, 4))
    np.testing.assert_array_equal(
        value_of(graph, add_on_last(builder, builder.inputs[0], axes, add), x), np.maximum(x, 0)
    )
    assert shapes[0][-1] == np.prod([(2, 3, 4)[axis] for axis in axes])
