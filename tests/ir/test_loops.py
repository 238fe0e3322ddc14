"""Loops in a graph: what they compute, that they stay together, and what is no loop."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.errors import GraphError
from hlsgen.ir.constant import Constant, no_bias
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.ir.loop import Loop, compute_unit, units
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.loops import Carry, KeepLast, KeepSteps, State, TakeStep
from hlsgen.layers.merge import Merge

HERE = Source("here", "Test")
STEPS = 4


def add(graph: Graph, layer, *inputs: Value, name: str = "n") -> Value:
    return graph.add(layer, inputs, name, HERE)


def running_sum(graph: Graph, x: Value, *, backwards: bool = False, start: Value | None = None) -> tuple[Value, Value]:
    """Two outputs: the sum of the sequence up to each step, and the last of them."""
    loop = graph.new_loop("sum", STEPS)
    given = [] if start is None else [start]
    state = add(graph, State(loop, "s", x.shape[1:], bool(given)), *given)
    total = add(graph, Merge("add"), state, add(graph, TakeStep(loop, backwards), x))
    carried = add(graph, Carry(loop, "s"), total)
    return add(graph, KeepSteps(loop, backwards), carried), add(graph, KeepLast(loop), carried)


def values_of(graph: Graph, **inputs: np.ndarray) -> dict[Value, np.ndarray]:
    known = {value: inputs[value.name] for value in graph.inputs}
    for unit in units(node for node in graph if not node.is_input):
        compute_unit(unit, known, lambda node, given: node.layer.evaluate_floats(given))
    return known


def sequence(graph: Graph) -> Value:
    return graph.add(Input((STEPS, 3)), (), "x", HERE)


X = np.arange(2 * STEPS * 3, dtype=float).reshape(2, STEPS, 3)


def test_steps_are_computed_in_their_order():
    graph = Graph("g")
    every, last = running_sum(graph, sequence(graph))
    graph.set_outputs([every, last], ["every", "last"])
    graph.verify()
    found = values_of(graph, x=X)
    np.testing.assert_array_equal(found[every], np.cumsum(X, axis=1))
    np.testing.assert_array_equal(found[last], X.sum(axis=1))


def test_backwards():
    """The last step of the sequence comes first; what is kept stands where its part of the sequence does."""
    graph = Graph("g")
    every, last = running_sum(graph, sequence(graph), backwards=True)
    found = values_of(graph, x=X)
    np.testing.assert_array_equal(found[every], np.cumsum(X[:, ::-1], axis=1)[:, ::-1])
    np.testing.assert_array_equal(found[last], X.sum(axis=1))


def test_where_a_state_starts():
    graph = Graph("g")
    x, start = sequence(graph), graph.add(Input((3,)), (), "start", HERE)
    every, _ = running_sum(graph, x, start=start)
    begin = np.full((2, 3), 100.0)
    np.testing.assert_array_equal(values_of(graph, x=X, start=begin)[every], np.cumsum(X, axis=1) + 100)


def test_two_loops_have_names_of_their_own_and_are_sorted_together():
    graph = Graph("g")
    first, _ = running_sum(graph, sequence(graph))
    second, _ = running_sum(graph, first)
    wide = add(graph, Dense(Constant.of(np.ones((3, 2))), no_bias(2)), second)
    graph.set_outputs([wide], ["wide"])
    graph.sort()
    graph.verify()
    names = [unit[0].loop.name for unit in units(graph) if unit[0].loop is not None]
    assert names == ["sum", "sum_1"]
    np.testing.assert_array_equal(
        values_of(graph, x=X)[wide],
        np.cumsum(np.cumsum(X, axis=1), axis=1).sum(axis=2, keepdims=True).repeat(2, axis=2),
    )


def test_what_is_carried_on_is_kept_by_prune():
    graph = Graph("g")
    every, _ = running_sum(graph, sequence(graph))
    graph.set_outputs([every], ["every"])
    graph.prune()
    graph.verify()
    np.testing.assert_array_equal(values_of(graph, x=X)[every], np.cumsum(X, axis=1))


def test_a_loop_that_nobody_reads_is_pruned_with_its_states():
    graph = Graph("g")
    x = sequence(graph)
    every, _ = running_sum(graph, x)
    wide = add(graph, Dense(Constant.of(np.ones((3, 2))), no_bias(2)), x)
    graph.set_outputs([wide], ["wide"])
    assert graph.prune() and not graph.prune()
    graph.verify()
    assert all(node.loop is None for node in graph) and len(graph.nodes) == 2 and every not in graph.aliases.values()


def test_a_copy_has_the_same_loops():
    graph = Graph("g")
    every, _ = running_sum(graph, sequence(graph))
    graph.set_outputs([every], ["every"])
    other = graph.copy()
    other.verify()
    assert [node.loop for node in other] == [node.loop for node in graph]


def test_a_state_that_nothing_carries_on_is_refused():
    graph = Graph("g")
    x, loop = sequence(graph), Loop("l", STEPS)
    total = add(graph, Merge("add"), add(graph, State(loop, "s", (3,))), add(graph, TakeStep(loop), x))
    add(graph, KeepLast(loop), total)
    with pytest.raises(GraphError, match=r"its states .*'s'.* are not those that are carried on"):
        graph.verify()


def test_a_step_that_leaves_no_loop_is_refused():
    graph = Graph("g")
    step = add(graph, TakeStep(Loop("l", STEPS)), sequence(graph))
    graph.set_outputs([step], ["step"])
    with pytest.raises(GraphError, match="is a step of loop 'l'"):
        graph.verify()


def test_steps_of_two_loops_do_not_mix():
    graph = Graph("g")
    x = sequence(graph)
    a, b = (add(graph, TakeStep(graph.new_loop("l", STEPS)), x) for _ in range(2))
    add(graph, Merge("add"), a, b)
    with pytest.raises(GraphError, match="side by side|does not belong to"):
        graph.verify()


@pytest.mark.parametrize("shape", [(STEPS + 1, 3), (STEPS,)], ids=str)
def test_a_sequence_has_as_many_steps_as_its_loop(shape: tuple[int, ...]):
    graph = Graph("g")
    x = graph.add(Input(shape), (), "x", HERE)
    with pytest.raises(GraphError, match="TakeStep does not fit .*4 steps"):
        add(graph, TakeStep(Loop("l", STEPS)), x)
