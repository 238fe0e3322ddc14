"""The graph: edges change through its methods only, and nothing that is used can go."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from hlsgen.errors import GraphError
from hlsgen.ir.constant import Shape
from hlsgen.ir.expected import Expected, Origin
from hlsgen.ir.graph import Graph, Node, Source, Value
from hlsgen.ir.layer import Layer, Packing
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import By, Hardware, Strategy, Wish, Wished
from hlsgen.layers.convert import Convert
from hlsgen.layers.input import Input
from hlsgen.layers.merge import Merge
from hlsgen.layers.shape_ops import Reshape
from hlsgen.layers.split import Split

HERE = Source("s", "S")


def diamond() -> tuple[Graph, dict[str, Value]]:
    """``x -> a -> (b, c) -> d``, d the output."""
    graph = Graph("g")
    v: dict[str, Value] = {"x": graph.add(Input((4,)), (), "x", HERE)}
    for name, inputs, layer in (
        ("a", ["x"], Convert()),
        ("b", ["a"], Convert()),
        ("c", ["a"], Convert()),
        ("d", ["b", "c"], Merge("add")),
    ):
        v[name] = graph.add(layer, [v[i] for i in inputs], name, HERE)
    graph.aliases.update(v)
    graph.set_outputs([v["d"]], ["d"])
    graph.verify()
    return graph, v


def names(graph: Graph) -> str:
    return " ".join(node.name for node in graph)


def consistent(graph: Graph) -> None:
    """Uses are exactly what inputs say, both ways."""
    for node in graph:
        users = [u for u in graph.nodes for i in u.inputs if i is node.output]
        assert sorted(map(id, graph.uses(node.output))) == sorted(map(id, users))
    graph.verify()


def test_removal_of_what_is_read_is_refused():
    graph, v = diamond()
    with pytest.raises(GraphError, match=r"Convert a cannot be removed: read by Convert b, Convert c"):
        graph.remove(v["a"].producer)
    with pytest.raises(GraphError, match=r"Merge d cannot be removed: read by the model's outputs"):
        graph.remove(v["d"].producer)
    consistent(graph)
    assert names(graph) == "x a b c d"


def test_bypass():
    graph, v = diamond()
    graph.bypass(v["b"].producer)
    consistent(graph)
    assert names(graph) == "x a c d"
    assert v["d"].producer.inputs == (v["a"], v["c"])
    assert graph.aliases["b"] is v["a"]
    graph.bypass(v["c"].producer)
    consistent(graph)
    assert graph.uses(v["a"]) == [v["d"].producer] * 2, "a node that reads a value twice counts twice"
    assert graph.sole_user(v["a"]) is None
    with pytest.raises(GraphError, match="read by Merge d, Merge d"):
        graph.remove(v["a"].producer)


def test_replace_uses_refuses_another_shape():
    graph, v = diamond()
    flat = graph.add(Reshape((2, 2)), [v["x"]], "r", HERE)
    with pytest.raises(GraphError, match=r"%a of shape \(4,\) cannot be replaced by %r of shape \(2, 2\)"):
        graph.replace_uses(v["a"], flat)
    consistent(graph)


def test_replace_uses_moves_outputs_and_aliases():
    graph, v = diamond()
    graph.set_outputs([v["d"], v["b"], v["d"]], ["d", "b", "again"])
    graph.replace_uses(v["d"], v["c"])
    assert graph.outputs == (v["c"], v["b"], v["c"])
    assert graph.aliases["d"] is v["c"]
    assert graph.use_count(v["c"]) == 3, "the merge and two outputs"
    consistent(graph)


def test_a_cycle_is_found():
    graph, v = diamond()
    graph.set_inputs(v["a"].producer, [v["b"]])
    with pytest.raises(GraphError, match="graph g: it has a cycle"):
        graph.sort()
    with pytest.raises(GraphError, match=r"Convert a reads %b before it is computed"):
        graph.verify()


def test_sort_restores_order_and_is_stable():
    graph, v = diamond()
    late = graph.add(Convert(), [v["x"]], "late", HERE)
    graph.set_inputs(v["b"].producer, [late])
    with pytest.raises(GraphError, match=r"Convert b reads %late before it is computed"):
        graph.verify()
    graph.sort()
    consistent(graph)
    order = names(graph).split()
    assert order.index("late") < order.index("b") < order.index("d")
    before = names(graph)
    graph.sort()
    assert names(graph) == before


def test_rewiring_keeps_shapes():
    graph, v = diamond()
    flat = graph.add(Reshape((2, 2)), [v["x"]], "r", HERE)
    with pytest.raises(GraphError, match="Convert b: rewiring would change its output shape"):
        graph.set_inputs(v["b"].producer, [flat])
    with pytest.raises(GraphError, match="Convert b: the new layer would change its output shape"):
        graph.set_layer(v["b"].producer, Reshape((1, 4)))
    with pytest.raises(GraphError, match="Convert b: the new layer would change its output shape"):
        graph.set_layer(v["b"].producer, Convert(), [flat])
    consistent(graph)
    graph.set_layer(v["b"].producer, Reshape((4,)), [flat])
    consistent_after_sort(graph)


def consistent_after_sort(graph: Graph) -> None:
    graph.sort()
    consistent(graph)


def test_verify_finds_a_wrong_shape_and_a_foreign_output():
    graph, v = diamond()
    v["b"].shape = (5,)
    with pytest.raises(GraphError, match=r"Convert b: output shape \(5,\), but its layer says \(4,\)"):
        graph.verify()
    graph, v = diamond()
    _, other = diamond()
    graph.set_outputs([other["d"]], ["d"])
    with pytest.raises(GraphError, match="%d is computed by no node of graph g"):
        graph.verify()


def test_adding_with_a_value_of_another_graph():
    graph, _ = diamond()
    _, other = diamond()
    with pytest.raises(GraphError, match="new: its input %a is not a value of this graph"):
        graph.add(Convert(), [other["a"]], "new", HERE)
    graph.verify()


def test_names_are_the_first_that_are_free():
    """Whatever was named, renamed and removed before."""
    rng, graph, nodes = random.Random(3), Graph("g"), []
    wishes = ["a", "b", "a_1", "a:0", "a_1:1", "a_", "_1", "a_1_1", "b#"]
    x = graph.add(Input((4,)), (), "x", Source("x", "Input"))

    def free(wish: str, outputs: int, taken: set[str]) -> str:
        numbered = (f"{wish}_{i}" if i else wish for i in range(1000))
        parts = [":0", ":1"] if outputs > 1 else []
        return next(name for name in numbered if taken.isdisjoint([name, *(name + part for part in parts)]))

    for _ in range(1500):
        wish, move = rng.choice(wishes), rng.random()
        taken = {name for node in graph for name in (node.name, *(value.name for value in node.outputs))}
        if move < 0.5 or not nodes:
            split = rng.random() < 0.3
            expected = free(wish, 2 if split else 1, taken)
            nodes.append(graph.add_node(Split(0, 2) if split else Reshape((4,)), [x], wish, Source(wish, "Any")))
            assert nodes[-1].name == expected
        elif move < 0.75:
            node = rng.choice(nodes)
            own = {node.name, *(value.name for value in node.outputs)}
            expected = free(wish, len(node.outputs), taken - own)
            graph.rename(node, wish)
            assert node.name == expected
        else:
            graph.remove(nodes.pop(rng.randrange(len(nodes))))


def test_names_are_unique_and_free_again_after_removal():
    graph, v = diamond()
    again = graph.add(Convert(), [v["d"]], "a", HERE)
    assert again.name == again.producer.name == "a_1"
    graph.remove(again.producer)
    assert graph.unique_name("a_1") == "a_1"
    graph.rename(v["b"].producer, "c")
    assert v["b"].name == v["b"].producer.name == "c_1"
    graph.rename(v["c"].producer, "c")
    assert v["c"].name == "c", "a node may keep its own name"


def test_prune_removes_what_no_output_needs():
    graph, v = diamond()
    dead = graph.add(Convert(), [v["b"]], "dead", HERE)
    graph.aliases["dead"] = dead
    deader = graph.add(Convert(), [dead], "deader", HERE)
    assert deader.name == "deader"
    unused = graph.add(Input((3,)), (), "unused", HERE)
    assert graph.prune()
    consistent(graph)
    assert names(graph) == "x a b c d unused"
    assert "dead" not in graph.aliases
    assert graph.inputs == [v["x"], unused]
    assert not graph.prune()


def test_identity_not_equality():
    graph, v = diamond()
    assert v["b"] != v["c"]
    assert len({v["b"].producer, v["c"].producer}) == 2
    assert isinstance(v["b"].producer, Node)
    assert len(graph) == 5
    assert repr(v["a"]) == "%a" and repr(v["a"].producer) == "Convert a"
    assert Value("y", (2, 3, 4), v["a"].producer).size == 24


# -- copying -----------------------------------------------------------------------------------


def annotated() -> tuple[Graph, dict[str, Value]]:
    """The diamond with everything that a graph can hold, and a layer with two outputs."""
    graph, v = diamond()
    halves = graph.add_node(Halves(), [v["d"]], "halves", Source("halves", "Split"))
    graph.set_outputs([*halves.outputs, v["a"], v["a"]], ["low", "high", "a", "again"])
    b, c = v["b"].producer, v["c"].producer
    b.wish = Wish().with_type("result", Wished(FixedType(8, 3), By.LAYER))
    c.wish = Wish(hardware=Hardware(Strategy.RESOURCE, 2))
    graph.absorb(b, c)
    c.refitted = True
    v["a"].expected = Expected(1.0, 2.0, Origin.PROBE)
    graph.aliases["layer's own name"] = v["c"]
    graph.notes.append("a note")
    graph.rename(v["d"].producer, "a")  # which becomes a_1
    graph.verify()
    return graph, v


@dataclass(frozen=True, eq=False)
class Halves(Layer):
    kind = "Halves"
    packing = Packing.NONE
    pure = True
    casts = frozenset()

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        (size,) = shapes[0]
        return (size // 2,), (size - size // 2,)


def picture(graph: Graph) -> list[Any]:
    """All that a graph holds; its nodes and values by their names, what they share by identity."""

    def described(value: Value) -> Any:
        users = [user.name for user in graph.uses(value)]
        return value.name, value.shape, value.expected, value.producer.name, users

    nodes = [
        (
            n.name,
            id(n.layer),
            [v.name for v in n.inputs],
            n.source,
            n.wish,
            n.fused,
            n.refitted,
            *map(described, n.outputs),
        )
        for n in graph
    ]
    aliases = {key: value.name for key, value in graph.aliases.items()}
    return [graph.name, nodes, [v.name for v in graph.outputs], graph.output_names, aliases, list(graph.notes)]


def test_a_copy_holds_the_same():
    graph, _ = annotated()
    copy = graph.copy()
    consistent_values(copy)
    assert picture(copy) == picture(graph)
    assert str(copy) == str(graph)
    assert not {*copy.nodes, *copy.values} & {*graph.nodes, *graph.values}
    assert {*copy.outputs, *copy.aliases.values()} <= {*copy.values}
    assert [copy.unique_name(name) for name in ("a", "d", "new")] == ["a_2", "d", "new"], "its names are taken"


def consistent_values(graph: Graph) -> None:
    graph.verify()
    assert all(value.producer in graph.nodes for value in graph.values)


@pytest.mark.parametrize("other_way", [False, True])
def test_a_change_of_a_copy_is_none_of_the_original(other_way):
    graph, _ = annotated()
    copy = graph.copy()
    kept, changed = (copy, graph) if other_way else (graph, copy)
    before = picture(kept)
    by_name = {node.name: node for node in changed}
    changed.rename(by_name["x"], "renamed")
    changed.bypass(by_name["c"])
    changed.set_layer(by_name["b"], Reshape((4,)))
    changed.absorb(by_name["a"], by_name["b"])
    by_name["a"].wish = Wish().with_type("result", Wished(FixedType(4, 4), By.MODEL))
    by_name["a"].refitted = True
    by_name["b"].output.expected = None
    by_name["a"].output.expected = Expected(3.0, 4.0, Origin.CALIBRATION)
    changed.add(Convert(), (by_name["a"].output,), "new", HERE)
    changed.set_outputs([by_name["b"].output], ["b"])
    changed.aliases["more"] = by_name["b"].output
    changed.notes.append("another")
    changed.name = "other"
    changed.prune()
    changed.verify()
    assert picture(kept) == before != picture(changed)


def test_a_copy_of_a_copy_and_of_nothing():
    graph, _ = annotated()
    assert picture(graph.copy().copy()) == picture(graph)
    assert len(Graph("empty").copy()) == 0
