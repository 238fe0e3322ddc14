"""Axes in any order: what numpy.transpose gives, in few permutations of three."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from hlsgen.frontends.builder import Builder, add_input
from hlsgen.frontends.permuting import add_on_last, add_permute
from hlsgen.ir.graph import Graph, Value
from hlsgen.layers.relu import Relu
from hlsgen.layers.shape_ops import Permute
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, evaluate_float, project_of

SHAPES = {4: (2, 3, 4, 5), 5: (2, 3, 1, 4, 3)}


def project_with(shape, order, **settings):
    net = Net()
    net.call("Permute", "moved", net.input(shape), dims=[axis + 1 for axis in order])
    return project_of(net.source("moved"), input_precision="fixed<8,4>", **settings)


def permutes(project):
    return [op for op in project.design if isinstance(op.layer, Permute)]


@pytest.mark.parametrize("rank", SHAPES)
def test_every_order(rank):
    shape = SHAPES[rank]
    x = np.random.default_rng(0).integers(-64, 64, (3, *shape)) / 16
    for order in permutations(range(rank)):
        project = project_with(shape, order)
        found = project.evaluate(x)["moved"]
        np.testing.assert_array_equal(found, x.transpose(0, *(axis + 1 for axis in order)), err_msg=str(order))
        assert len(permutes(project)) <= rank - 2, order


@pytest.mark.parametrize(
    ("shape", "order", "number"),
    [
        ((2, 3, 4, 5), (0, 1, 2, 3), 0),
        ((2, 3, 4, 5), (1, 0, 2, 3), 1),
        ((2, 3, 4, 5), (3, 0, 1, 2), 1),
        ((1, 3, 1, 5), (3, 2, 1, 0), 1),  # extents of 1 stand in no order
        ((2, 3, 4, 5), (1, 0, 3, 2), 2),
        ((2, 2, 2, 2, 2, 2), (5, 4, 3, 2, 1, 0), 4),
    ],
)
def test_in_few_permutations(shape, order, number):
    assert len(permutes(project_with(shape, order))) == number


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_executors_agree(io_type):
    """Permutations behind one another, and what is over axes in the middle of four and of five."""
    net = Net()
    x = net.input((2, 3, 2, 2))
    net.call("Permute", "moved", x, dims=[4, 3, 2, 1])
    net.call("Softmax", "soft", x, axis=[1, 3])
    y = net.call("Reshape", "five", x, target_shape=[2, 3, 1, 2, 2])
    net.call("Softmax", "second", y, axis=2)
    project = project_of(net.source("moved", "soft", "second"), io_type=io_type, input_precision="fixed<8,4>")
    executors_agree(project, np.random.default_rng(0).integers(-64, 64, (20, 2, 3, 2, 2)) / 16)


def started(shape: tuple[int, ...]) -> tuple[Graph, Builder]:
    graph = Graph("axes")
    return graph, Builder(graph, "moved", "Moved", [add_input(graph, "x", shape)])


def value_of(graph: Graph, value: Value, x: np.ndarray) -> np.ndarray:
    graph.set_outputs([value], ["y"])
    return np.asarray(evaluate_float(graph, {"x": x})[value])


def test_axes_that_stay_side_by_side_move_as_one() -> None:
    graph, builder = started((2, 3, 4, 5, 6))
    add_permute(builder, builder.inputs[0], (2, 3, 4, 0, 1), "there")
    (moved,) = [node for node in graph if node.layer.kind == "Permute"]
    assert moved.input.shape == (6, 120)


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
